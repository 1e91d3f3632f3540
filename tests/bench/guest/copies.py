# SPDX-License-Identifier: Apache-2.0
"""The bytes that aaeld copies, as copies.so (tests/bench/copies.c) counts them, and a full log.

    counter = Counter(); with kbstoken.daemon(stub, env=counter.env): counter.of(fetch)
"""
import errno
import mmap
import os
import struct
import time

import device
import report

PATH = '/tmp/copies'
KINDS = ('memory', 'moved', 'in', 'out', 'stream', 'grown')
SIZE = 8 * len(KINDS)
MARK_BYTES = 8


class Counter:
    def __init__(self):
        with open(PATH, 'w+b') as file:
            file.truncate(SIZE)
            self.memory = mmap.mmap(file.fileno(), SIZE)
        self.env = {**os.environ, 'COPIES': PATH, 'LD_PRELOAD': '/aael/bin/copies.so'}

    def read(self):
        return struct.unpack(f'{len(KINDS)}Q', self.memory)

    def settled(self):
        """What is counted once nothing is any more: an answer is freed after it has been sent."""
        before, now = None, self.read()
        while before != now:
            time.sleep(0.2)
            before, now = now, self.read()
        return now

    def of(self, act):
        before = self.settled()
        act()
        return {kind: b - a for kind, a, b in zip(KINDS, before, self.settled())}


def fill_log(content_bytes):
    """Appends until nothing more fits; returns the bytes of the log. Where it is replayed, hashing
    copies as well: more, the smaller the events are."""
    with device.Device() as dev:
        try:
            while True:
                dev.extend('example.org', 'bench', 'c' * content_bytes)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        return dev.info().bytes


def measure(row, counter, fetch, size):
    """Emits the bytes copied for one answer, by the bytes of the log. The encoder writes its own
    output, base64 of the log and its mark, where nobody sees it: that counts as a copy, too."""
    fetch()
    copied = counter.of((lambda: (fetch(), fetch())) if report.SLOW else fetch)
    copied['encoded'] = (size + MARK_BYTES + 2) // 3 * 4 * (2 if report.SLOW else 1)
    report.emit('P11', row, unit='bytes', copies=sum(copied.values()) / size, log=size, **copied)
