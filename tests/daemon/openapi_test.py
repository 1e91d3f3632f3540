# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: sound, and true of every answer that can be had without a device."""
import json
import os
import re
import unittest

import daemon
import openapi
import rest
from stub import Stub

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = TOP + '/Documentation/openapi.yaml'
EVENT = {'domain': 'a', 'operation': 'b', 'content': 'c'}
EVIDENCE = '/aa/evidence?runtime_data=bm9uY2U&encoding=base64'
FRESH = ['Cache-Control: no-cache']
TOKEN = '/aa/token?token_type=kbs'
RESOURCE = '/cdh/resource/a/b/c'
METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH')
RESOURCE_PATH = '/cdh/resource/{repository}/{type}/{tag}'
# Documented, and not to be had here: why.
ELSEWHERE = {
    ('GET', '/aa/evidence', '500'): 'no memory',
    ('GET', '/aa/additional-evidence', '500'): 'no memory',
    ('GET', '/aa/additional-evidence', '503'): 'while the daemon stops',
    ('GET', '/aa/token', '500'): 'no memory',
    ('GET', RESOURCE_PATH, '500'): 'no memory',
    ('GET', '/info', '500'): 'no memory',
    ('GET', '/info', '503'): 'while the daemon stops',
    ('GET', '/metrics', '500'): 'no memory',
    ('GET', '/metrics', '503'): 'while the daemon stops',
}
document = None


def setUpModule():
    global document
    document = openapi.Document(DOCUMENT)


def example(path):
    return re.sub('{[^}]*}', 'a', path)


class ASound(unittest.TestCase):
    def test_document_is_sound(self):
        self.assertEqual(document.faults(), [])

    def test_version_is_that_of_the_project(self):
        with open(TOP + '/dkms.conf', encoding='ascii') as file:
            version = re.search(r'^PACKAGE_VERSION="?([^"\n]*)', file.read(), re.M)[1]
        self.assertEqual(document.root['info']['version'], version)


class AWatchful(unittest.TestCase):
    """What is wrong is noticed."""

    def faulty(self, edit, words):
        other = openapi.Document(DOCUMENT)
        edit(other.root)
        self.assertIn(words, '\n'.join(other.faults()))

    def test_faults_of_the_document(self):
        def get(root):
            return root['paths']['/info']['get']
        for edit, words in (
                (lambda root: root['paths'].update({'/x/{y}': {'get': get(root)}}), 'parameters []'),
                (lambda root: root['paths'].update({'/x': {'get': get(root)}}), 'not unique'),
                (lambda root: root.update(openapi='3.0.3'), 'not 3.1'),
                (lambda root: root.update(path={}), 'document: has path'),
                (lambda root: get(root).pop('summary'), 'GET /info: lacks summary'),
                (lambda root: get(root).update(responses={}), 'no responses'),
                (lambda root: get(root)['responses'].pop('405'), 'no 405'),
                (lambda root: get(root)['responses'].update({200: {'description': ''}}), 'no status'),
                (lambda root: get(root)['responses'].update({'200': {}}), 'lacks description'),
                (lambda root: root['components']['schemas'].pop('Word'), 'Word leads nowhere'),
                (lambda root: root['components']['schemas'].update(X={}), 'schemas.X: not used'),
                (lambda root: root['components']['schemas']['Word'].update(type='text'), 'Word: '),
                (lambda root: root['components']['schemas']['Log']['required'].append('x'), 'example ')):
            self.faulty(edit, words)

    def test_answers_that_are_not_as_documented(self):
        right = rest.Answer(200, {'content-type': 'application/json'},
                            b'{"version":"aaeld 1","feature":"all","aael":{"state":"absent"}}')
        other = openapi.Document(DOCUMENT)
        other.check('GET', '/info?x', right)
        plain = {'content-type': 'text/plain'}
        for method, target, wrong in (
                ('GET', '/info', right._replace(status=201)),
                ('GET', '/info', right._replace(headers=plain)),
                ('GET', '/info', right._replace(headers={})),
                ('GET', '/info', right._replace(body=right.body.replace(b'all', b'none'))),
                ('GET', '/info', right._replace(body=b'')),
                ('POST', '/info', right),
                ('POST', '/info', rest.Answer(405, plain, b'Method Not Allowed')),
                ('POST', '/info', rest.Answer(405, {**plain, 'allow': 'POST'}, b'Method Not Allowed')),
                ('POST', '/info', rest.Answer(405, {**plain, 'allow': 'GET'}, b'')._replace(body=b'no')),
                ('GET', '/infos', right)):
            with self.assertRaises((openapi.Mismatch, ValueError)):
                other.check(method, target, wrong)
        self.assertEqual(other.seen, {('GET', '/info', '200')})


