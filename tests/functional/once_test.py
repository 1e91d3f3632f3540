# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb
# vm-proxy: yes
# vm-timeout: 180
"""AAEL_EXTEND_F_ONCE: an event is logged once, however many processes ask for it at once."""
import errno
import json
import unittest

import aael
import device
import race
import rest
import vm

MAX = 256 << 10
HEADROOM = 64 << 10
RESERVED = 'github.com/confidential-containers'


def setUpModule():
    device.insmod(enable=1, max_log_bytes=MAX)


class Once(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.proxy = vm.TpmProxy()
        self.addCleanup(self.proxy.__exit__)
        self.proxy.reset()
        self.before = device.count()

    def added(self, *texts):
        """Exactly these have been logged and measured, and the log replays."""
        log = device.read_log()
        self.assertEqual(log.texts()[self.before:], [text.encode() for text in texts])
        self.assertEqual(self.proxy.stats()['extends'].get('14', 0), len(texts))
        for alg, value in device.pcr_values(14, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, 14, alg), value)

    def refused(self, code, *fields, sequence=0, **more):
        with self.assertRaises(OSError) as caught:
            self.dev.once(*fields, **more)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))
        self.assertEqual(caught.exception.sequence, sequence)

    def test_identical_event_is_a_duplicate(self):
        self.assertEqual(self.dev.once('once', 'same', 'x'), (self.before + 1, 0))
        self.assertEqual(self.dev.extend('once', 'other', 'x')[0], self.before + 2)
        self.assertEqual(self.dev.once('once', 'same', 'x'), (self.before + 1, 1))
        self.added('once same x', 'once other x')

    def test_other_content_is_eexist_and_names_the_entry(self):
        self.dev.once('once', 'conflict', 'x')
        self.refused(errno.EEXIST, 'once', 'conflict', 'y', sequence=self.before + 1)
        self.added('once conflict x')

    def test_events_of_write_count(self):
        self.dev.write('once write a b\nonce write c\n')
        self.assertEqual(self.dev.once('once', 'write', 'c'), (self.before + 2, 1))
        self.assertEqual(self.dev.once('once', 'write', 'a b'), (self.before + 1, 1))
        self.refused(errno.EEXIST, 'once', 'write', 'a', sequence=self.before + 1)
        self.dev.write('once write c\n')  # and are not bound by it
        self.added('once write a b', 'once write c', 'once write c')

    def test_longest_event(self):
        fields = 'd' * 255, 'o' * 255, 'c' * 65535
        self.assertEqual(self.dev.once(*fields), (self.before + 1, 0))
        self.assertEqual(self.dev.once(*fields), (self.before + 1, 1))
        self.refused(errno.EEXIST, *fields[:2], 'c' * 65534 + 'C', sequence=self.before + 1)
        self.added(' '.join(fields))

    def test_registers_are_apart(self):
        self.assertEqual(self.dev.once('once', 'register', 'x', index=9), (self.before + 1, 0))
        self.assertEqual(self.dev.once('once', 'register', 'x'), (self.before + 2, 0))
        self.assertEqual(self.dev.once('once', 'register', 'x', index=9), (self.before + 1, 1))
        self.assertEqual(self.dev.once('once', 'register', 'x', index=18), (self.before + 2, 1))
        self.assertEqual(self.proxy.stats()['extends'], {'9': 1, '14': 1})

    def test_permission_comes_before_eexist(self):
        self.dev.once(RESERVED, 'op', 'x')
        self.refused(errno.EACCES, RESERVED, 'op', 'x', flags=device.F_UNPRIVILEGED)
        self.dev.once('once', 'privileged', 'x', index=9)
        self.refused(errno.EPERM, 'once', 'privileged', 'y', index=9,
                     flags=device.F_UNPRIVILEGED)
        self.refused(errno.EINVAL, 'once', 'privileged', '\x01')
        self.refused(errno.EINVAL, 'once', 'privileged', 'x', duplicate=1)

    def test_race_for_one_event_has_one_entry(self):
        found = race.run([('race', 'same', 'x')] * race.PROCESSES)
        self.assertEqual(len(found), race.PROCESSES)
        self.assertEqual(sorted(found), [(self.before + 1, 0, 0)]
                         + [(self.before + 1, 1, 0)] * (race.PROCESSES - 1))
        self.added('race same x')

    def test_race_with_different_contents_has_one_winner(self):
        found = race.run([('race', 'different', str(i)) for i in range(race.PROCESSES)])
        self.assertEqual(sorted(found), [(self.before + 1, 0, 0)]
                         + [(self.before + 1, 0, errno.EEXIST)] * (race.PROCESSES - 1))
        text, = device.read_log().texts()[self.before:]
        self.assertRegex(text, rb'^race different \d+$')
        self.added(text.decode())

    def test_race_of_several_events_has_each_once(self):
        found = race.run([('race', f'several{i % 4}', 'x') for i in range(race.PROCESSES)])
        self.assertEqual(sorted(duplicate for _, duplicate, _ in found),
                         [0] * 4 + [1] * (race.PROCESSES - 4))
        self.assertEqual({code for *_, code in found}, {0})
        self.assertEqual(sorted(device.read_log().texts()[self.before:]),
                         [b'race several%d x' % i for i in range(4)])

    def test_rest(self):
        event = {'domain': 'once', 'operation': 'rest', 'content': 'x', 'once': True}
        with rest.Daemon() as daemon:
            for _ in range(3):
                answer = daemon.post(event)
                self.assertEqual((answer.status, answer.body), (200, b'{"success":"true"}'))
            answer = daemon.post({**event, 'content': 'y'})
            self.assertEqual(answer.status, 409)
            said = json.loads(answer.body)
            self.assertEqual(said['success'], 'false')
            self.assertRegex(said['message'], rf'\bentry {self.before + 1}\b')
            for wrong in ('true', 1, []):
                self.assertEqual(daemon.post({**event, 'once': wrong}).status, 400)
            for without in (False, None):
                self.assertEqual(daemon.post({**event, 'once': without}).status, 200)
        self.added(*['once rest x'] * 3)

    def test_aaelctl(self):
        words = 'aaelctl', 'append', '--once', 'once', 'ctl'
        self.assertEqual(device.run(*words, 'x'), f'{self.before + 1} 14\n')
        self.assertEqual(device.run(*words, 'x'), f'already logged as {self.before + 1}\n')
        code, out = device.run(*words, 'y', check=False)
        self.assertEqual(code, 1)
        self.assertIn(f'with other content as entry {self.before + 1} (EEXIST)', out)
        self.added('once ctl x')

    def test_z_full_log_still_knows_what_it_has(self):
        """Runs last: fills the log."""
        self.dev.once('once', 'full', 'x')
        while (room := MAX - HEADROOM - self.used()) > 4096:
            self.dev.write('f f ' + 'c' * min(room - 1024, 60000) + '\n')
        unprivileged = device.F_UNPRIVILEGED
        self.refused(errno.EDQUOT, 'once', 'new', 'c' * 4096, flags=unprivileged)
        self.assertEqual(self.dev.once('once', 'full', 'x', flags=unprivileged),
                         (self.before + 1, 1))
        self.refused(errno.EEXIST, 'once', 'full', 'c' * 4096, flags=unprivileged,
                     sequence=self.before + 1)

    def used(self):
        info = self.dev.info()
        return info.bytes - info.own_offset
