# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=none
# vm-timeout: 240
"""Every row of the failure table, through a TPM that misbehaves on order.

A divergence is for good, so every test that provokes one has a PCR of its own; the log is
never silently beside a register: after each test it replays, or its health says that not.
"""
import errno
import hashlib
import os
import select
import struct
import unittest

import aael
import device
import vtpm

BANKS = ('sha256', 'sha384')
OUR = 14
tpm = None


def setUpModule():
    global tpm
    tpm = vtpm.Tpm(BANKS)
    device.insmod(provider='tpm', enable=1)


class Case(unittest.TestCase):
    pcr = OUR

    def setUp(self):
        tpm.heal()
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.dev.snapshot()  # nothing of an earlier test is left in doubt
        self.before = device.count()
        self.extends = tpm.counts['PCR_Extend']

    def append(self, content='content'):
        return self.dev.extend('fault', self._testMethodName, content, index=self.pcr)

    def refused(self, code, content='content'):
        with self.assertRaises(OSError) as caught:
            self.append(content)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))
        return caught.exception

    def replays(self):
        entries = device.read_log().entries
        return all(aael.replay(entries, self.pcr, alg) == tpm.pcrs[alg][self.pcr]
                   for alg in tpm.algs)

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

    def sent(self, number):
        self.assertEqual(tpm.counts['PCR_Extend'] - self.extends, number)


class Refused(Case):
    def test_by_a_response_code(self):
        for rc in (0x921, 0x9a2, vtpm.RC_FAILURE, 0x907, 0x100):
            tpm.fault('PCR_Extend', vtpm.refuse(rc))
            self.refused(errno.EIO)
        self.consistent(0)

    def test_response_code_of_failure_though_applied(self):
        def failed(tpm_, command, answer):
            answer()
            return vtpm.response(rc=vtpm.RC_FAILURE)
        tpm.fault('PCR_Extend', failed)
        self.append()
        self.consistent(1)

    def test_retry_is_the_drivers_and_extends_once(self):
        tpm.fault('PCR_Extend', vtpm.refuse(vtpm.RC_RETRY), count=2)
        self.append()
        self.sent(3)
        self.consistent(1)


class TimeOut(Case):
    def test_applied_is_logged(self):
        tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.assertEqual(self.append(), (self.before + 1, OUR))
        self.sent(1)
        self.consistent(1)

    def test_not_applied_is_certain(self):
        tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO)
        self.sent(1)
        self.consistent(0)

    def test_read_back_fails_then_recovers(self):
        for fault in (vtpm.refuse(vtpm.RC_FAILURE), vtpm.reply(b'\x80\x01\0\0')):
            tpm.fault('PCR_Extend', vtpm.lose_answer)
            tpm.fault('PCR_Read', fault, count=2)
            self.append()
        self.sent(2)
        self.consistent(2)

    def test_first_read_back_is_an_old_value(self):
        """As the late reply of an earlier PCR_Read would be."""
        old = {alg: tpm.pcrs[alg][OUR] for alg in tpm.algs}

        def stale(tpm_, command, answer):
            alg, = struct.unpack_from('>H', command, 14)
            value = old[alg]
            return vtpm.response(struct.pack('>IIHB', 0, 1, alg, 3) + command[17:20]
                                 + struct.pack('>IH', 1, len(value)) + value)
        tpm.fault('PCR_Extend', vtpm.lose_answer)
        tpm.fault('PCR_Read', stale, count=2)  # one read of both banks
        self.append()
        self.consistent(1)


