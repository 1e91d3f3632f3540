# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12 tpm=crb banks=sha256+sha384
"""Init-Data on a TPM: its digest is in PCR 8 from the first start on, or the daemon does not start."""
import hashlib
import unittest

import aael
import device
import initdata
import rest

PCR = 8


def setUpModule():
    device.insmod()


class Bound(unittest.TestCase):
    """In the order of the names: a TPM forgets nothing."""

    def pcr(self, bank='sha256'):
        return device.pcr_values(PCR, [bank])[aael.IDS[bank]]

    def test_1_another_algorithm_is_refused(self):
        initdata.fails(self, 'on a TPM algorithm must be sha256', initdata.document('sha384'))
        self.assertEqual(self.pcr(), bytes(32))
        self.assertEqual(device.Status().one('state'), 'disabled')

    def test_2_first_start_extends_pcr_8(self):
        document = initdata.document('sha256')
        other = self.pcr('sha384')
        want = hashlib.sha256(bytes(32) + hashlib.sha256(document).digest()).digest()
        for _ in range(2):
            with initdata.daemon(document) as daemon:
                self.assertIn('is bound to the platform (tpm)', daemon.output())
                self.assertEqual(daemon.post(initdata.EVENT).body, initdata.SUCCESS)
            self.assertEqual(self.pcr(), want)
        self.assertEqual(self.pcr('sha384'), other)

    def test_3_other_initdata_is_refused_until_reboot(self):
        before = self.pcr()
        initdata.fails(self, f'PCR 8 holds {before.hex()}', initdata.document('sha256', b'# other\n'))
        self.assertEqual(self.pcr(), before)
        with rest.Daemon() as daemon:
            self.assertEqual(daemon.post(initdata.EVENT).body, initdata.SUCCESS)
