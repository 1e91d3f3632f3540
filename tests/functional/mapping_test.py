# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1 tpm=tis
# vm: kernel=6.12,7 tpm=crb
# vm-timeout: 240
"""Which register an index stands for, what is refused and why, and unexplained registers."""
import errno
import hashlib
import os
import unittest

import aael
import device
import netlink

F_UNEXPLAINED, F_RESETTABLE = 1, 8


class Mapping(unittest.TestCase):
    def mapped(self, index, register, **params):
        with device.module(enable=1, init_pcr=index, **params):
            status = device.Status()
            self.assertEqual(status.one('state'), 'enabled')
            self.assertEqual((status.one('index'), status.one('register')),
                             (str(index), str(register)))
            self.assertIn(f'index {index} is PCR {register}: ', status.one('mapping'))
            with device.Device() as dev:
                self.assertEqual(dev.info().reg, register)
                return dev.info(), status

    def refused(self, index, **params):
        """Returns the sentence that status says about it."""
        with device.module(enable=1, init_pcr=index, **params):
            status = device.Status()
            self.assertEqual(status.one('state'), 'disabled')
            with device.Device() as dev, self.assertRaises(OSError) as caught:
                dev.write('a b c\n')
            self.assertEqual(caught.exception.errno, errno.ENOTCONN)
            with netlink.Family() as nl, self.assertRaises(OSError) as caught:
                nl.enable()
            self.assertEqual(caught.exception.errno, errno.EINVAL)
            said = status.one('refused')
            self.assertTrue(said.startswith(f'index {index}: '), said)
            self.assertIn(caught.exception.strerror, said)
            return said.partition(': ')[2]

    def test_refusals_each_say_why(self):
        said = {index: self.refused(index) for index in (0, 1, 7, 8, 16, 23, 24, 99)}
        self.assertIn('firmware', said[0])
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0], said[7])
        self.assertIn('Init-Data', said[8])
        for index in (16, 23):
            self.assertIn('reset', said[index])
            self.assertIn('allow_resettable=1', said[index])
        self.assertIn('0 to 23', said[24])
        self.assertEqual(len({said[i] for i in (0, 8, 16, 23, 24)}), 5)

    def test_refusal_is_said_without_enable(self):
        with device.module(init_pcr=16):
            self.assertIn('reset', device.Status().one('refused'))

    def test_another_index_can_be_enabled_after_a_refusal(self):
        with device.module(enable=1, init_pcr=16), netlink.Family() as nl:
            nl.enable(17)
            self.assertEqual(device.Status().one('state'), 'enabled')
            self.assertNotIn('refused', device.Status())

    def test_indexes_17_to_22_stand_for_pcr_14(self):
        for index in range(17, 23):
            self.mapped(index, 14)

    def test_tpm_pcr_chooses_another(self):
        self.mapped(17, 11, tpm_pcr=11)
        self.mapped(22, 15, tpm_pcr=15)

    def test_tpm_pcr_must_be_a_pcr_that_works(self):
        for pcr in (0, 7, 8, 17, 22, 24):
            self.assertIn('tpm_pcr', self.refused(17, tpm_pcr=pcr))
        for pcr in (16, 23):
            self.assertIn('reset', self.refused(17, tpm_pcr=pcr))

    def test_pcrs_9_to_15_are_themselves(self):
        for index in range(9, 16):
            self.mapped(index, index)

    def test_allow_resettable(self):
        for index in (16, 23):
            info, status = self.mapped(index, index, allow_resettable=1)
            self.assertTrue(info.flags & F_RESETTABLE)
            self.assertIn('proves nothing', status.one('mapping'))
        info, _ = self.mapped(17, 14, allow_resettable=1)
        self.assertFalse(info.flags & F_RESETTABLE)

    def test_bad_parameters_do_not_load(self):
        for params in ({'provider': 'nonsense'}, {'max_log_bytes': 1}, {'max_log_bytes': 2 << 30},
                       {'reserved_domains': 'a' * 256}, {'reserved_domains': 'a,,b'}):
            code, _ = device.insmod(check=False, **params)
            self.assertNotEqual(code, 0, params)
            self.assertFalse(device.loaded())

    def test_parameters_cannot_be_changed(self):
        with device.module():
            for name in os.listdir('/sys/module/aael/parameters'):
                mode = os.stat(f'/sys/module/aael/parameters/{name}').st_mode
                self.assertEqual(mode & 0o222, 0, name)

    def test_nothing_is_unexplained_but_what_linux_measures(self):
        with device.module(enable=1):
            status = device.Status()
            self.assertEqual(status.one('health'), 'consistent')
            for line in status.get('unexplained_at_load', []):
                self.assertTrue(line.startswith('PCR 10 '), line)  # IMA's


class UnexplainedBase(unittest.TestCase):
    """Runs last: its event keeps the module."""

    def test_a_register_extended_before_load_is_said_so(self):
        digest = hashlib.sha256(b'somebody was here').digest()
        device.pcr_extend(13, 'sha256', digest)
        value = hashlib.sha256(bytes(32) + digest).hexdigest()
        with device.module(enable=1):
            status = device.Status()
            self.assertIn(f'PCR 13 sha256: register {value}, boot log {"0" * 64}',
                          status['unexplained_at_load'])
            self.assertEqual(status.one('health'), 'consistent', 'another register is in use')
        device.insmod(enable=1, init_pcr=13)
        status = device.Status()
        self.assertEqual((status.one('state'), status.one('health')),
                         ('enabled', 'unexplained-base'))
        self.assertIn('PCR 13 does not hold what the boot log explains', device.dmesg())
        with device.Device() as dev:
            info = dev.info()
            self.assertTrue(info.flags & F_UNEXPLAINED)
            self.assertEqual(device.HEALTHS[info.health], 'unexplained-base')
            dev.write('a b c\n')
            verify = dev.verify()
            self.assertEqual((verify.match, verify.reg, verify.count), (0, 13, 1))
            entries = device.read_log().entries
            self.assertEqual(verify.replayed[0xb], aael.replay(entries, 13, 0xb))
            live = device.pcr_values(13, ['sha256'])[0xb]
            self.assertEqual(verify.live[0xb], live)
            self.assertEqual(live, aael.replay(entries, 13, 0xb, start=bytes.fromhex(value)))
