# SPDX-License-Identifier: Apache-2.0
# vm: kernel=debug tpm=crb banks=sha256+sha384
# vm-timeout: 200
"""Every allocation of a slab and every copy from or to the caller fails once, in each of his calls.

The kernel's fail-nth makes the nth of them fail that the thread comes to; a call is repeated
with a higher n each time, until it gets through before it has come to the nth. What the worker
allocates is not among them.
"""
import collections
import contextlib
import ctypes
import errno
import glob
import os
import struct
import threading
import unittest

import device
import netlink

KIB = 1 << 10
DELETE_MODULE, FINIT_MODULE = 176, 313
DEBUGFS = '/sys/kernel/debug/'
SETTINGS = {'failslab/ignore-gfp-wait': 'N', 'failslab/cache-filter': 'Y', 'failslab/verbose': '0',
            'fail_usercopy/verbose': '0'}
NO_MEMORY = ('ENOMEM', 'EFAULT')
UNHEARD = ('ENOBUFS', 'EAGAIN')  # of netlink: no request, or no answer


def setUpModule():
    # All but kmemleak's own, which has a store for that case.
    for path in glob.glob('/sys/kernel/slab/*/failslab'):
        if 'kmemleak' not in path:
            with contextlib.suppress(OSError), open(path, 'w', encoding='ascii') as file:
                file.write('1')
    for name, value in SETTINGS.items():
        with open(DEBUGFS + name, 'w', encoding='ascii') as file:
            file.write(value)


class Case(unittest.TestCase):
    def setUp(self):
        self.nth = os.open(f'/proc/self/task/{threading.get_native_id()}/fail-nth', os.O_RDWR)
        self.addCleanup(os.close, self.nth)

    def family(self, name='aael'):
        """A netlink family; where an answer got lost, that is EAGAIN."""
        nl = netlink.Family(name)
        self.addCleanup(nl.sock.close)
        nl.sock.setblocking(False)
        return nl

    def clear(self):
        """How many steps were left to the fault; 0 if it has come."""
        try:
            left = int(os.pread(self.nth, 20, 0).strip(b'\0\n '))
        except OSError:
            left = 1  # so this read was the one to fail
        try:
            os.pwrite(self.nth, b'0', 0)
        except OSError:
            os.pwrite(self.nth, b'0', 0)
        return left

    def fault(self, nth, call):
        """(errno name or '0', steps left) of a call whose nth step fails."""
        code = 0
        os.pwrite(self.nth, b'%d' % nth, 0)
        try:
            call()
        except OSError as error:
            code = error.errno
        except MemoryError:  # the interpreter's own
            code = errno.ENOMEM
        left = self.clear()
        return device.name_of(code) if code else '0', left

    def each(self, call, check):
        """check(code) after each call; the last one is without a fault."""
        codes = collections.Counter()
        for nth in range(1, 400):
            code, left = self.fault(nth, call)
            check(code)
            codes[code] += 1
            if left and code == '0':
                break
        else:
            self.fail('no end')
        print(f'# {self.id()}: {dict(codes)}')
        self.assertTrue(set(codes) - {'0'}, 'nothing has failed')
        return codes


class Loading(Case):
    """With a module that is loaded by the thread itself, and soon; the TPM is of no interest."""

    def setUp(self):
        super().setUp()
        self.file = os.open(device.MODULE, os.O_RDONLY)
        self.addCleanup(os.close, self.file)

    def insmod(self, params=b''):
        params = ctypes.create_string_buffer(b'provider=soft ' + params)
        if device.libc.syscall(FINIT_MODULE, self.file, params, 0):
            raise OSError(ctypes.get_errno(), 'finit_module')

    def rmmod(self):
        if device.libc.syscall(DELETE_MODULE, b'aael', os.O_NONBLOCK):
            raise OSError(ctypes.get_errno(), 'delete_module')


class DebugKernel(unittest.TestCase):
    def test_ends_at_the_first_warning(self):
        with open('/proc/sys/kernel/panic_on_warn', encoding='ascii') as file:
            self.assertEqual(file.read(), '1\n')


class Insmod(Loading):
    """Runs first: with events the module stays."""

    def setUp(self):
        super().setUp()
        self.nl = self.family('nlctrl')

    def is_gone(self):
        for path in ('/sys/module/aael', device.PATH, device.FILES, '/sys/class/misc/aael'):
            self.assertFalse(os.path.exists(path), path)
        with self.assertRaises(OSError) as caught:
            self.nl.call(netlink.GENL_ID_CTRL, netlink.CTRL_GETFAMILY, netlink.attribute(2, b'aael\0'))
        self.assertEqual(caught.exception.errno, errno.ENOENT)

    def steps(self, params=b''):
        """(errno name or '0', how many steps it takes) without a fault"""
        never = 1 << 30
        code, left = self.fault(never, lambda: self.insmod(params))
        return code, never - left

    def test_failed_init_leaves_nothing(self):
        """The steps of the module's own init, and some of those before."""
        self.insmod()  # the first time takes more steps
        self.rmmod()
        code, begin = self.steps(b'max_log_bytes=1')
        self.assertEqual(code, 'EINVAL')  # so init has begun, and not come far
        code, end = self.steps()
        self.assertEqual(code, '0')
        self.rmmod()
        codes = collections.Counter()
        for nth in range(begin - 25, end + 5):
            code, _ = self.fault(nth, self.insmod)
            codes[code] += 1
            self.assertIn(code, ('0', *NO_MEMORY))
            if code == '0':
                self.rmmod()
            self.is_gone()
        print(f'# steps {begin - 25} to {end + 4}: {dict(codes)}')
        self.assertGreater(codes['ENOMEM'], 20)
        with device.module(enable=1), device.Device() as dev:
            self.assertEqual((dev.verify().match, dev.info().state), (1, 2))
            dev.close()
        self.is_gone()


