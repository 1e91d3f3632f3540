# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7
# vm-tdx: yes
# vm-ccel: mkccel.py
# vm-timeout: 180
"""The emulated TDX guest, against the kernel's own drivers as they are."""
import errno
import glob
import hashlib
import os
import signal
import struct
import time
import unittest

import aael
import device
import mkccel
import tdx
import vm

DIGEST = hashlib.sha384(b'an event').digest()
STARTS = [hashlib.sha384(b'start %d' % i).digest() for i in range(tdx.RTMRS)]
SHA384 = 0xc


def begin(function):
    """A child that runs the function; end() waits for it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return pid


def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def flagged_cpus():
    with open('/proc/cpuinfo', encoding='ascii') as file:
        return sum('tdx_guest' in line.split() for line in file)


class Loading(unittest.TestCase):
    def test_tdx_guest_needs_it(self):
        self.assertIn('No such device', tdx.load_driver(check=False)[1])
        self.assertEqual(flagged_cpus(), 0)
        tdx.load_emulator()
        self.assertEqual(flagged_cpus(), os.cpu_count())
        tdx.load_driver()
        tdx.unload()
        self.assertEqual(flagged_cpus(), 0)
        self.assertIn('No such device', tdx.load_driver(check=False)[1])

    def test_refuses_to_load_in_a_tdx_guest(self):
        with open(tdx.MODULE, 'rb') as file:
            code = file.read()
        with open('/tmp/another.ko', 'wb') as file:
            file.write(code.replace(b'tdxemul\0', b'another\0'))
        with tdx.guest():
            status, said = device.run('insmod', '/tmp/another.ko', check=False)
            self.assertNotEqual(status, 0)
            self.assertIn('busy', said)
            self.assertIn('a TDX guest already', device.dmesg())

    def test_taints_the_kernel_and_says_so(self):
        with tdx.guest():
            with open('/proc/sys/kernel/tainted', encoding='ascii') as file:
                self.assertTrue(int(file.read()) & 1 << 18)
            self.assertIn('FOR TESTS ONLY', device.dmesg())

    def test_cpu_that_comes_back(self):
        online, = glob.glob('/sys/devices/system/cpu/cpu1/online')
        with tdx.guest():
            for text in '01':
                with open(online, 'w', encoding='ascii') as file:
                    file.write(text)
            self.assertEqual(flagged_cpus(), os.cpu_count())
            tdx.unload_driver()
            tdx.load_driver()
            self.assertEqual(tdx.reported(), [tdx.ZERO] * 4)


class Begin(unittest.TestCase):
    def test_with_the_parameters(self):
        with tdx.guest(**{f'rtmr{i}': value.hex() for i, value in enumerate(STARTS)},
                       mrconfigid=DIGEST.hex()):
            self.assertEqual(tdx.reported(), STARTS)
            self.assertEqual([tdx.held(i) for i in range(tdx.RTMRS)], STARTS)
            self.assertEqual(tdx.get('mrconfigid'), DIGEST.hex())
            at = tdx.REPORT_MRCONFIGID
            self.assertEqual(tdx.report()[at:at + 48], DIGEST)

    def test_with_zero(self):
        with tdx.guest():
            self.assertEqual(tdx.reported(), [tdx.ZERO] * tdx.RTMRS)
            self.assertEqual([tdx.counter(name) for name in ('n_extend', 'n_quote')], [0, 0])

    def test_wrong_parameters(self):
        for params in ({'rtmr0': '00'}, {'rtmr3': 'g' * 96}, {'mrconfigid': '00' * 49}):
            self.assertIn('Invalid', tdx.load_emulator(check=False, **params)[1])


class Registers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tdx.load()
        cls.addClassCleanup(tdx.unload)

    def setUp(self):
        self.values = [tdx.held(i) for i in range(tdx.RTMRS)]
        self.extends = tdx.counter('n_extend')

    def extended(self, index, *digests):
        self.values[index] = tdx.extended(self.values[index], *digests)
        self.extends += len(digests)

    def everywhere(self):
        """Every path shows the values that are expected."""
        if tdx.has_sysfs():
            self.assertEqual([tdx.sysfs(i) for i in range(tdx.RTMRS)], self.values)
        self.assertEqual([tdx.held(i) for i in range(tdx.RTMRS)], self.values)
        self.assertEqual(tdx.reported(), self.values)
        self.assertEqual(tdx.counter('n_extend'), self.extends)

    def needs_sysfs(self):
        self.assertEqual(tdx.has_sysfs(), vm.KERNEL != '6.12')
        if not tdx.has_sysfs():
            self.skipTest('tdx-guest of this kernel has no registers in sysfs')

    def test_report(self):
        data = bytes(range(64))
        count = tdx.counter('n_report')
        report = tdx.report(data)
        self.assertEqual(tdx.counter('n_report'), count + 1)
        self.assertEqual(report[:4], b'\x81\0\0\0')
        self.assertEqual(report[tdx.REPORT_DATA:tdx.REPORT_DATA + 64], data)
        # The hashes of TEE_TCB_INFO and of TDINFO
        self.assertEqual(report[32:80], hashlib.sha384(report[256:256 + 239]).digest())
        self.assertEqual(report[80:128], hashlib.sha384(report[512:]).digest())

    def test_extends_by_sysfs(self):
        self.needs_sysfs()
        for index in (3, 2, 3, 0, 1, 3):
            digest = hashlib.sha384(b'event %d' % index).digest()
            self.assertEqual(tdx.extend(index, digest), 48)
            self.extended(index, digest)
            self.everywhere()

    def test_extend_by_sysfs_is_whole(self):
        self.needs_sysfs()
        for data in (DIGEST[:-1], DIGEST[:1]):
            with self.assertRaises(OSError) as caught:
                tdx.extend(3, data)
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.everywhere()

    def test_extends_behind_the_driver(self):
        old = self.values[3]
        if tdx.has_sysfs():
            self.assertEqual(tdx.sysfs(3), old)
        tdx.extend_behind(3, DIGEST)
        self.extended(3, DIGEST)
        self.assertEqual(tdx.held(3), self.values[3])
        if tdx.has_sysfs():
            self.assertEqual(tdx.sysfs(3), old, 'tsm-mr forgets values by itself now')
        # A report is what makes tsm-mr show it.
        self.assertEqual(tdx.reported(), self.values)
        self.everywhere()

    def test_extends_behind_the_driver_are_whole(self):
        for text in ('4 ' + DIGEST.hex(), '3 ' + DIGEST.hex()[:-1], '3 ' + DIGEST.hex() + '0', '3',
                     '-1 ' + DIGEST.hex()):
            with self.assertRaises(OSError) as caught:
                tdx.put(extend=text)
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.everywhere()

    def test_many_extends_at_once(self):
        self.needs_sysfs()

        def extend(index):
            for _ in range(100):
                tdx.extend(index, DIGEST)
        children = [begin(lambda i=index: extend(i)) for index in (2, 3)]
        for _ in range(20):
            tdx.report()
        self.assertEqual([end(pid) for pid in children], [0, 0])
        for index in (2, 3):
            self.extended(index, *[DIGEST] * 100)
        self.everywhere()


class Quotes(unittest.TestCase):
    def setUp(self):
        tdx.load(rtmr3=STARTS[3].hex())
        self.addCleanup(tdx.unload)

    def test_quote(self):
        tdx.extend_behind(2, DIGEST)
        data = bytes(range(64))
        quote = tdx.quote(data)
        self.assertEqual(quote.tee_type, 0x81)
        self.assertEqual(quote.report_data, data)
        self.assertEqual(quote.rtmrs, tdx.reported())
        self.assertEqual(quote.rtmrs[2:], [tdx.extended(tdx.ZERO, DIGEST), STARTS[3]])
        self.assertEqual(tdx.counter('n_quote'), 1)

    def test_late_quote(self):
        with tdx.knobs(quote_delay_ms=300):
            begin = time.monotonic()
            quote = tdx.quote(b'late')
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        self.assertEqual(quote.report_data, b'late'.ljust(64, b'\0'))
        self.assertEqual(quote.rtmrs[3], STARTS[3])

    def test_quote_shows_the_register_as_it_was_asked(self):
        def extend():
            device.wait_for(lambda: tdx.counter('n_quote'))
            tdx.extend_behind(3, DIGEST)
        with tdx.knobs(quote_delay_ms=300):
            pid = begin(extend)
            self.assertEqual(tdx.quote().rtmrs[3], STARTS[3])
            self.assertEqual(end(pid), 0)
        self.assertEqual(tdx.quote().rtmrs[3], tdx.extended(STARTS[3], DIGEST))

    def test_failed_quote(self):
        for delay_ms in (0, 100):
            with tdx.knobs(quote_fail=True, quote_delay_ms=delay_ms):
                if vm.KERNEL == '6.12':
                    self.assertEqual(tdx.outblob(b''), b'')
                else:
                    with self.assertRaises(OSError) as caught:
                        tdx.outblob(b'')
                    self.assertEqual(caught.exception.errno, errno.EIO)
        self.assertEqual(tdx.quote().rtmrs[3], STARTS[3])

    def test_driver_and_emulator_go_while_a_quote_is_under_way(self):
        tdx.put(quote_delay_ms=60000)
        pid = begin(lambda: tdx.outblob(b''))
        device.wait_for(lambda: tdx.counter('n_quote'))
        # The driver gives up on a signal, and leaves the request under way.
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(end(pid), -signal.SIGKILL)
        os.rmdir(tdx.REPORTS + 'test')
        tdx.unload()
        tdx.load(rtmr3=STARTS[3].hex())
        self.assertEqual(tdx.quote().rtmrs[3], STARTS[3])


class BootLog(unittest.TestCase):
    """The firmware's log (vm-ccel)."""

    def test_table(self):
        with open(tdx.TABLE, 'rb') as file:
            table = file.read()
        self.assertEqual((table[:4], len(table)), (b'CCEL', 56))
        kind, subtype, _, size, address = struct.unpack_from('<BBHQQ', table, 36)
        self.assertEqual((kind, subtype, size), (2, 0, os.path.getsize(tdx.FIRMWARE_LOG)))
        with open('/proc/iomem', encoding='ascii') as file:
            lines = [line for line in file if line.startswith(f'{address:08x}-')]
        self.assertEqual(lines, [f'{address:08x}-{address + size - 1:08x} : ACPI Tables\n'])

    def test_area(self):
        with open(tdx.LOG, 'rb') as file:
            area = file.read()
        self.assertEqual(area, mkccel.whole())
        with open(tdx.FIRMWARE_LOG, 'rb') as file:
            self.assertEqual(file.read(), area)

    def test_log_replays_to_what_its_maker_says(self):
        log = aael.parse(mkccel.whole(), marks=True)
        self.assertEqual(len(log.entries), len(mkccel.EVENTS))
        self.assertEqual([aael.replay(log.entries, register, SHA384) for register in (1, 2, 3, 4)],
                         mkccel.values())
        with tdx.guest(**{f'rtmr{i}': v.hex() for i, v in enumerate(mkccel.values())}):
            self.assertEqual(tdx.reported(), mkccel.values())
