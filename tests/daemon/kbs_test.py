# SPDX-License-Identifier: Apache-2.0
"""aaeld and a KBS: tokens, resources, and every way in which a KBS can fail it. Evidence is of the
kind `sample`. Whatever happened, the daemon lives, and the next request works."""
import base64
import collections
import http.client
import json
import os
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from cryptography.hazmat.primitives import serialization

import certs
import daemon
import rest
from stub import Stub

TOKEN = '/aa/token?token_type=kbs'
SECRET = bytes(range(256)) * 5
RESOURCES = {'default/key/1': SECRET, 'a/b/empty': b'', 'a/b/large': os.urandom(1 << 19)}
ALGORITHMS = ('ECDH-ES+A256KW-P256', 'ECDH-ES+A256KW-P521', 'RSA-OAEP-256')
LIMIT_SECONDS = 50
PATIENCE_SECONDS = 20  # of whatever must not take the limit
FRESH = ('Cache-Control: max-age=0, no-cache',)


def config(stub, **more):
    more.setdefault('url', stub.url)
    return '[token_configs.kbs]\n' + ''.join(f"{key} = '''{value}'''\n" for key, value in more.items())


class Answering(daemon.Daemon):
    """The daemon, and the KBS that it is configured for."""

    def __init__(self, stub, *args, kernel='enabled,soft', options=(), **more):
        super().__init__('--allow-sample', '--log-level', 'debug', *args, kernel=kernel,
                         config=config(stub, **dict(options)), **more)
        self.stub = stub

    def get(self, target, seconds=PATIENCE_SECONDS, headers=()):
        """Status and body, within that time."""
        connection = http.client.HTTPConnection(*self.address, timeout=seconds)
        try:
            connection.request('GET', target, headers=dict(h.split(': ') for h in headers))
            answer = connection.getresponse()
            return rest.Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        finally:
            connection.close()

    def token(self, **more):
        answer = self.get(TOKEN, **more)
        assert answer.status == 200, answer
        assert answer.headers['content-type'] == 'application/octet-stream', answer
        return json.loads(answer.body)

    def event(self, text):
        assert self.post({'domain': 'd', 'operation': 'o', 'content': text}).body == b'{"success":"true"}'


def public_of(token):
    payload = token['token'].split('.')[1]
    return json.loads(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)))['tee-pubkey']


class Case(unittest.TestCase):
    def pair(self, *args, mode='log-aware', tls=None, **more):
        stub = Stub(mode=mode, resources=RESOURCES, tls=tls)
        self.addCleanup(stub.__exit__)
        stub.__enter__()
        made = Answering(stub, *args, **more)
        self.addCleanup(made.__exit__)
        return made.__enter__()

    def fails(self, aaeld, status, *words, target=TOKEN):
        """It is answered so; then the trouble ends, and the next request works."""
        begin = time.monotonic()
        answer = aaeld.get(target, headers=FRESH)
        self.assertLess(time.monotonic() - begin, PATIENCE_SECONDS)
        self.assertEqual((answer.status, answer.headers['content-type']), (status, 'text/plain'), answer.body)
        for word in words:
            self.assertIn(word, answer.body.decode())
        aaeld.stub.clear()
        self.assertEqual(aaeld.get(TOKEN, headers=FRESH).status, 200)
        return answer.body.decode()


class ALimit(unittest.TestCase):
    """A KBS that is silent for ever, or deaf, costs 50 seconds; meanwhile others are tested."""

    def test_begins(self):
        silent.start()
        deaf.start()


