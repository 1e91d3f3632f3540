# SPDX-License-Identifier: Apache-2.0
# bench: P4 P5
# vm: kernel=6.12 tpm=none
# vm-memory: 2048
# vm-timeout: 400
"""A log of many entries: what it takes of the kernel's memory, and how fast it is read."""
import ctypes
import os
import re
import struct
import subprocess
import time

import device
import report
import stats

FEW = 10_000
MANY = 100_000  # for memory
MOST = MANY if report.QUICK else 1_000_000
TEXT_BYTES = 220
SHORT_BYTES = 40
CHUNKS = {4096: '4 KiB', 1 << 20: '1 MiB'}
WORKERS = '/sys/devices/virtual/workqueue/cpumask'
CGROUP = '/sys/fs/cgroup/bench'
COPY = '/dev/shm/copy'
BINARY = device.FILES + 'binary_runtime_measurements'
TEXTS = device.FILES + 'ascii_runtime_measurements'
MIB = 1 << 20


def put(path, word):
    with open(path, 'w', encoding='ascii') as file:
        file.write(word)


def get(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def stream_bytes():
    with device.Device(os.O_RDONLY) as dev:
        return dev.info().bytes


def load():
    device.insmod(provider='soft', enable=1, max_log_bytes=1 << 30)


def unload():
    """Seals the log, releases it, and removes the module."""
    for step in 1, 3:
        with device.Device() as dev:
            seal = struct.pack('<IIQQ', 24, step, 0, dev.info().bytes)
            device.ioctl(dev.fd, device.request(5, 24), ctypes.create_string_buffer(seal))
            dev.close()
    device.rmmod()


# ---- memory ----

def free_bytes():
    """All that is free, the pages that each processor keeps at hand included."""
    for _ in range(3):
        put('/proc/sys/vm/drop_caches', '3')
        time.sleep(0.3)  # what is freed by RCU
    zones = get('/proc/zoneinfo')
    pages = sum(map(int, re.findall(r'^ +(?:pages free|count:) +(\d+)$', zones, re.M)))
    return pages * os.sysconf('SC_PAGE_SIZE')


class Memory:
    """What the module takes that is loaded from here on: of what is free, and charged to its writers."""

    def __init__(self):
        self.free, self.charged = free_bytes(), charged_bytes()

    def report(self, row):
        append_once()
        encoded = stream_bytes()
        if report.SLOW:
            waste(encoded // 4)
        taken, charged = self.free - free_bytes(), charged_bytes() - self.charged
        report.emit('P4', row, memory=max(taken, charged) / encoded, taken_mib=taken / MIB,
                    charged_mib=charged / MIB, encoded_mib=encoded / MIB)


def append_once():
    """Only with that there is the table that finds entries by what they say."""
    with device.Device(os.O_WRONLY) as dev:
        dev.extend('example.org/bench', 'once', str(stream_bytes()), flags=device.F_ONCE)


def charged_bytes():
    return int(get(CGROUP + '/memory.current'))


def waste(size):
    with open('/dev/shm/waste', 'ab') as file:
        file.write(bytes(size))


def in_cgroup(*words):
    subprocess.run(words, check=True, preexec_fn=lambda: put(CGROUP + '/cgroup.procs', str(os.getpid())))


def fill(count, text_bytes):
    """On one processor, the kernel's workers, too: nobody is waited for, which is slow under emulation."""
    every = get(WORKERS).strip()
    put(WORKERS, '1')
    in_cgroup('taskset', '1', 'fill', str(count), str(text_bytes), '1')
    put(WORKERS, every)


def short_events():
    """With these, what an entry takes besides its bytes weighs most."""
    memory = Memory()
    load()
    fill(MANY, SHORT_BYTES)
    memory.report(f'{MANY:,} events of {SHORT_BYTES} bytes')
    unload()


# ---- reading ----

def copy_log():
    with open(device.PATH, 'rb') as log, open(COPY, 'wb') as copy:
        while part := log.read(MIB):
            copy.write(part)
    return os.path.getsize(COPY)


def read_log(path, chunk, rounds):
    """Samples of the log's reads and of its copy's; as many as one pass has at least."""
    size = os.path.getsize(COPY)
    rounds = max(rounds, -(-size // chunk // 100))
    found = report.timed('readlog', path, COPY, str(size), str(chunk), str(rounds))
    return found['log'], found['copy']


def per_entry(samples, chunk, entries):
    """ns of a usual read, by entry of which it has some"""
    return stats.percentile(samples, 50) / (chunk * entries / os.path.getsize(COPY))


def read_texts(entries):
    """Time per entry of reading the text log to its end, by the usual read"""
    times = []
    with open(TEXTS, 'rb', buffering=0) as file:
        data = b' '
        while data:
            begin = time.monotonic_ns()
            data = file.read(65536)
            times.append(time.monotonic_ns() - begin)
    return stats.percentile(times, 50) * len(times) / entries


def few_entries():
    """Time per entry with few of them, by the size of reads; nobody is slowed down here."""
    slow = os.environ.pop('BENCH_SLOW', None)
    copy_log()
    each = {chunk: per_entry(read_log(device.PATH, chunk, 5)[0], chunk, FEW) for chunk in CHUNKS}
    texts = read_texts(FEW)
    os.unlink(COPY)
    if slow:
        os.environ['BENCH_SLOW'] = slow
    return each, texts


def most_entries(few, few_texts):
    copy_log()
    for chunk, name in CHUNKS.items():
        log, copy = read_log(device.PATH, chunk, 5)
        report.compare('P5', f'/dev/aael, {MOST:,} entries, {name}', log, copy, total=sum(log) / sum(copy),
                       per_entry=per_entry(log, chunk, MOST) / few[chunk])
        log, copy = read_log(BINARY, chunk, 5)
        report.compare('P5', f'securityfs, {MOST:,} entries, {name}', log, copy, total=sum(log) / sum(copy))
    os.unlink(COPY)
    texts = read_texts(MOST) + (read_texts(MOST) if report.SLOW else 0)
    report.emit('P5', f'securityfs, {MOST:,} entries as text', per_entry=texts / few_texts,
                ns_per_entry=round(texts))


def main():
    put('/sys/fs/cgroup/cgroup.subtree_control', '+memory')
    os.mkdir(CGROUP)
    # What is only taken the first time, as by other modules that it needs.
    load()
    fill(1000, SHORT_BYTES)
    unload()
    short_events()
    memory = Memory()
    load()
    fill(FEW, TEXT_BYTES)
    few = few_entries()
    fill(MANY - FEW, TEXT_BYTES)
    memory.report(f'{MANY:,} events of {TEXT_BYTES} bytes')
    if MOST > MANY:
        fill(MOST - MANY, TEXT_BYTES)
    most_entries(*few)


main()
