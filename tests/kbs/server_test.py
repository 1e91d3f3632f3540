# SPDX-License-Identifier: Apache-2.0
"""The stub as a server: the protocol, refusals in both modes, every fault, TLS."""
import copy
import http.client
import json
import socket
import ssl
import tempfile
import threading
import time
import unittest
import urllib.request

from cryptography.hazmat.primitives.asymmetric import ec, rsa

import attester
import certs
import device
import server
import spoil
import stub as command
import tokens
from stub import Stub

KEY = 'default/key/1'
SECRET = b'the secret'
CONSTANT = {'type': server.ERRORS + 'AttestationError', 'detail': 'Attestation failed'}


def guests():
    made = []
    for kind in (attester.TdxGuest, attester.TpmGuest):
        guest = kind()
        for n in range(3):
            guest.append('test', 'op', str(n))
        made.append(guest)
    return made


class Case(unittest.TestCase):
    def stub(self, *words, **more):
        made = Stub(*words, resources={KEY: SECRET}, **more)
        self.addCleanup(made.__exit__)
        return made.__enter__()

    def client(self, stub, guest=None, **more):
        made = attester.Client(stub.url, guest or attester.SampleGuest(), **more)
        self.addCleanup(made.close)
        return made

    def says(self, answer, kind, status=401):
        self.assertEqual((answer[0], answer[1]['type']), (status, server.ERRORS + kind))


