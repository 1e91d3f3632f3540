# SPDX-License-Identifier: Apache-2.0
"""The verifier of the stub: what it believes, and above all what it does not."""
import base64
import copy
import hashlib
import json
import os
import struct
import unittest

import aael
import attester
import rendering
import spoil
import tokens
import verifier
import wire
from quotes import MARK, SHA384, Refused

RUNTIME = {'additional-evidence': '', 'nonce': 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
           'tee-pubkey': {'kty': 'EC', 'crv': 'P-256', 'alg': 'ECDH-ES+A256KW',
                          'x': 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
                          'y': 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}}
VECTOR = ('dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5'
          'b1dd9e29fcc1fb9076fb00792c3bb7e7')
DATA = {tee: verifier.report_data(tee, RUNTIME, 'sha384') for tee in ('tdx', 'tpm', 'sample')}
DOCUMENT = 'version = "0.1.0"\nalgorithm = "{}"\n[data]\n"aa.toml" = "x = 1"\n'


class Case(unittest.TestCase):
    def verify(self, guest, evidence=None, log_aware=False, data=None, init_data=None, **more):
        judge = verifier.Verifier(log_aware, **more)
        evidence = guest.evidence(DATA[guest.TEE]) if evidence is None else evidence
        return judge.verify(guest.TEE, evidence, data or DATA[guest.TEE], init_data)

    def refuses(self, why, guest, evidence, **more):
        with self.assertRaises(Refused) as caught:
            self.verify(guest, evidence, **more)
        self.assertIn(why, str(caught.exception))

    def spoilt(self, guest, spoiler, last=None):
        def body(evidence):
            return {'tee-evidence': {'primary_evidence': evidence, 'additional_evidence': ''}}
        changed = spoiler(body(guest.evidence(DATA[guest.TEE])), last and body(last))
        return changed['tee-evidence']['primary_evidence']


def with_events(kind):
    guest = kind()
    for n in range(3):
        guest.append('test', 'op', f'event {n}')
    return guest


class ReportData(unittest.TestCase):
    def test_vector(self):
        self.assertEqual(verifier.report_data('sample', RUNTIME, 'sha384').hex(), VECTOR)
        self.assertEqual(DATA['tdx'].hex(), VECTOR + 32 * '0')
        self.assertEqual(DATA['tpm'].hex(), VECTOR[:64])

    def test_length_by_algorithm(self):
        for name, size in (('sha256', 32), ('sha384', 48), ('sha512', 64)):
            digest = hashlib.new(name, wire.canonical(RUNTIME)).digest()
            self.assertEqual(len(digest), size)
            self.assertEqual(verifier.report_data('tdx', RUNTIME, name), digest.ljust(64, b'\0'))
            self.assertEqual(verifier.report_data('tpm', RUNTIME, name), digest[:32])
        with self.assertRaises(Refused):
            verifier.report_data('tdx', RUNTIME, 'md5')

    def test_canonical(self):
        self.assertEqual(wire.canonical({'b': [1, True, None, 'ä"\\\n\x01\x7f/'], '\ufb33': 1, '\U0001f600': -2}),
                         '{"b":[1,true,null,"ä\\"\\\\\\n\\u0001\x7f/"],"\U0001f600":-2,"\ufb33":1}'.encode())
        for bad in (1.5, 2 ** 53, '\ud800'):
            with self.assertRaises(Refused):
                wire.canonical([bad])


class Sample(Case):
    def test_is_believed(self):
        guest = attester.SampleGuest()
        self.assertEqual(self.verify(guest)['sample']['report_data'], VECTOR)
        self.refuses('another report data', guest, guest.evidence(DATA['tdx']))
        self.refuses('members', guest, {'svn': '1'})
        self.refuses('not an object', guest, 'x')


