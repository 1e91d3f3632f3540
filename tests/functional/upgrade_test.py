# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,7,debug
# vm-timeout: 300
"""Another module under the same log, in one command."""
import contextlib
import fcntl
import glob
import hashlib
import os

import device
import handover
import rest
import vm
from handover import Export, REFUSED, UNREADABLE

BANKS = ['sha256']
DIR = '/run/aael/handover'
MANY = 100 if vm.DEBUG else 1000


class Upgrade(handover.Case):
    """With the parameters that everybody has"""

    def tearDown(self):
        self.drop()

    def test_one_log_with_the_events_before_and_after(self):
        device.insmod(enable=1)
        self.append(MANY, 'before')
        module, version = handover.next_module()
        out = self.handover('upgrade', module)
        self.assertIn(f'imported: {MANY} entries, 0 of them foreign; recorded as entry {MANY + 1}\n', out)
        self.assertIn(f'upgraded: {MANY + 1} entries; register 14 is what they replay to\n', out)
        self.assertEqual(handover.version(), version)
        self.assertFalse(os.path.exists(DIR))
        self.append(MANY, 'after')
        log = self.replays(14, device.pcr_values(14, BANKS))
        texts = log.texts()
        self.assertEqual(texts[:MANY] + texts[MANY + 1:],
                         self.expected(MANY, 'before') + self.expected(MANY, 'after'))
        data = device.read_log_bytes()
        own = data[log.ours[0].offset:log.ours[MANY].offset]
        self.assertEqual(self.record(texts[MANY]), {'entries': MANY, 'foreign': 0,
                                                    'sha256': hashlib.sha256(own).hexdigest()})
        self.ctl('verify')
        self.assertEqual(device.Status().one('state'), 'enabled')
        self.assertEqual(device.Status().one('health'), 'consistent')
        # And once more, onto the same module.
        out = self.handover('upgrade', device.MODULE)
        self.assertIn(f'imported: {2 * MANY + 1} entries', out)
        self.replays(14, device.pcr_values(14, BANKS))


class Refused(handover.Anew):
    """What can be known beforehand leaves everything as it was."""

    def test_a_module_for_another_kernel(self):
        self.append(1)
        # The release counts only where modules have no versions of symbols.
        bad = handover.patched('/tmp/bad/aael.ko', (b' SMP ', b' UMP '))
        self.handover('upgrade', bad, code=REFUSED,
                      says=('built for another kernel', ' UMP ', ' ' + os.uname().release, 'ENOEXEC'))
        self.handover('upgrade', device.MODULE, '--fallback', bad, code=REFUSED, says='ENOEXEC')
        self.untouched(1)

    def test_what_is_no_such_module(self):
        self.append(1)
        with open('/tmp/none.ko', 'wb') as file:
            file.write(b'none')
        self.handover('upgrade', '/tmp/none.ko', code=UNREADABLE, says='/tmp/none.ko: ')
        self.handover('upgrade', '/nowhere/aael.ko', code=UNREADABLE, says='/nowhere/aael.ko: ')
        self.handover('upgrade', code=UNREADABLE, says='the installed module aael: ')
        # The debug kernel has none.
        others = glob.glob(f'/lib/modules/{os.uname().release}/kernel/lib/**/*.ko*', recursive=True)
        others.append(handover.patched('/tmp/other/aael.ko', (b'name=aael\0', b'name=laea\0')))
        loaded = device.run('lsmod')
        for other in (others[0], others[-1]):
            self.handover('upgrade', other, code=REFUSED, says='is not the module aael')
        self.assertEqual(device.run('lsmod').split()[::4], loaded.split()[::4])
        old = handover.patched('/tmp/old/aael.ko', (b'parm=import:', b'parm=imporx:'))
        self.handover('upgrade', old, code=REFUSED, says='no parameter "import"')
        self.untouched(1)

    def test_who_has_the_device_open(self):
        self.append(1)
        with device.Device(os.O_RDONLY):
            self.handover('upgrade', device.MODULE, code=REFUSED,
                          says=('cannot be removed', f'process {os.getpid()} (python3'))
        self.assertFalse(os.path.exists(DIR))
        self.untouched(1)
        self.assertNotEqual(device.rmmod(check=False)[0], 0)

    def test_a_diverged_log_only_on_request(self):
        self.append(1)
        device.pcr_extend(16, 'sha256', hashlib.sha256(b'somebody').digest())
        # Nobody knows yet: the seal finds out, and is taken back.
        self.handover('upgrade', device.MODULE, code=REFUSED, says=('the log is diverged', '--diverged'))
        self.untouched(1)
        self.handover('upgrade', device.MODULE, code=REFUSED, says='the log is diverged')
        self.untouched(2)
        self.handover('upgrade', device.MODULE, '--diverged', says='the log is diverged')
        self.assertEqual(device.Status().one('health'), 'diverged')
        self.assertEqual(device.count(), 4)


