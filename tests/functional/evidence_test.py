# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,6.1 tpm=crb
# vm-timeout: 300
"""GET /aa/evidence with a TPM. The classes run in the order of their names: the last one spoils
the log."""
import base64
import copy
import json
import unittest

import aael
import device
import evidence
import rest

QUOTES = 30
NONCE = bytes(range(64))
FOREIGN_PCR = 10


class ABeforeTheModule(unittest.TestCase):
    def test_without_hardware_there_is_no_evidence(self):
        with rest.Daemon(enable=False) as daemon:
            answer = evidence.ask(daemon, NONCE)
        self.assertEqual((answer.status, answer.headers['content-type']), (501, 'text/plain'))
        self.assertIn(b'no register', answer.body)

    def test_sample_only_when_allowed(self):
        with rest.Daemon(enable=False, args=('--allow-sample',)) as daemon:
            for data in (b'', b'abc', NONCE):
                answer = evidence.ask(daemon, data)
                want = '{"svn":"1","report_data":"%s"}' % base64.b64encode(data).decode()
                self.assertEqual((answer.status, answer.body.decode()), (200, want))


class BDisabled(unittest.TestCase):
    """The log is not enabled: there is evidence all the same, once there is a key."""

    def test_evidence(self):
        device.insmod()
        with rest.Daemon(enable=False) as daemon:
            answer = evidence.ask(daemon, NONCE)
            self.assertEqual(answer.status, 503)
            self.assertIn(b'aaelctl tpm provision', answer.body)
            self.assertIn(evidence.AK.encode(), answer.body)
            device.run('aaelctl', 'tpm', 'provision')
            log = evidence.verify_tpm(evidence.fetch(daemon, NONCE), NONCE)
        self.assertEqual(log.ours, [])
        self.assertEqual(device.Status().one('state'), 'disabled')


class CEvidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not device.loaded():
            device.insmod()
        cls.daemon = rest.Daemon().__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.public = base64.b64decode(device.run('aaelctl', 'tpm', 'provision'))

    def verify(self, got, data, **more):
        return evidence.verify_tpm(got, data, self.public, **more)

    def test_is_believed(self):
        self.assertEqual(self.daemon.post({'domain': 'a', 'operation': 'b', 'content': 'c'}).status, 200)
        log = self.verify(evidence.fetch(self.daemon, NONCE), NONCE)
        self.assertEqual(log.texts()[-1], b'a b c')
        self.assertEqual([e.digests for e in log.entries], [e.digests for e in device.read_log().entries])

    def test_aaelctl_verifies_the_log(self):
        with device.Device() as dev:
            dev.extend('a', 'b', 'c')
        got = evidence.fetch(self.daemon, NONCE)
        evidence.keep('/tmp/log', base64.b64decode(got['cc_eventlog']))
        value = got['tpm_quote']['pcrs'][evidence.QUOTED]
        for hexadecimal, status in ((value, 0), (value[::-1], 1)):
            self.assertEqual(device.run('aaelctl', 'verify', '--log', '/tmp/log', '--register',
                                        f'sha256:{evidence.QUOTED}={hexadecimal}', check=False)[0], status)

    def test_aaelctl_verifies_evidence_as_it_is(self):
        with device.Device() as dev:
            dev.extend('a', 'b', 'c')
        got = evidence.fetch(self.daemon, NONCE)
        pcr = f'sha256:{evidence.QUOTED}: '
        value = got['tpm_quote']['pcrs'][evidence.QUOTED]
        said = 'signature: not checked\npcrDigest: match\n' + pcr + 'match\n'
        self.assertEqual(evidence.verified_by_aaelctl(got), (
            0, f'{said}  register: {value}\n  replayed: {value}\n'))
        got['tpm_quote']['pcrs'][0] = '00' * 32
        status, output = evidence.verified_by_aaelctl(got)
        self.assertEqual(status, 1)
        self.assertIn('pcrDigest: mismatch\n' + pcr + 'match\n', output)

    def test_first_32_bytes_are_bound(self):
        for size in (0, 1, 31, 32, 33, 64):
            got = evidence.fetch(self.daemon, NONCE[:size])
            self.verify(got, NONCE[:size])
        self.verify(got, NONCE[:32])
        with self.assertRaises(evidence.Refused):
            self.verify(got, NONCE[:31], checked=False)

    def test_runtime_data_as_text(self):
        for text in ('abc', 'a b+c&d=e%', 'ä' * 32, 'a\0b'):
            answer = self.daemon.get(evidence.query({'runtime_data': text}))
            self.assertEqual(answer.status, 200, text)
            self.verify(json.loads(answer.body), text.encode())

    def test_malformed_requests(self):
        for target, begin in (
                ('', 'runtime_data: missing'), ('?runtime_dat=a', 'runtime_data: missing'),
                ('?runtime_data=' + 65 * 'a', 'runtime_data: more than 64'),
                ('?runtime_data=' + 88 * 'A' + '&encoding=base64', 'runtime_data: more than 64'),
                ('?runtime_data=YQ==&encoding=base64', 'runtime_data: not URL-safe'),
                ('?runtime_data=YR&encoding=base64', 'runtime_data: not URL-safe'),
                ('?runtime_data=%2F%2F%2F%2F&encoding=base64', 'runtime_data: not URL-safe'),
                ('?runtime_data=%ff', 'runtime_data: not UTF-8'),
                ('?runtime_data=%f', 'runtime_data: malformed'),
                ('?runtime_data=a&encoding=hex', 'encoding: ')):
            answer = self.daemon.get('/aa/evidence' + target)
            self.assertEqual(answer.status, 400, target)
            self.assertEqual(answer.body.decode()[:len(begin)], begin, target)
        answer = self.daemon.post(b'{}')
        self.assertEqual(answer.status, 400)
        answer = rest.raw(rest.request('POST', '/aa/evidence', b'{}'))
        self.assertEqual((answer.status, answer.headers['allow']), (405, 'GET'))

    def test_feature_off(self):
        self.daemon.__exit__()
        try:
            with rest.Daemon(args=('--features', 'resource')) as daemon:
                answer = evidence.ask(daemon, NONCE)
            self.assertEqual((answer.status, answer.body), (404, b'Attestation Feature Not Enabled'))
        finally:
            type(self).daemon = rest.Daemon().__enter__()
            self.addClassCleanup(self.daemon.__exit__)

    def test_verifier_is_no_pushover(self):
        """What these tests verify with refuses what has been tampered with."""
        with device.Device() as dev:
            dev.extend('a', 'b', '1')
            dev.extend('a', 'b', '2')
        got = evidence.fetch(self.daemon, NONCE)
        self.verify(got, NONCE)
        with self.assertRaises(evidence.Refused):
            self.verify(got, NONCE[::-1])
        data = base64.b64decode(got['cc_eventlog'])[:-8]
        one, two = aael.parse(data).entries[-2:]
        first, second = data[one.offset:two.offset], data[two.offset:]
        self.assertEqual(len(second), two.size)
        for changed in (data[:one.offset] + second + first, data[:one.offset] + second,
                        data[:two.offset], data + second,
                        data[:one.offset + 20] + bytes([data[one.offset + 20] ^ 1]) + data[one.offset + 21:]):
            bad = {**got, 'cc_eventlog': base64.b64encode(changed + evidence.MARK).decode()}
            with self.assertRaises(evidence.Refused):
                self.verify(bad, NONCE, checked=False)
        for name, at in (('signature', 100), ('message', 60)):
            bad = copy.deepcopy(got)
            raw = bytearray(base64.b64decode(bad['tpm_quote'][name]))
            raw[at] ^= 1
            bad['tpm_quote'][name] = base64.b64encode(raw).decode()
            with self.assertRaises(evidence.Refused):
                self.verify(bad, NONCE)


