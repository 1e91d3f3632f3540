# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7
# vm-tdx: yes
# vm-timeout: 300
"""GET /aa/evidence in a TDX guest. The classes run in the order of their names: the last one
spoils the log."""
import json
import os
import threading
import time
import unittest

import aael
import device
import evidence
import rest
import tdx

QUOTES = 20
DELAY_MS = 150
NONCE = bytes(range(64))
DIGEST = bytes(range(48))


def setUpModule():
    tdx.load()
    tdx.mount_configfs()
    device.insmod()


class ADisabled(unittest.TestCase):
    def test_1_nothing_logged_and_no_boot_log(self):
        with rest.Daemon(enable=False) as daemon:
            got = evidence.fetch(daemon, NONCE)
        self.assertIsNone(got['cc_eventlog'])
        self.assertEqual(evidence.verify_tdx(got, NONCE), [])

    def test_2_foreign_extends_are_explained_although_the_log_is_disabled(self):
        if not tdx.has_sysfs():
            self.skipTest('nobody tells of foreign extends')
        with rest.Daemon(enable=False) as daemon:
            for n in (2, 3):
                tdx.extend(n, DIGEST)
                self.assertEqual(len(evidence.verify_tdx(evidence.fetch(daemon, NONCE), NONCE)), n - 1)


class BEnabled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = rest.Daemon().__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)

    def verify(self, data=NONCE):
        return evidence.verify_tdx(evidence.fetch(self.daemon, data), data)

    def tearDown(self):
        self.assertEqual(os.listdir(tdx.REPORTS), [], 'a folder is left')

    def test_is_believed(self):
        self.assertEqual(self.daemon.post({'domain': 'a', 'operation': 'b', 'content': 'c'}).status, 200)
        entries = self.verify()
        self.assertEqual(aael.text(entries[-1]), b'a b c')
        self.assertEqual(len(entries), len(device.read_log().entries))

    def test_aaelctl_verifies_evidence_as_it_is(self):
        with device.Device() as dev:
            dev.extend('a', 'b', 'before')
        got = evidence.fetch(self.daemon, NONCE)
        with device.Device() as dev:
            dev.extend('a', 'b', 'behind')
        later = evidence.fetch(self.daemon, NONCE)
        status, output = evidence.verified_by_aaelctl(later)
        self.assertEqual((status, output.count(': match\n')), (0, 4), output)
        self.assertTrue(output.startswith('signature: not checked\nsha384:1: match\n'), output)
        status, output = evidence.verified_by_aaelctl({**got, 'cc_eventlog': later['cc_eventlog']})
        self.assertEqual((status, output.count(': match\n')), (1, 3), output)
        self.assertIn('sha384:4: mismatch\n', output)
        count = len(evidence.log_of(got).ours)
        self.assertIn(f'  register: as after entry {count}; nothing behind that is in it\n', output)

    def test_all_64_bytes_are_bound(self):
        for size in (0, 1, 63, 64):
            self.verify(NONCE[:size])
        with self.assertRaises(evidence.Refused):
            evidence.verify_tdx(evidence.fetch(self.daemon, NONCE), NONCE[:63])

    def test_verifier_is_no_pushover(self):
        with device.Device() as dev:
            dev.extend('a', 'b', '1')
        got = evidence.fetch(self.daemon, NONCE)
        with device.Device() as dev:
            dev.extend('a', 'b', '2')
        later = evidence.fetch(self.daemon, NONCE)
        evidence.verify_tdx(later, NONCE)
        for bad in ({**got, 'cc_eventlog': later['cc_eventlog']}, {**got, 'cc_eventlog': None},
                    {**got, 'quote': later['quote']}):
            with self.assertRaises(evidence.Refused):
                evidence.verify_tdx(bad, NONCE)

    def test_failed_quote(self):
        with tdx.knobs(quote_fail=True):
            answer = evidence.ask(self.daemon, NONCE)
        self.assertEqual((answer.status, answer.headers['content-type']), (503, 'text/plain'))
        self.assertIn(b'TDX quote', answer.body)
        self.verify()

    def test_folders_of_others_are_left_alone(self):
        other = f'{tdx.REPORTS}aaeld-{self.daemon.process.pid}-0'
        os.mkdir(other)
        try:
            self.verify()
            self.assertEqual(os.listdir(tdx.REPORTS), [os.path.basename(other)])
        finally:
            os.rmdir(other)

    def test_events_do_not_wait_for_a_quote(self):
        quotes = tdx.counter('n_quote')
        answers = []
        with tdx.knobs(quote_delay_ms=4000):
            thread = threading.Thread(target=lambda: answers.append(evidence.ask(self.daemon, NONCE)))
            thread.start()
            device.wait_for(lambda: tdx.counter('n_quote') > quotes)
            begin = time.monotonic()
            for i in range(5):
                self.assertEqual(self.daemon.post({'domain': 'a', 'operation': 'beside',
                                                   'content': str(i)}).status, 200)
            self.assertEqual(self.daemon.get('/info').status, 200)
            took = time.monotonic() - begin
            self.assertEqual(answers, [])
            thread.join()
        print(f'# 5 events and /info in {took:.2f} s beside a quote of 4 s', flush=True)
        entries = evidence.verify_tdx(json.loads(answers[0].body), NONCE)
        self.assertEqual(len(device.read_log().entries) - len(entries), 5)


class CLoad(unittest.TestCase):
    setUpClass = BEnabled.__dict__['setUpClass']

    def fetch_many(self):
        cut = 0
        with tdx.knobs(quote_delay_ms=DELAY_MS):
            for i in range(QUOTES):
                data = b'load' + i.to_bytes(60, 'big')
                entries = evidence.verify_tdx(evidence.fetch(self.daemon, data), data)
                cut += len(entries) < len(device.read_log().entries)
        return cut

    def test_every_quote_is_explained_while_others_append(self):
        cut = evidence.under_load(self.fetch_many, QUOTES)
        self.assertGreater(cut, QUOTES // 2)

    def test_also_while_another_register_moves(self):
        if not tdx.has_sysfs():
            self.skipTest('nobody tells of foreign extends')
        with evidence.Writers(1), evidence.Writers(1, act=lambda i: tdx.extend(2, DIGEST)):
            cut = self.fetch_many()
        print(f'# {QUOTES} quotes while RTMR2 moves: all verified, {cut} against less than the log',
              flush=True)

    def test_control_quote_then_whole_log_does_not_replay(self):
        def naive():
            quoted = tdx.quote(NONCE).rtmrs[3]
            return aael.replay(device.read_log().entries, 4, evidence.SHA384) == quoted
        self.assertTrue(naive(), 'not even while nobody appends')
        with evidence.Writers(), tdx.knobs(quote_delay_ms=DELAY_MS):
            failed = sum(not naive() for _ in range(QUOTES // 2))
        print(f'# control, quote and then the whole log: {failed} of {QUOTES // 2} fail', flush=True)
        self.assertGreater(failed, QUOTES // 4)


class DUnexplained(unittest.TestCase):
    setUpClass = BEnabled.__dict__['setUpClass']

    def test_the_register_and_both_values_are_named(self):
        for n in (1, 3):
            tdx.extend_behind(n, DIGEST)
            answer = evidence.ask(self.daemon, NONCE)
            self.assertEqual(answer.status, 503)
            said = answer.body.decode()
            self.assertIn('RTMR1', said)
            self.assertIn(tdx.held(1).hex(), said)
            self.assertIn(aael.replay(device.read_log().entries, 2, evidence.SHA384).hex(), said)
