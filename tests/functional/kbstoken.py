# SPDX-License-Identifier: Apache-2.0
"""Tokens of aaeld, made by the stub of a KBS beside it, and what both platforms' tests want of them.

    with Stub() as stub, daemon(stub): payload(fetch(…), stub)
"""
import json
import subprocess
import unittest

from cryptography.hazmat.primitives.serialization import load_pem_private_key

import aael
import attester
import device
import knobs
import rest
import server
import spoil
import tokens

CONFIG = """[token_configs.kbs]
url = "{url}"
tee_key_algorithm = "{key}"
[eventlog_config]
init_pcr = 17
enable_eventlog = true
"""
KEYS = ('ECDH-ES+A256KW-P256', 'ECDH-ES+A256KW-P521', 'RSA-OAEP-256')
EVENT = {'domain': 'test', 'operation': 'test', 'content': 'test'}
CURL_POST = """curl -X POST http://127.0.0.1:8006/aa/aael -H "Content-Type: application/json" \\
     -d '{"domain":"test","operation":"test","content":"test"}'"""
CURL_TOKEN = r"""curl http://127.0.0.1:8006/aa/token\?token_type\=kbs | jq -r '.token |split(".") | .[1] | @base64d | fromjson'"""
RESOURCE = 'default/key/1'
SECRET = bytes(range(256))
NO_CACHE = 'Cache-Control: no-cache'


def config(url, key=KEYS[0]):
    return CONFIG.format(url=url, key=key)


def daemon(stub, key=KEYS[0], **more):
    return rest.Daemon(config=config(stub.url, key), **more)


def ask(running, *headers):
    return running.get('/aa/token?token_type=kbs', headers=headers)


def payload(answer, stub):
    """The claims of a token that the stub signed, and the key pair beside it"""
    assert answer.status == 200, answer
    assert answer.headers['content-type'] == 'application/octet-stream', answer
    body = json.loads(answer.body)
    assert set(body) == {'token', 'tee_keypair'}, body
    return tokens.claims_of(body['token'], stub.public), body['tee_keypair']


def fresh(running, stub):
    """The annotated evidence of a token made for this request"""
    return tokens.evidence_of(payload(ask(running, NO_CACHE), stub)[0])


