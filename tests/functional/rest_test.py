# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb
# vm-timeout: 180
"""Bad input to REST: the right code, a message that names the field, nothing appended, daemon alive."""
import json
import socket
import time
import unittest

import device
import rest

OK = {'domain': 'rest', 'operation': 'op', 'content': 'c'}
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

    def refused(self, body, field, status=400):
        answer = daemon.post(body)
        self.assertIsNotNone(answer, body[:200])
        self.assertEqual(answer.status, status, (body[:200], answer))
        said = json.loads(answer.body)
        self.assertEqual(said['success'], 'false')
        self.assertIn(field, said['message'])
        self.assertTrue(answer.headers['content-type'].startswith('application/json'))
        self.assertEqual(device.count(), self.before, body[:200])
        return said['message']

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
        self.refused(b'', 'body')
        answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        self.assertEqual(answer.status, 400)
        self.assertEqual(device.count(), self.before)

    def test_body_that_is_no_json(self):
        whole = json.dumps(OK).encode()
        for cut in (1, len(whole) // 2, len(whole) - 1):
            self.refused(whole[:cut], 'body')
        for bad in (b'nonsense', b'{', b'{"domain":}', whole + b'x', whole + whole, b'\0', b'{}\0{}',
                    b'[' * 20000, b'{"a":' * 20000, b"{'domain':'a'}", b'\xff\xfe{}'):
            self.refused(bad, '')
        for bad in (b'null', b'[]', b'"text"', b'1', b'true'):
            self.refused(bad, 'body')

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
            self.refused(b'{"domain":"a","operation":"b","content":"' + bad + b'"}', '')
        for bad in (b'\\ud800', b'\\udc00x', b'\\ud800\\u0041'):
            self.refused(b'{"domain":"a","operation":"b","content":"' + bad + b'"}', '')

    def test_two_mib_body(self):
        with open('/tmp/body', 'wb') as file:
            file.write(self.with_(content='x' * (2 << 20)))
        for expect in ('Expect:', 'Expect: 100-continue'):
            out = device.run('curl', '-s', '-m', '30', '-o', '/dev/null', '-w', '%{http_code}',
                             '-H', expect, '-H', 'Content-Type: application/json',
                             '--data-binary', '@/tmp/body', f'http://127.0.0.1:{rest.PORT}/aa/aael')
            self.assertEqual(out, '413', expect)
        self.assertEqual(device.count(), self.before)
        answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                          b'Content-Length: 99999999999999999999\r\n\r\n{}')
        self.assertTrue(answer is None or answer.status in (400, 413), answer)
        self.assertEqual(device.count(), self.before)

    def test_wrong_method(self):
        for method in ('GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'):
            answer = rest.raw(rest.request(method, '/aa/aael'))
            self.assertEqual((answer.status, answer.headers.get('allow')), (405, 'POST'), method)
        answer = daemon.post(OK, host='localhost')
        self.assertEqual(answer.status, 200)
        answer = rest.raw(rest.request('POST', '/info', b'{}'))
        self.assertEqual((answer.status, answer.headers.get('allow')), (405, 'GET'))

    def test_unknown_paths(self):
        for path in ('/', '/aa', '/aa/', '/aa/aael/', '/aa/aaelx', '/aa//aael', '/AA/AAEL',
                     '/aa/token?token_type=kbs', '/aa/evidence?runtime_data=x', '/cdh/resource/a/b/c'):
            self.assertEqual(daemon.get(path).status, 404, path)

    def test_foreign_host(self):
        for host in ('example.com', 'example.com:8006', '127.0.0.1.example.com', 'localhost.evil',
                     '10.0.2.2', '[::2]', '', 'localhost@evil', '0.0.0.0'):
            answer = daemon.post(OK, host=host)
            self.assertIn(answer.status, (403, 400) if not host else (403,), host)
        self.assertEqual(device.count(), self.before)
        for host in ('127.0.0.1', 'localhost', 'LOCALHOST:8006', '127.0.0.1:8006'):
            self.assertEqual(daemon.post(OK, host=host).status, 200, host)

    def test_two_hosts_or_none(self):
        body = json.dumps(OK).encode()
        for hosts in (b'', b'Host: localhost\r\nHost: evil\r\n', b'Host: evil\r\nHost: localhost\r\n'):
            answer = rest.raw(b'POST /aa/aael HTTP/1.1\r\n' + hosts + b'Connection: close\r\n'
                              b'Content-Length: %d\r\n\r\n' % len(body) + body)
            self.assertIn(answer.status, (400, 403), hosts)
        self.assertEqual(device.count(), self.before)

    def test_five_hundred_half_open_connections(self):
        socks = []
        try:
            for _ in range(500):
                try:
                    sock = socket.create_connection(('127.0.0.1', rest.PORT), timeout=2)
                    sock.sendall(b'POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Le')
                    socks.append(sock)
                except OSError:
                    pass
            self.assertTrue(daemon.alive())
            # They are cut off in time, and then everybody is served again.
            deadline = time.monotonic() + 120
            while True:
                try:
                    answer = daemon.post(OK)
                    if answer and answer.status == 200:
                        break
                except OSError:
                    pass
                self.assertLess(time.monotonic(), deadline, 'nobody is served any more')
        finally:
            for sock in socks:
                sock.close()

    def test_body_that_never_comes(self):
        sock = rest.connect(60)
        sock.sendall(rest.request('POST', '/aa/aael', b'x' * 10)[:-5])
        answer = rest.receive(sock)
        self.assertTrue(answer is None or answer.status in (400, 408), answer)
        sock.close()

    def test_register_index(self):
        for index in (5, 8, 16, 23, 24):
            self.refused(self.with_(register_index=index), 'register_index')
        self.refused(self.with_(register_index=9), 'register_index', status=403)
        for index in (-1, 1.5, 'x', '', True, [], {}, 1 << 32, 4294967295):
            self.refused(self.with_(register_index=index), 'register_index')
        self.assertEqual(daemon.post(self.with_(register_index=17)).status, 200)

    def test_reserved_domain_is_403(self):
        self.refused(self.with_(domain='aael'), 'domain', status=403)

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