class Undecided(Case):
    def undecided(self, fault):
        tpm.fault('PCR_Extend', fault)
        tpm.fault('PCR_Read', vtpm.refuse(vtpm.RC_FAILURE), count=1000)
        error = self.refused(errno.ETIMEDOUT, 'undecided')
        self.assertEqual(error.sequence, self.before + 1)
        info, status = self.dev.info(), device.Status()
        self.assertEqual(info.pending_sequence, self.before + 1)
        self.assertEqual(device.HEALTHS[info.health], 'unknown')
        self.assertEqual(status.one('health'), 'unknown')
        self.assertEqual(status.one('pending'), f'entry {self.before + 1} is undecided')
        self.assertEqual(device.count(), self.before)
        self.refused(errno.EIO, 'while undecided')
        with self.assertRaises(OSError) as caught:
            self.dev.snapshot()
        self.assertEqual(device.name_of(caught.exception.errno), 'ETIMEDOUT')
        self.sent(1)
        tpm.heal()

    def test_and_applied_is_logged_by_the_next_use(self):
        self.undecided(vtpm.lose_answer)
        self.assertEqual(self.append('behind')[0], self.before + 2)
        self.assertEqual([t.rpartition(b' ')[2] for t in device.read_log().texts()[-2:]],
                         [b'undecided', b'behind'])
        self.consistent(2)

    def test_and_not_applied_is_not_logged(self):
        self.undecided(vtpm.lose_command)
        self.dev.snapshot()
        self.consistent(0)

    def test_is_told_by_poll(self):
        poller = select.poll()
        poller.register(self.dev.fd, select.POLLPRI)
        self.dev.info()
        self.assertEqual(poller.poll(0), [])
        self.undecided(vtpm.lose_answer)
        self.assertEqual(poller.poll(0), [])  # info() was asked meanwhile
        self.dev.snapshot()
        self.assertEqual(poller.poll(0), [(self.dev.fd, select.POLLPRI)])
        self.dev.info()
        self.assertEqual(poller.poll(0), [])
        self.consistent(1)


class Late(Case):
    def test_application_after_the_verdict_is_logged(self):
        tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO, 'late')
        self.assertEqual(device.count(), self.before)
        tpm.extend(*tpm.last)
        self.dev.verify()
        self.assertTrue(device.read_log().texts()[-1].endswith(b'late'))
        self.consistent(1)


class LateInBetween(Case):
    pcr = 9

    def test_application_in_front_of_the_next_is_no_silent_mismatch(self):
        self.append('first')
        tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO, 'late')
        tpm.extend(*tpm.last)
        self.append('next')
        self.dev.snapshot(self.pcr)
        if not self.replays():
            self.diverged(f'PCR {self.pcr} was extended by somebody else')


class Lies(Case):
    def test_last_entry_is_extended_again(self):
        repairs = int(device.Status().one('repairs'))
        tpm.fault('PCR_Extend', vtpm.lie)
        self.append()
        self.dev.verify()
        self.assertEqual(int(device.Status().one('repairs')), repairs + 1)
        self.sent(2)
        self.consistent(1)

    def test_is_found_without_being_asked(self):
        repairs = int(device.Status().one('repairs'))
        tpm.fault('PCR_Extend', vtpm.lie)
        self.append()
        device.wait_for(self.replays, 5)
        device.wait_for(lambda: int(device.Status().one('repairs')) == repairs + 1, 5)
        self.consistent(1)

    def test_slow_one_is_found_at_once(self):
        tpm.fault('PCR_Extend', vtpm.slowly(0.6, vtpm.lie))
        self.append()
        self.assertTrue(self.replays())
        self.sent(2)
        self.consistent(1)

    def test_slow_success_is_confirmed_at_once(self):
        reads = tpm.counts['PCR_Read']
        tpm.fault('PCR_Extend', vtpm.slowly(0.6))
        self.append()
        self.assertGreater(tpm.counts['PCR_Read'], reads)
        self.sent(1)
        self.consistent(1)


class LieAboutAnEarlierEntry(Case):
    pcr = 11

    def test_names_the_first_missing_entry(self):
        self.append('first')
        self.dev.verify(self.pcr)
        tpm.fault('PCR_Extend', vtpm.lie)
        missing, _ = self.append('missing')
        self.append('third')
        self.dev.verify(self.pcr)
        self.diverged(f'PCR {self.pcr} lacks entry {missing}')
        self.assertEqual(self.append('goes on')[0], missing + 2)


class Foreign(Case):
    pcr = 12

    def test_extend_is_on_record_and_appends_go_on(self):
        self.append('first')
        violations = self.dev.info().violations
        tpm.extend(self.pcr, {alg: hashlib.new(aael.ALGS[alg][0], b'x').digest()
                              for alg in tpm.algs})
        self.dev.verify(self.pcr)
        self.diverged(f'PCR {self.pcr} was extended by somebody else')
        self.assertEqual(self.dev.info().violations, violations + 1)
        self.assertEqual(int(device.text_file('violations')), violations + 1)
        live = tpm.pcrs[0xb][self.pcr].hex()
        self.assertTrue([v for v in device.Status()['diverged_values'] if live in v])
        self.append('goes on')
        tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.append('time-outs stay decidable')
        tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO)
        self.dev.verify(self.pcr)
        self.assertEqual(self.dev.info().violations, violations + 1)
        self.diverged(f'PCR {self.pcr} was extended by somebody else')


