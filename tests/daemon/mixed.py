# SPDX-License-Identifier: Apache-2.0
"""Requests of every kind, good and bad, in an order that a seed decides.

    Load(server, seed).run(10000): how often each status was answered
"""
import collections
import contextlib
import json
import random
import socket
import struct
import threading

import rest

THREADS = 4
ERRNOS = (1, 4, 5, 11, 12, 13, 16, 17, 19, 22, 28, 95, 107, 108, 110, 122)
OBJECT = {'domain': 'mixed', 'operation': 'op', 'content': 'c'}
EVIDENCE = '/aa/evidence?'
PATHS = ('/', '/aa', '/aa/aael/', '/aa/evidences', '/info/', '/cdh/', '/%2e%2e', '//info', '/cdh/resource/a')


def event(rng):
    size = rng.choice((1, 20, 500, 65535))
    return {**OBJECT, 'content': rng.choice('xé') * (size // 2 or 1), 'once': rng.choice((True, False, None))}


def failing(rng):
    """An event that the kernel refuses"""
    return {**OBJECT, 'domain': 'errno', 'operation': str(rng.choice(ERRNOS))}


def slow(rng):
    """An event that somebody may not wait for"""
    return {**OBJECT, 'domain': 'wait', 'operation': str(rng.randint(1, 5))}


def post(value, **more):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return rest.request('POST', '/aa/aael', body, **more)


def mangled(rng, data, times=3):
    data = bytearray(data)
    for _ in range(rng.randint(1, times)):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] = rng.randrange(256)
        else:
            del data[at:at + rng.randint(1, 8)]
        data = data or bytearray(b'x')
    return bytes(data)


def chunked(rng):
    body = json.dumps(OBJECT).encode()
    cut = rng.randint(1, len(body) - 1)
    chunks = b''.join(b'%x\r\n%s\r\n' % (len(part), part) for part in (body[:cut], body[cut:]))
    return (b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
            b'Transfer-Encoding: chunked\r\n\r\n' + chunks + b'0\r\n\r\n')


def evidence(rng):
    data = rng.choice(('bm9uY2U&encoding=base64', 'plain', 'x' * 64, '%c3%a9+'))
    return rest.request('GET', f'{EVIDENCE}runtime_data={data}')


def bad_evidence(rng):
    return rest.request('GET', EVIDENCE + rng.choice((
        '', 'runtime_data=%', 'runtime_data=%ff', 'runtime_data=' + 'x' * 65, 'runtime_data=a&encoding=hex',
        'runtime_data=a=&encoding=base64', 'runtime_data=' + 'y' * 4000)))


def wrong_method(rng):
    body = json.dumps(OBJECT).encode() if rng.random() < 0.5 else None
    return rest.request(rng.choice(('HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE')),
                        rng.choice(('/aa/aael', '/info', '/aa/evidence')), body)


def foreign(rng):
    if rng.random() < 0.5:
        return post(OBJECT, host=rng.choice(('evil', '', '10.0.0.1:8006')))
    return post(OBJECT, headers=[rng.choice(('Origin: null', 'Origin: http://evil'))])


def garbage(rng):
    return rng.choice((
        rng.randbytes(rng.randint(1, 300)) + b'\r\n\r\n', b'CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
        b'GET /info HTTP/1.1\r\nHost: localhost\r\nx: ' + b'y' * 9000 + b'\r\n\r\n',
        b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n',
        b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'))


# What is asked, and how often of a hundred.
SOUND = {
    lambda rng: post(event(rng)): 15,
    lambda rng: post(slow(rng)): 5,
    lambda rng: post(failing(rng)): 15,
    lambda rng: post(mangled(rng, json.dumps(OBJECT).encode())): 10,
    chunked: 5,
    evidence: 10,
    bad_evidence: 5,
    lambda rng: rest.request('GET', '/info'): 10,
    lambda rng: rest.request('GET', rng.choice(PATHS)): 5,
    wrong_method: 5,
    foreign: 5,
}
# More of these may be waited for.
GARBLED = {
    lambda rng: mangled(rng, post(OBJECT)): 5,
    garbage: 5,
}


TOKEN = '/aa/token?token_type=kbs'
RESOURCES = {'a/b/key': b'k' * 32, 'a/b/empty': b'', 'a/b/large': bytes(100000)}
# Answers of a KBS that are not tried again, and two that are, a second later.
FAULTS = [*({'kind': 'refuse', 'type': name} for name in (
    'AttestationError', 'TokenNotFound', 'PolicyDeny', 'PluginInternalError', 'Other')),
          {'kind': 'body', 'body': '{"nonce":1,"token":2,"protected":""}'}, {'kind': 'body', 'body': 'x' * 5000},
          {'kind': 'forget'}, {'kind': 'redirect', 'to': '/'}]
LATE = ({'kind': 'close'}, {'kind': 'status', 'code': 500})


def with_kbs(stub):
    """Kinds of requests to a daemon whose KBS is that stub, which has RESOURCES"""
    def token(rng):
        return rest.request('GET', TOKEN, headers=['Cache-Control: no-cache'] * rng.randrange(2))

    def resource(rng):
        return rest.request('GET', '/cdh/resource/' + rng.choice(
            (*RESOURCES, 'a/b/missing', 'a/b', 'a/b/.c', '')))

    def bad_token(rng):
        return rest.request('GET', rng.choice(('/aa/token', TOKEN + '%', TOKEN + 's')))

    def failing_kbs(rng):
        fault = rng.choice(LATE if rng.random() < 0.02 else FAULTS)
        stub.fault(rng.choice(('auth', 'attest', 'resource')), times=1, **fault)
        return rng.choice((token, resource))(rng)

    return {token: 4, resource: 6, bad_token: 2, failing_kbs: 4}


class Load:
    """kinds: more of them, as above"""

    def __init__(self, server, seed, kinds=None):
        self.server = server
        self.rngs = [random.Random(f'{seed} {i}') for i in range(THREADS)]
        self.kinds = {**SOUND, **GARBLED, **(kinds or {})}
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.errors = []

    def one(self, rng):
        """One request; the status of its answer, or how it was broken off."""
        kind = rng.choices(list(self.kinds), self.kinds.values())[0]
        data = kind(rng)
        way = rng.choices(('whole', 'cut', 'unread'), (70, 15, 15))[0]
        cut = rng.randrange(len(data))
        with self.server.connect() as sock:
            if rng.random() < 0.5:  # however early it is closed, the peer sees a reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            try:
                sock.sendall(data[:cut])
                if way != 'cut':
                    sock.sendall(data[cut:])
                if way != 'whole':
                    return way
                if kind in GARBLED:
                    with contextlib.suppress(OSError):  # reset by now
                        sock.shutdown(socket.SHUT_WR)
                return rest.receive(sock).status
            except ConnectionError:
                return 'refused'

    def work(self, rng, number):
        try:
            counts = collections.Counter(self.one(rng) for _ in range(number))
            with self.lock:
                self.counts += counts
        except Exception as error:  # the test is told
            self.errors.append(error)

    def run(self, number):
        threads = [threading.Thread(target=self.work, args=(rng, number // THREADS)) for rng in self.rngs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.errors, self.errors
        return self.counts
