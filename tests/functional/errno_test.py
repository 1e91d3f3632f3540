# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
# vm: kernel=6.1 tpm=tis
"""Every errno of uapi/linux/aael.h with its cause, and the order of the checks.

Elsewhere, because they need a device in trouble: EAGAIN, EINTR (write_test), EDQUOT, ENOSPC
(full_test), EOPNOTSUPP, ENODEV (load_test), EIO, ETIMEDOUT (tpmfault_test).
"""
import ctypes
import errno
import mmap
import os
import struct
import threading
import unittest

import aael
import device
import netlink
import vm

BAD = 8  # an address that is mapped nowhere
RESERVED = 'github.com/confidential-containers'
BIG = 70000
SEAL, IMPORT = device.request(5, 24), device.request(6, 48)
BEGIN, UNDO, RELEASE = 1, 2, 3


def setUpModule():
    device.insmod()


class Case(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.before = device.count()

    def refused(self, code, call, *args, **more):
        with self.assertRaises(OSError, msg=f'{args} {more}') as caught:
            call(*args, **more)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code),
                         f'{args} {more}')
        self.assertEqual(device.count(), self.before)


class HandOver(Case):
    """The two ioctls themselves; what they are for is in handover_test."""

    def call(self, number, layout, *values, size=None, tail=b'', dev=None):
        known = struct.calcsize(layout)
        header = struct.pack(layout, known + len(tail) if size is None else size, *values)
        self.memory = ctypes.create_string_buffer(header + tail, 8192)
        device.ioctl((dev or self.dev).fd, number, self.memory)

    def seal(self, step=BEGIN, length=0, **more):
        self.call(SEAL, '<IIQQ', step, 0, length, **more)
        return struct.unpack_from('<QQ', self.memory, 8)

    def take(self, address=0, length=0, flags=0, index=17, **more):
        self.call(IMPORT, '<IIIIQQQQ', flags, index, 0, address, length, 0, 0, **more)


class BeforeEnable(HandOver):
    """Runs first: enabling is one-way."""

    def test_everything_answers_enotconn(self):
        self.refused(errno.ENOTCONN, self.dev.write, 'a b c\n')
        self.refused(errno.ENOTCONN, self.dev.extend, 'a', 'b', 'c')
        self.refused(errno.ENOTCONN, self.dev.snapshot)
        self.refused(errno.ENOTCONN, self.dev.verify)
        self.assertEqual(device.STATES[self.dev.info().state], 'disabled')
        self.assertEqual(device.Status().one('state'), 'disabled')

    def test_syntax_comes_before_enotconn(self):
        self.refused(errno.EINVAL, self.dev.write, 'a b \x01\n')
        self.refused(errno.EINVAL, self.dev.write, 'a b\n')
        self.refused(errno.EILSEQ, self.dev.write, b'a b \xff\n')
        self.refused(errno.E2BIG, self.dev.write, 'a' * 256 + ' b c\n')
        self.refused(errno.EFAULT, self.dev.extend, 'a', 'b', 'c', addresses=[BAD] * 3)
        self.refused(errno.EINVAL, self.dev.extend, 'a', 'b', 'c', flags=4)

    def test_enotconn_comes_before_permission_and_index(self):
        self.refused(errno.ENOTCONN, self.dev.extend, RESERVED, 'b', 'c', flags=1)
        self.refused(errno.ENOTCONN, self.dev.extend, 'a', 'b', 'c', index=5)
        self.refused(errno.ENOTCONN, self.dev.extend, 'a', 'b', 'c', index=9, flags=1)
        self.refused(errno.ENOTCONN, self.dev.verify, 99)

    def test_nothing_to_seal_and_nothing_taken(self):
        for step in (BEGIN, UNDO, RELEASE):
            self.refused(errno.ENOTCONN, self.seal, step)
        self.refused(errno.EINVAL, self.seal, 0)
        self.refused(errno.EINVAL, self.take, index=7)
        entries = ctypes.create_string_buffer(b'no entry')
        self.refused(errno.EBADMSG, self.take, ctypes.addressof(entries), 8)
        self.assertEqual(struct.unpack_from('<Q', self.memory, 32), (1,))
        self.assertEqual(device.Status().one('state'), 'disabled')

    def test_nothing_but_the_header_and_boot_log_is_readable(self):
        self.assertEqual(aael.parse(self.dev.stream()).ours, [])


