# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
"""The netlink family: status, the three one-way commands, and the group of events."""
import errno
import unittest

import aael
import device
import netlink

MIB = 1 << 20
RESERVED_MAX = 32
SOL_SOCKET, SO_RCVBUF = 1, 8
SOL_NETLINK, BROADCAST_ERROR = 270, 4


class Case(unittest.TestCase):
    def setUp(self):
        self.nl = netlink.Family()
        self.addCleanup(self.nl.sock.close)
        self.dev = device.Device()
        self.addCleanup(self.dev.close)

    def refused(self, code, call, *args):
        with self.assertRaises(OSError, msg=f'{args}') as caught:
            call(*args)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code), f'{args}')
        return caught.exception.strerror


class BeforeEnable(Case):
    """Runs first, since enabling is one-way; with a new module for each test."""

    @staticmethod
    def load():
        if device.loaded():
            device.rmmod()
        device.insmod()

    def setUp(self):
        self.load()
        super().setUp()

    def test_status_of_a_disabled_log(self):
        status = self.nl.status()
        self.assertEqual((status['state'], status['index'], status['count']), (1, 17, 0))
        self.assertEqual(status['provider'], 'tpm')

    def test_refused_index_says_why_and_changes_nothing(self):
        self.assertIn('firmware', self.refused(errno.EINVAL, self.nl.enable, 3))
        self.assertIn('reset', self.refused(errno.EINVAL, self.nl.enable, 23))
        self.assertEqual(self.nl.status()['state'], 1)

    def test_enable_needs_privilege(self):
        def enable():
            with netlink.Family() as nl:
                nl.enable(17)
        self.assertEqual(device.name_of(device.as_user(enable)), 'EPERM')
        self.assertEqual(self.nl.status()['state'], 1)

    def test_table_of_reserved_domains_is_bounded(self):
        have = device.Status()['reserved_domain']
        for i in range(RESERVED_MAX - len(have)):
            self.nl.reserve(f'many{i}')
        self.assertIn('full', self.refused(errno.ENOSPC, self.nl.reserve, 'one.more'))
        for domain in ('many0', 'many0/below', have[0]):
            self.nl.reserve(domain)
        self.assertEqual(len(device.Status()['reserved_domain']), RESERVED_MAX)


