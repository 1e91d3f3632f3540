# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=tis,crb banks=sha256+sha384
# vm-timeout: 180
"""The TPM's driver unbound and bound again: before, during and after the module's load."""
import os
import threading
import time
import unittest

import aael
import device
import vm

ROUNDS = 10 if vm.DEBUG else 25


class Unbind(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        device.load_tpm_drivers()
        cls.name, cls.driver = device.tpm_device()

    def tell(self, verb):
        with open(f'{self.driver}/{verb}', 'w', encoding='ascii') as file:
            file.write(self.name)

    def unbind(self):
        self.tell('unbind')
        device.wait_for(lambda: not os.path.exists('/dev/tpm0'), what='the TPM stays')

    def bind(self):
        self.tell('bind')
        device.wait_for(lambda: os.listdir('/sys/class/tpm'), what='the TPM does not return')

    def code(self, call, *args):
        try:
            call(*args)
            return '0'
        except OSError as error:
            return device.name_of(error.errno)

    def test_a_bind_and_unbind_against_insmod(self):
        """The boot log is freed by the unbinding; the module copies it at load."""
        stop, rounds = threading.Event(), []

        def loop():
            while not stop.is_set():
                self.unbind()
                self.bind()
                rounds.append(1)
        thread = threading.Thread(target=loop)
        thread.start()
        try:
            begin = time.monotonic()
            loads = 0
            while loads < ROUNDS and time.monotonic() < begin + 100:
                device.insmod(enable=1)
                loads += 1
                status = device.Status()
                self.assertIn(status.one('state'), ('unsupported', 'disabled', 'enabled'))
                with device.Device() as dev:
                    self.code(dev.stream)
                    self.code(dev.verify)
                device.rmmod()
        finally:
            stop.set()
            thread.join()
        print(f'# {loads} loads against {len(rounds)} rounds')
        self.assertGreaterEqual(len(rounds), 3)

    def test_b_empty_log_survives_the_driver(self):
        device.insmod(enable=1)
        with device.Device() as dev:
            before = dev.stream()
            self.unbind()
            self.assertEqual(self.code(dev.write, 'a b c\n'), 'ENODEV')
            self.assertEqual(dev.stream(), before)
        self.bind()
        device.rmmod()

    def test_c_events_outlive_the_driver(self):
        """Runs last: its events keep the module."""
        device.insmod(enable=1)
        dev = device.Device()
        self.addCleanup(dev.close)
        dev.write('a b one\na b two\n')
        self.unbind()
        for _ in range(2):
            self.assertEqual(self.code(dev.write, 'a b lost\n'), 'ENODEV')
            self.assertEqual(self.code(dev.extend, 'a', 'b', 'lost'), 'ENODEV')
            self.assertEqual(self.code(dev.verify), 'ENODEV')
            self.assertEqual(self.code(dev.snapshot), 'ENODEV')
        self.assertEqual(device.HEALTHS[dev.info().health], 'gone')
        self.assertEqual(device.Status().one('health'), 'gone')
        self.assertEqual(device.count(), 2)
        self.assertEqual(device.read_log().texts(), [b'a b one', b'a b two'])
        for number in range(3):
            self.bind()
            self.recovered_or_latched(dev, number)
            self.unbind()
            self.assertEqual(self.code(dev.write, 'a b lost\n'), 'ENODEV')
        self.bind()
        self.recovered_or_latched(dev, 3)

    def recovered_or_latched(self, dev, number):
        code = self.code(dev.write, f'a b back {number}\n')
        status = device.Status()
        if code == '0':
            self.assertEqual(status.one('health'), 'consistent')
            verify = dev.verify()
            self.assertEqual(verify.match, 1)
            log = device.read_log()
            for alg, value in verify.live.items():
                self.assertEqual(aael.replay(log.entries, 14, alg), value)
            if os.path.exists('/dev/tpmrm0'):
                self.assertEqual(device.pcr_values(14, vm.BANKS), verify.live)
            print('# recovered')
        else:
            self.assertEqual(code, 'ENODEV')
            self.assertEqual(status.one('health'), 'gone')
            print('# latched')
