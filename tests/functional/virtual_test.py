# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=none
"""A chip of tpm_vtpm_proxy, which anybody with its device may have made: taken only when named.

And what a chip leaves that goes away between an extend and the read that would decide it.
"""
import errno
import unittest

import device
import netlink
import vtpm
from faults import BANKS, Case


def setUpModule():
    Case.tpm = vtpm.Tpm(BANKS)


class Auto(unittest.TestCase):
    def test_is_not_taken(self):
        before = self.used()
        with device.module(provider='auto', enable=1), device.Device() as dev:
            self.unsupported(dev)
            with netlink.Family() as nl:
                self.refused(nl.enable)  # looks again
            self.unsupported(dev)
            dev.close()
        self.assertEqual(self.used(), before)

    @staticmethod
    def used():
        return {name: Case.tpm.counts[name] for name in ('PCR_Extend', 'PCR_Read')}

    def unsupported(self, dev):
        self.assertEqual(device.STATES[dev.info().state], 'unsupported')
        status = device.Status()
        self.assertEqual((status.one('state'), status.one('provider')), ('unsupported', 'none'))
        self.refused(dev.write, 'a b c\n')
        self.refused(dev.extend, 'a', 'b', 'c')

    def refused(self, call, *args):
        with self.assertRaises(OSError) as caught:
            call(*args)
        self.assertEqual(caught.exception.errno, errno.EOPNOTSUPP)


class Named(Case):
    """Runs behind Auto: its events keep the module."""

    @classmethod
    def setUpClass(cls):
        device.insmod(provider='tpm', enable=1)

    def test_is_taken(self):
        self.append()
        self.assertEqual(device.Status().one('provider'), 'tpm')
        self.sent(1)
        self.consistent(1)


class ZGone(Case):
    """Runs last: the device never comes back."""

    def test_in_the_read_back_of_an_extend_leaves_it_undecided(self):
        self.tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.tpm.fault('PCR_Read', vtpm.vanish(False))
        self.gone_undecided()
        self.sent(1)
