# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7,debug
# vm-tdx: yes
# vm-append: apparmor=1 security=apparmor
# vm-timeout: 180
"""A TDX guest: events reach RTMR3, read on paths that do not involve aael."""
import errno
import hashlib
import json
import os
import signal
import threading
import unittest

import aael
import device
import race
import rest
import tdx

SHA384 = 0xc
ROUNDS = 200
PROFILE = """abi <abi/3.0>,
profile aael_writer flags=(attach_disconnected) {
  /dev/aael rw,
  deny /sys/** rw,
  /dev/null rw,
  /** mrix,
}
"""


def setUpModule():
    tdx.load()
    device.insmod(enable=1)


def digest(text):
    return hashlib.sha384(text.encode()).digest()


class Case(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.dev.verify()
        self.before = device.count()

    def appended(self, number):
        self.assertEqual(device.count() - self.before, number)

    def replays(self, registers=(1, 2, 3, 4)):
        """Every register as the hardware reports it is what the log amounts to."""
        entries = device.read_log().entries
        live = tdx.reported()
        for register in registers:
            self.assertEqual(aael.replay(entries, register, SHA384).hex(), live[register - 1].hex(),
                             f'register {register}')
        self.assertEqual(self.dev.verify().match, 1)
        self.assertEqual(device.Status().one('health'), 'consistent')


class Events(Case):
    def test_provider_is_found(self):
        self.assertEqual(self.dev.info().provider, 'tsm-mr' if tdx.has_sysfs() else 'tdcall')
        self.assertEqual(self.dev.info().algs, [SHA384])
        status = device.Status()
        self.assertEqual(status.one('bank'), 'sha384')
        self.assertEqual(status.one('register'), '4')
        self.assertIn('RTMR3', status.one('mapping'))

    def test_write_ioctl_and_rest_reach_rtmr3(self):
        others = tdx.reported()[:3]
        self.dev.write('a write one\n')
        self.assertEqual(self.dev.extend('a', 'ioctl', 'two')[1], 4)
        with rest.Daemon() as daemon:
            answer = daemon.post({'domain': 'a', 'operation': 'rest', 'content': 'three'})
            self.assertEqual((answer.status, answer.body), (200, b'{"success":"true"}'))
            self.assertIn(b'"tee":"tdx"', daemon.get('/info').body)
        self.appended(3)
        self.assertEqual(device.read_log().texts()[-3:], [b'a write one', b'a ioctl two', b'a rest three'])
        self.assertEqual(tdx.reported()[:3], others)
        self.assertEqual(aael.mismatched(device.read_log()), [])
        self.replays()

    def test_info_and_status_name_what_there_is(self):
        provider = 'tsm-mr' if tdx.has_sysfs() else 'tdcall'
        with rest.Daemon() as daemon:
            info = json.loads(daemon.get('/info').body)
        self.assertEqual(info['tee'], 'tdx')
        self.assertEqual((info['aael']['provider'], info['aael']['register'], info['aael']['algorithms']),
                         (provider, 4, ['sha384']))
        for status in (device.run('aaelctl', 'status'), device.text_file('status')):
            lines = status.splitlines()
            for line in ('platform: tdx', f'provider: {provider}', 'bank: sha384', 'register: 4'):
                self.assertIn(line, lines)

    def test_many_ask_for_an_event_once(self):
        found = race.run([('a', 'race', 'x')] * race.PROCESSES)
        self.assertEqual(sorted(found), [(self.before + 1, 0, 0)]
                         + [(self.before + 1, 1, 0)] * (race.PROCESSES - 1))
        found = race.run([('a', 'contest', str(i)) for i in range(race.PROCESSES)])
        self.assertEqual(sorted(found), [(self.before + 2, 0, 0)]
                         + [(self.before + 2, 0, errno.EEXIST)] * (race.PROCESSES - 1))
        self.appended(2)
        self.replays()

    def test_indexes(self):
        for index in (0, 1, 2, 6, 7, 24):
            with self.assertRaises(OSError) as caught:
                self.dev.extend('a', 'b', 'c', index=index)
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        for index in (16, 17, 22, 23):
            self.assertEqual(self.dev.extend('a', 'b', 'c', index=index)[1], 4)
        self.assertEqual(self.dev.extend('a', 'b', 'c', index=8)[1], 3)
        self.assertEqual(self.dev.extend('a', 'b', 'c', index=15)[1], 3)
        self.assertEqual(device.name_of(device.as_user(self.privileged)), 'EPERM')
        self.appended(6)
        self.replays()

    def privileged(self):
        self.dev.extend('a', 'b', 'c', index=8)

    def test_one_extend_for_each_event(self):
        extends = tdx.counter('n_extend')
        for i in range(20):
            self.dev.write(f'a b {i}\n')
        self.assertEqual(tdx.counter('n_extend') - extends, 20)
        self.replays()

    def test_writer_under_a_signal_storm(self):
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            for i in range(ROUNDS):
                self.dev.write(f'a storm {i}\n')
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.appended(ROUNDS)
        self.replays()

    def test_writer_confined_by_apparmor(self):
        """It may write /dev/aael and nothing in sysfs."""
        self.assertEqual(device.run('apparmor_parser', '-r', self.profile()), '')
        device.run('aa-exec', '-p', 'aael_writer', '--', 'sh', '-c', 'echo "a confined x" >/dev/aael')
        if tdx.has_sysfs():
            status, _ = device.run('aa-exec', '-p', 'aael_writer', '--', 'cat', tdx.path(3), check=False)
            self.assertNotEqual(status, 0)
        self.appended(1)
        self.replays()

    @staticmethod
    def profile():
        with open('/tmp/profile', 'w', encoding='ascii') as file:
            file.write(PROFILE)
        return '/tmp/profile'

    def test_reports_and_quotes_beside_events(self):
        """The driver serves others while we extend: no BUSY, no stale value."""
        stop, problems = threading.Event(), []

        def others():
            try:
                while not stop.is_set():
                    tdx.report()
            except OSError as error:
                problems.append(error)
        thread = threading.Thread(target=others)
        thread.start()
        try:
            for i in range(ROUNDS):
                self.dev.write(f'a beside {i}\n')
        finally:
            stop.set()
            thread.join()
        self.assertEqual(problems, [])
        self.appended(ROUNDS)
        self.assertEqual(tdx.quote(b'nonce').rtmrs, tdx.reported())
        self.replays()


class Measurements(Case):
    def test_sysfs_is_never_stale(self):
        for i in range(30):
            tdx.sysfs(3)
            self.dev.write(f'a stale {i}\n')
            self.assertEqual(tdx.sysfs(3), tdx.held(3))

    def test_foreign_extend_is_an_entry(self):
        violations = int(device.text_file('violations'))
        tdx.extend(3, digest('foreign'))
        tdx.extend(0, digest('firmware?'))
        self.dev.verify()
        self.appended(2)
        first, second = device.read_log().ours[-2:]
        self.assertEqual((first.register, first.digests), (4, {SHA384: digest('foreign')}))
        self.assertEqual((second.register, second.digests), (1, {SHA384: digest('firmware?')}))
        self.assertEqual(aael.text(first).decode(),
                         f'aael foreign-extend {{"comm":"python3","pid":{os.getpid()},"uid":0}}')
        self.assertEqual(int(device.text_file('violations')), violations + 2)
        self.assertEqual(self.dev.info().violations, violations + 2)
        self.replays()

    def test_snapshot_has_what_was_extended_before_it(self):
        """Not only once a work item has logged it."""
        for i in range(ROUNDS):
            tdx.extend(3, digest(f'before {i}'))
            snapshot = self.dev.snapshot()
            self.assertEqual(snapshot.count, self.before + i + 1)
            self.assertEqual(snapshot.registers[4].running[SHA384], tdx.held(3))
        self.replays()

    def test_snapshot_is_one_moment_while_others_extend(self):
        """The counted entries replay to the values of all registers."""
        stop = threading.Event()

        def extend(index):
            i = 0
            while not stop.is_set():
                tdx.extend(index, digest(f'{index} {i}'))
                i += 1
        threads = [threading.Thread(target=extend, args=(index,)) for index in (2, 3)]
        for thread in threads:
            thread.start()
        try:
            snapshots = [self.dev.snapshot() for _ in range(40)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        log = device.read_log()
        others = len(log.entries) - len(log.ours)
        for snapshot in snapshots:
            entries = log.entries[:others + snapshot.count]
            for register in range(1, 5):
                self.assertEqual(aael.replay(entries, register, SHA384),
                                 snapshot.registers[register].running[SHA384])
        self.assertGreater(snapshots[-1].count, snapshots[0].count)
        self.replays()

    def test_foreign_extends_between_events_logged_once(self):
        sequences = []
        for i in range(20):
            sequences.append(self.dev.once('a', f'between{i}', 'x')[0])
            tdx.extend(3, digest(f'between {i}'))
        self.assertEqual([self.dev.once('a', f'between{i}', 'x') for i in range(20)],
                         [(sequence, 1) for sequence in sequences])
        self.appended(40)
        self.replays()

    def test_driver_leaves_and_comes_back(self):
        self.dev.write('a before x\n')
        tdx.unload_driver()
        self.addCleanup(tdx.load_driver, check=False)
        for _ in range(2):
            with self.assertRaises(OSError) as caught:
                self.dev.write('a while x\n')
            self.assertEqual(caught.exception.errno, errno.ENODEV)
        self.assertEqual(device.Status().one('health'), 'gone')
        with self.assertRaises(OSError) as caught:
            self.dev.verify()
        self.assertEqual(caught.exception.errno, errno.ENODEV)
        tdx.load_driver()
        self.dev.write('a after x\n')
        self.appended(2)
        self.replays()

    def test_driver_back_is_noticed_without_being_asked(self):
        tdx.unload_driver()
        self.addCleanup(tdx.load_driver, check=False)
        with self.assertRaises(OSError):
            self.dev.write('a while x\n')
        tdx.load_driver()
        device.wait_for(lambda: device.Status().one('health') == 'consistent')


class ZLast(Case):
    """Nothing can be put right after it."""

    def test_extend_around_the_driver_diverges(self):
        self.dev.write('a before x\n')
        tdx.extend_behind(3, digest('behind'))
        self.dev.write('a after x\n')
        self.assertEqual(self.dev.verify().match, 0)
        status = device.Status()
        self.assertEqual(status.one('health'), 'diverged')
        self.assertIn('CC register 4 was extended by somebody else', status['diverged'])
        self.dev.write('a still x\n')
        self.appended(3)


if not tdx.has_tsm():
    del Measurements  # a kernel without measurement registers in sysfs
