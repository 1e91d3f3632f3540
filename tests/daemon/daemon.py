# SPDX-License-Identifier: Apache-2.0
"""The daemon on the machine that runs the tests, on a free port.

    with Daemon() as daemon: daemon.ask('GET', '/info').status
    with Daemon(kernel='enabled,soft') as daemon: …     above a kernel in memory (memkernel.c)

$AAEL_HELPER is the folder that helper/Makefile builds in.
"""
import json
import os
import re
import socket
import subprocess
import tempfile
import threading

import rest

HELPER = os.environ['AAEL_HELPER']
CONFIG = '[eventlog_config]\nenable_eventlog = {}\n'
START_SECONDS = 30
END_SECONDS = 60


class Daemon:
    def __init__(self, *args, kernel=None, enable=True, config='', asan=False, env=(), through=()):
        program = f'{HELPER}{"/asan" if asan else ""}/{"daemon" if kernel else "aaeld"}/aaeld'
        self.folder = tempfile.TemporaryDirectory(prefix='aaeld-')
        path = self.folder.name + '/aa.toml'
        with open(path, 'w', encoding='ascii') as file:
            file.write(CONFIG.format(str(enable).lower()) + config)
        self.lines = []
        self.process = subprocess.Popen(
            [*through, program, '-c', path, '-b', '127.0.0.1:0', *args], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors='replace',
            env={**os.environ, 'AAEL_MEMKERNEL': kernel or '', **dict(env)})
        # It must never wait for somebody to read what it says.
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r'listening on 127\.0\.0\.1:(\d+)', line):
                self.address = ('127.0.0.1', int(found[1]))
                self.listening.set()
        self.listening.set()

    def __enter__(self):
        if not self.listening.wait(START_SECONDS) or not hasattr(self, 'address'):
            self.__exit__()
            raise AssertionError(f'aaeld does not listen: {self.output()}')
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Asks it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(END_SECONDS)
        finally:
            self.process.kill()
            self.reader.join()
            self.process.stderr.close()
            self.folder.cleanup()

    def output(self):
        return ''.join(self.lines)

    def connect(self):
        return socket.create_connection(self.address, timeout=30)

    def raw(self, data):
        return rest.raw(data, self.connect())

    def ask(self, method, target, body=None, **more):
        return self.raw(rest.request(method, target, body, **more))

    def post(self, event, **more):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.ask('POST', '/aa/aael', body, **more)
