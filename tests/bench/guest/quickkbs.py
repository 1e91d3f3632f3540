# SPDX-License-Identifier: Apache-2.0
"""The KBS that is kbs.c (tests/bench), in the guest: it costs little and believes everything."""
import contextlib
import socket
import subprocess

import device

PORT = 8080
URL = f'http://127.0.0.1:{PORT}'


def listens():
    with socket.socket() as sock:
        return sock.connect_ex(('127.0.0.1', PORT)) == 0


@contextlib.contextmanager
def running():
    process = subprocess.Popen(['kbs', str(PORT)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        device.wait_for(listens, what='the KBS does not listen')
        yield
    finally:
        process.terminate()
        process.wait()
