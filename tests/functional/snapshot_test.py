# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
"""AAEL_IOC_SNAPSHOT: every register in use, every bank, at one moment; its struct and errnos."""
import errno
import os
import threading
import unittest

import aael
import device
import vm

REGS = (9, 11, 14)
EVENTS = 40 if vm.DEBUG else 120


def setUpModule():
    device.insmod(enable=1)


class Snapshot(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)

    def ask(self, **more):
        ask = device.Registers(**more)
        device.ioctl(self.dev.fd, device.IOC_SNAPSHOT, ask.header)
        return ask

    def refused(self, code, **more):
        with self.assertRaises(OSError, msg=more) as caught:
            self.ask(**more)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code), more)

    def use(self):
        for reg in REGS:
            self.dev.extend('snapshot', 'use', 'x', index=reg)

    def test_1_only_the_logs_register_is_in_use_at_first(self):
        snapshot = self.dev.snapshot()
        self.assertEqual(list(snapshot.registers), [14])
        self.assertEqual(snapshot.count, device.count())

    def test_every_register_in_use_and_every_bank(self):
        self.use()
        snapshot = self.dev.snapshot()
        self.assertEqual(tuple(snapshot.registers), REGS)
        self.assertEqual(device.HEALTHS[snapshot.worst], 'consistent')
        self.assertEqual(snapshot.bytes, len(self.dev.stream()))
        for reg in REGS:
            self.assertEqual(snapshot.registers[reg].running, device.pcr_values(reg, vm.BANKS))

    def test_is_one_moment_while_others_append(self):
        """Each register's value is what exactly the counted entries replay to."""
        self.use()
        stop = threading.Event()

        def append():
            with device.Device(os.O_WRONLY) as dev:
                for i in range(EVENTS):
                    dev.extend('snapshot', 'beside', str(i), index=REGS[i % len(REGS)])
            stop.set()
        thread = threading.Thread(target=append)
        thread.start()
        taken = []
        while not stop.is_set():
            taken.append(self.dev.snapshot())
        thread.join()
        log = device.read_log()
        self.assertGreater(len({s.count for s in taken}), 2)
        for snapshot in taken:
            entries = [e for e in log.entries if e.offset < snapshot.bytes]
            self.assertEqual(entries[-1].offset + entries[-1].size, snapshot.bytes)
            ours = [e for e in entries if e in log.ours]
            self.assertEqual(len(ours), snapshot.count)
            for reg, register in snapshot.registers.items():
                for alg, value in register.running.items():
                    self.assertEqual(aael.replay(entries, reg, alg), value)

    def test_needs_no_privilege(self):
        self.use()
        os.chmod(device.PATH, 0o666)

        def member():
            with device.Device(os.O_WRONLY) as dev:
                assert tuple(dev.snapshot().registers) == REGS
        self.assertEqual(device.as_user(member), 0)

    def test_too_little_room_tells_how_much_it_takes(self):
        self.use()
        for room in range(len(REGS)):
            ask = device.Registers(room=room)
            with self.assertRaises(OSError) as caught:
                device.ioctl(self.dev.fd, device.IOC_SNAPSHOT, ask.header)
            self.assertEqual(device.name_of(caught.exception.errno), 'ENOSPC')
            self.assertEqual(ask.count, len(REGS))
            self.assertEqual(ask.memory.raw.strip(b'\xee\0'), b'')
        self.assertEqual(self.ask(room=len(REGS)).count, len(REGS))
        # Without room the address does not count.
        self.refused(errno.ENOSPC, room=0, address=0)

    def test_sizes(self):
        for size in (0, 4, 47, 4097, 0xffffffff):
            self.refused(errno.EINVAL, size=size)
        self.refused(errno.E2BIG, size=56, tail=b'\0' * 7 + b'\1')
        self.assertGreater(self.ask(size=56, tail=bytes(8)).count, 0)
        self.refused(errno.EINVAL, flags=1)
        for size in (0, 355, 4097, 0xffffffff):
            self.refused(errno.EINVAL, reg_size=size)

    def test_a_longer_element_is_zero_behind_what_is_known(self):
        self.use()
        ask = self.ask(reg_size=400)
        self.assertEqual(ask.result()[3], self.dev.snapshot().registers)
        for i in range(len(REGS)):
            self.assertEqual(ask.memory.raw[400 * i + 356:400 * (i + 1)], bytes(44))
        self.assertEqual(ask.memory.raw[400 * len(REGS):400 * device.REGISTERS_MAX],
                         b'\xee' * 400 * (device.REGISTERS_MAX - len(REGS)))

    def test_efault(self):
        self.refused(errno.EFAULT, address=8)
        with self.assertRaises(OSError) as caught:
            device.ioctl(self.dev.fd, device.IOC_SNAPSHOT, 8)
        self.assertEqual(caught.exception.errno, errno.EFAULT)

    def test_size_before_flags_before_room(self):
        self.refused(errno.EINVAL, size=40, flags=1, room=0)
        self.refused(errno.E2BIG, size=56, tail=b'\1' * 8, flags=1)
        self.refused(errno.EINVAL, flags=1, room=0)
        self.refused(errno.EINVAL, reg_size=1, room=0, address=8)
        self.refused(errno.ENOSPC, room=0, address=8)
