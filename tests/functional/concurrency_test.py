# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
# vm-proxy: yes
# vm-timeout: 500
"""10,000 events from eight writers by write, ioctl and REST, with readers and pollers beside them.

On the debug kernel, which is many times slower, 2,000. The proxy in front of the TPM counts:
exactly one PCR_Extend per event, in the order of the log; confirming reads are counted apart.
"""
import json
import mmap
import os
import select
import signal
import struct
import time
import unittest

import aael
import device
import rest
import vm

WRITERS = 8
EVENTS = 2000 if vm.DEBUG else 10000
EACH = EVENTS // WRITERS
BATCH = 10
TRACE = '/sys/kernel/tracing/'


def setUpModule():
    device.insmod(enable=1, max_log_bytes=64 << 20)


def by_write(number):
    with device.Device(os.O_WRONLY) as dev:
        for first in range(0, EACH, BATCH):
            lines = ''.join(f'w{number} write {i}\n' for i in range(first, first + BATCH))
            assert dev.write(lines) == len(lines)


def by_ioctl(number):
    with device.Device(os.O_WRONLY) as dev:
        last = 0
        for i in range(EACH):
            sequence, _ = dev.extend(f'w{number}', 'ioctl', str(i))
            assert sequence > last
            last = sequence


def by_rest(number):
    sock = rest.connect(60)
    for i in range(EACH):
        body = json.dumps({'domain': f'w{number}', 'operation': 'rest', 'content': str(i)}).encode()
        sock.sendall(rest.request('POST', '/aa/aael', body).replace(b'Connection: close\r\n', b''))
        answer = rest.receive(sock)
        assert answer.status == 200 and answer.body == b'{"success":"true"}', answer
        if answer.headers.get('connection', '').lower() == 'close':
            sock = rest.connect(60)


def reader(tick):
    """Whatever is read at any time is a whole log that goes on where it was."""
    previous = b''
    with device.Device(os.O_RDONLY) as dev:
        own = dev.info().own_offset
        algs = aael.parse(dev.stream()).algs
        while True:
            length = dev.info().bytes
            data = previous
            while len(data) < length:
                data += os.pread(dev.fd, length - len(data), len(data))
            new = aael.parse_entries(data[len(previous) or own:], algs)
            assert all(aael.hashed(a, e.event) == d for e in new for a, d in e.digests.items())
            previous = data
            count = device.count()
            info = dev.info()
            assert info.count >= count and info.bytes >= len(data)
            tick()
            time.sleep(0.05)  # it shall not take the processor from the writers


def files_reader(tick):
    """The same of the securityfs files; and line N is entry N."""
    binary, lines = b'', []
    algs = device.read_log().algs
    with device.Device(os.O_RDONLY) as dev:
        own = dev.info().own_offset
    while True:
        count = device.count()
        with open(device.FILES + 'binary_runtime_measurements', 'rb') as file:
            data = file.read()
        text = device.text_file('ascii_runtime_measurements')
        assert data.startswith(binary) and text.endswith('\n' if text else '')
        now = text.splitlines()
        assert now[:len(lines)] == lines
        new = aael.parse_entries(data[len(binary) or own:], algs)
        assert count <= len(lines) + len(new) <= len(now)
        for number, entry in enumerate(new, len(lines) + 1):
            digests = ','.join(f'{aael.ALGS[a][0]}:{d.hex()}' for a, d in entry.digests.items())
            assert now[number - 1] == f'{number} 14 {digests} {aael.text(entry).decode()}', number
        binary, lines = data, now[:len(lines) + len(new)]
        tick()
        time.sleep(0.5)  # as above


def poller(tick):
    with device.Device(os.O_RDONLY) as dev:
        waiting = select.poll()
        waiting.register(dev.fd, select.POLLIN)
        while True:
            while waiting.poll(0):
                assert os.read(dev.fd, 1 << 20)
            assert waiting.poll(60000), 'not woken'
            tick()


