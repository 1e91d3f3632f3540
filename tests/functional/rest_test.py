# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,7 tpm=crb
# vm: kernel=6.1 tpm=tis
# vm-timeout: 180
"""Bad input to REST: the right code, a message that names the field, nothing appended, daemon alive."""
import json
import select
import unittest

import device
import rest

OK = {'domain': 'rest', 'operation': 'op', 'content': 'c'}
TOO_LARGE = b'{"success":"false","message": "body: more than 1 MiB, or a malformed chunk"}'
CONNECTIONS = 64
daemon = None


def setUpModule():
    global daemon
    device.insmod()
    daemon = rest.Daemon().__enter__()


def tearDownModule():
    daemon.__exit__()


class Rest(unittest.TestCase):
    def setUp(self):
        self.before = device.count()

    def tearDown(self):
        self.assertTrue(daemon.alive(), daemon.output())
        answer = daemon.post(OK)
        self.assertEqual((answer.status, answer.body), (200, b'{"success":"true"}'))

    def says(self, answer, status, begin, what=''):
        """A refusal in JSON whose message begins so: the field or "body", and the cause."""
        self.assertEqual(answer.status, status, (what, answer))
        self.assertEqual(answer.headers['content-type'], 'application/json')
        said = json.loads(answer.body)
        self.assertEqual(said['success'], 'false')
        begin += '' if ':' in begin else ': '
        self.assertEqual(said['message'][:len(begin)], begin, what)
        self.assertEqual(device.count(), self.before, what)

    def says_plainly(self, answer, status, text, what=''):
        """A refusal of the request, whatever event it holds"""
        self.assertEqual((answer.status, answer.body.decode()), (status, text), what)
        self.assertEqual(answer.headers['content-type'], 'text/plain')
        self.assertEqual(device.count(), self.before, what)

    def refused(self, body, begin, status=400):
        self.says(daemon.post(body), status, begin, body[:200])

    def with_(self, **changes):
        return json.dumps({**OK, **changes}).encode()

    def test_success_is_cocos_byte_for_byte(self):
        answer = daemon.post(OK)
        self.assertEqual((answer.status, answer.body), (200, b'{"success":"true"}'))
        self.assertEqual(device.read_log().texts()[-1], b'rest op c')

    def test_daemon_has_enabled_the_log(self):
        self.assertEqual(device.Status().one('state'), 'enabled')
        self.assertEqual(device.Status().one('index'), '17')

    def test_missing_body(self):
        self.refused(b'', 'body: empty')
        answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        self.says(answer, 400, 'body: empty')

    def test_body_that_is_no_json(self):
        whole = json.dumps(OK).encode()
        for cut in (1, len(whole) // 2, len(whole) - 1):
            self.refused(whole[:cut], 'body: truncated')
        for bad, begin in ((b'nonsense', 'body: not JSON'), (b'{', 'body: truncated'),
                           (b'{"domain":}', 'body: not JSON'), (whole + b'x', 'body: something follows'),
                           (whole + whole, 'body: something follows'), (b'\0', 'body: NUL byte'),
                           (b'{}\0{}', 'body: NUL byte'), (b'[' * 20000, 'body: nested too deeply'),
                           (b'{"a":' * 20000, 'a: nested too deeply'),
                           (b"{'domain':'a'}", 'body: not JSON'),
                           (b'\xff\xfe{}', 'body: unexpected character')):
            self.refused(bad, begin)
        for bad in (b'null', b'[]', b'"text"', b'1', b'true'):
            self.refused(bad, 'body: must be a JSON object')

    def test_missing_fields(self):
        for field in OK:
            rest_of = {k: v for k, v in OK.items() if k != field}
            self.refused(json.dumps(rest_of).encode(), field)
        self.refused(b'{}', 'domain')

    def test_duplicate_keys(self):
        for field in OK:
            body = json.dumps(OK)[:-1] + f', "{field}": "twice"}}'
            self.refused(body.encode(), field)
            escaped = ''.join(f'\\u{ord(c):04x}' for c in field)
            self.refused((json.dumps(OK)[:-1] + f', "{escaped}": "twice"}}').encode(), field)

    def test_wrong_types(self):
        for field in OK:
            for value in (1, 1.5, True, None, [], ['a'], {}, {'a': 'b'}):
                self.refused(self.with_(**{field: value}), field)

    def test_empty_and_too_long(self):
        for field, limit in (('domain', 255), ('operation', 255), ('content', 65535)):
            self.refused(self.with_(**{field: ''}), field)
            self.refused(self.with_(**{field: 'x' * (limit + 1)}), field)
        answer = daemon.post(self.with_(domain='d' * 255, operation='o' * 255, content='c' * 65535))
        self.assertEqual(answer.status, 200)

    def test_newline_and_nul_and_controls(self):
        for field in OK:
            for bad in ('a\nb', 'a\n', '\n', 'a\0b', '\0', 'a\tb', 'a\x7f', 'a\x85b', 'a\r'):
                self.refused(self.with_(**{field: bad}), field)

    def test_space_in_domain_and_operation(self):
        for bad in ('a b', ' a', 'a ', ' '):
            self.refused(self.with_(domain=bad), 'domain')
            self.refused(self.with_(operation=bad), 'operation')
        self.assertEqual(daemon.post(self.with_(content=' a  b ')).status, 200)

    def test_not_ascii_in_domain(self):
        self.refused(self.with_(domain='ä'), 'domain')
        self.refused(self.with_(operation='ä'), 'operation')

    def test_invalid_utf8(self):
        for bad in (b'\xff', b'\xc3', b'\xed\xa0\x80', b'\xc0\x80', b'\xf4\x90\x80\x80'):
            self.refused(b'{"domain":"a","operation":"b","content":"' + bad + b'"}',
                         'content: text is not well-formed UTF-8')
        for bad in (b'\\ud800', b'\\udc00x', b'\\ud800\\u0041'):
            self.refused(b'{"domain":"a","operation":"b","content":"' + bad + b'"}', 'body: not JSON')

    def test_two_mib_body(self):
        with open('/tmp/body', 'wb') as file:
            file.write(self.with_(content='x' * (2 << 20)))
        for expect in ('Expect:', 'Expect: 100-continue'):
            out = device.run('curl', '-s', '-m', '30', '-o', '/tmp/answer', '-w', '%{http_code}',
                             '-H', expect, '-H', 'Content-Type: application/json',
                             '--data-binary', '@/tmp/body', f'http://127.0.0.1:{rest.PORT}/aa/aael')
            self.assertEqual(out, '413', expect)
            with open('/tmp/answer', 'rb') as file:
                self.assertEqual(file.read(), TOO_LARGE)
            self.assertEqual(device.count(), self.before)
        answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                          b'Content-Length: 99999999999999999999\r\n\r\n{}')
        # What the length announces never comes.
        self.assertIn(answer.status, (None, 413), answer)
        self.assertEqual(device.count(), self.before)

    def test_one_byte_too_many(self):
        body = self.with_()
        self.assertEqual(daemon.post(body.ljust(1 << 20)).status, 200)
        self.before += 1
        self.refused(body.ljust((1 << 20) + 1), 'body: more than 1 MiB', status=413)

    def test_wrong_method(self):
        for path, right, wrong in (('/aa/aael', 'POST', ('GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS')),
                                   ('/info', 'GET', ('POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'))):
            for method in wrong:
                body = json.dumps(OK).encode() if method in ('POST', 'PUT', 'PATCH') else None
                answer = rest.raw(rest.request(method, path, body))
                self.says_plainly(answer, 405, '' if method == 'HEAD' else 'Method Not Allowed', method)
                self.assertEqual(answer.headers.get('allow'), right, method)

    def test_unknown_paths(self):
        for path in ('/', '/aa', '/aa/', '/aa/aael/', '/aa/aaelx', '/aa//aael', '/AA/AAEL',
                     '/aa/tokens', '/aa/token/', '/cdh', '/cdh/resource', '/cdh/resources/a/b/c'):
            self.says_plainly(daemon.get(path), 404, 'URL NOT FOUND', path)
        self.says_plainly(rest.raw(rest.request('POST', '/aa/aael/', self.with_())), 404, 'URL NOT FOUND')

    def test_foreign_host(self):
        for host in ('example.com', 'example.com:8006', '127.0.0.1.example.com', 'localhost.evil',
                     '10.0.2.2', '[::2]', '', 'localhost@evil', '0.0.0.0'):
            self.says_plainly(daemon.post(OK, host=host), 403, 'Forbidden: Host is not loopback', host)
        for host in ('127.0.0.1', 'localhost', 'LOCALHOST:8006', '127.0.0.1:8006'):
            self.assertEqual(daemon.post(OK, host=host).status, 200, host)

    def test_two_hosts_or_none(self):
        body = json.dumps(OK).encode()
        for hosts in (b'', b'Host: localhost\r\nHost: evil\r\n', b'Host: evil\r\nHost: localhost\r\n'):
            answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\n' + hosts + b'Connection: close\r\n'
                              b'Content-Length: %d\r\n\r\n' % len(body) + body)
            self.says_plainly(answer, 400, 'Host: exactly one is needed', hosts)

    def test_five_hundred_half_open_connections(self):
        """A newcomer takes the place of whoever has waited longest, so everybody is served."""
        socks = []
        self.addCleanup(lambda: [sock.close() for sock in socks])
        for _ in range(500):
            try:
                sock = rest.connect(10)
                socks.append(sock)
                sock.sendall(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Le')
            except OSError:
                pass
        self.assertGreaterEqual(len(socks), 450)
        self.assertEqual((daemon.get('/info').status, daemon.post(OK).status), (200, 200))
        closed = select.poll()
        for sock in socks:
            closed.register(sock, select.POLLIN)
        device.wait_for(lambda: len(closed.poll(0)) >= len(socks) - CONNECTIONS)
        self.assertEqual(device.count(), self.before + 1)

    def test_body_that_never_comes(self):
        with rest.connect(60) as sock:
            sock.sendall(rest.request('POST', '/aa/aael', b'x' * 10)[:-5])
            self.assertEqual(rest.receive(sock), rest.NO_ANSWER)
        self.assertEqual(device.count(), self.before)

    def test_register_index(self):
        for index in (5, 8, 16, 23, 24):
            self.refused(self.with_(register_index=index), f'register_index: there is no index {index}')
        self.refused(self.with_(register_index=9), 'register_index: 9 is reserved', status=403)
        for index in (-1, 1.5, 'x', '', True, [], {}, 1 << 32, 4294967295):
            self.refused(self.with_(register_index=index), 'register_index: must be an integer')
        self.assertEqual(daemon.post(self.with_(register_index=17)).status, 200)

    def test_reserved_domain_is_403(self):
        self.refused(self.with_(domain='aael'), 'domain: reserved', status=403)

    def test_once_is_a_boolean(self):
        for wrong in ('false', 0, 1, [], {}):
            self.refused(self.with_(once=wrong), 'once: must be true or false')
        for once in (False, None, True, True):
            self.assertEqual(daemon.post(self.with_(once=once)).status, 200)
        self.assertEqual(device.count(), self.before + 2)

    def test_info(self):
        answer = daemon.get('/info')
        info = json.loads(answer.body)
        self.assertEqual((answer.status, info['tee']), (200, 'tpm'))
        self.assertEqual((info['aael']['state'], info['aael']['provider']), ('enabled', 'tpm'))
        self.assertEqual(int(info['aael']['count']), device.count())

    def test_keep_alive_serves_one_after_the_other(self):
        body = json.dumps(OK).encode()
        one = rest.request('POST', '/aa/aael', body).replace(b'Connection: close\r\n', b'')
        with rest.connect() as sock:
            for _ in range(3):
                sock.sendall(one)
                self.assertEqual(rest.receive(sock).status, 200)
        self.assertEqual(device.count(), self.before + 3)