class ForeignUnasked(Case):
    pcr = 13

    def test_is_found_within_a_second_of_an_append(self):
        tpm.fault('PCR_Extend', lambda t, c, answer: self.twice(answer))
        self.append()
        device.wait_for(lambda: f'PCR {self.pcr} was extended by somebody else'
                        in device.Status().get('diverged', []), 5)
        self.diverged(f'PCR {self.pcr} was extended by somebody else')

    def twice(self, answer):
        tpm.extend(self.pcr, {alg: bytes(aael.ALGS[alg][1]) for alg in tpm.algs})
        return answer()


class OneBankOnly(Case):
    pcr = 15

    def test_is_never_taken_for_applied(self):
        def half(tpm_, command, answer):
            pcr, digests = tpm_.parse_extend(command)
            tpm_.extend(pcr, {0xb: digests[0xb]})
        tpm.fault('PCR_Extend', half)
        self.refused(errno.EIO)
        self.assertEqual(device.count(), self.before)
        self.assertEqual(device.HEALTHS[self.dev.snapshot(self.pcr).health], 'diverged')


class Garbage(Case):
    ANSWERS = (b'', b'\0', b'\x80\x01', b'\xff' * 10, b'\x80\x01\0\0\0\x0a\0\0', bytes(10), bytes(512),
               vtpm.HEADER.pack(0x8001, 9, 0), vtpm.HEADER.pack(0x8001, 0xffffffff, 0),
               vtpm.HEADER.pack(0x8002, 4096, 0), os.urandom(64), os.urandom(4096))

    def test_instead_of_the_answer_to_an_extend(self):
        for answer in self.ANSWERS:
            for applied in (True, False):
                tpm.fault('PCR_Extend', vtpm.reply(answer, applied))
                try:
                    self.append()
                except OSError as error:
                    self.assertEqual(device.name_of(error.errno), 'EIO', (answer, applied))
                self.dev.verify()
                self.assertTrue(self.replays(), (answer, applied))
        self.consistent(device.count() - self.before)

    def test_instead_of_the_answer_to_a_read(self):
        for answer in self.ANSWERS[1:]:
            tpm.fault('PCR_Read', vtpm.reply(answer))
            self.append()
            self.dev.verify()
            self.assertTrue(self.replays(), answer)
        self.consistent(len(self.ANSWERS) - 1)

    def test_short_and_wrong_digests_in_a_read(self):
        for edit in (lambda a: a[:-1], lambda a: a[:20],
                     lambda a: a[:28] + struct.pack('>H', 8) + a[30:],
                     lambda a: a[:28] + struct.pack('>H', 0xffff) + a[30:],
                     lambda a: a[:24] + bytes(4) + a[28:]):
            tpm.fault('PCR_Read', vtpm.change(edit))
            self.append()
            self.dev.verify()
            self.assertTrue(self.replays())
        self.consistent(5)


class ZGone(Case):
    """Runs last: takes the device away, and brings it back."""

    def gone(self):
        tpm.close()
        self.refused(errno.ENODEV)
        for call in (self.dev.snapshot, self.dev.verify):
            with self.assertRaises(OSError) as caught:
                call()
            self.assertEqual(device.name_of(caught.exception.errno), 'ENODEV')
        self.assertEqual(device.HEALTHS[self.dev.info().health], 'gone')
        self.assertEqual(device.Status().one('health'), 'gone')
        self.assertEqual(device.count(), self.before)
        device.read_log()

    def test_a_the_same_registers_are_taken_back(self):
        global tpm
        self.gone()
        tpm = vtpm.Tpm(BANKS, tpm.pcrs)
        self.append()
        self.consistent(1)
        self.assertIn('is back', device.dmesg())

    def test_b_other_registers_are_told(self):
        global tpm
        self.gone()
        tpm = vtpm.Tpm(BANKS)
        self.append()
        self.dev.verify()
        self.diverged(f'PCR {OUR} was extended by somebody else')
