# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb
# vm-proxy: yes
# vm-timeout: 180
"""mmap(2) of /dev/aael: read-only, the same bytes as pread(2), and none that is not measured."""
import ctypes
import errno
import faulthandler
import mmap
import os
import signal
import threading
import unittest

import aael
import device
import vm

PAGE = mmap.PAGESIZE
HELD_MS = 600  # the driver gives up after 750
EVENTS = 150 if vm.DEBUG else 600

libc = device.libc
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
FAILED = ctypes.c_void_p(-1).value


def setUpModule():
    device.insmod(enable=1, max_log_bytes=16 << 20)


def fate(function):
    """What becomes of a child that runs it: the signal that kills it, or 0."""
    pid = os.fork()
    if pid == 0:
        faulthandler.disable()
        function()
        os._exit(0)
    return -os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Mapping:
    """Raw, for what the module mmap does not let one do."""

    def __init__(self, fd, pages, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED, first=0):
        self.size = pages * PAGE
        self.at = libc.mmap(None, self.size, prot, flags, fd, first * PAGE)
        if self.at == FAILED:
            raise OSError(ctypes.get_errno(), 'mmap')

    def read(self, start, length):
        return ctypes.string_at(self.at + start, length)

    def touch(self, start):
        return fate(lambda: self.read(start, 1))

    def close(self):
        libc.munmap(self.at, self.size)


class Base(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)

    def map(self, pages=4096, fd=None, **more):
        mapping = Mapping(self.dev.fd if fd is None else fd, pages, **more)
        self.addCleanup(mapping.close)
        return mapping

    def length(self):
        return self.dev.info().bytes

    def fill_to(self, end):
        """Events until the log ends exactly there."""
        least = len(aael.encode_entry(14, [0xb], 'm', 'f', 'c'))
        while (left := end - self.length()) > 0:
            size = left if left < 60000 else 50000
            assert size >= least
            self.dev.extend('m', 'f', 'c' * (size - least + 1))
        self.assertEqual(self.length(), end)


class EmptyLog(Base):
    """Runs while the module may still be unloaded."""

    def test_header_and_boot_log(self):
        length = self.length()
        self.assertEqual(self.map().read(0, length), os.pread(self.dev.fd, length, 0))
        self.assertEqual(device.count(), 0)

    def test_mapping_outlives_its_file_and_holds_the_module(self):
        length = self.length()
        mapping = self.map()
        before = mapping.read(0, length)
        self.dev.close()
        self.assertNotEqual(device.rmmod(check=False)[0], 0)
        self.assertEqual(mapping.read(0, length), before)
        mapping.close()
        device.rmmod()
        setUpModule()


