# SPDX-License-Identifier: Apache-2.0
"""The daemon and its REST API, spoken byte by byte.

    with Daemon() as daemon: daemon.post({'domain': 'a', …}).status
"""
import collections
import json
import socket
import subprocess

import device

PORT = 8006
CONFIG_PATH = '/tmp/aa.toml'
CONFIG = """[token_configs.kbs]
url = "http://127.0.0.1:1"
[eventlog_config]
init_pcr = {init_pcr}
enable_eventlog = {enable}
"""

Answer = collections.namedtuple('Answer', 'status headers body')
NO_ANSWER = Answer(None, {}, b'')  # the peer closed or reset the connection without one


def connect(seconds=30):
    sock = socket.create_connection(('127.0.0.1', PORT), timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock):
    """One response, or NO_ANSWER."""
    data = b''
    while b'\r\n\r\n' not in data:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            part = b''
        if not part:
            return NO_ANSWER
        data += part
    head, _, body = data.partition(b'\r\n\r\n')
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(':') for line in lines)}
    while len(body) < int(headers.get('content-length', 0)):
        part = sock.recv(65536)
        if not part:
            break
        body += part
    return Answer(int(first.split()[1]), headers, body)


def raw(data, sock=None):
    """Sends bytes and returns the answer to them. A peer that answers early may reset."""
    with sock or connect() as open_sock:
        try:
            open_sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return receive(open_sock)


def request(method, path, body=None, headers=(), host='127.0.0.1:8006'):
    lines = [f'{method} {path} HTTP/1.1', f'Host: {host}', 'Connection: close', *headers]
    if body is not None:
        lines += ['Content-Type: application/json', f'Content-Length: {len(body)}']
    return ('\r\n'.join(lines) + '\r\n\r\n').encode() + (body or b'')


class Daemon:
    """aaeld with a configuration of ours, for as long as the block lasts."""

    def __init__(self, enable=True, init_pcr=17, config=None, args=(),
                 program=('aaeld', '-c', CONFIG_PATH), **more):
        with open(CONFIG_PATH, 'w', encoding='ascii') as file:
            file.write(config or CONFIG.format(init_pcr=init_pcr, enable=str(enable).lower()))
        self.log = open('/tmp/aaeld.log', 'wb')
        self.process = subprocess.Popen([*program, *args], stdout=self.log,
                                        stderr=subprocess.STDOUT, **more)

    def __enter__(self):
        try:
            device.wait_for(self.ready, 30, 'aaeld does not listen')
        except AssertionError as error:
            self.__exit__()
            raise AssertionError(f'{error}: {self.output()}') from error
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f'aaeld ended with {self.process.returncode}')
        try:
            connect().close()
            return True
        except ConnectionRefusedError:
            return False

    def alive(self):
        return self.process.poll() is None

    def output(self):
        with open('/tmp/aaeld.log', encoding='utf-8', errors='replace') as file:
            return file.read()

    def post(self, event, **more):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return raw(request('POST', '/aa/aael', body, **more))

    def get(self, path, **more):
        return raw(request('GET', path, **more))