class DLoad(unittest.TestCase):
    setUpClass = CEvidence.__dict__['setUpClass']

    def fetch_many(self):
        """Verifies each; signatures of every tenth, since that takes two programs each."""
        cut = 0
        for i in range(QUOTES):
            data = b'load' + i.to_bytes(28, 'big')
            got = evidence.fetch(self.daemon, data)
            behind = device.count()
            log = evidence.verify_tpm(got, data, self.public, checked=i % 10 == 0)
            cut += len(log.ours) < behind
        return cut

    def test_every_quote_is_explained_while_others_append(self):
        cut = evidence.under_load(self.fetch_many, QUOTES)
        self.assertGreater(cut, 0)

    def useless(self):
        return self.daemon.output().count('is of no use')

    def foreign(self):
        foreign = evidence.ForeignPcr(FOREIGN_PCR)
        self.addCleanup(foreign.close)
        return foreign.extend

    def test_also_while_another_pcr_moves(self):
        before = device.pcr_bank('sha256')[FOREIGN_PCR]
        useless = self.useless()
        with evidence.Writers(1), evidence.Writers(1, pause=0.1, act=self.foreign()):
            self.fetch_many()
        self.assertNotEqual(device.pcr_bank('sha256')[FOREIGN_PCR], before)
        print(f'# {QUOTES} quotes while PCR {FOREIGN_PCR} moves: all verified, '
              f'{self.useless() - useless} quotes repeated', flush=True)

    def test_another_pcr_that_never_rests(self):
        """At most five quotes, then it is said which PCR moved."""
        useless = self.useless()
        answers = []
        with evidence.Writers(1, pause=0, act=self.foreign()):
            for _ in range(QUOTES // 3):
                answers.append(evidence.ask(self.daemon, NONCE))
        useless = self.useless() - useless
        refused = [answer for answer in answers if answer.status != 200]
        print(f'# {len(answers)} requests while PCR {FOREIGN_PCR} never rests: {len(refused)} are '
              f'refused, {useless} quotes of no use', flush=True)
        self.assertGreater(useless, 0)
        self.assertLessEqual(5 * len(refused), useless)
        self.assertLessEqual(useless, 5 * len(answers))
        for answer in answers:
            if answer.status == 200:
                self.verify(json.loads(answer.body))
            else:
                self.assertEqual(answer.status, 503)
                self.assertIn(f'moved meanwhile: {FOREIGN_PCR}', answer.body.decode())

    def verify(self, got):
        evidence.verify_tpm(got, NONCE, self.public, checked=False)

    def naive(self):
        """Quote, then the whole log: does it replay to what was quoted?"""
        others = device.pcr_bank('sha256')
        device.run('tpm2_quote', '-c', evidence.AK, '-l', 'sha256:all', '-m', '/tmp/naive.m',
                   '-s', '/tmp/naive.s', '-q', '00')
        others[evidence.QUOTED] = aael.replay(device.read_log().entries, evidence.QUOTED,
                                              evidence.SHA256)
        with open('/tmp/naive.m', 'rb') as file:
            digest = evidence.Attest(file.read()).digest
        pcrs = b''.join(others[n] for n in range(evidence.PCRS))
        return digest == aael.hashed(evidence.SHA256, pcrs)

    def test_control_quote_then_whole_log_does_not_replay(self):
        self.assertTrue(self.naive(), 'not even while nobody appends')
        with evidence.Writers():
            failed = sum(not self.naive() for _ in range(QUOTES // 3))
        print(f'# control, quote and then the whole log: {failed} of {QUOTES // 3} fail', flush=True)
        self.assertGreater(failed, 0)


class EForeign(unittest.TestCase):
    setUpClass = CEvidence.__dict__['setUpClass']

    def test_a_log_that_explains_nothing_is_no_evidence(self):
        evidence.verify_tpm(evidence.fetch(self.daemon, NONCE), NONCE, self.public)
        device.pcr_extend(evidence.QUOTED, 'sha256', bytes(31) + b'\1')
        answer = evidence.ask(self.daemon, NONCE)
        self.assertEqual((answer.status, answer.headers['content-type']), (503, 'text/plain'))
        said = answer.body.decode()
        self.assertIn(f'PCR {evidence.QUOTED}', said)
        self.assertIn(device.pcr_bank('sha256')[evidence.QUOTED].hex(), said)
        self.assertIn(aael.replay(device.read_log().entries, evidence.QUOTED, evidence.SHA256).hex(), said)
        # Nor is it blamed on its moving.
        with evidence.Writers():
            answer = evidence.ask(self.daemon, NONCE)
        self.assertEqual(answer.status, 503)
        self.assertIn(f'does not explain PCR {evidence.QUOTED}', answer.body.decode())
