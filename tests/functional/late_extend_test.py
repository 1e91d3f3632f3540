# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7 tpm=crb,tis
# vm: kernel=debug tpm=crb
# vm-proxy: yes
# vm-timeout: 180
"""Somebody's extend held back beyond the driver's limit, ours right behind it.

tpm-crb takes the late reply for ours and reports success though our PCR did not move. The log
is never silently ahead of the PCR: it is repaired, or `diverged` names the entry.
"""
import concurrent.futures
import os
import re
import struct
import unittest

import aael
import device
import vm

# The driver gives up after 750 ms, on ours after as much again: the late reply comes between
# the two, or after both.
HELD_MS = (1000, 1200, 1300, 1400, 1500)
OURS, FOREIGN = 14, 12
PASSES = 3


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
    """What tpm_pcr_extend() returned, by a probe."""

    FOLDER = '/sys/kernel/tracing/'

    def __init__(self):
        self.put('kprobe_events', 'r:late tpm_pcr_extend ret=$retval:s32')
        self.put('events/kprobes/late/enable', '1')

    def put(self, name, value):
        with open(self.FOLDER + name, 'w', encoding='ascii') as file:
            file.write(value)

    def returned(self):
        """Since it was last asked"""
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
        self.settle()

    def append(self, operation, content):
        """Errno name, or '' for an acknowledgment"""
        with device.Device() as dev:
            try:
                dev.extend('late', operation, content)
                return ''
            except OSError as error:
                return device.name_of(error.errno)

    def settle(self):
        """After VERIFY nothing is undecided or unconfirmed."""
        def verified():
            try:
                return self.dev.verify()
            except OSError as error:
                self.assertEqual(device.name_of(error.errno), 'ETIMEDOUT')
                return None
        device.wait_for(verified, 60, 'the PCR cannot be read')

    def agree(self):
        """Log and PCR once all is settled; True, or False when status owns up to it."""
        def live():
            try:
                return device.pcr_values(OURS, vm.BANKS)
            except AssertionError:
                return None  # the TPM is not yet over it
        self.settle()
        value = device.wait_for(live, 60, 'tpm2_pcrread fails')
        entries = device.read_log().entries
        replayed = {alg: aael.replay(entries, OURS, alg) for alg in value}
        status = device.Status()
        self.assertEqual(status.one('pending'), '')
        if replayed == value:
            self.assertEqual(status.one('health'), 'consistent')
            return True
        self.assertEqual(status.one('health'), 'diverged')
        self.assertRegex(status.one('diverged'),
                         rf'^PCR {OURS} (lacks entry \d+|was extended by somebody else)$')
        return False

    def behind(self, held_ms, act):
        """act(pool) runs while a foreign extend is held back in front of the TPM; its result."""
        self.proxy.reset()
        self.proxy.hold(FOREIGN, held_ms)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            foreign = pool.submit(extend_raw, FOREIGN)
            device.wait_for(lambda: self.proxy.stats()['extends'].get(str(FOREIGN)),
                            what='no foreign extend')
            result = act(pool)
            foreign.result()
        return result

    def test_ours_behind_a_foreign_one(self):
        calls, lies = Calls(), 0
        for _ in range(PASSES):
            lies += sum(self.lies_behind(held_ms, calls) for held_ms in HELD_MS)
            if lies or vm.TPM != 'crb':
                break
        repairs = int(device.Status().one('repairs'))
        print(f'# lies: {lies}, repairs: {repairs}')
        if vm.TPM == 'crb':
            self.assertTrue(lies or repairs, 'the driver did not lie: this proves nothing')

    def lies_behind(self, held_ms, calls):
        """How often tpm_pcr_extend() told of an extend that the TPM never got"""
        before = device.count()
        calls.returned()
        code = self.behind(held_ms, lambda _: self.append('ours', str(held_ms)))
        self.assertIn(code, ('', 'EIO', 'ETIMEDOUT'))
        self.assertTrue(self.agree())
        logged = device.count() - before
        self.assertIn(logged, (0, 1) if code else (1,), code)
        returned, seen = calls.returned(), self.proxy.stats()['extends'].get(str(OURS), 0)
        self.assertTrue(returned, 'the probe sees nothing')
        print(f'# held {held_ms} ms: {code or "acknowledged"}, {"logged" if logged else "not logged"}, '
              f'tpm_pcr_extend() returned {returned}, the TPM saw {seen}')
        return max(0, returned.count(0) - seen)

    def test_ours_held_back_itself(self):
        """The first read after the time-out fails or lies; one answer comes of it all the same."""
        for when in ('before', 'after'):
            before = device.count()
            self.proxy.reset()
            self.proxy.hold(OURS, HELD_MS[-1], when=when)
            self.assertIn(self.append('held', when), ('', 'ETIMEDOUT'))
            self.assertTrue(self.agree())
            self.assertEqual(self.proxy.stats()['extends'][str(OURS)], 1, 'extended again')
            self.assertEqual(device.count(), before + 1)

    def test_several_of_ours_behind_a_foreign_one(self):
        """Runs last: an earlier entry that is missing cannot be repaired."""
        before = device.count()
        codes = self.behind(HELD_MS[1], lambda pool: list(
            pool.map(lambda i: self.append('several', str(i)), range(3))))
        print('# codes:', codes)
        agreed = self.agree()
        logged = [text.decode().rpartition(' ')[2] for text in device.read_log().texts()[before:]]
        acknowledged = [str(i) for i, code in enumerate(codes) if not code]
        self.assertEqual(set(codes) - {'', 'EIO', 'ETIMEDOUT'}, set())
        self.assertEqual(set(acknowledged) - set(logged), set(), 'acknowledged but not logged')
        self.assertEqual(len(logged), len(set(logged)), 'logged twice')
        self.assertTrue(agreed or len(logged) > 1, 'a single entry can be put right')
