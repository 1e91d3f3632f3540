# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=none
# vm-timeout: 120
"""Loading and unloading on a platform without any TPM, and the soft provider."""
import errno
import json
import unittest

import device
import netlink
import rest

NOT_ENABLED = (b'{"success":"false","message": '
               b'"Attestation Agent does not enable eventlog recording"}')
NOT_SUPPORTED = (b'{"success":"false","message": '
                 b'"The platform does not support runtime measurement"}')
EVENT = {'domain': 'a', 'operation': 'b', 'content': 'c'}


class Case(unittest.TestCase):
    def refused(self, code, call, *args):
        with self.assertRaises(OSError) as caught:
            call(*args)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))
        return caught.exception


class NoTpm(Case):
    def test_loads_and_says_so_once(self):
        device.run('dmesg', '-c')
        with device.module(enable=1), device.Device() as dev:
            for _ in range(3):
                self.refused(errno.EOPNOTSUPP, dev.write, 'a b c\n')
                self.refused(errno.EOPNOTSUPP, dev.extend, 'a', 'b', 'c')
                self.refused(errno.EOPNOTSUPP, dev.snapshot)
                self.refused(errno.EOPNOTSUPP, dev.verify)
            said = [line for line in device.dmesg().splitlines() if 'no register' in line]
            self.assertEqual(len(said), 1, said)
            info, status = dev.info(), device.Status()
            self.assertEqual((info.state, info.provider, info.count, info.bytes), (0, '', 0, 0))
            self.assertEqual(dev.stream(), b'')
            self.assertEqual((status.one('state'), status.one('provider')), ('unsupported', 'none'))
            for name in ('events', 'ascii_runtime_measurements', 'binary_runtime_measurements'):
                self.assertEqual(device.text_file(name), '')
            dev.close()

    def test_syntax_comes_first_and_platform_before_permission(self):
        with device.module(), device.Device() as dev:
            self.refused(errno.EINVAL, dev.write, 'a b \x01\n')
            self.refused(errno.EILSEQ, dev.write, b'a b \xff\n')
            self.refused(errno.EOPNOTSUPP, dev.write, 'aael b c\n')
            self.refused(errno.EOPNOTSUPP, dev.extend, 'a', 'b', 'c', 5)
            dev.close()

    def test_cannot_be_enabled(self):
        with device.module(), netlink.Family() as nl:
            self.assertIn('no register', self.refused(errno.EOPNOTSUPP, nl.enable, 17).strerror)
            self.assertEqual(nl.status()['state'], 0)

    def test_named_provider_is_no_reason_not_to_load(self):
        with device.module(provider='tpm', enable=1):
            self.assertEqual(device.Status().one('state'), 'unsupported')

    def test_rest_says_what_coco_says(self):
        with device.module():
            with rest.Daemon(enable=True) as daemon:
                answer = daemon.post(EVENT)
                self.assertEqual((answer.status, answer.body), (200, NOT_SUPPORTED))
                self.assertEqual(json.loads(daemon.get('/info').body)['aael']['state'],
                                 'unsupported')
            with rest.Daemon(enable=False) as daemon:
                answer = daemon.post(EVENT)
                self.assertEqual((answer.status, answer.body), (200, NOT_ENABLED))

    def test_rest_without_the_module(self):
        with rest.Daemon(enable=True) as daemon:
            answer = daemon.post(EVENT)
            self.assertEqual((answer.status, answer.body), (200, NOT_SUPPORTED))
            self.assertEqual(json.loads(daemon.get('/info').body)['aael'], {'state': 'absent'})
            self.assertIn('aael', daemon.output())


class Unload(Case):
    def test_loads_and_unloads_many_times(self):
        for _ in range(10):
            device.insmod(provider='soft', enable=1)
            with device.Device() as dev:
                dev.verify()
            device.rmmod()
            self.assertFalse(device.loaded())

    def test_second_insmod_is_refused(self):
        with device.module():
            code, out = device.insmod(check=False)
            self.assertNotEqual(code, 0)
            self.assertIn('File exists', out)
            self.assertTrue(device.loaded())

    def test_open_file_keeps_the_module(self):
        device.insmod()
        with device.Device():
            self.assertIn('in use', device.rmmod(check=False)[1])
        device.rmmod()

    def test_refused_events_do_not_keep_the_module(self):
        with device.module(provider='soft', enable=1), device.Device() as dev:
            self.refused(errno.EINVAL, dev.write, 'a b \x01\n')
            self.refused(errno.EACCES, dev.write, 'aael b c\n')
            dev.close()


class ZSoft(Case):
    """Runs last: its events keep the module."""

    def test_soft_provider_shouts(self):
        device.run('dmesg', '-c')
        device.insmod(provider='soft', enable=1)
        self.assertIn('NO PROTECTION', device.dmesg())
        self.assertIn('NO PROTECTION', device.Status().one('provider'))
        with device.Device() as dev:
            dev.write('a b c\n')
            info = dev.info()
            self.assertTrue(info.flags & 4)
            self.assertEqual((info.provider, info.count, dev.verify().match), ('soft', 1, 1))
        with rest.Daemon() as daemon:
            self.assertEqual(daemon.post(EVENT).body, b'{"success":"true"}')
            answer = json.loads(daemon.get('/info').body)
            self.assertEqual(answer['tee'], 'sample')
            self.assertIn('SOFT', answer['aael']['warning'])
        self.assertIn('in use', device.rmmod(check=False)[1])
