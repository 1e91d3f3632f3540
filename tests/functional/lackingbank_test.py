# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
# vm-proxy: yes
# vm-firmware-lacks: sha384
"""A boot log whose header lacks a bank that is active: entries carry exactly the header's
algorithms, every bank is extended all the same, and status says what is not logged."""
import hashlib
import unittest

import aael
import device

SHA256, SHA384 = 0xb, 0xc


class LackingBank(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        device.insmod(enable=1)
        cls.device = device.Device()
        for n in range(3):
            cls.device.write(f'lacking bank event-{n}\n')

    def test_status_names_the_bank(self):
        self.assertEqual(device.Status()['bank'], [
            'sha256', "sha384 (extended, but not in the log: the boot log's header lacks it)"])

    def test_entries_have_exactly_the_headers_algorithms(self):
        log = device.read_log()
        self.assertEqual(log.algs, [(SHA256, 32)])
        self.assertTrue(all(set(e.digests) == {SHA256} for e in log.entries
                            if e.type != aael.EV_NO_ACTION))
        self.assertEqual(self.device.info().algs, [SHA256])

    def test_the_logged_bank_replays(self):
        self.assertEqual(aael.replay(device.read_log().entries, 14, SHA256),
                         device.pcr_values(14, ['sha256'])[SHA256])
        self.assertEqual(self.device.verify().match, 1)
        self.assertEqual(device.Status().one('health'), 'consistent')

    def test_the_other_bank_is_extended_all_the_same(self):
        value = bytes(48)
        for entry in device.read_log().ours:
            value = hashlib.sha384(value + hashlib.sha384(entry.event).digest()).digest()
        self.assertEqual(device.pcr_values(14, ['sha384'])[SHA384], value)

    def test_every_register_replays_by_the_hardware_rule(self):
        log, live = device.read_log(), device.pcr_bank('sha256')
        for pcr in (*range(8), 14):
            self.assertEqual(aael.replay(log.entries, pcr, SHA256), live[pcr], f'PCR {pcr}')

    def test_tpm2_eventlog_agrees(self):
        log, live = device.read_log(), device.pcr_bank('sha256')
        events, pcrs = device.tpm2_eventlog()
        self.assertEqual((events, len(log.ours)), (len(log.entries) + 1, 3))
        self.assertEqual(list(pcrs), [SHA256])
        for pcr in (*range(8), 14):
            self.assertEqual(pcrs[SHA256][pcr], live[pcr], f'PCR {pcr}')