class Tokens(Case):
    def test_handshake(self):
        aaeld = self.pair()
        token = aaeld.token()
        self.assertEqual(sorted(token), ['tee_keypair', 'token'])
        auth, attest = aaeld.stub.requests
        self.assertEqual(json.loads(auth.body), {
            'version': '0.4.0', 'tee': 'sample',
            'extra-params': {'supported-hash-algorithms': ['sha384', 'sha256', 'sha512']}})
        self.assertRegex(attest.headers['Cookie'], '^kbs-session-id=[0-9a-f-]+$')
        self.assertNotIn('Cookie', auth.headers)
        self.assertEqual(set(json.loads(attest.body)), {'runtime-data', 'tee-evidence'})

    def test_key_pair_is_that_of_the_token(self):
        for algorithm, begin in zip(ALGORITHMS, ('PRIVATE', 'PRIVATE', 'RSA PRIVATE')):
            with self.subTest(algorithm):
                aaeld = self.pair(options={'tee_key_algorithm': algorithm})
                token = aaeld.token()
                pem = token['tee_keypair'].encode()
                self.assertTrue(pem.startswith(f'-----BEGIN {begin} KEY-----\n'.encode()), pem)
                numbers = serialization.load_pem_private_key(pem, None).public_key().public_numbers()
                first = 'n' if algorithm.startswith('RSA') else 'x'
                got = base64.urlsafe_b64decode(public_of(token)[first] + '==')
                self.assertEqual(int.from_bytes(got, 'big'), getattr(numbers, first))

    def test_hash_that_the_kbs_selects(self):
        aaeld = self.pair()
        for selected in ('sha256', 'sha384', 'sha512', 'SHA512'):
            aaeld.stub.set(selected=selected)
            aaeld.token(headers=FRESH)
        aaeld.stub.set(selected='md5')
        self.assertEqual(aaeld.get(TOKEN, headers=FRESH).status, 502)

    def test_extra_params_of_any_type(self):
        aaeld = self.pair()
        for value in ('', None, 7, [], {}, {'selected-hash-algorithm': None}, 'selected-hash-algorithm'):
            aaeld.stub.set(extra_params=value)
            aaeld.token(headers=FRESH)

    def test_init_data(self):
        with tempfile.NamedTemporaryFile('w', suffix='.toml') as file:
            document = 'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"x" = "\\u00e4 \\"q\\""\n'
            file.write(document)
            file.flush()
            aaeld = self.pair('--initdata', file.name)
            aaeld.token()
        self.assertEqual(json.loads(aaeld.stub.requests[-1].body)['init-data'],
                         {'format': 'toml', 'body': document})

    def test_reuse(self):
        aaeld = self.pair()
        first = aaeld.token()
        self.assertEqual(aaeld.token(), first)
        self.assertNotEqual(aaeld.token(headers=FRESH), first)
        second = aaeld.token()
        aaeld.event('1')
        third = aaeld.token()
        self.assertNotEqual(third, second)
        self.assertEqual(aaeld.token(), third)
        self.assertEqual(aaeld.stub.counts['auth'], 3)

    def test_token_that_ends_is_not_given_again(self):
        aaeld = self.pair()
        for lifetime, handshakes in ((59, 2), (-5, 2), (300, 1)):
            before = aaeld.stub.counts['auth']
            aaeld.stub.set(lifetime=lifetime)
            aaeld.token(headers=FRESH)
            aaeld.token()
            self.assertEqual(aaeld.stub.counts['auth'] - before, handshakes, lifetime)

    def test_requests_share_a_handshake(self):
        """One holds the KBS; whoever comes then shares the next."""
        aaeld = self.pair()
        aaeld.stub.fault('auth', 'hold', times=1)
        got = []
        threads = [threading.Thread(target=lambda: got.append(aaeld.token())) for _ in range(9)]
        threads[0].start()
        wait_for(lambda: aaeld.stub.counts['held'])
        for thread in threads[1:]:
            thread.start()
        # A request of their own connection each: all are in when the last one is.
        wait_for(lambda: established(aaeld) >= 9)
        aaeld.stub.release()
        for thread in threads:
            thread.join()
        self.assertEqual(len(got), 9)
        self.assertLessEqual(aaeld.stub.counts['auth'], 3)
        self.assertLessEqual(len({token['token'] for token in got}), 3)

    def test_slow_kbs_keeps_nobody_else_waiting(self):
        aaeld = self.pair()
        aaeld.stub.fault('any', 'hold')
        held = threading.Thread(target=aaeld.token)
        held.start()
        wait_for(lambda: aaeld.stub.counts['held'])
        aaeld.event('meanwhile')
        self.assertEqual(aaeld.get('/info').status, 200)
        self.assertEqual(aaeld.get('/aa/evidence?runtime_data=x').status, 200)
        self.assertEqual(aaeld.stub.counts['held'], 1)
        aaeld.stub.clear()
        held.join()

    def test_many_that_ask_leave_room_for_others(self):
        aaeld = self.pair()
        aaeld.stub.fault('any', 'hold')
        held = []
        for _ in range(20):
            held.append(aaeld.connect())
            self.addCleanup(held[-1].close)
            held[-1].sendall(rest.request('GET', TOKEN))
            wait_for(lambda: aaeld.stub.counts['held'])
        wait_for(lambda: len(select.select(held, [], [], 0)[0]) == 7)
        aaeld.event('meanwhile')
        aaeld.stub.clear()
        status = collections.Counter(rest.raw(b'', connection).status for connection in held)
        self.assertEqual(status, {200: 13, 503: 7})

    def test_token_is_in_memory_once(self):
        """However many take it, and take their time: it is more than the kernel buffers."""
        aaeld = self.pair()
        payload = base64.urlsafe_b64encode(b'{"exp":99999999999,"x":"%s"}' % (b'x' * 5000000)).decode().rstrip('=')
        aaeld.stub.fault('attest', 'body', body=json.dumps({'token': f'e30.{payload}.e30'}))
        size = len(aaeld.get(TOKEN).body)
        before = resident(aaeld)
        slow = [socket.socket() for _ in range(40)]
        for connection in slow:
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(aaeld.address)
            connection.sendall(rest.request('GET', TOKEN))
        for connection in slow:
            self.assertEqual(connection.recv(12), b'HTTP/1.1 200')
        self.assertEqual(aaeld.stub.counts['auth'], 1)
        self.assertLess(resident(aaeld) - before, 10 * size)
        self.assertEqual(len(aaeld.get(TOKEN).body), size)

    def test_end_of_the_daemon(self):
        """It waits for no KBS; whoever asked is told."""
        aaeld = self.pair()
        aaeld.stub.fault('any', 'hold')
        got = []
        asker = threading.Thread(target=lambda: got.append(aaeld.get(TOKEN)))
        asker.start()
        wait_for(lambda: aaeld.stub.counts['held'])
        begin = time.monotonic()
        self.assertEqual(aaeld.end(), 0)
        self.assertLess(time.monotonic() - begin, PATIENCE_SECONDS / 2)
        asker.join()
        self.assertEqual((got[0].status, got[0].body), (503, b'the daemon is stopping'))


