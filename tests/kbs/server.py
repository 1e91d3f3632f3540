# SPDX-License-Identifier: Apache-2.0
"""The stub of a KBS as a server on 127.0.0.1, in a thread of its own.

    with Stub(mode='log-aware') as stub:
        … stub.url …
        stub.counts['believed'], stub.reasons[-1], stub.requests[-1].path

It verifies what it is sent (verifier.py) and does wrong what it is told to (knobs.py). In the mode
`stock` a refusal is a constant text, as of Trustee; `log-aware` gives the reason. Which `type` a
refusal has is in TYPES, as its last element; the reason itself is always in .reasons.

counts: auth, attest, resource (requests that arrived), challenged, believed, refused, served, held
(now), faults, too_large.
"""
import collections
import email.utils
import http.server
import json
import socket
import ssl
import sys
import threading

import knobs
import session
import spoil
import wire
from quotes import Refused

PREFIX = '/kbs/v0/'
COOKIE = 'kbs-session-id'
BODY_MAX = 2 << 20
ERRORS = 'https://github.com/confidential-containers/kbs/errors/'
TYPES = {
    'AttestationError': 'Attestation failed',
    'TokenNotFound': 'Attestation Token not found',
    'TokenVerifierError': 'Token Verifier error',
    'PolicyDeny': 'Access denied by policy',
    'PluginInternalError': 'Plugin internal error',
}
KEPT = 100

Request = collections.namedtuple('Request', 'method path headers body')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 60
    wbufsize = -1  # one segment for head and body
    disable_nagle_algorithm = True
    closed_framing = False

    def log_message(self, *_):
        pass

    def handle_expect_100(self):
        super().handle_expect_100()
        self.wfile.flush()
        return True

    @property
    def stub(self):
        return self.server.stub

    def do_GET(self):
        if self.path.startswith(PREFIX + 'resource/'):
            self.handle_with('resource', self.resource)
        elif self.path.startswith('/control/'):
            self.reply(200, self.stub.control(self.path, None))
        else:
            self.reply_text(404, 'no such path')

    def do_POST(self):
        if self.path == PREFIX + 'auth':
            self.handle_with('auth', self.auth)
        elif self.path == PREFIX + 'attest':
            self.handle_with('attest', self.attest)
        elif self.path.startswith('/control/'):
            self.reply(200, self.stub.control(self.path, json.loads(self.body() or b'{}')))
        else:
            self.body()
            self.reply_text(404, 'no such path')

    def body(self):
        """The request's body, or None if it is too large, which has been said then."""
        size = int(self.headers.get('Content-Length', 0))
        if size <= BODY_MAX:
            return self.rfile.read(size)
        self.stub.count('too_large')
        # Who is still sending would not read the answer.
        while size > 0 and (part := self.rfile.read(min(size, 1 << 16))):
            size -= len(part)
        self.close_connection = True
        self.reply_text(413, f'JSON payload is larger than allowed (limit: {BODY_MAX} bytes).')
        return None

    def handle_with(self, path, answer):
        self.stub.count(path)
        body = self.body()
        if body is None:
            return
        self.stub.requests.append(Request(self.command, self.path, dict(self.headers.items()), body))
        self.key = self.cookie()
        fault = self.stub.knobs.next_fault(path)
        if fault:
            self.stub.count('faults')
            if not getattr(self, 'fault_' + fault.kind)(**fault.args):
                return
        try:
            answer(body)
        except Refused as reason:
            self.refuse('AttestationError', str(reason))

    def cookie(self):
        pairs = (pair.strip().partition('=') for pair in self.headers.get('Cookie', '').split(';'))
        return {name: value for name, _, value in pairs}.get(COOKIE)

    def auth(self, body):
        made, answer = self.stub.kbs.challenge(body)
        self.stub.count('challenged')
        ends = email.utils.formatdate(made.ends, usegmt=True)
        self.reply(200, answer, ('Set-Cookie', f'{COOKIE}={made.id}; Expires={ends}'))

    def attest(self, body):
        answer = self.stub.kbs.attest(self.key, body)
        self.stub.count('believed')
        self.reply(200, answer)

    def resource(self, _):
        try:
            answer = self.stub.kbs.resource(self.key, self.path.removeprefix(PREFIX + 'resource/'))
        except Refused as reason:
            self.refuse('TokenNotFound', str(reason))
        except KeyError as missing:
            self.refuse('PluginInternalError', f'no resource {missing}')
        else:
            self.stub.count('served')
            self.reply(200, answer)

    def refuse(self, kind, reason, code=401):
        self.stub.refused(reason)
        shown = reason if self.stub.knobs.log_aware else TYPES.get(kind, kind)
        self.reply(code, {'type': ERRORS + kind, 'detail': shown})

    def reply(self, code, answer, *headers):
        self.send(code, json.dumps(answer).encode(), 'application/json', *headers)

    def reply_text(self, code, text, *headers):
        self.send(code, text.encode(), 'text/plain; charset=utf-8', *headers)

    def send(self, code, body, kind, *headers):
        self.send_response(code)
        self.send_header('Content-Type', kind)
        for header in headers:
            self.send_header(*header)
        if self.closed_framing:
            self.send_header('Connection', 'close')
        else:
            self.send_header('Content-Length', str(len(body)))
        if self.close_connection and not self.closed_framing:
            self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    # Faults: true, if the usual answer is to follow.

    def fault_close(self):
        self.close_connection = True

    def fault_hold(self):
        self.stub.count('held')
        self.stub.knobs.gate.wait()
        self.stub.count('held', -1)
        return True

    def fault_status(self, code, body=None, type=None):
        text = body if body is not None else self.responses.get(code, ('no reason',))[0]
        self.send(code, text.encode(), type or 'text/plain')

    def fault_body(self, body, code=200, type='application/json'):
        self.send(code, body.encode() if isinstance(body, str) else body, type)

    def fault_refuse(self, type, detail=None, code=401):
        detail = TYPES.get(type, type) if detail is None else detail
        self.reply(code, {'type': ERRORS + type, 'detail': detail})

    def fault_garbage(self):
        self.wfile.write(b'\x16\x03\x01 SSH-2.0 \xff\xfe\r\n' * 20)
        self.close_connection = True

    def fault_cut(self):
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
                         b'Content-Length: 1000\r\n\r\n{"token":"')
        self.close_connection = True

    def fault_endless(self):
        self.close_connection = True
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
                         b'Transfer-Encoding: chunked\r\n\r\n')
        try:
            while True:
                self.wfile.write(b'10000\r\n' + bytes([0x20]) * 0x10000 + b'\r\n')
                self.wfile.flush()
                self.stub.count('endless_bytes', 0x10000)
        except OSError:  # it had enough, or we end
            pass

    def fault_redirect(self, to, code=302):
        self.reply_text(code, 'elsewhere', ('Location', to))

    def fault_framing(self):
        self.protocol_version = 'HTTP/1.0'
        self.closed_framing = True
        self.close_connection = True
        return True

    def fault_forget(self):
        self.key = None
        return True


