# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7
# vm-tdx: yes
"""Init-Data in a TDX guest: the daemon starts only if MRCONFIGID holds its digest."""
import hashlib
import unittest

import device
import initdata
import tdx

SIZE = 48


class Bound(unittest.TestCase):
    @staticmethod
    def mrconfigid(document, algorithm):
        return hashlib.new(algorithm, document).digest()[:SIZE].ljust(SIZE, b'\0').hex()

    def test_digest_is_cut_or_filled_up(self):
        for algorithm in ('sha256', 'sha384', 'sha512'):
            document = initdata.document(algorithm)
            with tdx.guest(mrconfigid=self.mrconfigid(document, algorithm)):
                with device.module():
                    with initdata.daemon(document) as daemon:
                        self.assertIn('is bound to the platform (tdx)', daemon.output())

    def test_other_initdata_is_refused(self):
        document = initdata.document('sha384')
        want = self.mrconfigid(document, 'sha384')
        with tdx.guest(mrconfigid='ab' * SIZE):
            with device.module():
                initdata.fails(self, f'MRCONFIGID is {"ab" * SIZE} and not {want}', document)
                self.assertEqual(device.Status().one('state'), 'disabled')