class BLive(unittest.TestCase):
    def ask(self, server, status, method, target, body=None, **more):
        answer = server.ask(method, target, body, **more)
        self.assertEqual(answer.status, status, (method, target, answer))
        document.check(method, target, answer)
        return answer

    def post(self, server, status, event=None, **more):
        return self.ask(server, status, 'POST', '/aa/aael',
                        event if isinstance(event, bytes) else json.dumps(event or EVENT).encode(), **more)

    def common(self, server, path, method):
        """What any path answers to."""
        body = json.dumps(EVENT).encode() if method == 'POST' else None
        for header, status in (('Origin: http://evil', 403), ('Host: localhost', 400)):
            self.ask(server, status, method, path, body, headers=[header])
        self.ask(server, 403, method, path, body, host='evil')
        for other in METHODS:
            if other != method:
                self.ask(server, 405, other, path)

    def test_any_path(self):
        with daemon.Daemon('--allow-sample', '--metrics') as server:
            for method, path, _ in document.operations():
                self.common(server, example(path), method)

    def test_unrouted(self):
        with daemon.Daemon() as server:
            self.ask(server, 404, 'GET', '/nowhere')
            self.ask(server, 403, 'GET', '/nowhere', host='evil')
            self.ask(server, 400, 'OPTIONS', '*')
            self.ask(server, 400, 'GET', '/cdh/resource/a')
            for data in (b'nonsense\r\n\r\n', b'GET /info HTTP/1.1\r\nx: ' + b'y' * 10000 + b'\r\n\r\n'):
                document.check('', None, server.raw(data))
            document.check('', None, server.raw(b'CONNECT evil:80 HTTP/1.1\r\nHost: localhost\r\n\r\n'))

    def test_switched_off(self):
        for feature, area in (('resource', '/aa/'), ('attestation', '/cdh/')):
            with daemon.Daemon('-f', feature) as server:
                for method, path, _ in document.operations():
                    if path.startswith(area):
                        self.ask(server, 404, method, example(path))
                self.ask(server, 404, 'GET', area)
                self.ask(server, 200, 'GET', '/info')

    def test_without_the_module(self):
        for enable in (True, False):
            with daemon.Daemon(enable=enable) as server:
                self.assertIn(b'"false"', self.post(server, 200).body)
                self.ask(server, 200, 'GET', '/info')
                for target in (EVIDENCE, TOKEN, RESOURCE):
                    self.ask(server, 501, 'GET', target)

    def test_metrics(self):
        for kernel in (None, 'disabled,tpm', 'enabled,soft'):
            with daemon.Daemon('--metrics', kernel=kernel) as server:
                self.ask(server, 200, 'GET', '/metrics')
        with daemon.Daemon() as server:
            self.ask(server, 404, 'GET', '/metrics')

    def test_states_of_the_log(self):
        for state in ('unsupported,', 'disabled,tpm', 'disabled,tsm-mr', 'sealed,tdcall', 'enabled,soft'):
            with daemon.Daemon(kernel=state, enable=False) as server:
                self.ask(server, 200, 'GET', '/info')

    def test_events(self):
        with daemon.Daemon(kernel='enabled,soft') as server:
            self.assertEqual(self.post(server, 200).body, b'{"success":"true"}')
            for bad in (b'', b'{', b'[]', {**EVENT, 'once': 1}, {**EVENT, 'register_index': -1}):
                self.post(server, 400, bad or b' ')
            self.post(server, 413, b' ' * ((1 << 20) + 1))
            self.post(server, 417, headers=['Expect: miracles'])
            for number, status in ((13, 403), (1, 403), (17, 409), (28, 507), (122, 507), (5, 500),
                                   (12, 500), (16, 503), (110, 503), (107, 200), (95, 200)):
                self.post(server, status, {**EVENT, 'domain': 'errno', 'operation': str(number)})

    def test_evidence(self):
        with daemon.Daemon('--allow-sample') as server:
            for path in ('/aa/evidence', '/aa/additional-evidence'):
                self.ask(server, 200, 'GET', path + '?runtime_data=bm9uY2U&encoding=base64')
                for bad in ('', '?runtime_data=%', '?runtime_data=a&encoding=hex',
                            '?runtime_data=' + 'x' * 65):
                    self.ask(server, 400, 'GET', path + bad)
        # Of a chip that is not there.
        with daemon.Daemon(kernel='disabled,tpm', enable=False,
                           env={'AA_TPM_DEVICE': '/nowhere'}) as server:
            self.ask(server, 503, 'GET', EVIDENCE)


    def test_kbs(self):
        with Stub(mode='log-aware', resources={'a/b/c': bytes(range(256))}) as stub:
            for algorithm in ('ECDH-ES+A256KW-P256', 'ECDH-ES+A256KW-P521', 'RSA-OAEP-256'):
                config = f"[token_configs.kbs]\nurl = '{stub.url}'\ntee_key_algorithm = '{algorithm}'\n"
                with daemon.Daemon('--allow-sample', config=config) as server:
                    self.ask(server, 200, 'GET', TOKEN)
                    self.assertEqual(self.ask(server, 200, 'GET', RESOURCE).body, bytes(range(256)))
            with daemon.Daemon('--allow-sample', config=config) as server:
                self.ask(server, 400, 'GET', '/aa/token')
                self.ask(server, 400, 'GET', '/cdh/resource/a/b/.c')
                self.ask(server, 404, 'GET', '/cdh/resource/a/b/d')
                for target, path in ((TOKEN, 'attest'), (RESOURCE, 'resource')):
                    for status, refusal in ((403, 'PolicyDeny'), (502, 'Other')):
                        stub.fault(path, 'refuse', type=refusal)
                        self.ask(server, status, 'GET', target, headers=FRESH)
                        stub.clear()
            # Of a chip that is not there.
            with daemon.Daemon(kernel='disabled,tpm', enable=False, config=config,
                               env={'AA_TPM_DEVICE': '/nowhere'}) as server:
                for target in (TOKEN, RESOURCE):
                    self.ask(server, 503, 'GET', target)


class CAll(unittest.TestCase):
    def test_all_that_is_documented_was_seen(self):
        unseen = document.unseen()
        for one in sorted(unseen & set(ELSEWHERE)):
            print('# not seen here:', *one, f'({ELSEWHERE[one]})')
        self.assertEqual(unseen - set(ELSEWHERE), set())
        self.assertEqual(set(ELSEWHERE) - unseen, set(), 'seen after all')
