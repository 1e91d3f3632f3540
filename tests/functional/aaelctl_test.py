# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12 tpm=crb banks=sha256+sha384
# vm-timeout: 300
"""aaelctl against the kernel: what each verb prints, its exit codes, and what it says on stderr.

The classes run in the order of their names, since the log only goes one way; the tests of a
class are independent of each other.
"""
import hashlib
import json
import os
import signal
import subprocess
import unittest

import aael
import device
import vm

RESERVED = 'github.com/confidential-containers'
GROUP = 901
USER = {'user': 1000, 'group': 1000, 'extra_groups': []}
MEMBER = {**USER, 'extra_groups': [GROUP]}
REFUSED, USAGE, UNREADABLE = 1, 2, 3


class Case(unittest.TestCase):
    def ctl(self, *words, code=0, says='', **more):
        """stdout of a call that ends with that code and says just that on stderr."""
        if isinstance(more.get('input'), str):
            more['input'] = more['input'].encode()
        done = subprocess.run(['aaelctl', *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, **more)
        said = done.stderr.decode()
        self.assertEqual((done.returncode, said), (code, says and f'aaelctl {words[0]}: {says}\n'), words)
        return done.stdout

    def refused(self, says, *words, code=REFUSED, **more):
        """Nothing on stdout and nothing logged"""
        count = device.count()
        self.assertEqual(self.ctl(*words, code=code, says=says, **more), b'')
        self.assertEqual(device.count(), count)


class Absent(Case):
    """Without the module"""

    def test_every_verb_says_what_is_missing(self):
        for words in (['status'], ['status', '--json'], ['append', 'a', 'b', 'c'], ['log'], ['log', '--own', '--format', 'json'],
                      ['verify'], ['verify', '--register', 'sha256:14=' + '00' * 32], ['report']):
            self.assertEqual(self.ctl(*words, code=UNREADABLE, says='/dev/aael does not exist: is the '
                                      'module aael loaded?'), b'')
        self.assertEqual(self.ctl('enable', code=UNREADABLE, says='the kernel has no netlink family aael; '
                                  'is the module loaded?'), b'')

    def test_usage_comes_first(self):
        for words in ([], ['nonsense'], ['status', 'x'], ['enable', 'x'], ['enable', '--index', 'x'],
                      ['append', 'a', 'b'], ['append', 'a', 'b', 'c', 'd'],
                      ['append', '--index', '-1', 'a', 'b', 'c'], ['log', '--format', 'xml'], ['log', '-f', 'tcg2', '-n', '1'],
                      ['log', 'x'], ['verify', 'x'], ['report', 'x'], ['verify', '--rule', 'x'],
                      ['verify', '--register', 'sha256:24=' + '00' * 32],
                      ['verify', '--register', 'sha256:14=' + '00' * 31],
                      ['verify', '--register', 'md5:14=' + '00' * 16],
                      ['verify', '--index', '9', '--register', 'sha256:14=' + '00' * 32]):
            done = subprocess.run(['aaelctl', *words], capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (USAGE, b''), words)
            self.assertTrue(done.stderr, words)


class Disabled(Case):
    @classmethod
    def setUpClass(cls):
        device.insmod()

    def test_status_as_json_says_so(self):
        shown = json.loads(self.ctl('status', '--json'))
        self.assertEqual((shown['state'], shown['register'], shown['count']), ('disabled', None, 0))

    def test_status_says_so(self):
        out = self.ctl('status').decode()
        self.assertEqual(out, device.text_file('status'))
        self.assertIn('state: disabled\n', out)

    def test_nothing_is_appended_or_verified(self):
        self.refused('the log is not enabled (aaelctl enable) (ENOTCONN)', 'append', 'a', 'b', 'c')
        self.refused('/dev/aael: the log is not enabled (aaelctl enable)', 'verify', code=UNREADABLE)
        self.assertEqual(self.ctl('log', '--own'), b'')

    def test_report_has_no_register_to_compare_with(self):
        page = self.ctl('report', code=UNREADABLE, says='/dev/aael: the log is not enabled (aaelctl enable)').decode()
        self.assertIn('NOT VERIFIED: NOTHING TO COMPARE WITH</strong>', page)

    def test_refused_index_stays_disabled(self):
        for index, why in (('5', 'PCRs 0 to 7 belong to the firmware'),
                           ('8', 'PCR 8 is kept for the binding of Init-Data'),
                           ('23', 'PCR 23 is for applications: locality 0 can reset it (allow_resettable=1 '
                            'overrides)')):
            self.refused(why + ' (EINVAL)', 'enable', '--index', index)
        self.refused('needs CAP_SYS_ADMIN in the initial user namespace (EPERM)', 'enable', **USER)
        self.assertEqual(device.Status().one('state'), 'disabled')


class Enabled(Case):
    @classmethod
    def setUpClass(cls):
        if not device.loaded():
            device.insmod()
        os.chown(device.PATH, 0, GROUP)
        os.chmod(device.PATH, 0o660)
        device.run('aaelctl', 'enable')

    def setUp(self):
        self.assertEqual(device.Status().one('health'), 'consistent')

    def settled(self):
        """Nothing is unconfirmed any more, so that the status stays as it is."""
        with device.Device() as dev:
            dev.snapshot()

    def test_enable_again(self):
        for words in ([], ['--index', '17'], ['-i', '17']):
            self.assertEqual(self.ctl('enable', *words), b'')
            self.assertEqual(self.ctl('enable', *words, **USER), b'')
        self.refused('the log is enabled with another index (EBUSY)', 'enable', '--index', '18')
        self.refused('the log is enabled with another index (EBUSY)', 'enable', '--index', '14')
        self.assertEqual(device.Status().one('index'), '17')

    def test_status_is_the_file(self):
        self.settled()
        self.assertEqual(self.ctl('status').decode(), device.text_file('status'))

    def test_status_of_a_group_member_is_info(self):
        lines = self.ctl('status', **MEMBER).decode().splitlines()
        with device.Device() as dev:
            info = dev.info()
        for line in ('version: 1', 'state: enabled', 'health: consistent', 'platform: tpm', 'provider: tpm',
                     'bank: sha256', 'bank: sha384', 'boot_log: yes', 'index: 17', 'register: 14', f'count: {info.count}',
                     f'bytes: {info.bytes}', f'own_bytes: {info.bytes - info.own_offset}',
                     f'max_log_bytes: {info.max_log_bytes}', f'headroom_bytes: {info.headroom_bytes}',
                     'violations: 0'):
            self.assertIn(line, lines)
        self.assertEqual(len(lines), 16)
        self.refused('/dev/aael: Permission denied', 'status', code=UNREADABLE, **USER)

    def test_status_as_json(self):
        self.settled()
        shown = json.loads(self.ctl('status', '--json'))
        status = device.Status()
        self.assertEqual(shown['details'], dict(status))
        with device.Device() as dev:
            info = dev.info()
        known = {'version': 1, 'state': 'enabled', 'health': 'consistent', 'platform': 'tpm', 'provider': 'tpm',
                 'protected': True, 'banks': ['sha256', 'sha384'], 'boot_log': True, 'index': 17, 'register': 14,
                 'resettable': False, 'count': info.count, 'bytes': info.bytes,
                 'own_bytes': info.bytes - info.own_offset, 'max_log_bytes': info.max_log_bytes,
                 'headroom_bytes': info.headroom_bytes, 'violations': 0, 'pending': None}
        self.assertEqual({**shown, 'details': None}, {**known, 'details': None})
        self.assertEqual(json.loads(self.ctl('status', '-j', **MEMBER)), {**known, 'details': None})
        self.refused('/dev/aael: Permission denied', 'status', '-j', code=UNREADABLE, **USER)

    def test_append_prints_sequence_and_register(self):
        count = device.count()
        self.assertEqual(self.ctl('append', 'ctl', 'op', 'ä content'), b'%d 14\n' % (count + 1))
        self.assertEqual(self.ctl('append', '--index', '11', 'ctl', 'op', 'eleven'), b'%d 11\n' % (count + 2))
        self.assertEqual(self.ctl('append', RESERVED, 'op', 'root may'), b'%d 14\n' % (count + 3))
        self.assertEqual(self.ctl('append', 'ctl', 'op', '-', input='typed\n'), b'%d 14\n' % (count + 4))
        self.assertEqual(self.ctl('append', 'ctl', 'op', 'member', **MEMBER),
                         b'%d 14\n' % (count + 5))
        self.assertEqual(device.read_log().texts()[count:],
                         ['ctl op ä content'.encode(), b'ctl op eleven', RESERVED.encode() + b' op root may',
                          b'ctl op typed', b'ctl op member'])

    def test_append_without_privilege(self):
        self.refused('the domain is reserved for CAP_SYS_ADMIN (EACCES)',
                     'append', RESERVED, 'b', 'c', **MEMBER)
        self.refused('the register index is reserved for CAP_SYS_ADMIN (EPERM)',
                     'append', '--index', '9', 'a', 'b', 'c', **MEMBER)
        self.refused('/dev/aael: Permission denied', 'append', 'a', 'b', 'c', code=UNREADABLE, **USER)

    def test_append_of_what_is_invalid(self):
        word = 'holds a byte that is not printable ASCII, or a space (EINVAL)'
        for fields, says in ((('a b', 'b', 'c'), 'domain ' + word), (('a', 'ä', 'c'), 'operation ' + word),
                             (('', 'b', 'c'), 'domain is empty (EINVAL)'),
                             (('a', '', 'c'), 'operation is empty (EINVAL)'),
                             (('a', 'b', ''), 'content is empty (EINVAL)'),
                             (('a' * 256, 'b', 'c'), 'domain is too long (E2BIG)'),
                             (('a', 'b' * 256, 'c'), 'operation is too long (E2BIG)'),
                             (('a', 'b', 'c' * 65536), 'content is too long (E2BIG)'),
                             (('a', 'b', 'c\nd'), 'content holds a control character (EINVAL)'),
                             (('a', 'b', b'\xff'), 'content is not well-formed UTF-8 (EILSEQ)')):
            self.refused(says, 'append', *fields)
        self.refused('content is empty (EINVAL)', 'append', 'a', 'b', '-', input='\n')
        for index in ('5', '16', '24'):
            self.refused(f'index {index} does not exist, or is refused to everybody (EINVAL)',
                         'append', '--index', index, 'a', 'b', 'c')

    def test_log_in_every_format_is_the_same_log(self):
        self.ctl('append', 'ctl', 'json', '{"a": [1, "ä"]}')
        log = device.read_log()
        with device.Device() as dev:
            stream = dev.stream()
        binary = self.ctl('log', '--format', 'tcg2')
        self.assertEqual(binary, stream)
        with open(device.FILES + 'events', 'rb') as file:
            self.assertEqual(self.ctl('log', '--format', 'tcg2', '--own'), file.read())

        text = self.ctl('log', '--own').decode()
        self.assertEqual(text, device.text_file('ascii_runtime_measurements'))
        self.assertEqual(self.ctl('log', '--format', 'text', '--own').decode(), text)
        self.assertEqual(self.ctl('log').decode().splitlines()[-len(log.ours):], text.splitlines())

        shown = json.loads(self.ctl('log', '--format', 'json', '--own'))['uefi_event_logs']
        self.assertEqual(len(shown), len(log.ours))
        names = {'SHA-256': 0xb, 'SHA-384': 0xc}
        for entry, item in zip(log.ours, shown):
            self.assertEqual((item['index'], item['type_name'], item['digest_matches_event']),
                             (entry.register, 'EV_EVENT_TAG', True))
            self.assertEqual(item['details']['string'].encode(), aael.text(entry))
            self.assertEqual({names[d['alg']]: bytes.fromhex(d['digest']) for d in item['digests']},
                             entry.digests)
        self.assertEqual(shown[-1]['details']['data']['content'], {'a': [1, 'ä']})
        whole = json.loads(self.ctl('log', '--format', 'json'))['uefi_event_logs']
        self.assertEqual((len(whole), whole[-len(shown):]), (len(log.entries), shown))

    def test_lines_of_json_are_the_elements_with_numbers(self):
        self.ctl('append', 'ctl', 'op', 'numbered')
        whole = json.loads(self.ctl('log', '--format', 'json'))['uefi_event_logs']
        number = 0
        lines = self.ctl('log', '--format', 'jsonl').decode().splitlines()
        for line, item in zip(lines, whole, strict=True):
            ours = item['details'].get('unicode_name') == 'AAEL'
            number += ours
            self.assertEqual(json.loads(line), {'sequence': number if ours else None, **item})
        self.assertEqual(number, device.count())

    def test_filters(self):
        for word in ('one', 'two', 'three'):
            self.ctl('append', 'ctl.filter', word, 'x')
            self.ctl('append', 'ctl.other', word, 'x')
        whole = device.text_file('ascii_runtime_measurements').splitlines(True)
        def log(*words):
            return self.ctl('log', *words).decode()
        picked = [line for line in whole if ' ctl.filter ' in line]
        self.assertEqual(log('--domain', 'ctl.filter'), ''.join(picked))
        self.assertEqual(log('-d', 'ctl.filter', '--last', '2'), ''.join(picked[-2:]))
        self.assertEqual(log('--since', str(len(whole) - 1)), ''.join(whole[-2:]))
        self.assertEqual(log('--last', '3'), ''.join(whole[-3:]))
        self.assertEqual(json.loads(log('-n', '1', '-f', 'jsonl'))['sequence'], len(whole))

    def follow(self, *words, **more):
        """aaelctl log --follow, which is ended when the test is."""
        process = subprocess.Popen(['aaelctl', 'log', '--follow', *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **more)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def ended(self, process):
        """What it printed until it ended by itself, well."""
        out, said = process.communicate(timeout=20)
        self.assertEqual((process.returncode, said), (0, ''))
        return out

    def test_follow_shows_what_is_there_and_what_comes(self):
        self.ctl('append', 'ctl.follow', 'op', 'before')
        for number in (signal.SIGINT, signal.SIGTERM):
            count = device.count()
            process = self.follow('--last', '1')
            self.assertTrue(process.stdout.readline().startswith(f'{count} 14 '))
            for word in ('one', 'two'):
                self.ctl('append', 'ctl.follow', 'op', word)
                count += 1
                line = process.stdout.readline()
                self.assertEqual(line, device.text_file('ascii_runtime_measurements').splitlines(True)[-1])
                self.assertTrue(line.startswith(f'{count} 14 ') and line.endswith(f' {word}\n'), line)
            process.send_signal(number)
            self.assertEqual(self.ended(process), '')

    def test_follow_shows_what_passes_in_its_form(self):
        process = self.follow('--domain', 'ctl.passes', '--format', 'jsonl', '--last', '0')
        device.wait_for(lambda: device.waits_in(device.SYS_PPOLL, process.pid))
        for domain, content in (('ctl.passes', '1'), ('ctl.other', '2'), ('ctl.passes', '3')):
            self.ctl('append', domain, 'op', content)
        shown = [json.loads(process.stdout.readline()) for _ in range(2)]
        self.assertEqual([item['details']['string'] for item in shown], ['ctl.passes op 1', 'ctl.passes op 3'])
        self.assertEqual([item['sequence'] for item in shown], [device.count() - 2, device.count()])
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process), '')

    def test_follow_of_everything_begins_with_the_whole_log(self):
        whole = self.ctl('log').decode()
        process = self.follow()
        self.assertEqual(''.join(process.stdout.readline() for _ in whole.splitlines()), whole)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process), '')

    def test_follow_ends_when_nobody_reads(self):
        process = self.follow('--last', '0')
        device.wait_for(lambda: device.waits_in(device.SYS_PPOLL, process.pid))
        process.stdout.close()
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(process.stderr.read(), '')

    def test_saved_log_is_shown_as_the_live_one(self):
        self.ctl('append', 'ctl', 'op', 'to be saved')
        saved = self.ctl('log', '--format', 'tcg2')
        with open('/tmp/saved', 'wb') as file:
            file.write(saved)
        for name, *own in (('text',), ('text', '--own'), ('json', '--own'), ('jsonl',), ('yaml', '--own'),
                           ('tcg2',), ('tcg2', '--own')):
            live = self.ctl('log', '--format', name, *own)
            self.assertEqual(self.ctl('log', '--format', name, '--log', '/tmp/saved', *own), live)
            self.assertEqual(self.ctl('log', '-f', name, '-l', '-', *own, input=saved), live)

    def test_broken_log_is_unreadable(self):
        with open('/tmp/cut', 'wb') as file:
            file.write(self.ctl('log', '--format', 'tcg2')[:-1])
        for words in (['log'], ['log', '--format', 'json'], ['verify']):
            done = subprocess.run(['aaelctl', *words, '--log', '/tmp/cut'], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, UNREADABLE, words)
            self.assertRegex(done.stderr, rf'aaelctl {words[0]}: the log is malformed at byte \d+: .+\n')
        self.assertEqual(self.ctl('log', '--log', '/nowhere', code=UNREADABLE,
                                  says='/nowhere: No such file or directory'), b'')

    def compared(self, pcr=14):
        """What verify prints when all is well, and its options for the values of that PCR."""
        text, options = '', []
        for alg, value in sorted(device.pcr_values(pcr, vm.BANKS).items()):
            name = aael.ALGS[alg][0]
            text += f'{name}:{pcr}: match\n  register: {value.hex()}\n  replayed: {value.hex()}\n'
            options += ['--register', f'{name}:{pcr}={value.hex()}']
        return text.encode(), options

    def test_verify_of_the_live_register(self):
        self.ctl('append', 'ctl', 'op', 'to be verified')
        self.ctl('append', '--index', '11', 'ctl', 'op', 'eleven')
        self.assertEqual(self.ctl('verify'), self.compared()[0])
        self.assertEqual(self.ctl('verify', '--index', '17'), self.compared()[0])
        self.assertEqual(self.ctl('verify', '--index', '11'), self.compared(11)[0])
        self.assertEqual(self.ctl('verify', '--rule', 'trustee'), self.compared()[0])
        self.refused('/dev/aael: a field is missing or holds a byte that is not allowed, or there is no such '
                     'index for anybody', 'verify', '--index', '5', code=UNREADABLE)

    def test_report_of_the_live_log(self):
        self.ctl('append', 'ctl', 'op', '<b>to be reported</b>')
        page = self.ctl('report').decode()
        self.assertIn('✔ VERIFIED</strong>', page)
        self.assertIn('<td>ctl</td><td>op</td><td>&lt;b&gt;to be reported&lt;/b&gt;</td>', page)
        self.assertIn(self.compared()[0].decode(), page)
        page = self.ctl('report', '--register', 'sha256:14=' + '00' * 32, code=REFUSED).decode()
        self.assertIn('✘ NOT VERIFIED: IT DOES NOT FIT</strong>', page)

    def test_verify_of_given_values(self):
        self.ctl('append', 'ctl', 'op', 'to be given')
        for pcr in (0, 14):
            text, options = self.compared(pcr)
            self.assertEqual(self.ctl('verify', *options), text)
            self.assertEqual(self.ctl('verify', options[0], options[1].upper().replace('SHA', 'sha')),
                             text.splitlines(True)[0] + b''.join(text.splitlines(True)[1:3]))
        self.assertEqual(self.ctl('verify', *options, '--log', device.FILES + 'binary_runtime_measurements'),
                         text)
        out = self.ctl('verify', '--register', 'sha256:14=' + '00' * 32, *options, code=REFUSED).decode()
        self.assertIn('sha256:14: mismatch\n  register: ' + '00' * 32, out)
        self.assertTrue(out.endswith(text.decode()))

    def test_verify_of_a_saved_log(self):
        self.ctl('append', 'ctl', 'op', 'saved')
        with open('/tmp/saved', 'wb') as file:
            file.write(self.ctl('log', '--format', 'tcg2'))
        text, options = self.compared()
        self.assertEqual(self.ctl('verify', '--log', '/tmp/saved'), text)
        self.ctl('append', 'ctl', 'op', 'not saved')
        self.assertEqual(self.ctl('verify', '--log', '/tmp/saved', *options), text)
        out = self.ctl('verify', '--log', '/tmp/saved', code=REFUSED).decode()
        self.assertIn('sha256:14: mismatch\n', out)
        self.assertIn(f'\nentry {device.count()} is missing at the end, compared with the live log\n', out)
        self.assertIn(' ctl op not saved\n', out)

    def test_what_was_done_to_a_saved_log_is_named(self):
        for n in range(1, 5):
            self.ctl('append', 'ctl', 'op', f'event {n}')
        saved, count = self.ctl('log', '--format', 'tcg2'), device.count()
        last = aael.parse(saved).ours[-4:]
        parts = [saved[e.offset:e.offset + e.size] for e in last]
        altered = parts[1][:-1] + b'x'

        def verify(*words):
            with open('/tmp/done', 'wb') as file:
                file.write(saved[:last[0].offset] + b''.join(words))
            done = subprocess.run(['aaelctl', 'verify', '--log', '/tmp/done'], capture_output=True, text=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (REFUSED if words != tuple(parts) else 0, ''))
            return done.stdout

        there = ', compared with the live log\n'
        self.assertNotIn('entry', verify(*parts))
        out = verify(parts[0], altered, *parts[2:])
        self.assertIn(f'\nentry {count - 2}: a digest is not that of its event\n', out)
        self.assertIn(f'\nentry {count - 2} is altered (event)' + there, out)
        self.assertIn(f'\nentry {count - 2} is missing' + there, verify(parts[0], *parts[2:]))
        self.assertIn(f'\nentry {count - 2} and entry {count - 1} are swapped' + there,
                      verify(parts[0], parts[2], parts[1], parts[3]))
        self.assertIn(f'\nentry {count + 1} is extra at the end' + there, verify(*parts, parts[0]))


class Foreign(Case):
    """Runs last: a divergence does not go away."""

    def test_verify_after_a_foreign_extend(self):
        device.run('aaelctl', 'append', 'ctl', 'op', 'before')
        device.pcr_extend(14, 'sha256', hashlib.sha256(b'foreign').digest())
        out = self.ctl('verify', code=REFUSED, says='the kernel says of register 14: diverged').decode()
        self.assertEqual([line for line in out.splitlines() if not line.startswith(' ')],
                         ['sha256:14: mismatch', 'sha384:14: match'])
        live = device.pcr_values(14, vm.BANKS)[0xb].hex()
        self.assertIn(f'  register: {live}\n', out)
        self.assertIn('health: diverged\n', self.ctl('status').decode())
        self.assertEqual(self.ctl('verify', '--register', f'sha256:14={live}', code=REFUSED).decode(),
                         ''.join(out.splitlines(True)[:3]))
