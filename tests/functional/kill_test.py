# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb banks=sha256+sha384
# vm: kernel=6.1 tpm=tis
# vm-timeout: 300
"""kill -9 of writers at random points: no acknowledged event is lost, the log replays."""
import os
import random
import signal
import time
import unittest

import aael
import device
import vm

KILLS = 200
WRITERS = 2


def setUpModule():
    device.insmod(enable=1, max_log_bytes=64 << 20)


def writer(number, acknowledged):
    """Appends until it is killed; every acknowledged event is told through the pipe first."""
    with device.Device() as dev:
        serial = 0
        while True:
            name = f'{number}.{serial}'
            if serial % 2:
                dev.write(f'kill write {name}\n')
            else:
                dev.extend('kill', 'ioctl', name)
            os.write(acknowledged, (name + '\n').encode())
            serial += 1


class Kill(unittest.TestCase):
    def start(self, number):
        reader, acknowledged = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            writer(number, acknowledged)
        os.close(acknowledged)
        return pid, reader

    def test_no_acknowledged_event_is_lost(self):
        seed = time.time_ns()
        chance = random.Random(seed)
        print('# seed', seed)
        told, running = set(), [self.start(i) for i in range(WRITERS)]
        for number in range(WRITERS, WRITERS + KILLS):
            victim = running.pop(0)
            # A wait of random length is the point of the test, not a wait for readiness.
            time.sleep(chance.uniform(0, 0.06 if vm.DEBUG else 0.03))
            told |= self.reap(*victim)
            running.append(self.start(number))
        for victim in running:
            told |= self.reap(*victim)
        with device.Device() as dev:
            verify = dev.verify()
        log = device.read_log()
        texts = [t.decode().split(' ')[2] for t in log.texts()]
        print('# acknowledged', len(told), 'logged', len(texts))
        self.assertGreater(len(told), KILLS)
        self.assertEqual(told - set(texts), set(), 'acknowledged but not logged')
        self.assertEqual(len(texts), len(set(texts)), 'logged twice')
        # At most the one event in flight of each writer was logged unacknowledged.
        self.assertLessEqual(len(texts) - len(told), KILLS + WRITERS)
        self.assertEqual(device.count(), len(texts))
        self.assertEqual((verify.match, device.Status().one('health')), (1, 'consistent'))
        for alg, value in device.pcr_values(14, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, 14, alg), value)
        self.assertEqual(aael.mismatched(log), [])

    def reap(self, pid, reader):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        data = b''
        while part := os.read(reader, 65536):
            data += part
        os.close(reader)
        return set(data.decode().split())