class Ticks:
    """How often each child has done what it does."""

    def __init__(self, number):
        self.area = mmap.mmap(-1, 4 * number)

    def ticker(self, child):
        def tick():
            struct.pack_into('<I', self.area, 4 * child, self.of(child) + 1)
        return tick

    def of(self, child):
        return struct.unpack_from('<I', self.area, 4 * child)[0]


class Pauses:
    """Counts the pauses between the reads that settle a doubt, by a probe."""

    def __init__(self):
        self.put('kprobe_events', 'p:pauses aael:pause_ms')
        self.put('events/kprobes/pauses/enable', '1')

    @staticmethod
    def put(name, value):
        with open(TRACE + name, 'w', encoding='ascii') as file:
            file.write(value)

    @staticmethod
    def number():
        with open(TRACE + 'kprobe_profile', encoding='ascii') as file:
            words = [line.split() for line in file]
        hits, = (int(hit) + int(missed) for name, hit, missed in words if name == 'pauses')
        return hits


def start(function, *args):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function(*args)
            code = 0
        except BaseException as error:  # pylint: disable=broad-except
            print('# in the child:', repr(error), flush=True)
        finally:
            os._exit(code)
    return pid


class Concurrency(unittest.TestCase):
    def test_eight_writers(self):
        ways = [by_write, by_ioctl, by_rest]
        watchers = (reader, reader, files_reader, poller, poller)
        ticks, pauses = Ticks(len(watchers)), Pauses()
        with rest.Daemon(), vm.TpmProxy() as proxy:
            proxy.reset()
            proxy.hold(14, 520, skip=EVENTS // 2)
            begin = time.monotonic()
            beside = [start(watcher, ticks.ticker(i)) for i, watcher in enumerate(watchers)]
            writers = [start(ways[i % 3], i) for i in range(WRITERS)]
            codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in writers]
            seconds = time.monotonic() - begin
            with device.Device() as dev:
                snapshot = dev.snapshot()
            stats = proxy.stats()
            ended = [pid for pid in beside if os.waitpid(pid, os.WNOHANG)[0]]
            for pid in set(beside) - set(ended):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self.assertEqual(ended, [], 'a reader has failed')
        doubts, ticked = pauses.number(), [ticks.of(i) for i in range(len(watchers))]
        print(f'# {EVENTS} events in {seconds:.0f} s, TPM commands: {stats["commands"]}; '
              f'{doubts} pauses for doubts; readers and pollers: {ticked}')
        self.assertEqual(codes, [0] * WRITERS)
        self.assertEqual(device.count(), EVENTS)
        self.assertEqual(snapshot.count, EVENTS)
        self.assertEqual(stats['extends'], {'14': EVENTS})
        for watcher, times in zip(watchers, ticked):
            self.assertGreaterEqual(times, 10 if watcher is poller else 1, watcher.__name__)
        # A confirmation is one read, 0.9 s behind the last, and one closes the run. An extend that
        # took more than 500 ms (one was held back) is read once more than there are pauses.
        self.assertGreaterEqual(doubts, 1)
        self.assertLessEqual(stats['commands'].get('PCR_Read', 0),
                             (seconds / 0.9 + 3 + 2 * doubts) * len(vm.BANKS))
        self.check_log()

    def check_log(self):
        log = device.read_log()
        self.assertEqual(len(log.ours), EVENTS)
        self.assertEqual(aael.mismatched(log), [])
        # The PCR fixes the order of all extends: only this order replays to it.
        for alg, value in device.pcr_values(14, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, 14, alg), value)
        self.assertEqual(device.Status().one('health'), 'consistent')
        of = {}
        for text in log.texts():
            domain, _, content = text.decode().split(' ')
            of.setdefault(domain, []).append(int(content))
        self.assertEqual(len(of), WRITERS)
        for domain, contents in of.items():
            self.assertEqual(contents, list(range(EACH)), domain)
        lines = device.text_file('ascii_runtime_measurements').splitlines()
        self.assertEqual(len(lines), EVENTS)
        self.assertEqual([int(line.split(' ', 1)[0]) for line in lines],
                         list(range(1, EVENTS + 1)))