class Protocol(Case):
    def test_token_and_resource(self):
        for mode in ('stock', 'log-aware'):
            stub = self.stub(mode)
            for guest in (*guests(), attester.SampleGuest()):
                client = self.client(stub, guest)
                claims = tokens.evidence_of(tokens.claims_of(client.token(), stub.public))[guest.TEE]
                self.assertEqual('uefi_event_logs' in claims,
                                 guest.TEE == 'tdx' or (guest.TEE, mode) == ('tpm', 'log-aware'))
                self.assertEqual(client.resource(KEY), SECRET)
            self.assertEqual((stub.counts['believed'], stub.counts['served'], stub.counts['refused']), (3, 3, 0))

    def test_keys_of_each_kind(self):
        stub = self.stub()
        for key in (ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(65537, 2048)):
            client = self.client(stub, key=key)
            client.token()
            self.assertEqual(client.resource(KEY), SECRET)

    def test_challenge(self):
        _, challenge = self.client(self.stub()).auth()
        self.assertEqual(challenge['extra-params'], '')
        _, challenge = self.client(self.stub('log-aware')).auth()
        self.assertEqual(challenge['extra-params'], {'selected-hash-algorithm': 'sha384'})

    def test_selected_hash_and_other_types_of_extra_params(self):
        stub = self.stub('log-aware')
        for guest in (*guests(), attester.SampleGuest()):
            for name in ('sha256', 'sha384', 'sha512', 'SHA256', 'Sha512'):
                stub.set(selected=name)
                self.client(stub, guest).token()
        stub.set(selected=None)
        for value in (None, 5, True, [], ['selected-hash-algorithm'], {}, {'selected-hash-algorithm': 5}, 'x'):
            stub.set(extra_params=value)
            client = self.client(stub)
            self.assertEqual(client.auth()[1]['extra-params'], value)
            client.token()

    def test_auth_is_checked(self):
        stub = self.stub('log-aware')
        for more in ({'version': '0.4.1'}, {'version': 0.4}, {'tee': 'snp'}, {'tee': None}, {'more': 1},
                     {'extra-params': ''}, {'extra-params': {}},
                     {'extra-params': {'supported-hash-algorithms': []}},
                     {'extra-params': {'supported-hash-algorithms': ['md5']}},
                     {'extra-params': {'supported-hash-algorithms': 'sha384'}}):
            self.says(self.client(stub).auth(**more), 'AttestationError')
        for body in (b'', b'{', b'null', b'{"version":"0.4.0","version":"0.4.0"}', b'\xff'):
            self.says(self.client(stub).request('POST', 'auth', body), 'AttestationError')
        self.assertEqual(stub.counts['challenged'], 0)

    def test_body_of_attest_is_checked(self):
        stub = self.stub('log-aware')

        def changes(act):
            client = self.client(stub)

            def change(body):
                body = copy.deepcopy(body)
                act(body)
                return body
            client.change = change
            self.says(client.attest(), 'AttestationError')
            return stub.reasons[-1]
        self.assertIn('members', changes(lambda b: b.update(more=1)))
        self.assertIn('members', changes(lambda b: b.pop('tee-evidence')))
        self.assertIn('members', changes(lambda b: b['runtime-data'].update({'additional-evidence': ''})))
        self.assertIn('members', changes(lambda b: b['tee-evidence'].pop('additional_evidence')))
        self.assertIn('additional', changes(lambda b: b['tee-evidence'].update(additional_evidence='{}')))
        self.assertIn('members', changes(lambda b: b['runtime-data']['tee-pubkey'].update(kid='x')))
        self.assertIn('nonce', changes(lambda b: b['runtime-data'].update(nonce='AAAA')))
        self.assertIn('object', changes(lambda b: b['tee-evidence'].update(primary_evidence='text')))
        self.assertIn('Init-Data', changes(lambda b: b.update({'init-data': {'format': 'toml', 'body': '='}})))
        self.assertIn('report data', changes(with_another_key))

    def test_session(self):
        stub = self.stub('log-aware')
        client = self.client(stub)
        self.says(client.request('GET', 'resource/' + KEY), 'TokenNotFound')
        status, challenge = client.auth()
        self.says(client.request('GET', 'resource/' + KEY), 'TokenNotFound')
        body = client.attest_body(challenge)
        cookie, client.cookie = client.cookie, None
        self.says(client.request('POST', 'attest', body), 'AttestationError')
        client.cookie = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        self.says(client.request('POST', 'attest', body), 'AttestationError')
        client.cookie = cookie
        self.assertEqual(client.request('POST', 'attest', body)[0], 200)
        self.says(client.request('POST', 'attest', body), 'AttestationError')
        self.assertIn('has been used', stub.reasons[-1])

    def test_nonce_is_used_up_by_a_refusal(self):
        stub = self.stub('log-aware')
        client = self.client(stub)
        _, challenge = client.auth()
        good = client.attest_body(challenge)
        bad = copy.deepcopy(good)
        bad['tee-evidence']['primary_evidence']['svn'] = '2'
        self.says(client.request('POST', 'attest', bad), 'AttestationError')
        self.says(client.request('POST', 'attest', good), 'AttestationError')
        self.assertIn('has been used', stub.reasons[-1])

    def test_session_ends(self):
        stub = self.stub('log-aware', session_lifetime=0)
        self.says(self.client(stub).attest(), 'AttestationError')
        self.assertIn('not any more', stub.reasons[-1])

    def test_cookie(self):
        stub = self.stub()
        connection = http.client.HTTPConnection(stub.url.removeprefix('http://'))
        connection.request('POST', '/kbs/v0/auth', json.dumps({
            'version': '0.4.0', 'tee': 'sample', 'extra-params': {'supported-hash-algorithms': ['sha384']}}))
        answer = connection.getresponse()
        self.assertRegex(answer.getheader('Set-Cookie'),
                         r'^kbs-session-id=[0-9a-f-]{36}; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$')
        connection.close()

    def test_too_large(self):
        stub = self.stub()
        client = self.client(stub)
        for size, status in ((server.BODY_MAX, 401), (server.BODY_MAX + 1, 413), (server.BODY_MAX * 4, 413)):
            status_got, _ = client.request('POST', 'attest', b'x' * size)
            self.assertEqual(status_got, status)
        client.token()

    def test_no_such_resource_or_path(self):
        stub = self.stub()
        client = self.client(stub)
        client.token()
        self.says(client.request('GET', 'resource/default/key/2'), 'PluginInternalError')
        self.assertEqual(client.request('GET', 'other')[0], 404)
        self.assertEqual(client.request('POST', 'other', b'{}')[0], 404)

    def test_lifetime(self):
        stub = self.stub(lifetime=-5)
        claims = tokens.claims_of(self.client(stub).token(), stub.public)
        self.assertLess(claims['exp'], time.time())

    def test_trusted_ak(self):
        guest = guests()[1]
        stub = self.stub('log-aware', trusted_aks={guest.public})
        self.client(stub, guest).token()
        self.says(self.client(stub, guests()[1]).attest(), 'AttestationError')
        self.assertIn('not trusted', stub.reasons[-1])