def shell(line):
    """What a user sees who types that"""
    done = subprocess.run(['/bin/bash', '-o', 'pipefail', '-c', line], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


def logged():
    """The whole log as aaelctl renders it, but for device paths"""
    entries = json.loads(device.run('aaelctl', 'log', '--format', 'json'))['uefi_event_logs']
    for entry in entries:
        entry['details'].pop('device_paths', None)
    return entries


class Case(unittest.TestCase):
    """A daemon and its KBS. The class says: tee; register and algorithm of the log; mode and
    settings of the stub; state(), all registers."""
    mode = 'log-aware'
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.stub = server.Stub(cls.mode, resources={RESOURCE: SECRET}, **cls.settings).__enter__()
        cls.addClassCleanup(cls.stub.__exit__)
        cls.daemon = cls.start().__enter__()
        cls.addClassCleanup(lambda: cls.daemon.__exit__())  # whichever it is then

    @classmethod
    def start(cls, **more):
        return daemon(cls.stub, **more)

    def setUp(self):
        self.addCleanup(self.stub.clear)
        self.addCleanup(self.stub.set, spoil=None, selected=None, extra_params=knobs.ABSENT, lifetime=300)

    def restart(self, **more):
        self.daemon.__exit__()
        type(self).daemon = self.start(**more).__enter__()

    def append(self, content='c', operation='op'):
        event = {'domain': 'test', 'operation': operation, 'content': content}
        self.assertEqual(self.daemon.post(event).body, b'{"success":"true"}')

    def shown(self):
        """uefi_event_logs of a fresh token"""
        return fresh(self.daemon, self.stub)[self.tee]['uefi_event_logs']

    def entry(self, text):
        """What README of the vectors says that an entry of ours looks like"""
        domain, operation, content = text.split(' ', 2)
        event = aael.encode_event(domain, operation, content)
        alg = aael.IDS[self.algorithm]
        return {'details': {'data': {'content': content, 'domain': domain, 'operation': operation},
                            'string': text, 'unicode_name': 'AAEL'},
                'digest_matches_event': True,
                'digests': [{'alg': {0xb: 'SHA-256', 0xc: 'SHA-384'}[alg],
                             'digest': aael.hashed(alg, event).hex()}],
                'event': attester.wire.base64_encode(event), 'index': self.register,
                'type_name': 'EV_EVENT_TAG'}

    def refused(self, name):
        """The answer of the daemon to what the stub, shown spoilt evidence, refuses"""
        self.stub.set(spoil=getattr(spoil, name))
        refused = self.stub.counts['refused']
        answer = ask(self.daemon, NO_CACHE)
        self.stub.set(spoil=None)
        self.assertEqual((answer.status, answer.headers['content-type']), (502, 'text/plain'), name)
        self.assertGreater(self.stub.counts['refused'], refused)
        said = answer.body.decode()
        if self.mode == 'stock':
            self.assertIn(server.TYPES['AttestationError'], said, name)
            self.assertNotIn(self.stub.reasons[-1], said)
        else:
            self.assertIn(self.stub.reasons[-1], said, name)
        # What the daemon knows itself
        count = device.count()
        self.assertIn(f'{self.tee} evidence', said)
        self.assertIn(f'a log of {count} events (consistent)', said)
        print(f'# {name}: {said}', flush=True)
        return self.stub.reasons[-1]

    def check_refusals(self, table):
        self.append('one')
        self.append('two')
        fresh(self.daemon, self.stub)
        self.append('three')
        for name, why in table:
            with self.subTest(name):
                self.assertIn(why, self.refused(name))
        fresh(self.daemon, self.stub)


class Tokens(Case):
    """.boot: how many entries the boot log has"""

    def test_01_the_two_lines_of_a_user(self):
        self.assertEqual(shell(CURL_POST), b'{"success":"true"}')
        claims = json.loads(shell(CURL_TOKEN))
        shown = tokens.evidence_of(claims)[self.tee]['uefi_event_logs']
        self.assertGreater(self.boot, 0)
        self.assertEqual(len(shown), self.boot + 1)
        self.assertNotIn('AAEL', [e['details'].get('unicode_name') for e in shown[:self.boot]])
        self.assertEqual(shown[-1], self.entry('test test test'))
        print(f'# {self.boot} boot entries, then ours:', json.dumps(shown[-1]), flush=True)

    def test_02_the_log_is_that_of_aaelctl(self):
        self.append('{"json":[1,"x"]}')
        self.append('a  text with spaces ')
        shown = self.shown()
        self.assertEqual(shown[-2]['details']['data']['content'], {'json': [1, 'x']})
        # No NUL is in what aaelctl prints.
        shown = json.loads(json.dumps(shown).replace(r'\u0000', r'\ufffd'))
        self.assertEqual(shown, logged())

    def test_03_the_key_pair_is_that_of_the_token(self):
        for key in KEYS:
            self.restart(key=key)
            claims, pem = payload(ask(self.daemon), self.stub)
            private = load_pem_private_key(pem.encode(), None)
            self.assertEqual(claims['tee-pubkey'], tokens.jwk_of(private.public_key()))
            self.assertEqual(pem.split('\n')[0], '-----BEGIN RSA PRIVATE KEY-----' if 'RSA' in key
                             else '-----BEGIN PRIVATE KEY-----')
            answer = self.daemon.get('/cdh/resource/' + RESOURCE)
            self.assertEqual((answer.status, answer.body), (200, SECRET))
            # Not in the session of the token, whose key pair is handed out.
            client = attester.Client(self.stub.url, attester.SampleGuest(), key=private)
            client.cookie = self.stub.requests[-1].headers['Cookie'].partition('=')[2]
            with self.assertRaises(attester.jwe.InvalidJWEData):
                client.resource(RESOURCE)
            client.close()
        self.restart()

    def test_04_is_given_again_while_nothing_has_changed(self):
        self.append()
        first = ask(self.daemon)
        asked = self.stub.counts['auth']
        self.assertEqual(ask(self.daemon), first)
        self.assertEqual(self.stub.counts['auth'], asked)
        other = ask(self.daemon, NO_CACHE)
        self.assertEqual(self.stub.counts['auth'], asked + 1)
        self.assertNotEqual(other.body, first.body)
        self.assertNotEqual(payload(other, self.stub)[1], payload(first, self.stub)[1])
        self.assertEqual(ask(self.daemon).body, other.body)
        self.append()
        self.assertNotEqual(ask(self.daemon).body, other.body)
        self.assertEqual(self.stub.counts['auth'], asked + 2)

    def test_05_is_not_given_again_shortly_before_its_end(self):
        self.append()
        self.stub.set(lifetime=59)
        first = ask(self.daemon)
        self.assertNotEqual(ask(self.daemon).body, first.body)

    def test_06_any_hash_the_kbs_selects(self):
        for name in ('sha256', 'sha384', 'sha512', 'SHA256'):
            self.stub.set(selected=name)
            fresh(self.daemon, self.stub)
        self.stub.set(selected=None, extra_params=None)
        fresh(self.daemon, self.stub)

    def test_07_a_restart_loses_nothing_and_extends_nothing(self):
        """However it ended."""
        self.append('before')
        shown = self.shown()
        for end in ('terminate', 'kill'):
            log, state = device.Device().stream(), self.state()
            getattr(self.daemon.process, end)()
            self.daemon.process.wait(timeout=30)
            self.restart()
            self.assertEqual(device.Device().stream(), log)
            self.assertEqual(self.state(), state)
            self.assertEqual(self.shown(), shown)
        self.append('after')
        after = self.shown()
        self.assertEqual(after[:-1], shown)
        self.assertEqual(after[-1], self.entry('test op after'))
