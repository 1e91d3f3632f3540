# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb,tis
# vm-proxy: yes
# vm-timeout: 180
"""Somebody's extend held back beyond the driver's limit, ours right behind it.

tpm-crb takes the late reply for ours and reports success though our PCR did not move. The log
is never silently ahead of the PCR: it is repaired, or `diverged` names the entry.
"""
import hashlib
import os
import threading
import unittest

import aael
import device
import vm

HELD_MS = 1500
ROUNDS = 5
OURS, FOREIGN = 14, 12


def setUpModule():
    device.insmod(enable=1)


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

    def behind(self, act):
        """act() runs while a foreign extend is held back in front of the TPM."""
        self.proxy.reset()
        self.proxy.hold(FOREIGN, HELD_MS)
        digest = hashlib.sha256(os.urandom(8)).hexdigest()
        foreign = threading.Thread(target=device.run, kwargs={'check': False}, args=(
            'tpm2_pcrextend', f'{FOREIGN}:sha256={digest}'))
        foreign.start()
        device.wait_for(lambda: self.proxy.stats()['extends'].get(str(FOREIGN)))
        act()
        foreign.join()

    def test_ours_behind_a_foreign_one(self):
        again = 0
        for number in range(ROUNDS):
            before, code = device.count(), []

            def act(number=number, code=code):
                try:
                    self.dev.extend('late', 'ours', str(number))
                except OSError as error:
                    code.append(device.name_of(error.errno))
            self.behind(act)
            self.assertIn(code, ([], ['EIO']))
            self.assertTrue(self.agree())
            self.assertEqual(device.count() - before, 0 if code else 1)
            again += self.proxy.stats()['extends'].get(str(OURS), 0) > 1
        print(f'# extended again in {again} of {ROUNDS} rounds')

    def test_ours_held_back_itself(self):
        """The first read after the time-out fails or lies; one answer comes of it all the same."""
        for when in ('before', 'after'):
            before = device.count()
            self.proxy.reset()
            self.proxy.hold(OURS, HELD_MS, when=when)
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
        self.behind(act)
        if self.agree():
            self.assertEqual(device.Status().one('health'), 'consistent')
        self.assertLessEqual(device.count() - before, 3)

    def append(self, number):
        with device.Device() as dev:
            try:
                dev.extend('late', 'several', str(number))
            except OSError as error:
                self.assertIn(device.name_of(error.errno), ('EIO', 'ETIMEDOUT'))
