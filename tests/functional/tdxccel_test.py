# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7 ccel=mkccel.py,vectors:CCEL_data_ovmf,vectors:CCEL_data_grub
# vm: kernel=7 ccel=mkccel.py:cut,mkccel.py:endless,mkccel.py:alien,mkccel.py:full,mkccel.py:ones
# vm: kernel=7 ccel=mkccel.py ccel-table=reserved,overflow,huge,short,nowhere
# vm: kernel=debug ccel=mkccel.py
# vm-tdx: yes
"""The firmware's CC event log in front of ours: the whole replays to all four RTMRs; and what is
wrong with log or table is left out, with the reason."""
import json
import os
import unittest

import aael
import device
import mkccel
import tdx

SHA384 = 0xc
LOG, _, VARIANT = os.environ['AAEL_VM_CCEL'].partition(':')
TABLE = os.environ['AAEL_VM_CCEL_TABLE']
ENDED = {
    'cut': 'entry cut short',
    'endless': 'entry cut short',
    'alien': 'entry whose digests are not those of the header',
}
LEFT_OUT = {
    'ones': 'shorter than its header',
    'reserved': 'it lies in memory that the host can write',
    'nowhere': 'it lies in memory that the host can write',
    'overflow': 'the table that names it is malformed',
    'short': 'the table that names it is malformed',
    'huge': 'it is larger than 16 MiB',
}


def boot_entries():
    """Of the log, up to the first mistake."""
    if LOG == 'vectors':
        with open(tdx.FIRMWARE_LOG, 'rb') as file:
            return aael.parse(file.read(), marks=True).entries
    return aael.parse(mkccel.entries(mkccel.events_of(VARIANT))).entries


def setUpModule():
    """The registers start as the firmware's log leaves them."""
    entries = boot_entries()
    tdx.load(**{f'rtmr{i}': aael.replay(entries, i + 1, SHA384).hex() for i in range(4)})
    device.insmod(enable=1)


class BootLog(unittest.TestCase):
    def test_log_begins_with_it(self):
        log = device.read_log()
        entries = boot_entries()
        size = entries[-1].offset + entries[-1].size
        with device.Device() as dev, open(tdx.FIRMWARE_LOG, 'rb') as file:
            self.assertEqual(dev.info().own_offset, size)
            self.assertEqual(dev.stream()[:size], file.read(size))
        status = device.Status()
        self.assertEqual(status.one('boot_log'), f'{len(entries)} entries' +
                         (f', cut short: {ENDED[VARIANT]}' if VARIANT in ENDED else ''))
        self.assertEqual(status.get('unexplained_at_load', []), [])
        self.assertEqual(log.algs, [(SHA384, 48)])

    def test_whole_log_replays_to_every_register(self):
        with device.Device() as dev:
            dev.write('coco.com some-operation some-content\n')
            self.assertEqual(device.HEALTHS[dev.snapshot().health], 'consistent')
        entries = device.read_log().entries
        for rule in ('hardware', 'trustee'):
            for index, value in enumerate(tdx.reported()):
                self.assertEqual(aael.replay(entries, index + 1, SHA384, rule).hex(), value.hex(), rule)


class Verifier(unittest.TestCase):
    def test_json_is_what_the_verifier_shows(self):
        with open(f'/aael/vectors/ccel/{VARIANT}_out.json', encoding='utf-8') as file:
            expected = json.load(file)['uefi_event_logs']
        shown = json.loads(device.run('aaelctl', 'log', '--format', 'json'))['uefi_event_logs']
        self.assertEqual(shown[:len(expected)], expected)
        self.assertEqual([e['index'] for e in shown[len(expected):]], [4] * device.count())


class LeftOut(unittest.TestCase):
    def test_reason_is_said_and_events_are_logged_all_the_same(self):
        reason = LEFT_OUT.get(TABLE) or LEFT_OUT[VARIANT]
        self.assertEqual(device.Status().one('boot_log'), f'left out: {reason}')
        with device.Device() as dev:
            dev.write('a b c\n')
            self.assertEqual(dev.verify().match, 1)
        log = device.read_log()
        self.assertEqual(len(log.entries), 1)
        self.assertEqual(aael.replay(log.entries, 4, SHA384), tdx.reported()[3])


# What does not apply to this log and table is no test of it.
if VARIANT in LEFT_OUT or TABLE in LEFT_OUT:
    del BootLog
else:
    del LeftOut
if LOG != 'vectors':
    del Verifier
