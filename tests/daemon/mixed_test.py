# SPDX-License-Identifier: Apache-2.0
"""Ten thousand requests of every kind: nothing is lost, nothing grows."""
import re
import time
import unittest

import daemon
import mixed
from stub import Stub

SEED = 4
WARM_UP = 2000
REQUESTS = 10000
GROWTH_KIB = 512  # 64 bytes for each of the others
ANSWERS = {200, 400, 403, 404, 405, 409, 413, 500, 501, 502, 503, 507}
REPORTS = ('LeakSanitizer', 'AddressSanitizer', 'runtime error:')


def resident(server):
    """KiB"""
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as file:
        return int(re.search(r'^VmRSS:\s*(\d+) kB', file.read(), re.M)[1])


class Mixed(unittest.TestCase):
    def setUp(self):
        self.stub = Stub(mode='log-aware', resources=mixed.RESOURCES)
        self.addCleanup(self.stub.__exit__)
        self.stub.__enter__()

    def start(self, **more):
        config = f"[token_configs.kbs]\nurl = '{self.stub.url}'\n"
        server = daemon.Daemon('--allow-sample', kernel='enabled,soft', config=config, **more)
        self.addCleanup(server.end)
        return server.__enter__()

    def load(self, server, *numbers):
        load = mixed.Load(server, SEED, mixed.with_kbs(self.stub))
        for number in numbers:
            begin = time.monotonic()
            counts = load.run(number)
            yield
            print(f'# {number} requests in {time.monotonic() - begin:.1f} s', flush=True)
        print('#', ', '.join(f'{name}: {count}' for name, count in sorted(counts.items(), key=str)), flush=True)
        self.assertLessEqual(ANSWERS, set(counts), 'not so mixed')
        self.assertEqual(server.ask('GET', '/info').status, 200)

    def test_no_leak(self):
        server = self.start(asan=True, env={'ASAN_OPTIONS': 'detect_leaks=1'})
        list(self.load(server, REQUESTS))
        status, said = server.end(), server.output()
        self.assertEqual([line for line in said.splitlines() if any(word in line for word in REPORTS)], [], said)
        self.assertEqual(status, 0, said)

    def test_memory_does_not_grow(self):
        server = self.start()
        sizes = [resident(server) for _ in self.load(server, WARM_UP, REQUESTS - WARM_UP)]
        print(f'# resident: {sizes[0]} KiB after {WARM_UP} requests, {sizes[1]} KiB at the end', flush=True)
        self.assertLess(sizes[1] - sizes[0], GROWTH_KIB)
