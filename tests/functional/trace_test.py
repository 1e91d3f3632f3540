# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=none
"""A tracepoint for every outcome of an append; never an event's text."""
import re

import device
import vtpm
from faults import Case

TRACE = '/sys/kernel/tracing/'
SECRET = 'verysecret'

setUpModule = Case.start


def put(name, value):
    with open(TRACE + name, 'w', encoding='ascii') as file:
        file.write(value)


class Trace(Case):
    def setUp(self):
        super().setUp()
        put('events/aael/aael_append/enable', '1')
        put('trace', '')

    def tearDown(self):
        put('events/aael/aael_append/enable', '0')

    def traced(self):
        """[(outcome, errno name, sequence)] since the test began"""
        with open(TRACE + 'trace', encoding='utf-8') as file:
            text = file.read()
        self.assertNotIn(SECRET, text)
        return [(outcome, device.name_of(-int(err)), int(sequence)) for sequence, outcome, err in
                re.findall(r'aael_append: sequence=(\d+) register=\d+ outcome=(\S+) err=(-?\d+)', text)]

    def code(self, content=SECRET, **more):
        try:
            self.dev.extend('trace', SECRET, content, **more)
            return '0'
        except OSError as error:
            return device.name_of(error.errno)

    def test_logged(self):
        self.assertEqual(self.code(), '0')
        self.assertEqual(self.traced(), [('logged', '0', self.before + 1)])

    def test_rejected(self):
        codes = [self.code(content='\x01'), self.code(index=5), self.code(index=9, flags=1)]
        self.assertEqual(codes, ['EINVAL', 'EINVAL', 'EPERM'])
        self.assertEqual([t[:2] for t in self.traced()], [('rejected', code) for code in codes])

    def test_not_applied(self):
        self.tpm.fault('PCR_Extend', vtpm.refuse())
        self.assertEqual(self.code(), 'EIO')
        self.assertEqual([t[:2] for t in self.traced()], [('not-applied', 'EIO')])

    def test_undecided_and_settled(self):
        self.tpm.fault('PCR_Extend', vtpm.lose_answer)
        self.tpm.fault('PCR_Read', vtpm.refuse(), count=1000)
        self.assertEqual(self.code(), 'ETIMEDOUT')
        self.tpm.heal()
        self.dev.snapshot()
        self.assertEqual([t[:2] for t in self.traced()], [('undecided', 'ETIMEDOUT'), ('settled', '0')])

    def test_late(self):
        self.tpm.fault('PCR_Extend', vtpm.lose_command)
        self.assertEqual(self.code(), 'EIO')
        self.tpm.extend(*self.tpm.last)
        self.dev.verify()
        self.assertEqual([t[0] for t in self.traced()], ['not-applied', 'late'])

    def test_repaired(self):
        self.tpm.fault('PCR_Extend', vtpm.lie)
        self.assertEqual(self.code(), '0')
        self.dev.verify()
        self.assertEqual(self.traced(), [('logged', '0', self.before + 1),
                                         ('repaired', '0', self.before + 1)])
