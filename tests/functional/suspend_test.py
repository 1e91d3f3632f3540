# SPDX-License-Identifier: Apache-2.0
# vm: kernel=debug tpm=crb
# vm-proxy: yes
# vm-timeout: 200
"""Suspend and hibernation as far as the freezing of all processes (pm_test=freezer), and back.

Appends answer EBUSY from the preparation on, and afterwards every register is compared. The
machine does not sleep and the TPM keeps its PCRs: what a real one loses is not shown here.
"""
import collections
import concurrent.futures
import hashlib
import itertools
import os
import threading
import unittest

import aael
import device
import vm

POWER = '/sys/power/'
OTHER = 11


def power(name, value):
    with open(POWER + name, 'w', encoding='ascii') as file:
        file.write(value)


def states():
    with open(POWER + 'state', encoding='ascii') as file:
        return [state for state in file.read().split() if state in ('mem', 'disk')]


def setUpModule():
    device.insmod(enable=1, max_log_bytes=16 << 20)
    power('pm_test', 'freezer')


class Suspend(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.dev.snapshot()
        self.before = device.count()
        self.assertEqual(states(), ['mem', 'disk'])

    def append(self, call, *args):
        """Errno name, '' if acknowledged"""
        try:
            call(*args)
            return ''
        except OSError as error:
            return device.name_of(error.errno)

    def logged(self):
        return [text.decode() for text in device.read_log().texts()[self.before:]]

    def consistent(self):
        self.assertEqual(self.dev.verify().match, 1)
        log, live = device.read_log(), device.pcr_values(14, vm.BANKS)
        self.assertEqual({alg: aael.replay(log.entries, 14, alg) for alg in live}, live)
        self.assertEqual(device.Status().one('health'), 'consistent')

    def test_an_append_that_meets_the_preparation_is_refused(self):
        for state in states():
            with vm.TpmProxy() as proxy, concurrent.futures.ThreadPoolExecutor() as pool:
                try:
                    self.meet(state, proxy, pool)
                finally:
                    proxy.release()
        self.assertEqual(self.logged(), [f'suspend {word} {state}' for state in states()
                                         for word in ('before', 'after')])
        self.consistent()

    def meet(self, state, proxy, pool):
        proxy.reset()
        proxy.hold(14, code='PCR_Read')
        self.dev.write(f'suspend before {state}\n')
        # The notifier waits for the read that confirms this entry.
        suspending = self.thread(pool, power, 'state', state)
        device.wait_for(lambda: 'aael_txn_insist' in self.stack(suspending.tid) and proxy.stats()['held'],
                        what='the suspend does not ask the log')
        calls = ((device.SYS_WRITE, lambda: self.dev.write('suspend write lost\n')),
                 (device.SYS_IOCTL, lambda: self.dev.extend('suspend', 'ioctl', 'lost')))
        appends = []
        for number, call in calls:
            append = self.thread(pool, self.append, call)
            device.wait_for(lambda n=number, t=append.tid: device.waits_in(
                n, os.getpid(), t, self.dev.fd), what='the append does not wait')
            appends.append(append)
        proxy.release()
        self.assertEqual([append.result() for append in appends], ['EBUSY', 'EBUSY'])
        suspending.result()
        self.assertEqual(proxy.stats()['extends'], {'14': 1})
        self.dev.write(f'suspend after {state}\n')

    @staticmethod
    def thread(pool, function, *args):
        """A future with the number of its thread, .tid"""
        tids = []
        future = pool.submit(lambda: (tids.append(threading.get_native_id()), function(*args))[1])
        future.tid = device.wait_for(lambda: tids)[0]
        return future

    @staticmethod
    def stack(tid):
        with open(f'/proc/self/task/{tid}/stack', encoding='ascii') as file:
            return file.read()

    def test_writers_lose_nothing_across_it(self):
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            writers = [pool.submit(self.writes, stop, number) for number in range(2)]
            try:
                self.appended_by(writers)
                power('state', 'mem')
                self.appended_by(writers)
            finally:
                stop.set()
                codes = [writer.result() for writer in writers]
        logged = self.logged()
        for code in codes:
            print('#', dict(collections.Counter(code.values())))
            self.assertEqual(set(code.values()) - {'', 'EBUSY'}, set())
            acknowledged = [text for text, name in code.items() if not name]
            self.assertEqual([text for text in logged if text in code], acknowledged)
        self.assertEqual(len(logged), sum(list(code.values()).count('') for code in codes))
        self.consistent()

    @staticmethod
    def appended_by(writers):
        enough = device.count() + 10
        device.wait_for(lambda: device.count() >= enough or any(writer.done() for writer in writers),
                        what='the writers are stuck')

    def writes(self, stop, number):
        """{text: errno name}"""
        codes = {}
        with device.Device() as dev:
            for serial in itertools.count():
                if stop.is_set():
                    return codes
                text = f'suspend writer{number} {serial}'
                codes[text] = code = self.append(dev.write, text + '\n')
                if code:
                    stop.wait(0.01)  # leaves the processor to whoever resumes

    def test_z_every_register_is_compared_afterwards(self):
        """Runs last: PCR 11 is somebody else's, and nothing but the resuming looks at it."""
        self.dev.extend('suspend', 'other', 'register', index=OTHER)
        self.assertEqual(self.dev.verify(OTHER).match, 1)
        device.pcr_extend(OTHER, vm.BANKS[0], hashlib.sha256(b'foreign').digest())
        self.assertEqual(device.Status().one('health'), 'consistent')
        power('state', 'mem')
        status = device.Status()
        self.assertEqual(status.one('health'), 'diverged')
        self.assertEqual(status['diverged'], [f'PCR {OTHER} was extended by somebody else'])
        self.assertEqual(self.dev.verify().match, 1)