class Enabled(HandOver):
    @classmethod
    def setUpClass(cls):
        with netlink.Family() as nl:
            nl.enable(17)

    def extend_refused(self, code, *fields, **more):
        self.refused(code, self.dev.extend, *(fields or ('a', 'b', 'c')), **more)

    def test_ebadf_for_a_file_not_opened_for_writing(self):
        with device.Device(os.O_RDONLY) as reader:
            self.refused(errno.EBADF, reader.extend, 'a', 'b', 'c')
            self.refused(errno.EBADF, reader.extend, 'a', 'b', 'c', flags=0x80)
            self.assertEqual(reader.verify().match, 1)
        with device.Device(os.O_WRONLY) as writer:
            self.assertEqual(writer.extend('a', 'b', 'c')[0], self.before + 1)
            self.assertEqual(writer.info().count, self.before + 1)
            with self.assertRaises(OSError) as caught:
                os.read(writer.fd, 1)
            self.assertEqual(caught.exception.errno, errno.EBADF)

    def test_enotty_for_unknown_commands(self):
        memory = ctypes.create_string_buffer(4096)
        for number in (device.request(0, 64), device.request(7, 64), device.request(0x7f, 8),
                       device.IOC_INFO ^ 0x100, 0x5401, 0x5411):
            self.refused(errno.ENOTTY, device.ioctl, self.dev.fd, number, memory)

    def test_sizes_of_extend(self):
        for size in (0, 1, 4, 63, 4097, 0xffffffff):
            self.extend_refused(errno.EINVAL, size=size)
        self.extend_refused(errno.E2BIG, size=72, tail=b'\0' * 7 + b'\1')
        self.extend_refused(errno.E2BIG, size=65, tail=b'\1')
        self.assertEqual(self.dev.extend('a', 'b', 'c', size=72, tail=bytes(8))[1], 14)
        self.assertEqual(self.dev.extend('a', 'b', 'c', size=4096, tail=bytes(4032))[1], 14)
        self.assertEqual(device.count(), self.before + 2)

    def test_sizes_of_questions(self):
        for number, known in ((device.IOC_INFO, 120), (device.IOC_VERIFY, 712)):
            for size in (0, 3, 4, known - 1, 4097, 0xffffffff):
                memory = ctypes.create_string_buffer(
                    struct.pack('<II', size, device.DEFAULT), 8192)
                self.refused(errno.EINVAL, device.ioctl, self.dev.fd, number, memory)
            memory = ctypes.create_string_buffer(
                struct.pack('<II', known + 8, device.DEFAULT), 8192)
            device.ioctl(self.dev.fd, number, memory)
            self.assertEqual(struct.unpack_from('<I', memory)[0], known + 8)
            self.assertEqual(memory.raw[known:known + 8], bytes(8))
            memory[known + 7] = 1
            struct.pack_into('<II', memory, 0, known + 8, device.DEFAULT)
            self.refused(errno.E2BIG, device.ioctl, self.dev.fd, number, memory)
            self.refused(errno.EFAULT, device.ioctl, self.dev.fd, number, BAD)

    def test_sizes_and_files_of_handover(self):
        reader = device.Device(os.O_RDONLY)
        self.addCleanup(reader.close)
        for call, number, known in ((self.seal, SEAL, 24), (self.take, IMPORT, 48)):
            for size in (0, 3, 4, known - 1, 4097, 0xffffffff):
                self.refused(errno.EINVAL, call, size=size)
            self.refused(errno.E2BIG, call, tail=b'\0' * 7 + b'\1')
            self.refused(errno.EFAULT, device.ioctl, self.dev.fd, number, BAD)
            self.refused(errno.EBADF, call, dev=reader)

    def test_seal(self):
        for step in (0, 4, 0xffffffff):
            self.refused(errno.EINVAL, self.seal, step)
        self.refused(errno.EBUSY, self.seal, RELEASE)
        self.seal(UNDO)
        length = len(self.dev.stream())
        self.assertEqual(self.seal(tail=bytes(8)), (self.before, length))
        self.addCleanup(self.seal, UNDO)
        self.extend_refused(errno.ESHUTDOWN)
        self.refused(errno.ESHUTDOWN, self.dev.write, 'a b c\n')
        self.refused(errno.ESTALE, self.seal, RELEASE, length - 1)
        self.assertEqual(struct.unpack_from('<QQ', self.memory, 8), (self.before, length))
        self.assertEqual(self.dev.verify().match, 1)

    def test_import(self):
        self.refused(errno.EINVAL, self.take, flags=2)
        self.refused(errno.EFBIG, self.take, length=(1 << 20) + 1)
        self.refused(errno.EFBIG, self.take, length=1 << 63)
        self.refused(errno.EFAULT, self.take, BAD, 100)
        self.refused(errno.EBUSY, self.take)
        self.refused(errno.EBUSY, self.take, index=7)

    def test_a_size_beyond_the_mapping_faults(self):
        area, start = device.guarded()
        at = mmap.PAGESIZE - 120
        struct.pack_into('<II', area, at, 121, 0)
        self.refused(errno.EFAULT, device.ioctl, self.dev.fd, device.IOC_INFO, start + at)
        struct.pack_into('<II', area, at, 120, 0)
        device.ioctl(self.dev.fd, device.IOC_INFO, start + at)

    def test_reserved_members_and_flags(self):
        for flags in (4, 8, 0x80000000, 5):
            self.extend_refused(errno.EINVAL, flags=flags)
        self.extend_refused(errno.EINVAL, duplicate=1)

    def test_lengths(self):
        limits = (255, 255, 65535)
        for at, limit in enumerate(limits):
            for length, code in ((0, errno.EINVAL), (limit + 1, errno.E2BIG),
                                 (0xffffffff, errno.E2BIG)):
                lens = [1, 1, 1]
                lens[at] = length
                self.extend_refused(code, lens=lens)
        self.dev.extend('d' * 255, 'o' * 255, 'c' * 65535)
        self.assertEqual(device.count(), self.before + 1)

    def test_bytes(self):
        self.extend_refused(errno.EINVAL, 'a b', 'b', 'c')
        self.extend_refused(errno.EINVAL, 'a', 'b c', 'c')
        self.extend_refused(errno.EINVAL, 'ä', 'b', 'c')
        self.extend_refused(errno.EINVAL, 'a\0', 'b', 'c')
        self.extend_refused(errno.EINVAL, 'a', 'b', 'c\nd e f')
        self.extend_refused(errno.EINVAL, 'a', 'b', 'c\0')
        self.extend_refused(errno.EINVAL, 'a', 'b', '\x85')
        self.extend_refused(errno.EILSEQ, 'a', 'b', b'\xed\xa0\x80')

    def test_efault_for_each_field(self):
        for at in range(3):
            memory = [ctypes.create_string_buffer(b'xx') for _ in range(3)]
            addresses = [ctypes.addressof(m) for m in memory]
            addresses[at] = BAD
            self.extend_refused(errno.EFAULT, addresses=addresses)
        self.refused(errno.EFAULT, device.ioctl, self.dev.fd, device.IOC_EXTEND, BAD)
        device.libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        self.assertEqual(device.libc.write(self.dev.fd, BAD, 20), -1)
        self.assertEqual(ctypes.get_errno(), errno.EFAULT)

    def test_a_result_that_cannot_be_written_is_logged_all_the_same(self):
        args = device.Extend('a', 'b', 'logged in spite of EFAULT')
        area = mmap.mmap(-1, mmap.PAGESIZE)
        area[:64] = args.buffer.raw[:64]
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        device.libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(mmap.PAGESIZE),
                             mmap.PROT_READ)
        with self.assertRaises(OSError) as caught:
            device.ioctl(self.dev.fd, device.IOC_EXTEND, start)
        self.assertEqual(caught.exception.errno, errno.EFAULT)
        self.assertEqual(device.count(), self.before + 1)
        self.assertEqual(device.read_log().texts()[-1], b'a b logged in spite of EFAULT')

    def test_refused_and_privileged_indexes(self):
        for index in (*range(9), 16, 23, 24, 0x7fffffff, 0xfffffffe):
            self.extend_refused(errno.EINVAL, index=index)
            self.refused(errno.EINVAL, self.dev.verify, index)
        for index in (9, 10, 11, 12, 13, 15):
            self.extend_refused(errno.EPERM, index=index, flags=1)
        for index in (14, *range(17, 23)):
            self.assertEqual(self.dev.extend('a', 'b', 'c', index=index, flags=1)[1], 14)

    def test_privileged_index_for_root(self):
        self.assertEqual(self.dev.extend('a', 'b', 'into 11', index=11), (self.before + 1, 11))
        log = device.read_log()
        self.assertEqual(log.ours[-1].register, 11)
        for alg, value in device.pcr_values(11, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, 11, alg), value)
            self.assertEqual(self.dev.snapshot(11).running[alg], value)
        self.assertEqual(self.dev.verify(11).match, 1)
        self.assertEqual(self.dev.verify().match, 1)

    def test_size_before_flags_before_addresses_before_syntax(self):
        self.extend_refused(errno.EINVAL, size=60, flags=4, addresses=[BAD] * 3)
        self.extend_refused(errno.E2BIG, size=72, tail=b'\1' * 8, flags=4)
        self.extend_refused(errno.EINVAL, flags=4, addresses=[BAD] * 3)
        self.extend_refused(errno.EINVAL, duplicate=1, addresses=[BAD] * 3)
        self.extend_refused(errno.EINVAL, flags=4, lens=[BIG] * 3)
        memory = ctypes.create_string_buffer(b'\x01')
        self.extend_refused(errno.EFAULT,
                            addresses=[ctypes.addressof(memory), ctypes.addressof(memory), BAD])

    def test_syntax_before_permission_before_index(self):
        self.extend_refused(errno.EINVAL, RESERVED, 'b', '\x01', flags=1)
        self.extend_refused(errno.EILSEQ, RESERVED, 'b', b'\xff', flags=1)
        self.extend_refused(errno.EINVAL, 'a b', 'b', b'\xff')
        self.extend_refused(errno.EACCES, RESERVED, 'b', 'c', flags=1, index=5)
        self.extend_refused(errno.EACCES, RESERVED, 'b', 'c', flags=1, index=9)
        self.extend_refused(errno.EACCES, RESERVED, 'b', 'c', flags=1, index=99)

    def test_every_failing_allocation_is_enomem_and_measures_nothing(self):
        path = f'/proc/self/task/{threading.get_native_id()}/fail-nth'
        if not os.path.exists(path):
            self.skipTest('this kernel injects no faults')
        slab = '/sys/kernel/debug/failslab/ignore-gfp-wait'
        if os.path.exists(slab):
            with open(slab, 'w', encoding='ascii') as file:
                file.write('N')
        args = device.Extend('a', 'b', 'c')  # small: a larger one falls back on vmalloc
        nth, failed = 0, 0
        with open(path, 'r+b', buffering=0) as file:
            while True:
                nth += 1
                os.pwrite(file.fileno(), b'%d' % nth, 0)
                try:
                    device.ioctl(self.dev.fd, device.IOC_EXTEND, args.buffer)
                    code = 0
                except OSError as error:
                    code = error.errno
                try:
                    left = int(os.pread(file.fileno(), 20, 0).strip(b'\0\n '))
                except OSError:
                    left = 1  # so this call was the one to fail, not the append
                os.pwrite(file.fileno(), b'0', 0)
                if code == errno.EFAULT:
                    # Copies fault too; that of the result when the event is logged.
                    self.assertLessEqual(device.count(), self.before + 1)
                    self.before = device.count()
                elif code:
                    failed += 1
                    self.assertEqual(device.name_of(code), 'ENOMEM')
                    self.assertEqual(device.count(), self.before)
                elif left:
                    break  # more faults than allocations: an append without any
                else:
                    self.before = device.count()  # it did without that allocation
                self.assertLess(nth, 200)
        print(f'# {failed} allocations failed, {nth - 1} faults in all')
        self.assertGreater(failed, 0)
        self.assertEqual(self.dev.verify().match, 1)