class Tdx(Case):
    def test_is_believed(self):
        for version in (4, 5):
            guest = with_events(attester.TdxGuest)
            guest.version = version
            shown = self.verify(guest)['tdx']['uefi_event_logs']
            self.assertEqual([e['type_name'] for e in shown[:2]], ['EV_EFI_HANDOFF_TABLES2', 'EV_SEPARATOR'])
            self.assertEqual(shown[-1]['details']['string'], 'test op event 2')
            self.assertEqual(shown[-1]['index'], 4)
            self.assertTrue(shown[-1]['digest_matches_event'])

    def test_spoilt_log(self):
        guest = with_events(attester.TdxGuest)
        for name, why in (('flip_digest', 'RTMR3 is'), ('flip_boot', 'RTMR0 is'), ('drop', 'RTMR3 is'),
                          ('drop_last', 'RTMR3 is'), ('reorder', 'RTMR3 is'), ('garble', 'entry at'),
                          ('no_log', 'no log'), ('no_sense', 'RTMR3 is')):
            with self.subTest(name):
                self.refuses(why, guest, self.spoilt(guest, getattr(spoil, name)))

    def test_text_that_is_belied(self):
        guest = with_events(attester.TdxGuest)
        bad = self.spoilt(guest, spoil.flip_text)
        shown = self.verify(guest, bad)['tdx']['uefi_event_logs']
        self.assertFalse(shown[-1]['digest_matches_event'])
        self.assertTrue(shown[-2]['digest_matches_event'])
        self.refuses('not that of its digest', guest, bad, log_aware=True)

    def test_foreign_extend_is_no_lie(self):
        guest = with_events(attester.TdxGuest)
        event = aael.encode_event('aael', 'foreign-extend', '{"pid":1}')
        guest.add(attester.boot_entry(3, 6, event, SHA384, b'\x5a' * 48))
        shown = self.verify(guest, log_aware=True)['tdx']['uefi_event_logs'][-1]
        self.assertEqual((shown['digest_matches_event'], shown['details']['data']['content']),
                         (False, {'pid': 1}))

    def test_a_register_behind_the_log(self):
        guest = with_events(attester.TdxGuest)
        for register in (1, 2, 3, 4):
            bad = copy.deepcopy(guest)
            bad.extend(register, b'\x11' * 48)
            self.refuses(f'RTMR{register - 1} is', bad, bad.evidence(DATA['tdx']))

    def test_trustee_extends_also_what_is_no_action(self):
        guest = with_events(attester.TdxGuest)
        guest.add(attester.boot_entry(1, aael.EV_NO_ACTION, b'no action', SHA384))
        self.verify(guest)
        guest.log += attester.boot_entry(1, aael.EV_NO_ACTION, b'no action', SHA384)
        self.refuses('RTMR0', guest, None)

    def test_no_log_at_all(self):
        guest = attester.TdxGuest(boot=False)
        evidence = {**guest.evidence(DATA['tdx']), 'cc_eventlog': None}
        self.assertNotIn('uefi_event_logs', self.verify(guest, evidence)['tdx'])
        guest.extend(2, bytes(48))
        self.refuses('no log', guest, {**guest.evidence(DATA['tdx']), 'cc_eventlog': None})

    def test_foreign_quote(self):
        guest = with_events(attester.TdxGuest)
        old = guest.evidence(os.urandom(64))
        self.refuses('another report data', guest, self.spoilt(guest, spoil.foreign_quote, old))
        other = with_events(attester.TdxGuest)
        other.append('x', 'y', 'z')
        self.refuses('RTMR3', guest, {**guest.evidence(DATA['tdx']),
                                      'quote': other.evidence(DATA['tdx'])['quote']})

    def test_quote_of_another_structure(self):
        guest = with_events(attester.TdxGuest)
        good = guest.quote(DATA['tdx'])
        for bad in (b'', good[:-1], good + b'\0', b'\3' + good[1:], good[:4] + b'\0' + good[5:]):
            self.refuses('quote', guest, {**guest.evidence(DATA['tdx']), 'quote': wire.base64_encode(bad)})

    def test_trustees_rules_of_parsing(self):
        """One entry that is no good refuses the log, although the registers know nothing of it."""
        guest = with_events(attester.TdxGuest)
        both = attester.SPEC[:-4].replace(struct.pack('<I', 33), struct.pack('<I', 37))
        both += struct.pack('<IHHHHB', 2, 4, 20, 0xc, 48, 0)
        event = aael.encode_entry(4, [4, SHA384], 'a', 'b', 'c')
        for why, data in (
                ('algorithm 0x0004', both + event), ('algorithm 0x0004', attester.SPEC + struct.pack('<HHB', 4, 20, 0)),
                ('algorithm 0x0012', attester.SPEC + struct.pack('<HHB', 0x12, 32, 0)),
                ('no Spec ID', b'x' + bytes(100)), ('no Spec ID', b'x' * 100),
                ('49 bytes', attester.SPEC + struct.pack('<HHB', 0xc, 49, 0)),
                ('not quoted', guest.log + attester.boot_entry(5, 4, b'', SHA384)),
                ('not quoted', guest.log + attester.boot_entry(0, 4, b'', SHA384)),
                ('without digest', guest.log + struct.pack('<IIII', 1, 4, 0, 0))):
            self.refuses(why, guest, {**guest.evidence(DATA['tdx']),
                                      'cc_eventlog': wire.base64_encode(data + MARK)})
        self.refuses('no mark', guest, {**guest.evidence(DATA['tdx']),
                                        'cc_eventlog': wire.base64_encode(guest.log)})

    def test_ours_that_are_no_events(self):
        for text in (b'one', b'one two', b'a b \xff', b'a b c\nd'):
            guest = with_events(attester.TdxGuest)
            event = struct.pack('<II', aael.TAG, len(text)) + text
            guest.add(attester.boot_entry(4, 6, event, SHA384))
            self.refuses('AAEL entry', guest, guest.evidence(DATA['tdx']))

    def test_init_data(self):
        guest = with_events(attester.TdxGuest)
        for name in ('sha256', 'sha384', 'sha512'):
            text = DOCUMENT.format(name)
            digest = hashlib.new(name, text.encode()).digest()
            guest.mrconfigid = digest[:48].ljust(48, b'\0')
            init_data = verifier.InitData({'format': 'toml', 'body': text})
            claims = self.verify(guest, init_data=init_data)
            self.assertEqual(claims['init_data'], digest.hex())
            self.assertEqual(claims['init_data_claims'], {'aa.toml': 'x = 1'})
        guest.mrconfigid = bytes(48)
        self.refuses('MRCONFIGID', guest, None, init_data=init_data)