class Map(Base):
    def setUp(self):
        super().setUp()
        self.dev.extend('mmap', self._testMethodName, 'x')

    def test_is_what_pread_gives(self):
        self.dev.extend('mmap', 'long', 'c' * 65535)
        length = self.length()
        self.assertEqual(self.map().read(0, length), self.dev.stream())
        self.assertEqual(self.map(first=3).read(17, 5000), os.pread(self.dev.fd, 5000, 3 * PAGE + 17))
        with mmap.mmap(self.dev.fd, length, mmap.MAP_PRIVATE, mmap.PROT_READ) as private:
            self.assertEqual(private[:], self.dev.stream())

    def test_cannot_be_mapped_for_writing(self):
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            for prot in (mmap.PROT_WRITE, mmap.PROT_READ | mmap.PROT_WRITE):
                with self.assertRaises(OSError, msg=(flags, prot)) as caught:
                    self.map(prot=prot, flags=flags)
                self.assertEqual(device.name_of(caught.exception.errno), 'EACCES')

    def test_cannot_be_made_writable(self):
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            mapping = self.map(flags=flags)
            for prot in (mmap.PROT_WRITE, mmap.PROT_READ | mmap.PROT_WRITE):
                self.assertEqual(libc.mprotect(mapping.at, PAGE, prot), -1)
                self.assertEqual(device.name_of(ctypes.get_errno()), 'EACCES')

    def test_write_faults(self):
        before = self.dev.stream()
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            mapping = self.map(flags=flags)
            mapping.read(0, 1)
            self.assertEqual(fate(lambda m=mapping: ctypes.memset(m.at, 1, 1)), signal.SIGSEGV)
            # As a debugger would, past the protection.
            with open('/proc/self/mem', 'r+b', buffering=0) as memory:
                with self.assertRaises(OSError) as caught:
                    os.pwrite(memory.fileno(), b'x', mapping.at)
                self.assertEqual(device.name_of(caught.exception.errno), 'EIO')
            self.assertEqual(mapping.read(0, len(before)), before)
        self.assertEqual(self.dev.stream(), before)

    def test_needs_a_file_open_for_reading(self):
        with device.Device(os.O_WRONLY) as writer:
            with self.assertRaises(OSError) as caught:
                self.map(fd=writer.fd)
            self.assertEqual(device.name_of(caught.exception.errno), 'EACCES')

    def test_grows_in_the_mapped_page(self):
        mapping = self.map()
        before = self.length()
        mapping.read(0, before)
        self.dev.extend('mmap', 'grows', 'here')
        self.assertEqual(mapping.read(0, self.length()), self.dev.stream())
        self.assertTrue(mapping.read(0, self.length()).endswith(b'mmap grows here'))

    def test_sigbus_beyond_the_page_of_the_end_until_it_is_published(self):
        end = -(-(self.length() + 1000) // PAGE) * PAGE
        self.fill_to(end - 1)
        mapping = self.map()
        self.assertEqual(mapping.touch(end - 1), 0)
        self.assertEqual(mapping.touch(end), signal.SIGBUS)
        self.assertEqual(mapping.touch(end + 100 * PAGE), signal.SIGBUS)
        self.fill_to(end + PAGE)
        self.assertEqual(mapping.read(0, end + PAGE), self.dev.stream())
        self.assertEqual(mapping.touch(end + PAGE), signal.SIGBUS)
        self.fill_to(end + PAGE + 1000)
        self.assertEqual(mapping.touch(end + PAGE), 0)
        self.assertEqual(self.map(1, first=1 << 40).touch(0), signal.SIGBUS)

    def test_grows_by_mremap(self):
        size = -(-self.length() // PAGE) * PAGE
        at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, self.dev.fd, 0)
        self.fill_to(size + 3 * PAGE)
        at = libc.mremap(at, size, size + 3 * PAGE, 1)
        self.assertNotEqual(at, FAILED)
        self.assertEqual(ctypes.string_at(at, size + 3 * PAGE), self.dev.stream())
        libc.munmap(at, size + 3 * PAGE)

    def rest_of_page(self, mapping, start):
        return mapping.read(start, -start % PAGE)

    def test_rest_of_the_last_page_is_zero(self):
        mapping = self.map()
        for size in (1, 700, 5000, 65000):
            self.dev.extend('mmap', 'rest', 'c' * size)
            self.assertEqual(self.rest_of_page(mapping, self.length()).strip(b'\0'), b'')

    def test_nothing_is_visible_while_the_extend_is_held_back(self):
        mapping, seen = self.map(), 0
        # Room in the last page, so that there would be something to see.
        self.fill_to(-(-(self.length() + 1000) // PAGE) * PAGE + 100)
        with vm.TpmProxy() as proxy:
            for when in ('before', 'after'):
                length = self.length()
                proxy.reset()
                proxy.hold(14, HELD_MS, when=when)
                thread = threading.Thread(target=self.dev.extend, args=('mmap', 'held', 'secret'))
                thread.start()
                device.wait_for(lambda: proxy.stats()['extends'].get('14'))
                while thread.is_alive():
                    rest = self.rest_of_page(mapping, length)
                    if self.length() > length:
                        break
                    self.assertEqual(rest.strip(b'\0'), b'')
                    seen += 1
                thread.join()
                self.assertTrue(mapping.read(0, self.length()).endswith(b'mmap held secret'))
        print(f'# looked {seen} times')
        self.assertGreater(seen, 0)

    def test_nothing_is_left_of_an_event_that_was_refused(self):
        mapping = self.map()
        self.fill_to(-(-(self.length() + 1000) // PAGE) * PAGE + 100)
        length = self.length()
        with vm.TpmProxy() as proxy:
            proxy.reset()
            proxy.command('refuse rc=0x921 pcr=14')
            with self.assertRaises(OSError) as caught:
                self.dev.extend('mmap', 'refused', 'c' * 9000)
        self.assertEqual(device.name_of(caught.exception.errno), 'EIO')
        self.assertEqual(self.length(), length)
        self.assertEqual(self.rest_of_page(mapping, length).strip(b'\0'), b'')
        self.assertEqual(mapping.touch(length + PAGE), signal.SIGBUS)

    def test_is_whole_at_any_time_beside_writers(self):
        def write():
            with device.Device(os.O_WRONLY) as dev:
                for i in range(EVENTS):
                    dev.extend('mmap', 'beside', f'{i} ' + 'c' * (i % 97))
        threads = [threading.Thread(target=write) for _ in range(2)]
        mapping, own, taken = self.map(), self.dev.info().own_offset, set()
        algs = device.read_log().algs
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            length = self.length()
            data = mapping.read(own, length - own)
            entries = aael.parse_entries(data, algs)
            self.assertTrue(all(aael.hashed(a, e.event) == d
                                for e in entries for a, d in e.digests.items()))
            taken.add(length)
        for thread in threads:
            thread.join()
        self.assertGreater(len(taken), 3)
        self.assertEqual(mapping.read(0, self.length()), self.dev.stream())

    def test_is_inherited_by_a_child(self):
        mapping = self.map()
        mapping.read(0, 1)

        def child():
            self.dev.extend('mmap', 'child', 'x')
            os._exit(mapping.read(0, self.length()) != self.dev.stream())
        pid = os.fork()
        if pid == 0:
            child()
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertTrue(mapping.read(0, self.length()).endswith(b'mmap child x'))
