# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7,debug
# vm-tdx: yes
# vm-panic-on-warn: no
# vm-allow: WARNING: .*tdx-guest
"""A TDX module that refuses or is busy, under aael."""
import errno
import time
import unittest

import aael
import device
import tdx

SHA384 = 0xc
BOUND = 60  # seconds; the tries themselves take two


def setUpModule():
    tdx.load()
    device.insmod(enable=1)


class Faults(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.dev.verify()
        self.before = device.count()

    def refused(self, code):
        with self.assertRaises(OSError) as caught:
            self.dev.write('a refused x\n')
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))

    def consistent(self, appended):
        self.assertEqual(self.dev.verify().match, 1)
        self.assertEqual(device.Status().one('health'), 'consistent')
        self.assertEqual(device.count() - self.before, appended)
        self.assertEqual(aael.replay(device.read_log().entries, 4, SHA384), tdx.reported()[3])

    def test_busy_for_a_while_is_waited_for(self):
        extends = tdx.counter('n_extend')
        with tdx.knobs(busy_extend=5):
            self.dev.write('a busy x\n')
        self.assertEqual(tdx.counter('n_extend') - extends, 1)
        self.consistent(1)

    def test_busy_for_ever_ends(self):
        begin = time.monotonic()
        with tdx.knobs(busy_extend=1000000):
            self.refused(errno.EIO)
        self.assertLess(time.monotonic() - begin, BOUND)
        self.consistent(0)

    def test_refused_extend_is_not_logged(self):
        with tdx.knobs(fail_extend=tdx.INVALID_OPERAND):
            self.refused(errno.EIO)
        self.consistent(0)
        self.dev.write('a afterwards x\n')
        self.consistent(1)
