# SPDX-License-Identifier: Apache-2.0
# vm: kernel=7 ccel=mkccel.py
# vm-tdx: yes
"""A stock Attestation Agent on the same machine: its evidence is believed because of the link
that aaeld makes, and what stands in the way is said."""
import base64
import contextlib
import os
import shutil
import subprocess
import sys
import unittest

import aael
import device
import evidence
import mkccel
import rest
import tdx

NONCE = bytes(range(64))
FOLDER = '/run/attestation-agent'
LINK = FOLDER + '/eventlog'
EVENTS = device.FILES + 'events'
SECURITYFS = '/sys/kernel/security'
EVENT = {'domain': 'beside', 'operation': 'op', 'content': 'c'}
AGENT = '/tmp/attestation-agent'
AGENT_CONFIG = '/tmp/agent.toml'
NOT_A_LINK = f'{LINK} is not a link to {EVENTS}, and left alone'


def setUpModule():
    tdx.load(**{f'rtmr{i}': value.hex() for i, value in enumerate(mkccel.values())})
    tdx.mount_configfs()
    device.insmod()


def stock_evidence():
    """What a stock agent sends: the firmware's log up to its end, its own file, an end mark;
    and a quote."""
    with open(tdx.LOG, 'rb') as file:
        area = file.read()
    last = aael.parse(area, marks=True).entries[-1]
    log = area[:last.offset + last.size]
    if os.path.exists(LINK):
        with open(LINK, 'rb') as file:
            log += file.read()
    return {'cc_eventlog': base64.b64encode(log + evidence.MARK).decode(),
            'quote': base64.b64encode(tdx.outblob(NONCE)).decode()}


@contextlib.contextmanager
def stock_agent(*words):
    """A process that passes for one."""
    if not os.path.exists(AGENT):
        os.symlink(os.path.realpath(sys.executable), AGENT)
        with open('/tmp/wait.py', 'w', encoding='ascii') as file:
            file.write('import sys\nprint("up", flush=True)\nsys.stdin.read()\n')
    with subprocess.Popen([AGENT, '/tmp/wait.py', *words], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def agent_config(enable):
    with open(AGENT_CONFIG, 'w', encoding='ascii') as file:
        file.write(rest.CONFIG.format(init_pcr=17, enable=enable))
    return AGENT_CONFIG


class Case(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(FOLDER, ignore_errors=True)

    def warns_of_nothing(self, daemon):
        for level in ('<3>', '<4>'):
            self.assertNotIn(level, daemon.output())

    def starts(self, says=None):
        """It starts, serves, and says that; without: warns of nothing."""
        with rest.Daemon() as daemon:
            self.assertEqual(daemon.post(EVENT).body, b'{"success":"true"}')
            if says:
                self.assertIn(says, daemon.output())
            else:
                self.warns_of_nothing(daemon)


class ADisabled(Case):
    def test_no_link_to_a_log_that_is_disabled(self):
        with stock_agent('-c', agent_config('true')), rest.Daemon(enable=False) as daemon:
            self.warns_of_nothing(daemon)
        self.assertFalse(os.path.lexists(FOLDER))


class BEnabled(Case):
    def test_stock_evidence_is_believed(self):
        with rest.Daemon() as daemon:
            for i in range(3):
                self.assertEqual(daemon.post({**EVENT, 'content': str(i)}).status, 200)
            tdx.extend(2, NONCE[:48])
            self.assertEqual(daemon.post({**EVENT, 'content': 'last'}).status, 200)
        entries = evidence.verify_tdx(stock_evidence(), NONCE)
        self.assertEqual(aael.text(entries[-1]), b'beside op last')
        self.assertEqual(len(entries), len(device.read_log().entries))
        self.assertEqual(entries[0].event, mkccel.EVENTS[0][2])

    def test_control_without_the_file_it_is_refused(self):
        self.starts()
        evidence.verify_tdx(stock_evidence(), NONCE)
        os.unlink(LINK)
        with self.assertRaises(evidence.Refused):
            evidence.verify_tdx(stock_evidence(), NONCE)

    def test_once_more_changes_nothing(self):
        self.starts()
        self.assertEqual(os.readlink(LINK), EVENTS)
        self.assertEqual(os.stat(FOLDER).st_mode & 0o777, 0o755)
        first = os.lstat(LINK)
        self.starts()
        self.assertEqual(os.lstat(LINK), first)

    def test_securityfs_is_mounted(self):
        device.run('umount', SECURITYFS)
        self.starts()
        self.assertTrue(os.path.ismount(SECURITYFS))
        evidence.verify_tdx(stock_evidence(), NONCE)

    def test_file_of_an_agent_is_left_alone(self):
        os.mkdir(FOLDER)
        with open(LINK, 'wb') as file:
            file.write(b'of the agent')
        self.starts(NOT_A_LINK)
        self.assertFalse(os.path.islink(LINK))
        with open(LINK, 'rb') as file:
            self.assertEqual(file.read(), b'of the agent')

    def test_other_link_is_left_alone(self):
        os.mkdir(FOLDER)
        os.symlink('/nowhere', LINK)
        self.starts(NOT_A_LINK)
        self.assertEqual(os.readlink(LINK), '/nowhere')

    def test_agent_with_a_log_of_its_own(self):
        with stock_agent('--config-file', agent_config('true')) as process:
            self.starts(f'attestation-agent (process {process.pid}) keeps an event log of its own')

    def test_agent_without_one(self):
        with stock_agent('-c', agent_config('false')):
            self.starts()

    def test_agent_that_may_have_one(self):
        with stock_agent():
            self.starts('runs with no -c FILE: make sure')
        with stock_agent('-c', '/nowhere'):
            self.starts('runs with a configuration that cannot be read, /nowhere: make sure')

    def test_without_the_right_to_make_it(self):
        os.mkdir(FOLDER)
        os.chmod(device.PATH, 0o666)
        with rest.Daemon(user=1000, group=1000, extra_groups=[]) as daemon:
            self.assertIn(f'{LINK} cannot be made a link to {EVENTS} (Permission denied)', daemon.output())
            self.assertEqual(daemon.post(EVENT).status, 200)
