# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: Prometheus can read it, and the numbers are right.

It is read with the parser of python3-prometheus-client, which is lax, as promtool is in other respects:
faults() has what both would let pass.
"""
import json
import os
import re
import subprocess
import unittest

from prometheus_client.parser import text_string_to_metric_families

import daemon
import rest
from stub import Stub

EVENT = {'domain': 'a', 'operation': 'b', 'content': 'c'}
TOKEN = '/aa/token?token_type=kbs'
FRESH = ['Cache-Control: no-cache']
DURATION = 'aaeld_token_duration_seconds'
REQUESTS = 'aaeld_http_requests_total'
LINE = re.compile(r'# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ (counter|gauge|histogram))|'
                  r'[a-z_]+({[a-z_]+="([^"\\]|\\[\\"n])*"(,[a-z_]+="([^"\\]|\\[\\"n])*")*})? \d+(\.\d+)?')
# Of a name only where the type allows it; units are base units.
RESERVED = ('_total', '_count', '_sum', '_bucket')
UNITS = ('_ms', '_milliseconds', '_kb', '_kib', '_kilobytes', '_percent')


def faults(text):
    """What is wrong with it, in words; what cannot be read is not looked at further."""
    return list(line_faults(text)) or [fault for family in text_string_to_metric_families(text)
                                       for fault in family_faults(family)]


def promtool(text):
    """Status and words of `promtool check metrics`"""
    done = subprocess.run([os.path.join(os.path.dirname(__file__), 'promtool'), 'check', 'metrics'], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
    return done.returncode, done.stdout


def line_faults(text):
    if not text.endswith('\n'):
        yield 'the last line does not end'
    for line in text.splitlines():
        if not LINE.fullmatch(line):
            yield f'line: {line}'
    heads = re.findall(r'^# (HELP|TYPE) (\S+)', text, re.M)
    if heads != [(word, name) for name in dict.fromkeys(name for _, name in heads) for word in ('HELP', 'TYPE')]:
        yield f'not HELP and TYPE, once for each: {heads}'
    for name, kind in re.findall(r'^# TYPE (\S+) (\S+)', text, re.M):
        base = name.removesuffix('_total')
        if (base != name) != (kind == 'counter') or any(word in base for word in (*RESERVED, *UNITS, kind)):
            yield f'{name}: not a name for a {kind}'
    series = re.findall('^[^#].*(?= )', text, re.M)
    if len(series) != len(set(series)):
        yield f'some are there twice: {series}'


def family_faults(family):
    names = {sample.name for sample in family.samples}
    name = family.name + '_total' * (family.type == 'counter')
    if family.type == 'histogram':
        yield from histogram_faults(family)
    elif names != {name}:
        yield f'{name}: has {names}'


def histogram_faults(family):
    of = {}
    for sample in family.samples:
        of.setdefault(sample.name.removeprefix(family.name), []).append(sample)
    if set(of) != {'_bucket', '_sum', '_count'}:
        yield f'{family.name}: {of}'
        return
    buckets = [(float(sample.labels['le']), sample.value) for sample in of['_bucket']]
    if buckets != sorted(buckets) or [value for _, value in buckets] != sorted(value for _, value in buckets):
        yield f'{family.name}: {buckets}'
    if buckets[-1] != (float('inf'), of['_count'][0].value):
        yield f'{family.name}: {of}'


def fetch(server):
    answer = server.ask('GET', '/metrics')
    assert answer.status == 200, answer
    assert answer.headers['content-type'] == 'text/plain; version=0.0.4; charset=utf-8', answer
    assert answer.headers['cache-control'] == 'no-store', answer
    return answer.body.decode()


def read(server):
    """{name or (name, value of the label): number}"""
    text = fetch(server)
    assert not faults(text), faults(text)
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
            for sample in samples}


class Watchful(unittest.TestCase):
    def test_faults_are_found(self):
        good = ('# HELP a_total x\n# TYPE a_total counter\na_total 1\n'
                '# HELP b x\n# TYPE b histogram\nb_bucket{le="1"} 1\nb_bucket{le="+Inf"} 2\nb_sum 1.5\nb_count 2\n')
        self.assertEqual(faults(good), [])
        for old, new in (('a_total 1\n', ''), ('a_total 1', 'a_total 1 '), ('# HELP b x\n', ''),
                         ('# HELP a_total x', '# HELP a_total '), ('a_total', 'a'), ('a_total', 'a_ms_total'),
                         ('a_total', 'a_count_total'), ('a_total', 'a_counter_total'), ('counter', 'gauge'),
                         ('counter', 'number'), ('a_total 1\n', 'a_total 1\n' * 2), ('le="1"} 1', 'le="1"} 3'),
                         ('b_count 2', 'b_count 3'), ('b_sum 1.5\n', 'b_sum 1.5\n' * 2), ('b_count 2\n', 'b_count 2'),
                         ('le="1"', 'le="\\1"'), ('# TYPE b ', '# TYPE a_total '), ('b_sum 1.5\n', ''),
                         ('b_bucket{le="+Inf"} 2\n', ''), ('b_sum', 'c_sum')):
            with self.subTest((old, new)):
                self.assertIn(old, good)
                self.assertNotEqual(faults(good.replace(old, new)), [])


class Metrics(unittest.TestCase):
    def start(self, *args, **more):
        server = daemon.Daemon('--metrics', *args, **more)
        self.addCleanup(server.__exit__)
        return server.__enter__()

    def moves(self, server, ask, by):
        """Asks; the numbers move by that (digits are a status), and by an answer to read()."""
        before = read(server)
        ask()
        after = read(server)
        after[REQUESTS, '200'] -= 1
        moved = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        self.assertEqual(moved, {(REQUESTS, key) if key.isdigit() else key: value for key, value in by.items()})

    def test_off(self):
        with daemon.Daemon(kernel='enabled,soft') as server:
            for method in ('GET', 'POST'):
                answer = server.ask(method, '/metrics')
                self.assertEqual((answer.status, answer.body), (404, b'URL NOT FOUND'))

    def test_guards(self):
        server = self.start(kernel='enabled,soft')
        self.assertEqual(server.ask('GET', '/metrics', host='evil').status, 403)
        self.assertEqual(server.ask('GET', '/metrics', headers=['Origin: http://evil']).status, 403)
        self.assertEqual(server.ask('POST', '/metrics', b'').status, 405)

    def test_any_features(self):
        server = self.start('-f', 'resource', kernel='enabled,soft')
        self.assertEqual(read(server)['aael_events_total'], 0)

    def test_log(self):
        for kernel, provider, state in (('disabled,tpm', 'tpm', 'disabled'), ('sealed,tdcall', 'tdcall', 'sealed')):
            server = self.start(kernel=kernel, enable=False)
            found = read(server)
            version = json.loads(server.ask('GET', '/info').body)['version'].split()[-1]
            self.assertEqual(found['aael_build_info', version, provider], 1)
            self.assertEqual([key for key, value in found.items() if key[0] == 'aael_state' and value],
                             [('aael_state', state)])
            self.assertEqual([key for key, value in found.items() if key[0] == 'aael_health' and value],
                             [('aael_health', 'consistent')])
            self.assertEqual(found['aael_log_max_bytes'], 1 << 20)

    def test_promtool_accepts_it(self):
        for more in ({}, {'kernel': 'enabled,soft'}):
            server = self.start(**more)
            server.post(EVENT)
            text = fetch(server)
            self.assertEqual(promtool(text), (0, ''))
            status, words = promtool(text.replace('aaeld_http_requests_total', 'aaeld_http_requests'))
            self.assertNotEqual(status, 0)
            self.assertIn('aaeld_http_requests', words)

    def test_without_the_module(self):
        found = read(self.start())
        self.assertEqual([key for key in found if 'aael_' in str(key)], [])
        self.assertEqual(found[REQUESTS, '200'], 0)

    def test_events(self):
        server = self.start(kernel='enabled,soft')
        self.moves(server, lambda: [server.post(EVENT) for _ in range(3)], {'aael_events_total': 3, '200': 3})
        self.moves(server, lambda: server.post({**EVENT, 'domain': 'errno', 'operation': '28'}), {'507': 1})

    def test_answers(self):
        """Each is counted once, whoever gives it: a route, what stands before it, or libevent."""
        server = self.start(kernel='enabled,soft')
        for ask, status in ((lambda: server.ask('GET', '/info'), 200),
                            (lambda: server.post(b'{'), 400),
                            (lambda: server.ask('OPTIONS', '*'), 400),
                            (lambda: server.raw(b'nonsense\r\n\r\n'), 400),
                            (lambda: server.ask('GET', '/info', host='evil'), 403),
                            (lambda: server.ask('GET', '/nowhere'), 404),
                            (lambda: server.ask('HEAD', '/info'), 405),
                            (lambda: server.post(b' ' * ((1 << 20) + 1)), 413),
                            (lambda: server.post(EVENT, headers=['Expect: miracles']), 417),
                            (lambda: server.ask('GET', TOKEN), 501),
                            (lambda: server.raw(b'CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n'), 501)):
            answers = []
            self.moves(server, lambda: answers.append(ask()), {str(status): 1})
            self.assertEqual(answers[0].status, status)

    def test_many_at_once(self):
        """Nothing is lost that comes on connections of its own."""
        server = self.start(kernel='enabled,soft')
        body = json.dumps(EVENT).encode()
        head = f'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n'.encode()

        def ask():
            connections = [server.connect() for _ in range(20)]
            for connection in connections:
                connection.sendall(head + body)
            for connection in connections:
                self.assertEqual(rest.receive(connection).status, 200)
                connection.close()
        self.moves(server, ask, {'aael_events_total': 20, '200': 20})

    def test_tokens(self):
        with Stub(mode='log-aware', resources={'a/b/c': b'x'}) as stub:
            server = self.start('--allow-sample', config=f"[token_configs.kbs]\nurl = '{stub.url}'\n")
            self.assertEqual(read(server)[DURATION + '_count'], 0)
            self.assertEqual(server.ask('GET', TOKEN).status, 200)
            found = read(server)
            self.assertEqual(found[DURATION + '_count'], 1)
            self.assertEqual(found[DURATION + '_bucket', '50'], 1)
            self.assertGreater(found[DURATION + '_sum'], 0)
            self.assertLess(found[DURATION + '_sum'], 50)
            # Neither of these is a handshake for a token.
            self.moves(server, lambda: server.ask('GET', TOKEN), {'200': 1})
            self.moves(server, lambda: server.ask('GET', '/cdh/resource/a/b/c'), {'200': 1})
            server.ask('GET', TOKEN, headers=FRESH)
            self.assertEqual(read(server)[DURATION + '_count'], 2)
            stub.fault('attest', 'refuse', type='PolicyDeny')
            self.moves(server, lambda: server.ask('GET', TOKEN, headers=FRESH),
                       {'403': 1, 'aaeld_token_failures_total': 1})
            self.assertEqual(stub.counts['auth'], 4)
