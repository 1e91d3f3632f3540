# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12
# vm-timeout: 300
"""The steps of a hand-over: a sealed log can be opened again, and whatever is not the log that the
registers vouch for is not taken over."""
import contextlib
import errno
import hashlib
import os
import stat

import aael
import device
import handover
import netlink
import rest
from handover import Export, REFUSED, UNREADABLE

SHA256 = 0xb


class Seal(handover.Anew):
    def test_a_sealed_log_is_read_and_nothing_appended(self):
        self.append(2)
        out = self.handover('export', '/tmp/sealed', '--force')
        self.assertIn('2 entries', out)
        self.assertIn('back: aaelctl handover unseal\n', out)
        self.assertEqual(device.Status().one('state'), 'sealed')
        with device.Device() as dev:
            for call in (lambda: dev.write('a b c\n'), lambda: dev.extend('a', 'b', 'c')):
                with self.assertRaises(OSError) as caught:
                    call()
                self.assertEqual(caught.exception.errno, errno.ESHUTDOWN)
            self.assertEqual(dev.snapshot().count, 2)
            self.assertEqual(dev.verify().match, 1)
            self.assertEqual(dev.stream(), Export('/tmp/sealed').log)
        self.ctl('append', 'a', 'b', 'c', code=REFUSED, says='the log is sealed (ESHUTDOWN)')
        self.ctl('enable', code=REFUSED, says='ESHUTDOWN')
        self.check(self.expected(2))
        self.assertNotEqual(device.rmmod(check=False)[0], 0)
        self.handover('unseal')
        self.handover('unseal')
        self.untouched(2)
        self.check(self.expected(2) + self.expected(1, 'goes on'))

    def test_the_export_is_whole_and_only_for_root(self):
        self.append(3)
        self.handover('export', '/tmp/whole')
        export = Export('/tmp/whole')
        modes = {name: stat.S_IMODE(os.stat('/tmp/whole/' + name).st_mode)
                 for name in ('.', *os.listdir('/tmp/whole'))}
        self.assertEqual(modes, {'.': 0o700, 'log.tcg2': 0o600, 'handover.json': 0o600})
        own = b''.join(export.entries())
        facts = export.facts
        self.assertEqual((facts['format'], facts['index'], facts['count']), (1, 17, 3))
        self.assertEqual(facts['bytes'], len(export.log))
        self.assertEqual(facts['sha256'], hashlib.sha256(own).hexdigest())
        self.assertEqual(facts['module_version'], handover.version())
        self.assertEqual(facts['reserved_domains'], ['github.com/confidential-containers', 'aael'])
        self.assertIn('tpm_pcr=16', facts['parameters'].split())
        self.assertNotIn('enable', facts['parameters'])
        with open(device.FILES + 'events', 'rb') as file:
            self.assertEqual(file.read(), own)
        self.handover('export', '/tmp/whole', code=REFUSED, says='has an export already')
        self.handover('unseal')

    def test_a_folder_that_cannot_be_written_seals_nothing(self):
        self.append(1)
        self.handover('export', '/proc/x', code=UNREADABLE, says='/proc/x: ')
        self.untouched(1)

    def test_released_is_what_was_exported(self):
        self.append(2)
        self.handover('export', '/tmp/first', '--force')
        self.handover('unseal')
        self.handover('release', '/tmp/first', code=REFUSED, says='is not sealed')
        self.append(1, 'later')
        self.handover('export', '/tmp/second', '--force')
        self.handover('release', '/tmp/first', code=REFUSED, says='export it again')
        self.assertNotEqual(device.rmmod(check=False)[0], 0)
        self.handover('release', '/tmp/second')
        # There is still a way back.
        self.handover('unseal')
        self.untouched(3)
        self.assertNotEqual(device.rmmod(check=False)[0], 0)

    def test_needs_the_capability(self):
        self.append(1)
        os.chmod(device.PATH, 0o666)
        user = {'user': 1000, 'group': 1000, 'extra_groups': []}
        for words in (('export', '/tmp/users'), ('unseal',)):
            self.handover(*words, code=REFUSED, says='needs CAP_SYS_ADMIN in the initial user namespace (EPERM)',
                          **user)
        self.untouched(1)

    def test_not_enabled_is_nothing_to_hand_over(self):
        self.drop()
        self.load()
        self.handover('export', '/tmp/nothing', code=REFUSED, says='the log is not enabled')
        module, version = handover.next_module()
        self.assertIn('no log to hand over', self.handover('upgrade', module))
        self.assertEqual(handover.version(), version)
        self.assertEqual(handover.parameters()['tpm_pcr'], '16')


