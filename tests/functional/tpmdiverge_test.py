# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=none
# vm-timeout: 120
"""The rows of the failure table that are for good: log and register go two ways, and status says so.

A divergence latches its register, so every test that provokes one has a PCR of its own.
"""
import errno
import hashlib

import aael
import device
import vtpm
from faults import BANKS, Case

setUpModule = Case.start


class LieAboutAnEarlierEntry(Case):
    pcr = 11

    def test_names_the_first_missing_entry(self):
        for _ in range(10):
            self.append('first')
            # The confirmation has been, so none is due for 900 ms.
            device.wait_for(lambda: f'PCR {self.pcr}: consistent, 0 unconfirmed'
                            in device.Status()['register_health'])
            repairs = device.Status().one('repairs')
            self.tpm.fault('PCR_Extend', vtpm.lie)
            missing, _ = self.append('missing')
            self.append('third')
            self.dev.verify(self.pcr)
            if device.Status().one('repairs') == repairs:
                break
            # Very slow: it came between the two and put the first of them right. Again.
            self.assertTrue(self.replays())
        self.diverged(f'PCR {self.pcr} lacks entry {missing}')
        self.assertEqual(self.append('goes on')[0], missing + 2)


class Foreign(Case):
    pcr = 12

    def test_extend_is_on_record_and_appends_go_on(self):
        self.append('first')
        violations = self.dev.info().violations
        self.tpm.extend(self.pcr, {alg: hashlib.new(aael.ALGS[alg][0], b'x').digest()
                              for alg in self.tpm.algs})
        self.dev.verify(self.pcr)
        self.diverged(f'PCR {self.pcr} was extended by somebody else')
        self.assertEqual(self.dev.info().violations, violations + 1)
        self.assertEqual(int(device.text_file('violations')), violations + 1)
        live = self.tpm.pcrs[0xb][self.pcr].hex()
        self.assertTrue([v for v in device.Status()['diverged_values'] if live in v])
        self.append('goes on')
        self.tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.append('time-outs stay decidable')
        self.tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO)
        self.dev.verify(self.pcr)
        self.assertEqual(self.dev.info().violations, violations + 1)
        self.diverged(f'PCR {self.pcr} was extended by somebody else')


class ForeignUnasked(Case):
    pcr = 13

    def test_is_found_within_a_second_of_an_append(self):
        self.tpm.fault('PCR_Extend', lambda t, c, answer: self.twice(answer))
        self.append()
        device.wait_for(lambda: f'PCR {self.pcr} was extended by somebody else'
                        in device.Status().get('diverged', []))
        self.diverged(f'PCR {self.pcr} was extended by somebody else')

    def twice(self, answer):
        self.tpm.extend(self.pcr, {alg: bytes(aael.ALGS[alg][1]) for alg in self.tpm.algs})
        return answer()


class OneBankOnly(Case):
    pcr = 15

    def test_is_never_taken_for_applied(self):
        def half(tpm_, command, answer):
            pcr, digests = tpm_.parse_extend(command)
            tpm_.extend(pcr, {0xb: digests[0xb]})
        self.tpm.fault('PCR_Extend', half)
        self.refused(errno.EIO)
        self.assertEqual(device.count(), self.before)
        self.assertEqual(device.HEALTHS[self.dev.snapshot(self.pcr).health], 'diverged')


class ZGone(Case):
    """Runs last: takes the device away."""

    def test_device_gone_is_latched_and_another_is_not_taken(self):
        self.tpm.close()
        self.gone()
        self.assertIn('is gone', device.dmesg())
        other = vtpm.Tpm(BANKS, self.tpm.pcrs)
        self.addCleanup(other.close)
        self.gone()
        self.assertEqual(other.counts['PCR_Extend'], 0)
