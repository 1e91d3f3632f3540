# SPDX-License-Identifier: Apache-2.0
"""What the tests with a misbehaving TPM share: the TPM, an append, and what must hold after it."""
import errno
import unittest

import aael
import device
import vtpm

BANKS = ('sha256', 'sha384')
OUR = 14


class Case(unittest.TestCase):
    """A log on one vtpm.Tpm; pcr is the register that the class appends to."""

    tpm = None
    pcr = OUR

    @staticmethod
    def start():
        """For setUpModule(): the TPM and the module on it"""
        Case.tpm = vtpm.Tpm(BANKS)
        device.insmod(provider='tpm', enable=1)

    def setUp(self):
        self.tpm.heal()
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.dev.snapshot()  # nothing of an earlier test is left in doubt
        self.before = device.count()
        self.extends = self.tpm.counts['PCR_Extend']

    def append(self, content='content'):
        return self.dev.extend('fault', self._testMethodName, content, index=self.pcr)

    def refused(self, code, content='content'):
        with self.assertRaises(OSError) as caught:
            self.append(content)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))
        return caught.exception

    def replays(self):
        entries = device.read_log().entries
        return all(aael.replay(entries, self.pcr, alg) == self.tpm.pcrs[alg][self.pcr]
                   for alg in self.tpm.algs)

    def consistent(self, appended):
        """The log has that many more entries, replays, and says so."""
        snapshot, verify = self.dev.snapshot(self.pcr), self.dev.verify(self.pcr)
        self.assertEqual(device.HEALTHS[snapshot.health], 'consistent')
        self.assertEqual(device.count() - self.before, appended)
        self.assertEqual((verify.match, self.dev.info().pending_sequence), (1, 0))
        self.assertTrue(self.replays())
        self.assertEqual(aael.mismatched(device.read_log()), [])
        self.append('afterwards')
        self.assertTrue(self.replays())

    def diverged(self, line):
        self.assertEqual(device.HEALTHS[self.dev.snapshot(self.pcr).health], 'diverged')
        self.assertEqual(device.HEALTHS[self.dev.info().health], 'diverged')
        self.assertEqual(self.dev.verify(self.pcr).match, 0)
        status = device.Status()
        self.assertEqual(status.one('health'), 'diverged')
        self.assertIn(line, status['diverged'])
        self.assertTrue([v for v in status['diverged_values'] if v.startswith(f'PCR {self.pcr} ')])
        self.assertFalse(self.replays())

    def gone(self, pending=0):
        """The device is gone for good: everything says so, and the log can be read."""
        self.refused(errno.ENODEV)
        for call in (self.dev.snapshot, self.dev.verify):
            with self.assertRaises(OSError) as caught:
                call()
            self.assertEqual(device.name_of(caught.exception.errno), 'ENODEV')
        info, status = self.dev.info(), device.Status()
        self.assertEqual(device.HEALTHS[info.health], 'gone')
        self.assertEqual(info.pending_sequence, pending)
        self.assertEqual(status.one('health'), 'gone')
        self.assertEqual(status.one('pending'), f'entry {pending} is undecided' if pending else '')
        self.assertEqual(device.count(), self.before)
        self.assertEqual(len(device.read_log().ours), self.before)

    def gone_undecided(self):
        """The device went away when it may have had the event: that stays undecided."""
        error = self.refused(errno.ETIMEDOUT, 'undecided')
        self.assertEqual(error.sequence, self.before + 1)
        self.gone(self.before + 1)
        other = vtpm.Tpm(BANKS, self.tpm.pcrs)
        self.addCleanup(other.close)
        self.gone(self.before + 1)
        self.assertEqual(other.counts['PCR_Extend'], 0)
        self.assertIn('in use', device.rmmod(check=False)[1])

    def sent(self, number):
        self.assertEqual(self.tpm.counts['PCR_Extend'] - self.extends, number)