def with_another_key(body):
    body['runtime-data']['tee-pubkey'] = tokens.jwk_of(ec.generate_private_key(ec.SECP256R1()).public_key())


class Refusals(Case):
    BOTH = ('foreign_quote', 'replayed_nonce', 'rebound_nonce', 'other_key')
    LOG = ('flip_digest', 'flip_boot', 'drop', 'drop_last', 'reorder', 'garble', 'no_sense')
    TPM = ('wrong_ak', 'other_pcr')

    def refuses(self, guest, name):
        """What is refused says why in one mode and is a constant text in the other."""
        for mode in ('stock', 'log-aware'):
            stub = self.stub(mode)
            self.client(stub, guest).token()
            stub.set(spoil=getattr(spoil, name))
            status, body = self.client(stub, guest).attest()
            self.assertEqual(status, 401, name)
            if mode == 'stock':
                self.assertEqual(body, CONSTANT)
            else:
                self.assertEqual(body, {'type': CONSTANT['type'], 'detail': stub.reasons[-1]})
            stub.set(spoil=None)
            self.client(stub, guest).token()

    def test_spoilt_tdx(self):
        guest = guests()[0]
        for name in self.BOTH + self.LOG:
            with self.subTest(name):
                self.refuses(guest, name)

    def test_spoilt_tpm(self):
        guest = guests()[1]
        for name in self.BOTH + self.TPM:
            with self.subTest(name):
                self.refuses(guest, name)

    def test_log_of_a_tpm_in_either_mode(self):
        guest = guests()[1]
        for name in (*self.LOG, 'flip_text', 'no_log'):
            with self.subTest(name):
                self.client(self.stub(spoil=getattr(spoil, name)), guest).token()
                stub = self.stub('log-aware', spoil=getattr(spoil, name))
                self.says(self.client(stub, guest).attest(), 'AttestationError')

    def test_forged_ak(self):
        guest = guests()[1]
        stub = self.stub('log-aware', spoil=spoil.forged_ak)
        self.client(stub, guest).token()
        stub.set(trusted_aks={guest.public})
        self.says(self.client(stub, guest).attest(), 'AttestationError')

    def test_init_data(self):
        guest = guests()[0]
        text = 'algorithm = "sha384"\nversion = "0.1.0"\n[data]\n"aa.toml" = "x = 1"\n'
        stub = self.stub('log-aware')
        client = self.client(stub, guest, init_data=text)
        self.says(client.attest(), 'AttestationError')
        guest.mrconfigid = attester.hashlib.sha384(text.encode()).digest()
        claims = tokens.evidence_of(tokens.claims_of(client.token(), stub.public))
        self.assertEqual(claims['init_data_claims'], {'aa.toml': 'x = 1'})
        stub.set(spoil=spoil.other_init_data)
        self.says(client.attest(), 'AttestationError')


