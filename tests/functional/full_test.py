# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb
# vm: kernel=6.1 tpm=tis
# vm-proxy: yes
# vm-timeout: 180
"""A full log refuses before any extend; the end of it is kept for CAP_SYS_ADMIN."""
import errno
import json
import os
import unittest

import aael
import device
import netlink
import rest
import vm

MAX = 128 << 10
HEADROOM = 64 << 10
LARGE = 1280 << 10
ENTRY = 4096
OVERHEAD = len(aael.encode_entry(14, [0xb], 'f', 'o', ''))


def setUpModule():
    device.insmod(enable=1, max_log_bytes=MAX)


class Full(unittest.TestCase):
    """One story: the tests run in the order of their names."""

    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.proxy = vm.TpmProxy()
        self.addCleanup(self.proxy.__exit__)

    def used(self):
        info = self.dev.info()
        return info.bytes - info.own_offset

    def line(self, size):
        """A line whose entry has that size"""
        return 'f o ' + 'c' * (size - OVERHEAD) + '\n'

    def fill(self, limit, append):
        """Entries until exactly the limit is used."""
        while self.used() < limit:
            left = limit - self.used()
            append(ENTRY if left >= 2 * ENTRY else left)
        self.assertEqual(self.used(), limit)

    def privileged(self, size):
        return self.dev.extend('f', 'o', 'c' * (size - OVERHEAD))

    def refused(self, code, call, *args, **more):
        count, pcr = device.count(), device.pcr_values(14, vm.BANKS)
        self.proxy.reset()
        with self.assertRaises(OSError) as caught:
            call(*args, **more)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))
        self.assertEqual(self.proxy.stats()['extends'].get('14', 0), 0)
        self.assertEqual(device.count(), count)
        self.assertEqual(device.pcr_values(14, vm.BANKS), pcr)

    def replays(self):
        entries = device.read_log().entries
        for alg, value in device.pcr_values(14, vm.BANKS).items():
            self.assertEqual(aael.replay(entries, 14, alg), value)
        self.assertEqual(device.Status().one('health'), 'consistent')

    def test_1_entry_sizes_are_what_they_count(self):
        self.dev.write(self.line(ENTRY))
        self.assertEqual(self.used(), ENTRY)
        self.assertEqual(device.read_log().ours[-1].size, ENTRY)

    def test_2_unprivileged_stop_at_the_headroom(self):
        self.refused(errno.EDQUOT, self.dev.write, self.line(MAX - HEADROOM))
        self.fill(MAX - HEADROOM, lambda size: self.dev.write(self.line(size)))
        self.refused(errno.EDQUOT, self.dev.write, 'f o c\n')
        self.refused(errno.EDQUOT, self.dev.extend, 'f', 'o', 'c', flags=1)

        def member():
            with device.Device(os.O_WRONLY) as dev:
                dev.extend('f', 'o', 'c')
        os.chmod(device.PATH, 0o666)
        self.assertEqual(device.name_of(device.as_user(member)), 'EDQUOT')
        self.replays()

    def test_3_what_is_checked_first_wins_over_room(self):
        self.refused(errno.EINVAL, self.dev.write, 'f o \x01\n')
        self.refused(errno.EACCES, self.dev.write, 'aael o c\n')
        self.refused(errno.EPERM, self.dev.extend, 'f', 'o', 'c', index=9, flags=1)
        self.refused(errno.EINVAL, self.dev.extend, 'f', 'o', 'c', index=5, flags=1)

    def test_4_rest_says_507(self):
        count = device.count()
        with rest.Daemon() as daemon:
            answer = daemon.post({'domain': 'f', 'operation': 'o', 'content': 'c'})
            self.assertEqual(answer.status, 507, answer)
            self.assertEqual(json.loads(answer.body)['success'], 'false')
            self.assertTrue(daemon.alive())
        self.assertEqual(device.count(), count)

    def test_5_headroom_is_for_the_privileged(self):
        self.privileged(ENTRY)
        self.refused(errno.EDQUOT, self.dev.write, 'f o c\n')
        self.refused(errno.ENOSPC, self.privileged, HEADROOM - ENTRY + 1)
        self.fill(MAX, self.privileged)
        self.refused(errno.ENOSPC, self.dev.extend, 'f', 'o', 'c')
        self.refused(errno.ENOSPC, self.dev.write, 'f o c\n')
        self.assertEqual(self.dev.verify().match, 1)
        self.replays()

    def test_6_a_higher_limit_makes_room(self):
        with netlink.Family() as nl:
            nl.set_limits(MAX + 8 * ENTRY)
            self.refused(errno.EDQUOT, self.dev.write, 'f o c\n')
            self.privileged(ENTRY)
            nl.set_limits(MAX + HEADROOM + 16 * ENTRY)
        self.assertEqual(self.dev.info().max_log_bytes, MAX + HEADROOM + 16 * ENTRY)
        self.dev.write('f o c\n')
        self.replays()

    def test_7_a_log_too_large_for_a_verifier_is_announced(self):
        with netlink.Family() as nl:
            nl.set_limits(2 * LARGE)
        large = 'f o ' + 'c' * 65000 + '\n'
        while self.dev.info().bytes <= LARGE:
            self.assertNotIn('large', device.Status())
            self.dev.write(large)
        self.assertIn('2 MiB', device.Status().one('large'))
