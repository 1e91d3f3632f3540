# SPDX-License-Identifier: Apache-2.0
# vm: kernel=7
# vm-tdx: yes
# vm-timeout: 240
"""A log with foreign extends goes to another module: they keep their digests and their place, and
lose their texts, which nothing vouches for."""
import hashlib

import aael
import device
import handover
import tdx
from handover import Export, FOREIGN, REFUSED

SHA384 = 0xc
DIR = '/tmp/export'


def digest(number):
    return hashlib.sha384(b'foreign %d' % number).digest()


class Followed(handover.Case):
    def setUp(self):
        self.foreign_digests = []
        tdx.load()
        self.addCleanup(tdx.unload)
        self.addCleanup(self.drop)
        device.insmod(enable=1)

    def foreign(self, index=3):
        self.foreign_digests.append(digest(len(self.foreign_digests)))
        tdx.extend(index, self.foreign_digests[-1])

    def filled(self):
        """own, foreign, own, foreign in RTMR2"""
        self.append(2, 'first')
        self.foreign()
        self.append(1, 'second')
        self.foreign(2)

    def out(self):
        self.handover('export', DIR, '--force')
        self.handover('release', DIR)
        device.rmmod()

    def explained(self):
        log = device.read_log()
        live = tdx.reported()
        for register in range(1, 5):
            self.assertEqual(aael.replay(log.entries, register, SHA384), live[register - 1])
        self.assertEqual([e.digests[SHA384] for e in aael.mismatched(log)], self.foreign_digests)
        self.ctl('verify')
        self.assertEqual(device.Status().one('health'), 'consistent')
        return log

    def test_foreign_entries_lose_their_text(self):
        self.filled()
        before = device.read_log().texts()
        self.out()
        device.insmod(**{'import': 1})
        # Between load and import: kept back, and logged behind.
        self.foreign()
        self.assertEqual(device.count(), 0)
        out = self.handover('import', DIR)
        self.assertIn('imported: 5 entries, 2 of them foreign', out)
        log = self.explained()
        texts = log.texts()
        self.assertEqual(texts[:5], before[:2] + [FOREIGN] + before[3:4] + [FOREIGN])
        self.assertEqual(len(texts), 7)
        records = [text for text in texts[5:] if text.startswith(handover.RECORD)]
        own = b''.join(device.read_log_bytes()[e.offset:e.offset + e.size] for e in log.ours[:5])
        self.assertEqual([self.record(text) for text in records],
                         [{'entries': 5, 'foreign': 2, 'sha256': hashlib.sha256(own).hexdigest()}])
        self.assertEqual(device.Status().one('violations'), '3')

    def test_an_extend_under_the_seal_is_logged(self):
        self.filled()
        self.handover('export', DIR, '--force')
        self.foreign()
        self.handover('release', DIR, code=REFUSED, says='export it again')
        self.handover('export', DIR, '--force')
        self.assertEqual(Export(DIR).facts['count'], 6)
        self.handover('release', DIR)
        # And if one comes even later, the module stays.
        self.foreign()
        device.wait_for(lambda: device.count() == 7)
        self.assertNotEqual(device.rmmod(check=False)[0], 0)
        self.out()
        device.insmod(**{'import': 1})
        self.handover('import', DIR)
        self.assertEqual(len(self.explained().texts()), 8)

    def test_an_extend_without_a_module(self):
        self.filled()
        self.out()
        self.foreign()
        device.insmod(**{'import': 1})
        self.handover('import', DIR, code=REFUSED, says=('register 4 is not', '--diverged'))
        self.handover('import', DIR, '--diverged', says='the log is diverged')
        self.assertEqual(device.Status().one('health'), 'diverged')

    def test_forged_texts(self):
        """None is believed: not that of a foreign entry, nor that of one of ours as a foreign one's."""
        self.filled()
        self.out()
        device.insmod(**{'import': 1})
        export = Export(DIR)

        def with_text(entry, text):
            head = entry[:12 + 50]
            return (head + (len(text) + 8).to_bytes(4, 'little') + b'LEAA' + len(text).to_bytes(4, 'little')
                    + text)
        bad = export.copy('/tmp/bad')
        bad.tamper(lambda e: e[:2] + [with_text(e[2], b'example.org/app start good')] + e[3:])
        self.handover('import', bad.path, code=REFUSED,
                      says='entry 3 has a digest that is not that of "example.org/app start good"')
        bad = export.copy('/tmp/bad')
        bad.tamper(lambda e: e[:1] + [with_text(e[1], b'aael foreign-extend {"comm":"harmless"}')] + e[2:])
        self.assertIn('3 of them foreign', self.handover('import', bad.path))
        texts = device.read_log().texts()
        self.assertEqual([texts[1], texts[2]], [FOREIGN] * 2)
        self.assertEqual(self.record(texts[5])['foreign'], 3)

    def test_a_log_of_others_alone_is_no_import(self):
        """It is not enabled, and has an entry; the export is still the only copy of ours."""
        self.filled()
        self.out()
        device.insmod()
        self.foreign()
        device.wait_for(lambda: device.count() == 1)
        self.handover('upgrade', device.MODULE, '--dir', DIR, code=REFUSED,
                      says='the log is not enabled, but has entries of others')
        self.assertEqual(device.Status().one('state'), 'disabled')
        self.assertEqual(Export(DIR).facts['count'], 5)
        device.run('aaelctl', 'enable')

    def test_upgrade(self):
        self.filled()
        module, version = handover.next_module()
        self.assertIn('2 of them foreign', self.handover('upgrade', module))
        self.assertEqual(handover.version(), version)
        self.append(1, 'third')
        self.assertEqual(self.explained().texts()[-1], b'example.org/app third number 0')
