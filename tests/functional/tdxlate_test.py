# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7 tpm=none
# vm: kernel=7,debug tpm=crb
# vm-tdx: yes
"""A TD whose driver tdx-guest is loaded last: behind the module, and behind aaeld."""
import unittest

import aael
import device
import rest
import tdx

SHA384 = 0xc
EVENT = {'domain': 'a', 'operation': 'late', 'content': 'x'}
UNSUPPORTED = b'The platform does not support runtime measurement'
SUCCESS = b'{"success":"true"}'
INDEX = 16


def setUpModule():
    tdx.load_emulator()
    device.insmod()


class Late(unittest.TestCase):
    def replays(self):
        log = device.read_log()
        self.assertEqual(log.texts(), [b'a late x'])
        self.assertEqual(aael.replay(log.entries, 4, SHA384), tdx.held(3))
        with device.Device() as dev:
            self.assertEqual((dev.info().index, dev.info().reg), (INDEX, 4))
            self.assertEqual(dev.verify().match, 1)


class WithoutTsm(Late):
    def test_no_driver_is_needed(self):
        self.assertEqual(device.Status().one('provider'), 'tdcall')
        with rest.Daemon(init_pcr=INDEX) as daemon:
            self.assertEqual(daemon.post(EVENT).body, SUCCESS)
        self.replays()


class WithTsm(Late):
    def test_log_is_enabled_when_the_driver_comes(self):
        """Nothing else is taken meanwhile, also where there is a TPM."""
        status = device.Status()
        self.assertEqual((status.one('state'), status.one('provider')), ('unsupported', 'none'))
        self.assertIn('tdx-guest is not loaded', status.one('refused'))
        with rest.Daemon(init_pcr=INDEX) as daemon:
            self.assertIn('the log is enabled when it is', daemon.output())
            self.assertIn(UNSUPPORTED, daemon.post(EVENT).body)
            self.refused(INDEX, 'the log is enabled when it is')
            self.refused(INDEX + 1, 'then the log is enabled with another index')
            tdx.load_driver()
            device.wait_for(lambda: device.Status().one('state') == 'enabled')
            self.assertEqual(daemon.post(EVENT).body, SUCCESS)
        self.assertEqual(device.Status().one('provider'), 'tsm-mr')
        self.replays()

    def refused(self, index, why):
        code, out = device.run('aaelctl', 'enable', '--index', str(index), check=False)
        self.assertEqual(code, 1)
        self.assertIn(why, out)


if tdx.has_tsm():
    del WithoutTsm
else:
    del WithTsm
del Late
