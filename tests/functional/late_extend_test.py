# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb,tis
# vm-proxy: yes
# vm-timeout: 180
"""Somebody's extend held back beyond the driver's limit, ours right behind it.

tpm-crb takes the late reply for ours and reports success though our PCR did not move. The log
is never silently ahead of the PCR: it is repaired, or `diverged` names the entry.
"""
import os
import re
import struct
import threading
import unittest

import aael
import device
import vm

# The driver gives up after 750 ms, on ours after as much again: the late reply comes between
# the two, or after both.
HELD_MS = (1000, 1200, 1300, 1400, 1500)
OURS, FOREIGN = 14, 12


def setUpModule():
    device.insmod(enable=1)


def extend_raw(pcr):
    """One bare PCR_Extend: the resource manager would send others behind it that hide the fault."""
    auth = struct.pack('>IHBH', 0x40000009, 0, 0, 0)
    body = struct.pack('>II', pcr, len(auth)) + auth + struct.pack('>IH', 1, 0xb) + os.urandom(32)
    command = struct.pack('>HII', 0x8002, 10 + len(body), 0x182) + body
    with open('/dev/tpm0', 'r+b', buffering=0) as tpm:
        try:
            tpm.write(command)
        except OSError:
            pass  # the driver gives up on it


class Calls:
    """What tpm_pcr_extend() returned, by a probe; nothing where the kernel has no probes."""

    FOLDER = '/sys/kernel/tracing/'

    def __init__(self):
        self.there = os.path.exists(self.FOLDER + 'kprobe_events')
        if self.there:
            self.put('kprobe_events', 'r:late tpm_pcr_extend ret=$retval:s32')
            self.put('events/kprobes/late/enable', '1')

    def put(self, name, value):
        with open(self.FOLDER + name, 'w', encoding='ascii') as file:
            file.write(value)

    def returned(self):
        if not self.there:
            return []
        with open(self.FOLDER + 'trace', encoding='utf-8') as file:
            found = [int(value) for value in re.findall(r' ret=(-?\d+)', file.read())]
        self.put('trace', '')
        return found


class LateExtend(unittest.TestCase):
    def setUp(self):
        self.proxy = vm.TpmProxy()
        self.addCleanup(self.proxy.__exit__)
        self.dev = device.Device()
        self.addCleanup(self.dev.close)

    def agree(self):
        """Log and PCR after a confirmation; True, or False when status owns up to it."""
        self.dev.verify()
        entries = device.read_log().entries
        replayed = {alg: aael.replay(entries, OURS, alg) for alg in
                    (aael.IDS[bank] for bank in vm.BANKS)}
        live = device.wait_for(lambda: device.pcr_values(OURS, vm.BANKS))
        status = device.Status()
        if replayed == live:
            self.assertEqual(status.one('health'), 'consistent')
            return True
        self.assertEqual(status.one('health'), 'diverged')
        self.assertRegex(status['diverged'][0], rf'PCR {OURS} lacks entry \d+')
        return False

    def behind(self, held_ms, act):
        """act() runs while a foreign extend is held back in front of the TPM."""
        self.proxy.reset()
        self.proxy.hold(FOREIGN, held_ms)
        foreign = threading.Thread(target=extend_raw, args=(FOREIGN,))
        foreign.start()
        device.wait_for(lambda: self.proxy.stats()['extends'].get(str(FOREIGN)))
        act()
        foreign.join()

    def test_ours_behind_a_foreign_one(self):
        calls = Calls()
        for held_ms in HELD_MS:
            before, code = device.count(), []

            def act(held_ms=held_ms, code=code):
                try:
                    self.dev.extend('late', 'ours', str(held_ms))
                except OSError as error:
                    code.append(device.name_of(error.errno))
            self.behind(held_ms, act)
            self.assertIn(code, ([], ['EIO']))
            self.assertTrue(self.agree())
            self.assertEqual(device.count() - before, 0 if code else 1)
            seen = self.proxy.stats()['extends'].get(str(OURS), 0)
            print(f'# held {held_ms} ms: {code or "logged"}, tpm_pcr_extend() returned '
                  f'{calls.returned()}, the TPM saw {seen}')
        print('# repairs:', device.Status().one('repairs'))

    def test_ours_held_back_itself(self):
        """The first read after the time-out fails or lies; one answer comes of it all the same."""
        for when in ('before', 'after'):
            before = device.count()
            self.proxy.reset()
            self.proxy.hold(OURS, HELD_MS[-1], when=when)
            self.dev.extend('late', 'held', when)
            self.assertEqual(self.proxy.stats()['extends'][str(OURS)], 1, 'extended again')
            self.assertEqual(device.count(), before + 1)
            self.assertTrue(self.agree())

    def test_two_of_ours_behind_a_foreign_one(self):
        """Runs last: an earlier entry that is missing cannot be repaired."""
        def act():
            threads = [threading.Thread(target=self.append, args=(i,)) for i in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        before = device.count()
        self.behind(HELD_MS[1], act)
        if self.agree():
            self.assertEqual(device.Status().one('health'), 'consistent')
        self.assertLessEqual(device.count() - before, 3)

    def append(self, number):
        with device.Device() as dev:
            try:
                dev.extend('late', 'several', str(number))
            except OSError as error:
                self.assertIn(device.name_of(error.errno), ('EIO', 'ETIMEDOUT'))