class Import(handover.Anew):
    def test_by_hand(self):
        self.exported()
        self.wait_for_log()
        out = self.handover('import', '/tmp/export', '--remove')
        self.assertEqual(out, 'imported: 5 entries, 0 of them foreign; recorded as entry 6\n')
        self.assertFalse(os.path.exists('/tmp/export'))
        texts = device.read_log().texts()
        self.assertEqual(texts[:5], self.expected(5))
        self.assertEqual(self.record(texts[5])['entries'], 5)
        self.check(texts)

    def test_what_is_not_that_log_is_refused(self):
        export = self.exported()
        self.wait_for_log()
        event = aael.encode_entry(16, [SHA256], 'example.org/app', 'forged', 'x')

        def altered(entries):
            return entries[:2] + [entries[2].replace(b'number 2', b'number 7')] + entries[3:]

        def posing(entries):
            # The digest of the third with the text that foreign ones have.
            text = b'LEAA' + len(handover.FOREIGN).to_bytes(4, 'little') + handover.FOREIGN
            head = entries[2][:12 + 34]
            return entries[:2] + [head + len(text).to_bytes(4, 'little') + text] + entries[3:]
        for change, says in (
                (altered, 'entry 3 has a digest that is not that of "example.org/app event number 7" (EBADMSG)'),
                (posing, 'entry 3 has a digest that is not that of "aael foreign-extend'),
                (lambda e: e[:1] + e[2:], 'register 16 is not what the log replays to'),
                (lambda e: [e[1], e[0], *e[2:]], 'register 16 is not what the log replays to'),
                (lambda e: e + [event], 'register 16 is not what the log replays to'),
                (lambda e: e[:4], 'register 16 is not what the log replays to'),
                (lambda e: [], 'register 16 is not what the log replays to')):
            bad = export.copy('/tmp/bad')
            bad.tamper(change)
            with self.subTest(says=says):
                self.handover('import', bad.path, code=REFUSED, says=says)
                self.assertEqual(device.Status().one('state'), 'disabled')
                self.assertEqual(device.count(), 0)
        # What the kernel need not be asked about.
        bad = export.copy('/tmp/bad')
        bad.write(export.log.replace(b'number 2', b'number 7'))
        self.handover('import', bad.path, code=REFUSED, says='entry 3: a digest is not that of its event')
        bad = export.copy('/tmp/bad')
        bad.write(export.log[:-1])
        self.handover('import', bad.path, code=REFUSED, says='bytes and not')
        bad = export.copy('/tmp/bad')
        bad.write(export.log, sha256='0' * 64)
        self.handover('import', bad.path, code=REFUSED, says='another SHA-256')
        self.assertEqual(device.count(), 0)
        self.handover('import', export.path)
        self.assertEqual(device.read_log().texts()[:5], self.expected(5))
        self.handover('import', export.path, code=REFUSED, says='the log is enabled, or has entries')

    def test_an_extend_between_makes_it_diverge(self):
        self.exported()
        device.pcr_extend(16, 'sha256', hashlib.sha256(b'somebody').digest())
        self.wait_for_log()
        self.handover('import', '/tmp/export', code=REFUSED, says=('register 16 is not', '--diverged'))
        self.assertEqual(device.count(), 0)
        self.handover('import', '/tmp/export', '--diverged', says='the log is diverged')
        self.assertEqual(device.Status().one('health'), 'diverged')
        self.assertEqual(device.read_log().texts()[:5], self.expected(5))
        self.append(1)
        self.assertEqual(device.count(), 7)
        self.assertEqual(handover.ctl('verify')[0], 1)
        self.assertEqual(aael.mismatched(device.read_log()), [])

    def test_limit_and_reservations_come_along(self):
        with netlink.Family() as family:
            family.set_limits(4 << 20)
            family.reserve('example.org/secret')
        self.exported()
        self.wait_for_log()
        self.handover('import', '/tmp/export')
        status = device.Status()
        self.assertEqual(status.one('max_log_bytes'), str(4 << 20))
        self.assertIn('example.org/secret', status['reserved_domain'])

    def test_a_full_log_is_taken(self):
        self.drop()
        self.parameters = {**self.parameters, 'max_log_bytes': 131072}
        self.load(enable=1)
        with device.Device() as dev:
            with contextlib.suppress(OSError):
                for size in (60000, 60000, 5000, *[900] * 10, *[10] * 100):
                    dev.extend('a', 'fill', 'x' * size)
            count = dev.info().count
        self.exported(0)
        self.wait_for_log()
        self.handover('import', '/tmp/export')
        self.assertEqual(device.count(), count + 1)

    def test_needs_the_capability(self):
        self.exported()
        self.wait_for_log()
        os.chmod(device.PATH, 0o666)
        device.run('chmod', '-R', 'a+rX', '/tmp/export')
        self.handover('import', '/tmp/export', code=REFUSED, says='(EPERM)', user=1000, group=1000,
                      extra_groups=[])
        self.assertEqual(device.count(), 0)


class Daemon(handover.Anew):
    def test_a_sealed_log_is_503(self):
        with rest.Daemon() as daemon:
            self.assertEqual(daemon.post({'domain': 'a', 'operation': 'b', 'content': 'c'}).status, 200)
            self.handover('export', '/tmp/sealed', '--force')
            answer = daemon.post({'domain': 'a', 'operation': 'b', 'content': 'c'})
            self.assertEqual(answer.status, 503, answer)
            self.handover('unseal')
            self.assertEqual(daemon.post({'domain': 'a', 'operation': 'b', 'content': 'c'}).status, 200)
