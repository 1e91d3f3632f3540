# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb banks=sha256+sha384
"""The netlink family: status, the three one-way commands, and the group of events."""
import errno
import unittest

import aael
import device
import netlink

MIB = 1 << 20


def setUpModule():
    device.insmod()


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
    """Runs first: enabling is one-way."""

    def test_status_of_a_disabled_log(self):
        status = self.nl.status()
        self.assertEqual((status['state'], status['index'], status['count']), (1, 17, 0))
        self.assertEqual(status['provider'], 'tpm')

    def test_refused_index_says_why_and_changes_nothing(self):
        self.assertIn('firmware', self.refused(errno.EINVAL, self.nl.enable, 3))
        self.assertIn('reset', self.refused(errno.EINVAL, self.nl.enable, 23))
        self.assertEqual(self.nl.status()['state'], 1)


class Enabled(Case):
    @classmethod
    def setUpClass(cls):
        with netlink.Family() as nl:
            nl.enable()

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
        for raw in (b'x' * 300 + b'\0', b'no end'):
            with self.assertRaises(OSError):
                self.nl.call(self.nl.id, netlink.RESERVE_DOMAIN,
                             netlink.attribute(netlink.DOMAIN, raw))

    def test_malformed_attributes(self):
        for kind, data in ((netlink.INDEX, b'\1'), (netlink.MAX_LOG_BYTES, b'\1\0\0\0'),
                           (netlink.INDEX, b'')):
            with self.assertRaises(OSError):
                self.nl.call(self.nl.id, netlink.ENABLE if kind == netlink.INDEX
                             else netlink.SET_LIMITS, netlink.attribute(kind, data))
        for command in (0, netlink.EVENT, 99):
            self.refused(errno.EOPNOTSUPP, self.nl.call, self.nl.id, command)

    def test_status_is_what_the_log_is(self):
        self.dev.write('a b c\n')
        status, info = self.nl.status(), self.dev.info()
        self.assertEqual((status['count'], status['bytes']), (info.count, info.bytes))
        self.assertEqual((status['health'], status['violations'], status['dropped']), (0, 0, 0))

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

    def test_a_slow_listener_stops_nobody(self):
        self.nl.join()
        self.nl.sock.setsockopt(1, 8, 1)  # SO_RCVBUF, the least there is
        before = device.count()
        for i in range(100):
            self.dev.write(f'a b {i}\n')
        self.assertEqual(device.count(), before + 100)

    def test_table_of_reserved_domains_is_bounded(self):
        with self.assertRaises(OSError) as caught:
            for i in range(100):
                self.nl.reserve(f'many{i}')
        self.assertEqual(caught.exception.errno, errno.ENOSPC)
        self.assertLess(i, 40)
        self.dev.write('another.domain b c\n')


class ZLast(Case):
    def test_log_still_replays(self):
        verify = self.dev.verify()
        self.assertEqual(verify.match, 1)
        self.assertEqual(aael.replay(device.read_log().entries, 14, 0xc), verify.live[0xc])
