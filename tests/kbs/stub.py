#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stub of a KBS as a command, for tests that want it in a process of its own.

    stub.py --mode log-aware --port 0 --trusted-ak BASE64 --resource default/key/1=FILE

Prints its URL on the first line and serves until standard input ends or it is told to end.
GET URL/control/state answers {"counts","reasons","public"}; POST URL/control/fault, set, clear,
release take an object with the arguments of the methods of class Stub (server.py), for example
{"path":"auth","kind":"status","code":503,"times":2}.
As a library: from stub import Stub.
"""
import argparse
import json
import signal
import subprocess
import sys
import urllib.request

import wire
from knobs import MODES
from server import Stub


class Remote:
    """A stub in another process, controlled as one in ours."""

    def __init__(self, *words, program=__file__):
        self.process = subprocess.Popen(
            [sys.executable, program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.__exit__()
            raise AssertionError('the stub does not start')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f'{self.url}/control/{path}', data, timeout=30) as answer:
            return json.load(answer)

    def fault(self, path, kind, times=None, **args):
        self.ask('fault', {'path': path, 'kind': kind, 'times': times, **args})

    def set(self, **values):
        self.ask('set', values)

    def clear(self):
        self.ask('clear', {})

    def release(self):
        self.ask('release', {})

    @property
    def counts(self):
        return self.ask('state')['counts']

    @property
    def reasons(self):
        return self.ask('state')['reasons']

    @property
    def public(self):
        return self.ask('state')['public']


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--mode', choices=MODES, default='stock')
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--trusted-ak', metavar='BASE64', action='append', help='as aaelctl tpm provision prints it')
    parser.add_argument('--log-pcr', type=int, default=14)
    parser.add_argument('--lifetime', type=int, default=300, metavar='SECONDS', help='of tokens')
    parser.add_argument('--resource', metavar='PATH=FILE', action='append', default=[])
    parser.add_argument('--tls', nargs=2, metavar=('CERT', 'KEY'))
    args = parser.parse_args()
    resources = {}
    for text in args.resource:
        path, _, name = text.partition('=')
        with open(name, 'rb') as file:
            resources[path] = file.read()
    trusted = args.trusted_ak and {wire.base64_decode(text, 'AK') for text in args.trusted_ak}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Stub(args.mode, args.port, resources, args.tls, lifetime=args.lifetime, log_pcr=args.log_pcr,
              trusted_aks=trusted) as stub:
        print(stub.url, flush=True)
        sys.stdin.read()


if __name__ == '__main__':
    main()
