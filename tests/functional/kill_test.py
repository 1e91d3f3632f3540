# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb banks=sha256+sha384
# vm: kernel=6.1 tpm=tis
# vm-timeout: 300
"""kill -9 of writers at random points: no acknowledged event is lost, the log replays."""
import os
import random
import select
import signal
import time
import unittest

import aael
import device
import vm

KILLS = 200
WRITERS = 2
LINES = 50
ROUNDS = 10 if vm.DEBUG else 20


def setUpModule():
    device.insmod(enable=1, max_log_bytes=64 << 20)


def by_one(dev, name, serial):
    if serial % 2:
        dev.write(f'kill write {name}\n')
    else:
        dev.extend('kill', 'ioctl', name)


def by_many(dev, name, _):
    lines = ''.join(f'kill lines {name}.{line}\n' for line in range(LINES))
    assert dev.write(lines) == len(lines)


def writer(append, number, acknowledged):
    """Appends until it is killed; tells through the pipe what was acknowledged."""
    with device.Device() as dev:
        serial = 0
        while True:
            append(dev, f'{number}.{serial}', serial)
            os.write(acknowledged, f'{number}.{serial}\n'.encode())
            serial += 1


class Kill(unittest.TestCase):
    def setUp(self):
        seed = time.time_ns()
        self.chance = random.Random(seed)
        print('# seed', seed)

    def start(self, append, number):
        reader, acknowledged = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reader)
                writer(append, number, acknowledged)
            except BaseException as error:  # pylint: disable=broad-except
                print('# in the child:', repr(error), flush=True)
            finally:
                os._exit(1)
        os.close(acknowledged)
        return pid, reader

    def reap(self, pid, reader):
        """Kills it; returns what it was told"""
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(os.waitpid(pid, 0)[1], signal.SIGKILL, 'it ended by itself')
        data = b''
        while part := os.read(reader, 65536):
            data += part
        os.close(reader)
        return set(data.decode().split())

    def test_no_acknowledged_event_is_lost(self):
        told, running = set(), [self.start(by_one, i) for i in range(WRITERS)]
        for number in range(WRITERS, WRITERS + KILLS):
            pid, reader = running.pop(0)
            if number % 2:
                self.assertTrue(select.select([reader], [], [], 20)[0], 'nothing is acknowledged')
            # A wait of random length is the point of the test, not a wait for readiness.
            time.sleep(self.chance.uniform(0, 0.06 if vm.DEBUG else 0.03))
            told |= self.reap(pid, reader)
            running.append(self.start(by_one, number))
        for victim in running:
            told |= self.reap(*victim)
        texts = [words[2] for words in self.logged() if words[1] != 'lines']
        print('# acknowledged', len(told), 'logged', len(texts))
        self.assertGreaterEqual(len(told), KILLS // 2)
        self.assertEqual(told - set(texts), set(), 'acknowledged but not logged')
        self.assertEqual(len(texts), len(set(texts)), 'logged twice')
        # At most the one event in flight of each writer was logged unacknowledged.
        self.assertLessEqual(len(texts) - len(told), KILLS + WRITERS)

    def test_of_a_killed_write_the_first_lines_are_logged(self):
        told = set()
        for number in range(0, WRITERS * ROUNDS, WRITERS):
            writers = [self.start(by_many, number + i) for i in range(WRITERS)]
            enough = device.count() + self.chance.randrange(1, WRITERS * LINES)
            device.wait_for(lambda n=enough: device.count() >= n, what='the writers are stuck')
            for victim in writers:
                told |= self.reap(*victim)
        of = {}
        for _, operation, name in self.logged():
            if operation == 'lines':
                number, serial, line = map(int, name.split('.'))
                of.setdefault(number, {}).setdefault(serial, []).append(line)
        whole, cut = set(), []
        for number, writes in of.items():
            self.assertEqual(list(writes), list(range(len(writes))), 'a write is missing')
            for serial, lines in writes.items():
                self.assertEqual(lines, list(range(len(lines))), f'lines of {number}.{serial}')
                if len(lines) == LINES:
                    whole.add(f'{number}.{serial}')
                else:
                    self.assertEqual(serial, len(writes) - 1, 'the next write follows')
                    cut.append(len(lines))
        print('# cut off behind line', cut)
        self.assertTrue(cut, 'none was killed in the middle')
        self.assertEqual(told - whole, set(), 'acknowledged but not logged')
        self.assertLessEqual(len(whole - told), len(of), 'not acknowledged, and went on')

    def logged(self):
        """The words of every entry of a log that is as it should be"""
        with device.Device() as dev:
            self.assertEqual(dev.verify().match, 1)
        self.assertEqual(device.Status().one('health'), 'consistent')
        log = device.read_log()
        for alg, value in device.pcr_values(14, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, 14, alg), value)
        self.assertEqual(aael.mismatched(log), [])
        self.assertEqual(device.count(), len(log.ours))
        return [text.decode().split(' ') for text in log.texts()]