def established(aaeld):
    """Connections to the daemon that this machine's kernel knows"""
    port = f':{aaeld.address[1]:04X} '
    with open('/proc/net/tcp', encoding='ascii') as file:
        return sum(line.split()[3] == '01' and line.split()[1].endswith(port.strip()) for line in file)


def resident(aaeld):
    """Bytes of its memory"""
    with open(f'/proc/{aaeld.process.pid}/status', encoding='ascii') as file:
        return 1024 * int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1])


def wait_for(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, 'it did not come'
        time.sleep(0.01)


class Failures(Case):
    def test_down(self):
        aaeld = self.pair()
        with socket.socket() as taken:  # bound, and not listening: refused
            taken.bind(('127.0.0.1', 0))
            with Answering(aaeld.stub, options={'url': f'http://127.0.0.1:{taken.getsockname()[1]}'}) as lost:
                begin = time.monotonic()
                answer = lost.get(TOKEN)
                self.assertEqual(answer.status, 502)
                self.assertIn(b', auth: ', answer.body)
                self.assertGreaterEqual(time.monotonic() - begin, 4)  # five tries
                self.assertEqual(lost.get('/info').status, 200)

    def test_five_tries(self):
        aaeld = self.pair()
        for fault in ({'kind': 'close'}, {'kind': 'garbage'}, {'kind': 'status', 'code': 503},
                      {'kind': 'cut'}):
            with self.subTest(**fault):
                before = aaeld.stub.counts['auth']
                aaeld.stub.fault('auth', **fault)
                answer = aaeld.get(TOKEN, headers=FRESH)
                self.assertEqual(answer.status, 502)
                self.assertEqual(aaeld.stub.counts['auth'] - before, 5)
                aaeld.stub.clear()
                aaeld.token(headers=FRESH)

    def test_trouble_that_passes(self):
        aaeld = self.pair()
        for path in ('auth', 'attest'):
            aaeld.stub.fault(path, 'status', code=500, times=1)
            aaeld.stub.fault(path, 'close', times=1)
            aaeld.token(headers=FRESH)

    def test_no_json(self):
        aaeld = self.pair()
        for path in ('auth', 'attest'):
            aaeld.stub.fault(path, 'body', body='<h1>\x1b[2J' + 300 * 'x')
            text = self.fails(aaeld, 502, f', {path}: ', '"<h1>?[2Jxxx')
            self.assertLess(len(text), 350)

    def test_json_that_is_no_answer(self):
        aaeld = self.pair()
        aaeld.stub.fault('auth', 'body', body='{"nonc":"secret"}')
        self.assertNotIn('secret', self.fails(aaeld, 502, 'the challenge has no nonce'))
        aaeld.stub.fault('attest', 'body', body='{"tokens":"secret"}')
        self.assertNotIn('secret', self.fails(aaeld, 502, 'the answer has no token'))

    def test_no_session(self):
        aaeld = self.pair()
        aaeld.stub.fault('auth', 'body', body='{"nonce":"n","extra-params":""}')
        self.fails(aaeld, 502, ', auth: it gave no session')

    def test_refusal_is_passed_on(self):
        aaeld = self.pair()
        aaeld.stub.fault('auth', 'refuse', type='ProtocolVersion', detail='expected 9.9')
        self.fails(aaeld, 502, ', auth: 401 ProtocolVersion: expected 9.9')
        aaeld.stub.fault('attest', 'refuse', type='PolicyDeny', detail='no', code=403)
        self.fails(aaeld, 403, ', attest: 403 PolicyDeny: no')

    def test_failed_attestation(self):
        """One new handshake; a constant text is completed by what was sent."""
        for mode, detail in (('log-aware', 'exactly why'), ('stock', 'Attestation failed')):
            aaeld = self.pair(mode=mode)
            aaeld.event('1')
            aaeld.stub.fault('attest', 'refuse', type='AttestationError',
                             detail='exactly why' if mode == 'log-aware' else None)
            self.fails(aaeld, 502, f'401 AttestationError: {detail}; sent: sample evidence of ',
                       'a log of 1 events (consistent), no Init-Data')
            self.assertEqual(aaeld.stub.counts['attest'], 3)
            aaeld.stub.fault('attest', 'refuse', times=1, type='AttestationError')
            aaeld.token(headers=FRESH)

    def test_nonce_that_is_used_up(self):
        """The answer to an attestation is lost: the second try is refused, a new handshake is not."""
        aaeld = self.pair()
        aaeld.stub.set(spoil=lambda request, last: request)
        aaeld.stub.fault('attest', 'forget', times=1)
        aaeld.token()
        self.assertEqual(aaeld.stub.counts['auth'], 2)

    def test_too_large(self):
        aaeld = self.pair()
        aaeld.stub.fault('attest', 'status', code=413)
        text = self.fails(aaeld, 502, 'the log is too large')
        sizes = [int(number) for number in re.findall(r'\d+', text.split('large')[1])]
        self.assertEqual(sizes[0], len(aaeld.stub.requests[1].body))
        aaeld.stub.fault('auth', 'status', code=413)
        self.assertNotIn('log', self.fails(aaeld, 502, ', auth: 413 '))

    def test_endless(self):
        aaeld = self.pair()
        for path in ('auth', 'attest'):
            aaeld.stub.fault(path, 'endless')
            self.fails(aaeld, 502, 'the answer has more than ')

    def test_redirect(self):
        aaeld = self.pair()
        other = Stub(mode='log-aware')
        with other:
            aaeld.stub.fault('auth', 'redirect', to=other.url + '/kbs/v0/auth')
            self.fails(aaeld, 502, ', auth: 302 ')
            self.assertEqual(other.counts['auth'], 0)

    def test_framing_by_the_end(self):
        aaeld = self.pair()
        aaeld.stub.fault('any', 'framing')
        aaeld.token()
        self.assertEqual(aaeld.get('/cdh/resource/default/key/1').body, SECRET)

    def test_nothing_secret_is_said(self):
        aaeld = self.pair()
        token = aaeld.token()
        for fault in ({'kind': 'body', 'body': '<html>'}, {'kind': 'refuse', 'type': 'PolicyDeny'},
                      {'kind': 'redirect', 'to': 'http://127.0.0.1:1/'}):
            for path in ('attest', 'resource'):
                aaeld.stub.fault(path, **fault)
                aaeld.get(TOKEN, headers=FRESH)
                aaeld.get('/cdh/resource/default/key/1')
                aaeld.stub.clear()
        self.assertEqual(aaeld.get('/cdh/resource/default/key/1').body, SECRET)
        aaeld.end()
        said = aaeld.output()
        self.assertIn('answered 502', said)
        for secret in (token['token'][:60], token['tee_keypair'][40:100],
                       aaeld.stub.requests[-1].headers['Cookie'].partition('=')[2], SECRET.decode('latin-1')[:64]):
            self.assertNotIn(secret, said)

    def test_malformed_requests(self):
        aaeld = self.pair()
        for target in ('/aa/token', '/aa/token?token_type=coco_as', '/cdh/resource/a/b', '/cdh/resource/../a/b',
                       '/cdh/resource/a/b/c/d', '/cdh/resource/a/b/%63'):
            answer = aaeld.get(target)
            self.assertEqual((answer.status, answer.headers['content-type']), (400, 'text/plain'), target)
        self.assertEqual(aaeld.stub.counts['auth'], 0)

    def test_without_a_kbs(self):
        with daemon.Daemon('--allow-sample') as aaeld:
            for target in (TOKEN, '/cdh/resource/a/b/c'):
                answer = aaeld.ask('GET', target)
                self.assertEqual(answer.status, 501)
                self.assertIn(b'token_configs.kbs.url', answer.body)

    def test_without_evidence(self):
        stub = Stub()
        with stub, daemon.Daemon(config=config(stub)) as aaeld:
            self.assertEqual(aaeld.ask('GET', TOKEN).status, 501)
        self.assertEqual(stub.counts['auth'], 0)


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.ca, cls.other = certs.Authority('right'), certs.Authority('wrong')
        cls.right = cls.ca.files(folder.name, '127.0.0.1')
        for name, more in (('expired', {'lifetime': -certs.DAY}), ('elsewhere', {})):
            os.mkdir(f'{folder.name}/{name}')
            host = 'kbs.example' if name == 'elsewhere' else '127.0.0.1'
            setattr(cls, name, cls.ca.files(f'{folder.name}/{name}', host, **more))

    def asked(self, tls, cert=None, **more):
        """The answer, of a daemon that believes in cert, to a request for a token."""
        options = {'cert': cert.decode()} if cert else {}
        aaeld = self.pair(tls=tls, options=options, **more)
        begin = time.monotonic()
        answer = aaeld.get(TOKEN)
        # No certificate gets better by asking again.
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual(aaeld.get('/info').status, 200)
        self.assertEqual(aaeld.stub.counts['auth'], answer.status == 200)
        return answer

    def test_right(self):
        self.assertEqual(self.asked(self.right, self.ca.pem).status, 200)

    def test_system(self):
        """What the system trusts is believed, but beside a certificate that is configured."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ('ca.pem', 'ca-certificates.crt'):
                with open(f'{folder}/{name}', 'wb') as file:
                    file.write(self.ca.pem)
            subprocess.run(('openssl', 'rehash', folder), check=True, stderr=subprocess.DEVNULL)
            system = ('unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/ssl/certs && exec "$@"', folder)
            self.assertEqual(self.asked(self.right, through=system).status, 200)
            self.assertEqual(self.asked(self.right, self.other.pem, through=system).status, 502)

    def test_server_itself_is_pinned(self):
        with open(self.right[0], 'rb') as file:
            self.assertEqual(self.asked(self.right, file.read()).status, 200)

    def test_one_of_several(self):
        self.assertEqual(self.asked(self.right, self.other.pem + self.ca.pem).status, 200)

    def test_wrong(self):
        for tls, cert, word in ((self.right, self.other.pem, 'certificate'), (self.right, None, 'certificate'),
                                (self.expired, self.ca.pem, 'expired'), (self.elsewhere, self.ca.pem, '127.0.0.1')):
            answer = self.asked(tls, cert)
            self.assertEqual(answer.status, 502)
            self.assertIn(word, answer.body.decode())


class Resources(Case):
    def test_are_decrypted(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                aaeld = self.pair(options={'tee_key_algorithm': algorithm})
                for path, data in RESOURCES.items():
                    answer = aaeld.get('/cdh/resource/' + path)
                    self.assertEqual((answer.status, answer.headers['content-type'], answer.body),
                                     (200, 'application/octet-stream', data))
                self.assertEqual(aaeld.stub.counts['auth'], 1)

    def test_have_a_key_pair_of_their_own(self):
        aaeld = self.pair()
        public = public_of(aaeld.token())
        aaeld.get('/cdh/resource/default/key/1')
        attests = [json.loads(r.body) for r in aaeld.stub.requests if r.path.endswith('attest')]
        keys = [attest['runtime-data']['tee-pubkey'] for attest in attests]
        self.assertEqual(keys[0], public)
        self.assertNotEqual(keys[1], public)
        aaeld.token(headers=FRESH)
        aaeld.get('/cdh/resource/default/key/1')
        self.assertEqual(aaeld.stub.counts['auth'], 3)

    def test_are_attested_again_when_the_log_has_grown(self):
        aaeld = self.pair()
        for handshakes in (1, 2, 3):
            aaeld.get('/cdh/resource/default/key/1')
            aaeld.get('/cdh/resource/default/key/1')
            self.assertEqual(aaeld.stub.counts['auth'], handshakes)
            aaeld.event(str(handshakes))

    def test_session_that_has_ended(self):
        aaeld = self.pair()
        path = '/cdh/resource/default/key/1'
        self.assertEqual(aaeld.get(path).body, SECRET)
        for fault in ({'kind': 'forget'}, {'kind': 'refuse', 'type': 'TokenNotFound'},
                      {'kind': 'refuse', 'type': 'TokenVerifierError'}):
            for times in (1, 2):
                aaeld.stub.fault('resource', times=times, **fault)
                self.assertEqual(aaeld.get(path).body, SECRET)
            before = aaeld.stub.counts['resource']
            aaeld.stub.fault('resource', **fault)
            self.fails(aaeld, 502, '401 Token', target=path)
            self.assertEqual(aaeld.stub.counts['resource'] - before, 3)
        # A new handshake is of nobody's session yet.
        auths = [request for request in aaeld.stub.requests if request.path.endswith('/auth')]
        self.assertGreater(len(auths), 5)
        self.assertNotIn('Cookie', ''.join(name for request in auths for name in request.headers))

    def test_refusals(self):
        aaeld = self.pair()
        path = '/cdh/resource/default/key/1'
        for kind, status in (('PolicyDeny', 403), ('PluginInternalError', 404), ('Other', 502)):
            aaeld.stub.fault('resource', 'refuse', type=kind, detail='because')
            self.fails(aaeld, status, f'resource/default/key/1: 401 {kind}: because', target=path)
        self.assertEqual(aaeld.get('/cdh/resource/default/key/2').status, 404)
        self.assertEqual(aaeld.get(path).body, SECRET)

    def test_what_cannot_be_decrypted(self):
        aaeld = self.pair()
        path = '/cdh/resource/default/key/1'
        for body in ('', '{}', 'secret', '{"protected":"e30","encrypted_key":"","iv":"","ciphertext":"","tag":""}'):
            aaeld.stub.fault('resource', 'body', body=body)
            self.assertNotIn('secret', self.fails(aaeld, 502, 'the resource: ', target=path))


class Silent:
    """A request that no KBS answers, until it is given up."""

    def start(self):
        self.stub = Stub()
        self.stub.__enter__()
        self.stub.fault('any', 'hold')
        self.aaeld = Answering(self.stub, options=self.options())
        self.aaeld.__enter__()
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def options(self):
        return {}

    def ask(self):
        begin = time.monotonic()
        self.answer = self.aaeld.get(TOKEN, seconds=2 * LIMIT_SECONDS)
        self.seconds = time.monotonic() - begin

    def end(self):
        self.thread.join()
        self.aaeld.end()
        self.stub.__exit__()


class Deaf(Silent):
    """A KBS whose machine does not even answer to a connection, as behind some firewalls."""

    def options(self):
        self.sockets = [socket.create_server(('127.0.0.1', 0), backlog=0)]
        port = self.sockets[0].getsockname()[1]
        # What finds no place in its queue is dropped.
        for _ in range(4):
            self.sockets.append(socket.socket())
            self.sockets[-1].setblocking(False)
            self.sockets[-1].connect_ex(('127.0.0.1', port))
        return {'url': f'http://127.0.0.1:{port}'}

    def end(self):
        super().end()
        for each in self.sockets:
            each.close()


silent = Silent()
deaf = Deaf()


class ZLimit(unittest.TestCase):
    def ends(self, case):
        case.end()
        self.assertEqual(case.answer.status, 502)
        self.assertIn(b', auth: no answer in time', case.answer.body)
        self.assertLessEqual(LIMIT_SECONDS, case.seconds)
        self.assertLess(case.seconds, LIMIT_SECONDS + PATIENCE_SECONDS)

    def test_ends(self):
        self.ends(silent)

    def test_connecting_is_tried_again(self):
        self.ends(deaf)
        self.assertEqual(deaf.aaeld.output().count('the KBS will be asked again: '), 4)


if __name__ == '__main__':
    unittest.main()