class Halfway(handover.Anew):
    """A module that passes every check of the kernel, and cannot be loaded all the same"""

    @staticmethod
    def broken():
        return handover.patched('/tmp/broken/aael.ko', (b'\0misc_deregister\0', b'\0misc_deregistex\0'))

    def test_the_way_back(self):
        self.append(3)
        out = self.handover('upgrade', self.broken(), '--fallback', device.MODULE, code=REFUSED,
                            says=('a symbol is missing', 'GOING BACK to ' + device.MODULE))
        self.assertIn('\nnot upgraded: 4 entries', out)
        texts = device.read_log().texts()
        self.assertEqual(texts[:3], self.expected(3))
        self.check(texts)

    def test_goes_on_with_the_next_module(self):
        self.append(3)
        self.handover('upgrade', self.broken(), code=REFUSED, says=('a symbol is missing', 'NO MODULE IS LOADED'))
        self.assertFalse(device.loaded())
        self.assertEqual(Export(DIR).facts['count'], 3)
        module, version = handover.next_module()
        self.assertIn('upgraded: 4 entries', self.handover('upgrade', module))
        self.assertEqual(handover.version(), version)
        self.assertEqual(handover.parameters()['tpm_pcr'], '16')
        self.check(device.read_log().texts())
        self.assertFalse(os.path.exists(DIR))

    def test_an_extend_meanwhile_waits_for_a_word(self):
        self.append(3)
        self.handover('upgrade', self.broken(), code=REFUSED, says='NO MODULE IS LOADED')
        device.pcr_extend(16, 'sha256', hashlib.sha256(b'somebody').digest())
        self.handover('upgrade', device.MODULE, code=REFUSED, says=('register 16 is not', '--diverged'))
        self.assertEqual(device.Status().one('state'), 'disabled')
        self.handover('upgrade', device.MODULE, code=REFUSED, says='register 16 is not')
        self.handover('upgrade', device.MODULE, '--diverged', says='the log is diverged')
        self.assertEqual(device.Status().one('health'), 'diverged')
        self.assertEqual(device.count(), 4)

    def test_the_log_of_another_module_is_kept(self):
        """Somebody has begun another log since: the export is the only copy of the one before."""
        self.append(3)
        self.handover('upgrade', self.broken(), code=REFUSED, says='NO MODULE IS LOADED')
        before = Export(DIR).log
        self.insmod(enable=1)
        self.handover('upgrade', device.MODULE, '--diverged', code=REFUSED,
                      says=(DIR + ' has an export that is not of', '--dir'))
        self.assertEqual(Export(DIR).log, before)
        self.assertEqual(device.Status().one('state'), 'enabled')
        # That module has nothing yet, so there is still a way.
        device.rmmod()
        self.handover('upgrade', device.MODULE)
        self.assertEqual(device.read_log().texts()[:3], self.expected(3))
        # An earlier state of the same log is none to keep.
        self.handover('export', DIR)
        self.handover('unseal')
        self.append(1, 'later')
        self.handover('upgrade', device.MODULE)
        self.check(device.read_log().texts())

    def test_one_at_a_time(self):
        self.append(1)
        with open('/run/aael-upgrade.lock', 'w', encoding='ascii') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.handover('upgrade', device.MODULE, code=REFUSED, says='another upgrade is under way')
        self.untouched(1)
        self.handover('upgrade', device.MODULE)

    def test_nothing_at_all(self):
        self.drop()
        self.handover('upgrade', device.MODULE, code=UNREADABLE, says='no module is loaded, and there is no export')


SYSTEMCTL = """#!/usr/bin/python3
import os, signal, sys
_, _, verb, unit = sys.argv
with open('/tmp/units', 'a') as log:
    log.write(verb + ' ' + unit + '\\n')
pid = os.environ.get('TEST_DAEMON')
if verb == 'is-active':
    sys.exit(unit != 'aaeld.service')
if (verb, unit) == ('stop', 'aaeld.socket'):
    sys.exit(5)
if verb == 'stop':
    os.kill(int(pid), signal.SIGTERM)
    while os.path.exists('/proc/' + pid) and open('/proc/' + pid + '/stat').read().split()[2] != 'Z':
        pass
"""


class Units(handover.Anew):
    def test_are_stopped_and_started(self):
        os.makedirs('/run/systemd/system')
        self.addCleanup(os.removedirs, '/run/systemd/system')
        os.makedirs('/tmp/bin', exist_ok=True)
        with open('/tmp/bin/systemctl', 'w', encoding='ascii') as file:
            file.write(SYSTEMCTL)
        os.chmod('/tmp/bin/systemctl', 0o755)
        with contextlib.suppress(FileNotFoundError):
            os.unlink('/tmp/units')
        self.append(1)
        daemon = rest.Daemon()
        with daemon:
            self.handover('upgrade', device.MODULE, env={
                **os.environ, 'PATH': '/tmp/bin:' + os.environ['PATH'], 'TEST_DAEMON': str(daemon.process.pid)})
            daemon.process.wait(20)
        with open('/tmp/units', encoding='ascii') as file:
            self.assertEqual(file.read().splitlines(), [
                'is-active aaeld.socket', 'is-active aaeld.service', 'stop aaeld.socket',
                'stop aaeld.service', 'start aaeld.service'])
        self.assertEqual(device.count(), 2)
