# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7 tpm=tis,crb banks=sha256+sha384
# vm: kernel=debug tpm=crb banks=sha256+sha384
# vm-timeout: 300
"""The TPM's driver unbound and bound again: before, during and after the module's load."""
import collections
import concurrent.futures
import contextlib
import glob
import itertools
import threading
import unittest

import aael
import device
import vm

LOADS = 10 if vm.DEBUG else 25
ROUNDS = 20


def tpms():
    return glob.glob('/dev/tpm[0-9]*')


class Unbind(unittest.TestCase):
    """The tests run in the order of their names: events keep the module."""

    @classmethod
    def setUpClass(cls):
        device.load_tpm_drivers()
        cls.name, cls.driver = device.tpm_device()

    def setUp(self):
        self.assertEqual(len(tpms()), 1)
        self.addCleanup(lambda: tpms() or self.bind())

    def tell(self, verb):
        with open(f'{self.driver}/{verb}', 'w', encoding='ascii') as file:
            file.write(self.name)

    def unbind(self):
        self.tell('unbind')
        device.wait_for(lambda: not tpms(), what='the TPM stays')

    def bind(self):
        self.tell('bind')
        device.wait_for(tpms, what='the TPM does not return')

    @contextlib.contextmanager
    def unbound(self):
        self.unbind()
        try:
            yield
        finally:
            self.bind()

    def code(self, call, *args):
        try:
            call(*args)
            return ''
        except OSError as error:
            return device.name_of(error.errno)

    def test_a_bind_and_unbind_against_insmod(self):
        """The boot log is freed by the unbinding; the module copies it at load."""
        stop, rounds = threading.Event(), []

        def loop():
            while not stop.is_set():
                with self.unbound():
                    pass
                rounds.append(1)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            looping = pool.submit(loop)
            try:
                for _ in range(LOADS):
                    self.load()
                device.wait_for(lambda: len(rounds) >= 3 or looping.done())
            finally:
                stop.set()
                looping.result()
        print(f'# {LOADS} loads against {len(rounds)} rounds')
        self.assertGreaterEqual(len(rounds), 3)

    def load(self):
        with device.module(enable=1):
            self.assertIn(device.Status().one('state'), ('unsupported', 'disabled', 'enabled'))
            with device.Device() as dev:
                self.code(dev.stream)
                self.code(dev.verify)

    def test_b_empty_log_survives_the_driver(self):
        with device.module(enable=1):
            with device.Device() as dev:
                before = dev.stream()
                with self.unbound():
                    self.assertEqual(self.code(dev.write, 'a b c\n'), 'ENODEV')
                    self.assertEqual(dev.stream(), before)

    def test_c_events_outlive_the_driver(self):
        device.insmod(enable=1)
        dev = device.Device()
        self.addCleanup(dev.close)
        dev.write('a b one\na b two\n')
        for number in range(4):
            with self.unbound():
                self.gone(dev)
            dev.write(f'a b back {number}\n')
            self.consistent(dev)
        self.assertEqual(device.read_log().texts(), [b'a b one', b'a b two'] + [
            b'a b back %d' % number for number in range(4)])

    def gone(self, dev):
        before = device.count()
        for _ in range(2):
            self.assertEqual(self.code(dev.write, 'a b lost\n'), 'ENODEV')
            self.assertEqual(self.code(dev.extend, 'a', 'b', 'lost'), 'ENODEV')
            self.assertEqual(self.code(dev.verify), 'ENODEV')
            self.assertEqual(self.code(dev.snapshot), 'ENODEV')
        self.assertEqual(device.HEALTHS[dev.info().health], 'gone')
        self.assertEqual(device.Status().one('health'), 'gone')
        self.assertEqual(device.count(), before)
        self.assertEqual(len(device.read_log().ours), before)

    def consistent(self, dev):
        """The same chip is back: what it holds is what the log replays to."""
        verify, log, status = dev.verify(), device.read_log(), device.Status()
        self.assertEqual((status.one('health'), status.one('pending')), ('consistent', ''))
        self.assertEqual(verify.match, 1)
        live = device.pcr_values(14, vm.BANKS)
        self.assertEqual(live, verify.live)
        self.assertEqual({alg: aael.replay(log.entries, 14, alg) for alg in live}, live)
        self.assertEqual(aael.mismatched(log), [])

    def test_d_writers_and_a_verifier_meet_the_unbinding(self):
        """The module is loaded: it has the events of test_c."""
        stop, before = threading.Event(), device.count()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            tasks = [pool.submit(task, stop) for task in (self.writes, self.extends, self.verifies)]
            try:
                for number in range(ROUNDS):
                    with self.unbound():
                        if number % 2:  # or it is back before anybody has missed it
                            self.noticed(tasks, lambda: device.Status().one('health') == 'gone')
                    enough = device.count() + 5
                    self.noticed(tasks, lambda n=enough: device.count() >= n)
            finally:
                stop.set()
                codes = [task.result() for task in tasks]
        for code in codes:
            print('#', dict(collections.Counter(code.values())))
        with device.Device() as dev:
            device.wait_for(lambda: self.code(dev.verify) != 'ETIMEDOUT')
            self.consistent(dev)
        logged = [text.decode() for text in device.read_log().texts()[before:]]
        self.assertEqual(len(logged), len(set(logged)), 'logged twice')
        for code in codes[:2]:
            self.assertIn('ENODEV', code.values(), 'no append met the unbinding')
            self.assertEqual(set(code.values()) - {'', 'ENODEV', 'EIO', 'ETIMEDOUT'}, set())
            for text, name in code.items():
                if name in ('', 'ENODEV'):
                    self.assertEqual(text in logged, not name, (text, name))

    @staticmethod
    def noticed(tasks, condition):
        device.wait_for(lambda: condition() or any(task.done() for task in tasks),
                        what='the TPM gone, or back, and nobody notices')

    def each(self, stop, call):
        """{text: errno name} of call(text) with one text after the other"""
        codes = {}
        for number in itertools.count():
            if stop.is_set():
                return codes
            codes[str(number)] = code = self.code(call, str(number))
            if code:
                stop.wait(0.01)  # leaves the processor to whoever binds

    def writes(self, stop):
        with device.Device() as dev:
            codes = self.each(stop, lambda text: dev.write(f'unbind write {text}\n'))
        return {f'unbind write {text}': code for text, code in codes.items()}

    def extends(self, stop):
        with device.Device() as dev:
            codes = self.each(stop, lambda text: dev.extend('unbind', 'ioctl', text))
        return {f'unbind ioctl {text}': code for text, code in codes.items()}

    def verifies(self, stop):
        with device.Device() as dev:
            codes = self.each(stop, lambda _: self.assertEqual(dev.verify().match, 1))
        self.assertEqual(set(codes.values()) - {'', 'ENODEV', 'ETIMEDOUT'}, set())
        return codes
