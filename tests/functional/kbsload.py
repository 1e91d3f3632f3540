# SPDX-License-Identifier: Apache-2.0
"""Tokens while others append: the daemon against the stub in a process of its own. What counts
is what the stub refused: the daemon asks a second time before it gives up.

Writers are paced by what a token takes, for that grows with the log: EVENTS for each token, by
all writers together, at any time of it; more for the control, of which there are fewer.
"""
import json
import random
import time
import unittest

import attester
import device
import evidence
import kbstoken
import stub
import tokens

WRITERS = 8
EVENTS = 1
EVENTS_CONTROL = 10


class Load(unittest.TestCase):
    """The class says: tee; quotes, how many tokens; controls,
    how many in the naive order; naive_evidence(); words for the stub."""
    words = ()
    took = 0.2  # the last token, seconds

    @classmethod
    def setUpClass(cls):
        cls.stub = stub.Remote('--mode', 'log-aware', *cls.words).__enter__()
        cls.addClassCleanup(cls.stub.__exit__)
        cls.public = cls.stub.public
        cls.daemon = kbstoken.daemon(cls.stub).__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)

    def verdicts(self):
        counts = self.stub.counts
        return counts.get('believed', 0), counts.get('refused', 0)

    def useless(self):
        """Quotes that the daemon repeated"""
        return self.daemon.output().count('is of no use')

    def writers(self, events=EVENTS):
        return evidence.Writers(WRITERS, lambda: random.uniform(0, 2 * WRITERS / events * self.took))

    def entries(self):
        """How many entries a fresh token shows. It must be one of the stub's."""
        answer = kbstoken.ask(self.daemon, kbstoken.NO_CACHE)
        self.assertEqual(answer.status, 200, answer)
        token = json.loads(answer.body)['token']
        return len(tokens.evidence_of(tokens.claims_of(token, self.public))[self.tee]['uefi_event_logs'])

    def fetch_all(self, what, number):
        """All are believed at once, and none lacks what had been acknowledged before."""
        before, useless, events = self.verdicts(), self.useless(), device.count()
        boot = len(device.read_log().entries) - len(device.read_log().ours)
        begin, cut = time.monotonic(), 0
        for _ in range(number):
            started, acknowledged = time.monotonic(), device.count()
            shown = self.entries() - boot
            self.took = time.monotonic() - started
            self.assertGreaterEqual(shown, acknowledged)
            cut += shown < device.count()
        took = time.monotonic() - begin
        believed, refused = (after - one for after, one in zip(self.verdicts(), before))
        print(f'# {what}: {number} tokens in {took:.0f} s, {device.count() - events} events meanwhile: '
              f'{believed} attestations believed, {refused} refused, {self.useless() - useless} quotes repeated, '
              f'{cut} logs shorter than the log was then', flush=True)
        self.assertEqual((believed, refused), (number, 0))
        self.assertGreater(cut, 0)

    def test_1_every_token_while_others_append(self):
        with self.writers():
            self.fetch_all(f'{WRITERS} writers', self.quotes)

    def naive(self, rounds):
        """How many attestations of the naive order, quote and then the whole log, are refused"""
        guest = attester.SampleGuest()
        guest.TEE, guest.evidence = self.tee, self.naive_evidence
        client = attester.Client(self.stub.url, guest)
        self.addCleanup(client.close)
        failed = 0
        for _ in range(rounds):
            started = time.monotonic()
            failed += client.attest()[0] == 401
            self.took = time.monotonic() - started
        return failed

    def test_3_control_in_the_naive_order(self):
        self.assertEqual(self.naive(3), 0, 'not even while nobody appends')
        before = self.verdicts()
        with self.writers(EVENTS_CONTROL):
            failed = self.naive(self.controls)
        believed, refused = (after - one for after, one in zip(self.verdicts(), before))
        print(f'# control, quote and then the whole log: {believed} believed, {refused} refused', flush=True)
        self.assertEqual(refused, failed)
        self.assertGreater(failed, self.controls // 4)
        self.assertIn('the log replays to', self.stub.reasons[-1])
