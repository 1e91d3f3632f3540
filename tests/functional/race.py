# SPDX-License-Identifier: Apache-2.0
"""Many processes that ask for an event to be logged once, all at the same time."""
import os

import device

PROCESSES = 64


def ask(text, go, answers):
    """In a child: open, wait for the start, ask; the answer is one line."""
    with device.Device(os.O_WRONLY) as dev:
        os.write(answers, b'.')
        os.read(go, 1)
        try:
            sequence, duplicate = dev.once(*text)
            line = f'{sequence} {duplicate} 0\n'
        except OSError as error:
            line = f'{error.sequence} 0 {error.errno}\n'
    os.write(answers, line.encode())


def run(texts):
    """All of them at the same time, each in a process; [(sequence, duplicate, errno)]."""
    go, start = os.pipe()
    answers, tell = os.pipe()
    for text in texts:
        if os.fork() == 0:
            code = 1
            try:
                os.close(start)
                ask(text, go, tell)
                code = 0
            finally:
                os._exit(code)
    os.close(tell)
    ready = b''
    while len(ready) < len(texts):
        ready += os.read(answers, len(texts) - len(ready))
    assert ready == b'.' * len(texts), ready
    os.close(start)
    with os.fdopen(answers, encoding='ascii') as file:
        found = [tuple(int(word) for word in line.split()) for line in file]
    os.close(go)
    for _ in texts:
        assert os.wait()[1] == 0
    return found