class Server(http.server.ThreadingHTTPServer):
    """Connections are ended with it: a stub that is gone does not answer on a kept connection."""
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, stub, tls):
        self.stub = stub
        self.tls = tls
        self.open = set()
        self.open_lock = threading.Lock()
        super().__init__(address, Handler)

    def keep(self, request):
        with self.open_lock:
            self.open.add(request)

    def forget(self, request):
        with self.open_lock:
            self.open.discard(request)

    def process_request(self, request, client_address):
        self.keep(request)
        super().process_request(request, client_address)

    def finish_request(self, request, client_address):
        if not self.tls:
            return super().finish_request(request, client_address)
        # In this connection's thread: a client that is silent keeps nobody else waiting.
        request.settimeout(Handler.timeout)
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            self.keep(wrapped)
            try:
                return super().finish_request(wrapped, client_address)
            finally:
                self.forget(wrapped)

    def shutdown_request(self, request):
        self.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A connection that ended early or was refused by TLS is counted, a mistake here is kept."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self.stub.count('broken')
        else:
            self.stub.mistakes.append(error)

    def end(self):
        self.shutdown()
        self.server_close()
        with self.open_lock:
            for request in self.open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Stub:
    """The stub; tls: (certificate, key), paths of PEM files; port 0: any that is free."""

    def __init__(self, mode='stock', port=0, resources=None, tls=None, **settings):
        self.knobs = knobs.Knobs(mode)
        self.knobs.set(**settings)
        self.resources = dict(resources or {})
        self.kbs = session.Kbs(self.knobs, self.resources)
        self.counts = collections.Counter()
        self.requests = collections.deque(maxlen=KEPT)
        self.reasons = collections.deque(maxlen=KEPT)
        self.mistakes = []
        self.lock = threading.Lock()
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self.server = Server(('127.0.0.1', port), self, context)
        self.port = self.server.server_port
        self.scheme = 'https' if tls else 'http'
        self.url = f'{self.scheme}://127.0.0.1:{self.port}'
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.knobs.clear()
        self.server.end()
        self.thread.join()
        if self.mistakes:
            raise AssertionError('the stub made a mistake') from self.mistakes[0]

    @property
    def public(self):
        """The JWK that its tokens verify with"""
        return self.kbs.issuer.public

    def set(self, **values):
        self.knobs.set(**values)

    def fault(self, path, kind, times=None, **args):
        self.knobs.fault(path, kind, times, **args)

    def clear(self):
        self.knobs.clear()

    def release(self):
        self.knobs.release()

    def count(self, name, by=1):
        with self.lock:
            self.counts[name] += by

    def refused(self, reason):
        self.count('refused')
        self.reasons.append(reason)

    def control(self, path, asked):
        """For a stub in another process: GET /control/state, POST /control/fault, set, clear,
        release with the arguments of the methods as an object."""
        if asked is not None:
            act = {'fault': self.fault, 'set': self.remote_set, 'clear': self.clear,
                   'release': self.release}[path.removeprefix('/control/')]
            act(**asked)
        return {'counts': dict(self.counts), 'reasons': list(self.reasons), 'public': self.public}

    def remote_set(self, **values):
        if values.get('trusted_aks') is not None:
            values['trusted_aks'] = {wire.base64_decode(text, 'AK') for text in values['trusted_aks']}
        if values.get('spoil'):
            values['spoil'] = getattr(spoil, values['spoil'])
        self.set(**values)
