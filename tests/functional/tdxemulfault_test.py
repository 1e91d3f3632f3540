# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7
# vm-tdx: yes
# vm-timeout: 180
# vm-panic-on-warn: no
# vm-allow: WARNING: .*tdx-guest
"""The emulator refuses, as it is told to; tdx-guest complains when that happens, once each for
extends and reports, until it is loaded anew."""
import errno
import hashlib
import unittest

import device
import tdx
import vm

DIGEST = hashlib.sha384(b'an event').digest()
NO_SYSFS = 'tdx-guest of this kernel has no registers in sysfs'


class Faults(unittest.TestCase):
    def setUp(self):
        tdx.load()
        self.addCleanup(tdx.unload)

    def refused(self, code, call, *args):
        with self.assertRaises(OSError) as caught:
            call(*args)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code))

    def test_busy_extends(self):
        if not tdx.has_sysfs():
            self.skipTest(NO_SYSFS)
        for knob in ('busy', 'busy_extend'):
            start = tdx.held(3)
            tdx.put(**{knob: 2})
            for _ in range(2):
                self.refused(errno.EBUSY, tdx.extend, 3, DIGEST)
            self.assertEqual(tdx.held(3), start)
            self.assertEqual((tdx.get(knob), tdx.get('fail_extend')), ('0', '0'))
            tdx.extend(3, DIGEST)
            self.assertEqual(tdx.reported()[3], tdx.extended(start, DIGEST))

    def test_busy_for_ever(self):
        with tdx.knobs(busy_extend=-1):
            if tdx.has_sysfs():
                for _ in range(5):
                    self.refused(errno.EBUSY, tdx.extend, 3, DIGEST)
            self.assertEqual(tdx.reported()[3], tdx.ZERO)
            self.assertEqual(tdx.get('busy_extend'), '-1')
        self.assertEqual(tdx.counter('n_extend'), 0)

    def test_busy_reports(self):
        count = tdx.counter('n_report')
        # 6.12 does not tell busy from other failures.
        code = errno.EIO if vm.KERNEL == '6.12' else errno.EBUSY
        with tdx.knobs(busy=-1):
            for _ in range(3):
                self.refused(code, tdx.report)
        self.assertEqual(tdx.counter('n_report'), count)
        self.assertEqual(tdx.reported(), [tdx.ZERO] * 4)

    def test_refused_extends(self):
        if not tdx.has_sysfs():
            self.skipTest(NO_SYSFS)
        for status, code in ((tdx.INVALID_OPERAND, errno.ENXIO), (0xc000000000000000, errno.EIO)):
            with tdx.knobs(fail_extend=status):
                self.refused(code, tdx.extend, 3, DIGEST)
                self.assertEqual(tdx.reported(), [tdx.ZERO] * 4)
        tdx.extend(3, DIGEST)
        self.assertEqual(tdx.reported()[3], tdx.extended(tdx.ZERO, DIGEST))
        self.assertEqual(tdx.counter('n_extend'), 1)

    def test_extend_behind_the_driver_is_never_refused(self):
        with tdx.knobs(busy=-1, fail_extend=tdx.INVALID_OPERAND):
            tdx.extend_behind(3, DIGEST)
            self.assertEqual(tdx.held(3), tdx.extended(tdx.ZERO, DIGEST))