class Tpm(Case):
    def test_is_believed(self):
        guest = with_events(attester.TpmGuest)
        claims = self.verify(guest)['tpm']
        self.assertEqual(sorted(claims), [f'pcr{n:02}' for n in range(24)])
        self.assertEqual(claims['pcr14'], guest.value(14).hex())
        claims = self.verify(guest, log_aware=True, trusted_aks={guest.public})['tpm']
        self.assertEqual(claims['uefi_event_logs'][-1]['details']['data'],
                         {'domain': 'test', 'operation': 'op', 'content': 'event 2'})

    def test_stock_ignores_the_log(self):
        guest = with_events(attester.TpmGuest)
        evidence = guest.evidence(DATA['tpm'])
        for log in ({}, {'cc_eventlog': 'nonsense'}, {'cc_eventlog': None}):
            evidence.pop('cc_eventlog', None)
            self.verify(guest, {**evidence, **log})
            with self.assertRaises(Refused):
                self.verify(guest, {**evidence, **log}, log_aware=True)

    def test_spoilt_log(self):
        guest = with_events(attester.TpmGuest)
        for name, why in (('flip_digest', 'PCR 14 is'), ('drop', 'PCR 14 is'), ('drop_last', 'PCR 14 is'),
                          ('reorder', 'PCR 14 is'), ('flip_text', 'not that of its digest'),
                          ('garble', 'entry at'), ('no_sense', 'PCR 14 is'), ('no_log', 'is no string')):
            with self.subTest(name):
                self.refuses(why, guest, self.spoilt(guest, getattr(spoil, name)), log_aware=True)

    def test_boot_log(self):
        """What is there of the firmware's PCRs must be true; others go on without the log."""
        guest = with_events(attester.TpmGuest)
        guest.extend(10, b'\1' * 32)
        self.verify(guest, log_aware=True)
        for pcr in (0, 4, 7):
            bad = copy.copy(guest)
            bad.registers = dict(guest.registers)
            bad.extend(pcr, b'\1' * 32)
            self.refuses(f'PCR {pcr} is', bad, bad.evidence(DATA['tpm']), log_aware=True)
        bare = attester.TpmGuest(boot=False)
        self.verify(bare, log_aware=True)
        bare.extend(0, b'\1' * 32)
        self.verify(bare, log_aware=True)

    def test_foreign_extend(self):
        guest = with_events(attester.TpmGuest)
        guest.extend(14, b'\1' * 32)
        self.verify(guest)
        self.refuses('PCR 14 is', guest, None, log_aware=True)

    def test_all_of_ours_are_left_out(self):
        guest = attester.TpmGuest()
        log = guest.log
        guest.append('a', 'b', 'c')
        guest.log = log
        self.refuses('PCR 14 is', guest, None, log_aware=True)

    def test_another_pcr_of_the_log(self):
        guest = attester.TpmGuest()
        guest.OURS = 15
        guest.append('a', 'b', 'c')
        self.verify(guest, log_aware=True, log_pcr=15)
        guest.extend(15, bytes(32))
        self.refuses('PCR 15', guest, None, log_aware=True)

    def test_quote(self):
        guest = with_events(attester.TpmGuest)
        old = guest.evidence(os.urandom(32))
        self.refuses('another nonce', guest, self.spoilt(guest, spoil.foreign_quote, old))
        self.refuses('PCRs that were not quoted', guest, self.spoilt(guest, spoil.other_pcr))
        self.refuses('not of the AK', guest, self.spoilt(guest, spoil.wrong_ak))
        forged = self.spoilt(guest, spoil.forged_ak)
        self.verify(guest, forged)
        self.refuses('not trusted', guest, forged, trusted_aks={guest.public})
        for name, at, why in (('message', 20, 'not of the AK'), ('signature', 40, 'not of the AK'),
                              ('signature', 1, 'not RSASSA')):
            bad = guest.evidence(DATA['tpm'])
            data = spoil.flipped(base64.b64decode(bad['tpm_quote'][name]), at)
            bad['tpm_quote'][name] = wire.base64_encode(data)
            self.refuses(why, guest, bad)

    def test_a_quote_of_fewer_pcrs(self):
        guest = with_events(attester.TpmGuest)
        good = base64.b64decode(guest.quote(DATA['tpm'])['message'])
        for old, new, why in ((b'\3\xff\xff\xff', b'\3\xff\xbf\xff', 'not all PCRs'),
                              (b'\0\x0b\3\xff', b'\0\x0c\3\xff', 'not the SHA-256'),
                              (b'\x80\x18', b'\x80\x17', 'no quote'), (b'\xff\x54', b'\xff\x55', 'no quote')):
            self.assertEqual(good.count(old), 1)
            message = good.replace(old, new)
            made = guest.ak.sign(message, spoil.padding.PKCS1v15(), spoil.hashes.SHA256())
            bad = guest.evidence(DATA['tpm'])
            bad['tpm_quote'].update(message=wire.base64_encode(message), signature=wire.base64_encode(
                struct.pack('>HHH', 0x14, 0xb, len(made)) + made))
            self.refuses(why, guest, bad)

    def test_members(self):
        guest = with_events(attester.TpmGuest)
        good = guest.evidence(DATA['tpm'])
        for bad in ({**good, 'more': 1}, {**good, 'tpm_quote': {}}, {**good, 'ak_public': 'AA=='},
                    {**good, 'ak_public': None}, {**good, 'tpm_quote': {**good['tpm_quote'], 'pcrs': []}},
                    {**good, 'tpm_quote': {**good['tpm_quote'], 'pcrs': 3}}):
            with self.assertRaises(Refused):
                self.verify(guest, bad)

    def test_init_data(self):
        guest = with_events(attester.TpmGuest)
        init_data = verifier.InitData({'format': 'toml', 'body': DOCUMENT.format('sha256')})
        self.refuses('makes PCR 8', guest, None, init_data=init_data)
        guest.extend(8, init_data.digest)
        self.assertIn('init_data', self.verify(guest, init_data=init_data, log_aware=True))
        other = verifier.InitData({'format': 'toml', 'body': DOCUMENT.format('sha384')})
        self.refuses('sha384 on a TPM', guest, None, init_data=other)