class NotEnabled(Loading):
    def test_enable(self):
        self.insmod()
        self.addCleanup(self.rmmod)
        nl = self.family()

        def check(code):
            nonlocal nl
            state = device.Status().one('state')
            self.assertIn(code, ('0', *UNHEARD, *NO_MEMORY))
            self.assertIn(state, {'0': ('enabled',), 'ENOMEM': ('disabled',)}.get(
                code, ('disabled', 'enabled')))
            if state == 'enabled':
                self.rmmod()
                self.insmod()
                nl = self.family()
        self.each(lambda: nl.enable(17), check)


class Requests(Case):
    @classmethod
    def setUpClass(cls):
        device.insmod(enable=1, max_log_bytes=256 * KIB)

    def setUp(self):
        super().setUp()
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.before = device.count()

    def tearDown(self):
        verify = self.dev.verify()
        self.assertEqual((verify.match, verify.health, verify.count), (1, 0, device.count()))

    def appended(self, code):
        """What failed is not logged, what did not fail is."""
        self.assertIn(code, ('0', *NO_MEMORY))
        self.before += code == '0'
        self.assertEqual(device.count(), self.before)

    def unchanged(self, code):
        self.assertIn(code, ('0', *NO_MEMORY))
        self.assertEqual(device.count(), self.before)

    def test_write(self):
        codes = self.each(lambda: self.dev.write(b'a b written\n'), self.appended)
        self.assertLessEqual({'ENOMEM', 'EFAULT'}, set(codes))

    def test_extend(self):
        args = device.Extend('a', 'b', 'extended')  # small: a larger one falls back on vmalloc

        def check(code):
            if code == 'EFAULT':
                # The copy of the result, too: then the event is logged.
                self.assertIn(device.count(), (self.before, self.before + 1))
                self.before = device.count()
            else:
                self.appended(code)
        codes = self.each(lambda: device.ioctl(self.dev.fd, device.IOC_EXTEND, args.buffer), check)
        self.assertLessEqual({'ENOMEM', 'EFAULT'}, set(codes))

    def question(self, number, layout, *expected):
        question = struct.pack('<II', layout.size, device.DEFAULT)
        memory = ctypes.create_string_buffer(layout.size)

        def ask():
            memory[:] = question.ljust(layout.size, b'\0')
            device.ioctl(self.dev.fd, number, memory)

        def check(code):
            self.unchanged(code)
            if code == '0':
                self.assertEqual(memory.raw, last)
        # An unconfirmed entry would be confirmed in between.
        self.dev.snapshot()
        ask()
        last = memory.raw
        codes = self.each(ask, check)
        self.assertLessEqual(set(expected), set(codes))

    def test_info(self):
        self.question(device.IOC_INFO, device.INFO, 'EFAULT')

    def test_snapshot(self):
        self.question(device.IOC_SNAPSHOT, device.SNAPSHOT, 'EFAULT')

    def test_verify(self):
        self.question(device.IOC_VERIFY, device.VERIFY, 'ENOMEM', 'EFAULT')

    def test_read(self):
        self.dev.write(b'a b to be read\n')
        self.before += 1
        stream = self.dev.stream()
        found = b''

        def read():
            nonlocal found
            found = os.pread(self.dev.fd, 1 << 20, 0)

        def check(code):
            self.unchanged(code)
            if code == '0':
                # A fault behind the first bytes makes it shorter.
                self.assertEqual(found, stream[:len(found)])
                self.assertTrue(found)
        self.each(read, check)
        self.assertEqual(found, stream)

    def test_securityfs(self):
        self.dev.write(b'a b to be shown\n')
        self.before += 1
        self.dev.snapshot()
        for name in set(os.listdir(device.FILES)) - {'status'}:
            with self.subTest(name):
                whole = open(device.FILES + name, 'rb').read()
                found = b''

                def read(path=device.FILES + name):
                    nonlocal found
                    fd = os.open(path, os.O_RDONLY)
                    try:
                        found = os.pread(fd, 1 << 16, 0)
                    finally:
                        os.close(fd)

                def check(code):
                    self.unchanged(code)
                    if code == '0':
                        self.assertEqual(found, whole[:len(found)])
                self.each(read, check)
                self.assertEqual(found, whole)

    def test_get_status(self):
        nl = self.family()
        expected = nl.status()
        found = {}

        def status():
            nonlocal found
            found = nl.status()

        def check(code):
            self.assertIn(code, ('0', *UNHEARD, *NO_MEMORY))
            if code == '0':
                self.assertEqual(found, expected)
        self.each(status, check)

    def test_set_limits(self):
        nl = self.family()
        now = self.dev.info().max_log_bytes

        def check(code):
            nonlocal now
            before, now = now, self.dev.info().max_log_bytes
            self.assertIn(code, ('0', *UNHEARD, *NO_MEMORY))
            self.assertIn(now, {'0': (before + KIB,), 'ENOMEM': (before,)}.get(code, (before, before + KIB)))
        self.each(lambda: nl.set_limits(now + KIB), check)

    def test_reserve_domain(self):
        nl = self.family()
        number = 0

        def check(code):
            nonlocal number
            domains = device.Status()['reserved_domain']
            self.assertIn(code, ('0', *UNHEARD, *NO_MEMORY))
            if code == '0':
                self.assertIn(f'injected{number}', domains)
            elif code == 'ENOMEM':
                self.assertNotIn(f'injected{number}', domains)
            number = min(len(domains), 28)
        self.each(lambda: nl.reserve(f'injected{number}'), check)
