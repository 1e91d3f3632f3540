# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=none
# vm-timeout: 240
"""Every row of the failure table, through a TPM that misbehaves on order.

Here the rows after which the log replays, and the device's going away in the middle of an
extend; tpmdiverge_test has those that are for good, virtual_test those of a lost read-back.
"""
import errno
import random
import select
import struct
import time

import aael
import device
import vtpm
from faults import Case, OUR

setUpModule = Case.start


class Refused(Case):
    def test_by_a_response_code(self):
        for rc in (0x921, 0x9a2, vtpm.RC_FAILURE, 0x907, 0x100):
            self.tpm.fault('PCR_Extend', vtpm.refuse(rc))
            self.refused(errno.EIO)
        self.consistent(0)

    def test_response_code_of_failure_though_applied(self):
        def failed(tpm_, command, answer):
            answer()
            return vtpm.response(rc=vtpm.RC_FAILURE)
        self.tpm.fault('PCR_Extend', failed)
        self.append()
        self.consistent(1)

    def test_retry_is_the_drivers_and_extends_once(self):
        self.tpm.fault('PCR_Extend', vtpm.refuse(vtpm.RC_RETRY), count=2)
        self.append()
        self.sent(3)
        self.consistent(1)


class TimeOut(Case):
    def test_applied_is_logged(self):
        self.tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.assertEqual(self.append(), (self.before + 1, OUR))
        self.sent(1)
        self.consistent(1)

    def test_not_applied_is_certain(self):
        self.tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO)
        self.sent(1)
        self.consistent(0)

    def test_read_back_fails_then_recovers(self):
        for fault in (vtpm.refuse(vtpm.RC_FAILURE), vtpm.reply(b'\x80\x01\0\0')):
            self.tpm.fault('PCR_Extend', vtpm.lose_answer)
            self.tpm.fault('PCR_Read', fault, count=2)
            self.append()
        self.sent(2)
        self.consistent(2)

    def test_first_read_back_is_an_old_value(self):
        """As the late reply of an earlier PCR_Read would be."""
        old = {alg: self.tpm.pcrs[alg][OUR] for alg in self.tpm.algs}

        def stale(tpm_, command, answer):
            alg, = struct.unpack_from('>H', command, 14)
            value = old[alg]
            return vtpm.response(struct.pack('>IIHB', 0, 1, alg, 3) + command[17:20]
                                 + struct.pack('>IH', 1, len(value)) + value)
        self.tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.tpm.fault('PCR_Read', stale, count=2)  # one read of both banks
        self.append()
        self.consistent(1)


class Undecided(Case):
    def undecided(self, fault):
        self.tpm.fault('PCR_Extend', fault)
        self.tpm.fault('PCR_Read', vtpm.refuse(vtpm.RC_FAILURE), count=1000)
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
        self.tpm.heal()

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
        self.tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO, 'late')
        self.assertEqual(device.count(), self.before)
        self.tpm.extend(*self.tpm.last)
        self.dev.verify()
        self.assertTrue(device.read_log().texts()[-1].endswith(b'late'))
        self.consistent(1)

    def test_application_in_front_of_the_next_is_logged_in_front_of_it(self):
        self.append('first')
        self.tpm.fault('PCR_Extend', vtpm.lose_command)
        self.refused(errno.EIO, 'late')
        self.tpm.extend(*self.tpm.last)
        self.assertEqual(self.append('next')[0], self.before + 3)
        self.assertEqual([t.rpartition(b' ')[2] for t in device.read_log().texts()[-3:]],
                         [b'first', b'late', b'next'])
        self.consistent(3)


class Lies(Case):
    def setUp(self):
        super().setUp()
        self.repairs = self.repaired()

    @staticmethod
    def repaired():
        return int(device.Status().one('repairs'))

    def test_last_entry_is_extended_again(self):
        self.tpm.fault('PCR_Extend', vtpm.lie)
        self.append()
        self.dev.verify()
        self.assertEqual(self.repaired(), self.repairs + 1)
        self.sent(2)
        self.consistent(1)

    def test_is_found_without_being_asked(self):
        self.tpm.fault('PCR_Extend', vtpm.lie)
        self.append()
        device.wait_for(self.replays)
        device.wait_for(lambda: self.repaired() == self.repairs + 1)
        self.consistent(1)

    def test_slow_one_is_found_at_once(self):
        self.tpm.slow_extend(vtpm.lie)
        self.append()
        self.assertTrue(self.replays())
        self.sent(vtpm.SLOW_RETRIES + 2)
        self.consistent(1)
        self.assertEqual(self.repaired(), self.repairs, 'found only when it was confirmed')

    def test_slow_success_is_confirmed_at_once(self):
        reads = self.tpm.counts['PCR_Read']
        self.tpm.slow_extend()
        self.append()
        self.assertGreater(self.tpm.counts['PCR_Read'], reads)
        self.sent(vtpm.SLOW_RETRIES + 1)
        self.consistent(1)

    def test_slow_success_that_cannot_be_read_is_not_acknowledged(self):
        self.tpm.slow_extend()
        self.tpm.fault('PCR_Read', vtpm.refuse(vtpm.RC_FAILURE), count=1000)
        self.refused(errno.ETIMEDOUT)
        self.tpm.heal()
        self.consistent(1)


class Garbage(Case):
    SEED = time.time_ns()  # a failure tells it; put it here to see the same again
    CHANCE = random.Random(SEED)
    ANSWERS = (b'', b'\0', b'\x80\x01', b'\xff' * 10, b'\x80\x01\0\0\0\x0a\0\0', bytes(10), bytes(512),
               vtpm.HEADER.pack(0x8001, 9, 0), vtpm.HEADER.pack(0x8001, 0xffffffff, 0),
               vtpm.HEADER.pack(0x8002, 4096, 0), CHANCE.randbytes(64), CHANCE.randbytes(4096))

    def test_instead_of_the_answer_to_an_extend(self):
        for number, answer in enumerate(self.ANSWERS):
            for applied in (True, False):
                what = f'seed {self.SEED}, answer {number}, applied {applied}'
                self.tpm.fault('PCR_Extend', vtpm.reply(answer, applied))
                try:
                    self.append()
                except OSError as error:
                    self.assertEqual(device.name_of(error.errno), 'EIO', what)
                self.dev.verify()
                self.assertTrue(self.replays(), what)
        self.consistent(device.count() - self.before)

    def test_instead_of_the_answer_to_a_read(self):
        for number, answer in enumerate(self.ANSWERS[1:], 1):
            self.tpm.fault('PCR_Read', vtpm.reply(answer))
            self.append()
            self.dev.verify()
            self.assertTrue(self.replays(), f'seed {self.SEED}, answer {number}')
        self.consistent(len(self.ANSWERS) - 1)

    def test_short_and_wrong_digests_in_a_read(self):
        for edit in (lambda a: a[:-1], lambda a: a[:20],
                     lambda a: a[:28] + struct.pack('>H', 8) + a[30:],
                     lambda a: a[:28] + struct.pack('>H', 0xffff) + a[30:],
                     lambda a: a[:24] + bytes(4) + a[28:]):
            self.tpm.fault('PCR_Read', vtpm.change(edit))
            self.append()
            self.dev.verify()
            self.assertTrue(self.replays())
        self.consistent(5)


class ZGone(Case):
    """Runs last: the device never comes back."""

    def test_in_the_middle_of_an_extend_leaves_it_undecided(self):
        self.tpm.fault('PCR_Extend', vtpm.vanish(True))
        self.gone_undecided()
        self.sent(1)