class Faults(Case):
    def test_status_so_many_times(self):
        stub = self.stub()
        client = self.client(stub)
        stub.fault('auth', 'status', code=503, times=2)
        stub.fault('any', 'status', code=500, times=1)
        self.assertEqual([client.auth()[0] for _ in range(4)], [503, 503, 500, 200])
        stub.fault('auth', 'status', code=413)
        self.assertEqual([client.auth()[0] for _ in range(3)], [413] * 3)
        stub.clear()
        self.assertEqual(client.auth()[0], 200)

    def test_refuse(self):
        stub = self.stub()
        client = self.client(stub)
        client.token()
        for kind in server.TYPES:
            stub.fault('resource', 'refuse', type=kind, times=1)
            self.says(client.request('GET', 'resource/' + KEY), kind)
        stub.fault('resource', 'refuse', type='PolicyDeny', detail='no', code=403, times=1)
        self.assertEqual(client.request('GET', 'resource/' + KEY)[1]['detail'], 'no')
        self.assertEqual(client.resource(KEY), SECRET)

    def test_forgotten_session(self):
        stub = self.stub()
        client = self.client(stub)
        stub.fault('attest', 'forget', times=1)
        self.says(client.attest(), 'AttestationError')
        client.token()
        stub.fault('resource', 'forget', times=1)
        self.says(client.request('GET', 'resource/' + KEY), 'TokenNotFound')
        self.assertEqual(client.resource(KEY), SECRET)

    def test_body_and_redirect(self):
        stub = self.stub()
        client = self.client(stub)
        for body in ('{"a":', '[]', 'no JSON', ''):
            stub.fault('auth', 'body', body=body, type='text/plain', times=1)
            self.assertEqual(client.auth(), (200, body.encode()))
        stub.fault('auth', 'redirect', to='http://127.0.0.1:1/', times=1)
        self.assertEqual(client.auth()[0], 302)

    def test_broken_answers(self):
        stub = self.stub()
        for kind, error in (('close', http.client.RemoteDisconnected), ('garbage', http.client.BadStatusLine),
                            ('cut', http.client.IncompleteRead)):
            stub.fault('auth', kind, times=1)
            with self.assertRaises(error):
                self.client(stub).auth()
        self.client(stub).token()

    def test_held_until_released(self):
        stub = self.stub()
        stub.fault('auth', 'hold', times=1)
        got = []
        thread = threading.Thread(target=lambda: got.append(self.client(stub).token()))
        thread.start()
        device.wait_for(lambda: stub.counts['held'])
        self.client(stub).token()
        self.assertEqual(got, [])
        stub.release()
        thread.join()
        self.assertEqual((len(got), stub.counts['held']), (1, 0))

    def test_endless(self):
        stub = self.stub()
        stub.fault('auth', 'endless', times=1)
        client = self.client(stub)
        client.connection.request('POST', '/kbs/v0/auth', b'{}')
        answer = client.connection.getresponse()
        self.assertEqual(len(answer.read(1 << 22)), 1 << 22)
        answer.close()
        client.close()
        self.client(stub).token()

    def test_framing_of_http_1_0(self):
        stub = self.stub()
        stub.fault('auth', 'framing', times=1)
        client = self.client(stub)
        client.connection.request('POST', '/kbs/v0/auth', b'{}')
        answer = client.connection.getresponse()
        self.assertEqual((answer.version, answer.getheader('Content-Length')), (10, None))
        self.assertEqual(json.loads(answer.read()), CONSTANT)
        self.client(stub).token()

    def test_wrong_knobs(self):
        stub = self.stub()
        for call in (lambda: stub.fault('auth', 'nothing'), lambda: stub.fault('other', 'close'),
                     lambda: stub.fault('auth', 'status'), lambda: stub.set(mode='x'), lambda: stub.set(x=1)):
            self.assertRaises(ValueError, call)

    def test_gone_with_its_connections(self):
        stub = self.stub()
        client = self.client(stub)
        client.token()
        sock = socket.create_connection(('127.0.0.1', stub.port))
        stub.__exit__()
        self.assertRaises(OSError, client.auth)
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ('127.0.0.1', stub.port))
        sock.close()


class Tls(Case):
    def test_who_is_believed(self):
        right, wrong = certs.Authority('right'), certs.Authority('wrong')
        with tempfile.TemporaryDirectory() as folder:
            good = right.files(folder, '127.0.0.1')
            other = right.files(folder, 'other.example')
            late = right.files(folder, '127.0.0.2', '127.0.0.1', lifetime=-certs.DAY)
            for files, authority, why in ((good, right, None), (good, wrong, 'unable to get|self-signed'),
                                          (other, right, 'IP address mismatch'), (late, right, 'expired')):
                with Stub(tls=files) as stub:
                    context = ssl.create_default_context(cadata=authority.pem.decode())
                    try:
                        with urllib.request.urlopen(stub.url + '/control/state', context=context) as answer:
                            self.assertEqual((answer.status, why), (200, None))
                    except OSError as error:
                        self.assertRegex(str(error), why or 'is believed')


class Command(unittest.TestCase):
    def test_a_process_of_its_own(self):
        guest = guests()[1]
        with command.Remote('--mode', 'log-aware', '--trusted-ak', command.wire.base64_encode(guest.public)) as stub:
            client = attester.Client(stub.url, guest)
            tokens.claims_of(client.token(), stub.public)
            stub.set(spoil='drop')
            self.assertEqual(client.attest()[0], 401)
            self.assertIn('PCR 14', stub.reasons[-1])
            stub.set(spoil=None)
            stub.fault('auth', 'status', 1, code=500)
            self.assertEqual([client.auth()[0] for _ in range(2)], [500, 200])
            stub.clear()
            self.assertEqual(stub.counts['believed'], 1)
            client.close()
        self.assertEqual(stub.process.returncode, 0)
