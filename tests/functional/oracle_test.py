# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1 tpm=none
"""The tests' own reader of logs, against the check vectors and real logs of TDX guests."""
import os
import re
import unittest

import aael

VECTORS = os.environ.get('AAEL_VECTORS', '')


class Oracle(unittest.TestCase):
    def test_itself(self):
        aael.selftest([])

    def test_real_logs_replay_to_their_registers(self):
        folder = VECTORS + '/ccel'
        if not VECTORS or not os.path.exists(folder):
            self.skipTest('AAEL_VECTORS names no folder of vectors')
        with open(folder + '/README.md', encoding='utf-8') as file:
            readme = file.read()
        names = re.findall(r'^(CCEL_data_\w+)$', readme, re.M)
        self.assertTrue(names)
        for name in names:
            with open(f'{folder}/{name}', 'rb') as file:
                log = aael.parse(file.read(), marks=True)
            block = readme.partition(name + '\n')[2].partition('CCEL_data_')[0]
            expected = re.findall(r'RTMR(\d) +(zero|[0-9a-f]{96})', block)
            self.assertEqual(len(expected), 4)
            for rtmr, value in expected:
                got = aael.replay(log.entries, int(rtmr) + 1, aael.IDS['sha384']).hex()
                self.assertEqual(got, '0' * 96 if value == 'zero' else value, f'{name} {rtmr}')
                # Real firmware's logs replay by both rules.
                self.assertEqual(aael.replay(log.entries, int(rtmr) + 1, 0xc, 'trustee').hex(), got)