class InitData(unittest.TestCase):
    def test_malformed(self):
        for value in (None, {}, {'format': 'json', 'body': DOCUMENT.format('sha256')},
                      {'format': 'toml', 'body': 5}, {'format': 'toml', 'body': 'a = '},
                      {'format': 'toml', 'body': DOCUMENT.format('sha1')},
                      {'format': 'toml', 'body': 'algorithm = "sha256"'},
                      {'format': 'toml', 'body': DOCUMENT.format('sha256'), 'more': 1}):
            with self.assertRaises(Refused):
                verifier.InitData(value)


class Rendering(unittest.TestCase):
    def test_entry_of_ours(self):
        data = attester.header(SHA384) + aael.encode_entry(4, [SHA384], 'coco.com', 'some-operation', 'some-content')
        self.assertEqual(rendering.log(aael.parse(data).entries), [{
            'details': {'data': {'content': 'some-content', 'domain': 'coco.com', 'operation': 'some-operation'},
                        'string': 'coco.com some-operation some-content', 'unicode_name': 'AAEL'},
            'digest_matches_event': True,
            'digests': [{'alg': 'SHA-384', 'digest': '2330183d89750c6a374ac9827d33a33636e7876733544584c8ccc88df0df87ead'
                                                     'a37e5d71d0773502234c2b5fbc7448e'}],
            'event': 'TEVBQSQAAABjb2NvLmNvbSBzb21lLW9wZXJhdGlvbiBzb21lLWNvbnRlbnQ=', 'index': 4,
            'type_name': 'EV_EVENT_TAG'}])

    def test_content_that_is_json(self):
        for content, want in (('{"a":[1]}', {'a': [1]}), ('5', 5), ('"x"', 'x'), ('nan', 'nan'), ('NaN', 'NaN'),
                              ('{', '{'), ('a  b ', 'a  b ')):
            data = attester.header(SHA384) + aael.encode_entry(4, [SHA384], 'a', 'b', content)
            self.assertEqual(rendering.log(aael.parse(data).entries)[0]['details']['data']['content'], want)

    @unittest.skipUnless(os.environ.get('AAEL_VECTORS'), 'AAEL_VECTORS is not set')
    def test_vectors(self):
        """Real logs, rendered by Trustee. Device paths are not ours to show."""
        for name in ('ovmf', 'grub'):
            path = f'{os.environ["AAEL_VECTORS"]}/ccel/CCEL_data_{name}'
            with open(path, 'rb') as file:
                entries = aael.parse(file.read(), marks=True).entries
            with open(path + '_out.json', encoding='utf-8') as file:
                want = json.load(file)['uefi_event_logs']
            for entry in want:
                entry['details'].pop('device_paths', None)
            self.assertEqual(rendering.log(entries), want)