class Enabled(Case):
    """In any order"""

    @classmethod
    def setUpClass(cls):
        BeforeEnable.load()
        with netlink.Family() as nl:
            nl.enable()

    def setUp(self):
        super().setUp()
        self.before = device.count()

    def test_enable_is_idempotent_and_one_way(self):
        self.nl.enable(17)
        self.nl.enable()
        for index in (18, 14, 9, 5):
            self.assertIn('another index', self.refused(errno.EBUSY, self.nl.enable, index))
        self.assertEqual(self.nl.status()['state'], 2)
        self.assertEqual(self.nl.status()['register'], 14)

    def test_enable_of_what_is_enabled_needs_no_privilege(self):
        def enable_again():
            with netlink.Family() as nl:
                nl.enable(17)
        self.assertEqual(device.as_user(enable_again), 0)

    def test_commands_need_privilege(self):
        def command(name, *args):
            def call():
                with netlink.Family() as nl:
                    getattr(nl, name)(*args)
            return device.as_user(call)
        before = self.nl.status()
        for name, args in (('status', ()), ('enable', (18,)), ('set_limits', (64 * MIB,)),
                           ('reserve', ('taken',))):
            self.assertEqual(device.name_of(command(name, *args)), 'EPERM', name)
        self.assertEqual(self.nl.status(), before)

    def test_limits_only_grow(self):
        now = self.nl.status()['max-log-bytes']
        self.nl.set_limits(now)
        self.nl.set_limits(now + 4096)
        self.assertEqual(self.dev.info().max_log_bytes, now + 4096)
        self.assertIn('grow', self.refused(errno.EINVAL, self.nl.set_limits, now))
        self.refused(errno.EINVAL, self.nl.set_limits, 0)
        self.refused(errno.EINVAL, self.nl.set_limits, (1 << 30) + 1)
        self.assertIn('missing', self.refused(errno.EINVAL, self.nl.call, self.nl.id,
                                              netlink.SET_LIMITS))
        self.assertEqual(self.nl.status()['max-log-bytes'], now + 4096)

    def test_reserved_domain_stays_reserved(self):
        self.dev.write('later b c\nlater/sub b c\n')
        self.nl.reserve('later')
        self.nl.reserve('later')
        for line in ('later b c\n', 'later/sub b c\n', 'later/ b c\n'):
            self.refused(errno.EACCES, self.dev.write, line)
        self.dev.write('laterals b c\n')
        self.assertIn('later', device.Status()['reserved_domain'])
        self.assertEqual(self.dev.extend('later', 'b', 'by root')[1], 14)

    def test_malformed_domains(self):
        for domain in ('', 'a b', 'ä', 'a\n'):
            self.assertIn('printable', self.refused(errno.EINVAL, self.nl.reserve, domain))
        self.refused(errno.EINVAL, self.nl.call, self.nl.id, netlink.RESERVE_DOMAIN)
        for raw in (b'x' * 256 + b'\0', b'x' * 300 + b'\0', b'no end'):
            self.refused(errno.EINVAL, self.nl.call, self.nl.id, netlink.RESERVE_DOMAIN,
                         netlink.attribute(netlink.DOMAIN, raw))

    def test_malformed_attributes(self):
        for kind, data in ((netlink.INDEX, b'\1'), (netlink.INDEX, b''), (netlink.INDEX, bytes(8)),
                           (netlink.MAX_LOG_BYTES, b'\1\0\0\0'), (99, b''), (0, b'')):
            self.refused(errno.EINVAL, self.nl.call, self.nl.id,
                         netlink.SET_LIMITS if kind == netlink.MAX_LOG_BYTES else netlink.ENABLE,
                         netlink.attribute(kind, data))
        for command in (0, netlink.EVENT, 99):
            self.refused(errno.EOPNOTSUPP, self.nl.call, self.nl.id, command)

    def test_status_is_what_the_log_is(self):
        self.dev.write('a b c\n')
        status, info = self.nl.status(), self.dev.info()
        self.assertEqual((status['count'], status['bytes']), (info.count, info.bytes))
        self.assertEqual((status['health'], status['violations']), (0, 0))
        self.assertEqual(status['dropped'], int(device.Status().one('notifications_dropped')))

    def test_events_tell_where_and_never_what(self):
        self.nl.join()
        secret = 'verysecret'
        texts = [f'{secret}.domain {secret}-operation {secret} {i}' for i in range(3)]
        for line in texts:
            self.dev.write(line + '\n')
        found = []
        device.wait_for(lambda: found.extend(self.nl.events(1)) or len(found) >= 3)
        log = device.read_log()
        self.assertEqual(len(found), 3)
        for (event, raw), entry in zip(found, log.ours[-3:]):
            self.assertEqual(sorted(event),
                             ['bytes', 'health', 'offset', 'register', 'sequence'])
            self.assertEqual(log.ours[event['sequence'] - 1], entry)
            self.assertEqual(event['offset'], entry.offset)
            self.assertEqual(event['bytes'], entry.offset + entry.size)
            self.assertEqual((event['register'], event['health']), (14, 0))
            self.assertNotIn(secret.encode(), raw)
            for digest in entry.digests.values():
                self.assertNotIn(digest, raw)

    def miss(self, listener):
        """A hundred events; (how many of them the listener is left with, how many are counted)"""
        listener.join()
        listener.sock.setsockopt(SOL_SOCKET, SO_RCVBUF, 1)
        dropped = self.nl.status()['dropped']
        for i in range(100):
            self.dev.write(f'a b {i}\n')
        self.assertEqual(device.count(), self.before + 100)
        self.refused(errno.ENOBUFS, listener.events)
        found = listener.events()
        self.assertEqual([event['sequence'] for event, _ in found],
                         list(range(self.before + 1, self.before + 1 + len(found))))
        self.dev.write('a b again\n')
        self.assertEqual([event['sequence'] for event, _ in listener.events(20)], [self.before + 101])
        return len(found), self.nl.status()['dropped'] - dropped

    def test_slow_listener_stops_nobody_and_is_told(self):
        with netlink.Family() as listener:
            left, counted = self.miss(listener)
        self.assertLess(left, 100)
        self.assertEqual(counted, 0)

    def test_what_a_listener_misses_is_counted_if_it_asks_for_that(self):
        with netlink.Family() as listener:
            listener.sock.setsockopt(SOL_NETLINK, BROADCAST_ERROR, 1)
            left, counted = self.miss(listener)
        self.assertLess(left, 100)
        self.assertEqual(counted, 100 - left)
        self.assertGreaterEqual(int(device.Status().one('notifications_dropped')), counted)

    def test_log_replays(self):
        self.dev.write('a b c\n')
        verify = self.dev.verify()
        self.assertEqual(verify.match, 1)
        self.assertEqual(aael.replay(device.read_log().entries, 14, 0xc), verify.live[0xc])
