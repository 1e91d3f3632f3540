# SPDX-License-Identifier: Apache-2.0
"""aaelctl report in a browser: verified and tampered logs, searching, hostile texts, no network."""
import base64
import html.parser
import os
import struct
import subprocess
import tempfile
import unittest

import aael
import browser

CTL = os.environ['AAEL_HELPER'] + '/aaelctl/aaelctl'
SHOTS = os.environ['AAEL_HELPER'] + '/../report'
SHA256, REGISTER = 0x0b, 14
EV_IPL = 0x0d
EVIL = '<script>document.title="owned"</script><img/src=x/onerror="document.title=1">\'"&lt;\u202eevil\x1b[31m'
EVENTS = [('example.org/app', 'start', 'version 1.2'), ('example.org/app', 'stop', 'done'),
          ('other.example', 'start', '{"a": "ä"}')]


def header():
    spec = b'Spec ID Event03\0' + struct.pack('<IIIHHB', 0, 0x02000200, 1, SHA256, 32, 0)
    return struct.pack('<II20sI', 0, 3, b'', len(spec)) + spec


def boot_entry(text):
    event = text.encode()
    return struct.pack('<IIIH', 4, EV_IPL, 1, SHA256) + aael.hashed(SHA256, event) + struct.pack('<I', len(event)) + event


def build(events, boot=('kernel /vmlinuz',)):
    return header() + b''.join(map(boot_entry, boot)) + b''.join(
        aael.encode_entry(REGISTER, [SHA256], *event) for event in events)


class Page(html.parser.HTMLParser):
    """Text of each element with an id, what is shown of the two lists of entries, all tags."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.title, self.shown, self.rows = set(), '', '', {'runtime': [], 'boot': [], 'registers': []}
        self.verdict = ''
        self.inside, self.part, self.hidden = [], None, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        if tag in ('meta', 'input', 'img', 'br'):
            return
        self.inside.append((tag, attrs.get('id')))
        if tag == 'h2':
            self.part = attrs.get('id')
        elif tag == 'tr' and self.part in self.rows:
            self.rows[self.part].append([attrs.get('class', ''), 'hidden' not in attrs, ''])

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags, ids = [tag for tag, _ in self.inside], [name for _, name in self.inside]
        if 'title' in tags:
            self.title += data
        if 'verdict' in ids:
            self.verdict += data
        if 'shown' in ids:
            self.shown += data
        if 'tr' in tags and self.part in self.rows:
            self.rows[self.part][-1][2] += data + ' '

    def entries(self, part):
        """What is seen of its rows, without the table's head."""
        return [text for _, seen, text in self.rows[part][1:] if seen]

    def wrong(self, part):
        return [text for kind, _, text in self.rows[part] if kind == 'wrong']


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        os.makedirs(SHOTS, exist_ok=True)

    def report(self, name, log, code, measured=None):
        """The file of a page about a log, whose register is what @measured replays to."""
        path = f'{self.folder}/{name}.html'
        value = aael.replay(aael.parse(measured or log).entries, REGISTER, SHA256).hex()
        done = subprocess.run([CTL, 'report', '--log', '-', '--register', f'sha256:{REGISTER}={value}', '--output', path],
                              input=log, check=False, timeout=60)
        self.assertEqual(done.returncode, code)
        return path

    def test_verified_and_tampered_differ(self):
        log = build(EVENTS)
        good = self.report('verified', log, 0)
        bad = self.report('tampered', log.replace(b'version 1.2', b'version 1.3'), 1, log)
        for path in (good, bad):
            for scheme, flags in (('light', ()), ('dark', ('--force-dark-mode', '--blink-settings=preferredColorScheme=0'))):
                to = f'{SHOTS}/{os.path.basename(path)[:-5]}-{scheme}.png'
                browser.screenshot(path, to, *flags)
                with open(to, 'rb') as file:
                    self.assertEqual(file.read(4), b'\x89PNG')
        good, bad = Page(browser.dom(good)), Page(browser.dom(bad))
        self.assertRegex(good.verdict, r'^\s*✔ VERIFIED ')
        self.assertRegex(bad.verdict, r'^\s*✘ NOT VERIFIED: IT DOES NOT FIT ')
        self.assertTrue(good.title.startswith('VERIFIED ') and bad.title.startswith('NOT VERIFIED'))
        for page in (good, bad):
            self.assertIn('No signature was checked', page.verdict)
        self.assertEqual(good.wrong('runtime') + good.wrong('registers'), [])
        self.assertEqual(len(bad.wrong('runtime')), 1)
        self.assertIn('version 1.3', bad.wrong('runtime')[0])
        self.assertIn('WRONG: a digest is not that of its event', bad.wrong('runtime')[0])
        self.assertIn(f'{REGISTER} sha256', good.entries('registers')[-1])

    def test_boot_and_runtime_are_apart(self):
        page = Page(browser.dom(self.report('apart', build(EVENTS), 0)))
        self.assertEqual(len(page.entries('runtime')), 3)
        self.assertEqual(len(page.entries('boot')), 1)
        self.assertIn('EV_IPL kernel /vmlinuz', page.entries('boot')[0])

    def test_search(self):
        path = self.report('search', build(EVENTS), 0)
        for fragment, count, runtime, boot in (('', 4, 3, 1), ('#q=', 4, 3, 1), ('#q=START', 2, 2, 0), ('#q=vmlinuz', 1, 0, 1),
                                               ('#q=start%20other', 1, 1, 0), ('#q=%C3%A4', 1, 1, 0), ('#q=%', 0, 0, 0),
                                               ('#q=nowhere', 0, 0, 0), ('#runtime', 4, 3, 1)):
            page = Page(browser.dom(path, fragment))
            self.assertEqual((page.shown, len(page.entries('runtime')), len(page.entries('boot'))),
                             (f'{count} of 4 entries shown', runtime, boot), fragment)

    def test_hostile_text_stays_text(self):
        harmless = Page(browser.dom(self.report('harmless', build([('d', 'o', 'c')], ['b']), 0)))
        log = build([(EVIL, EVIL, EVIL)], [EVIL])
        page = Page(browser.dom(self.report('hostile', log, 1)))
        self.assertEqual(page.tags, harmless.tags)
        self.assertTrue(page.title.startswith('NOT VERIFIED'))
        for text in (page.entries('runtime')[0], page.entries('boot')[0]):
            self.assertIn('<script>document.title="owned"</script><img/src=x/onerror="document.title=1">\'"&lt;'
                          '⟨U+202E⟩evil\\x1b[31m', text)

    def test_network(self):
        """None is used, nor would be if markup got into the page."""
        with browser.Listener() as listener:
            tags = (f'<img src="{listener.address}img"><script src="{listener.address}script"></script>'
                    f'<link rel="stylesheet" href="{listener.address}style">'
                    f'<script>document.title = "owned"; new Image().src = "{listener.address}inline"</script>'
                    f'<iframe src="{listener.address}frame"></iframe>')
            path = self.report('network', build([('d', 'o', tags.replace(' ', '/'))]), 0)
            self.assertEqual(browser.asked(path), set())
            with open(path, encoding='utf-8') as file:
                text = file.read()
            injected = f'{self.folder}/injected.html'
            with open(injected, 'w', encoding='utf-8') as file:
                file.write(text.replace('<main>', '<main>' + tags))
            self.assertTrue(Page(browser.dom(injected)).title.startswith('VERIFIED'))
            self.assertEqual(listener.seen, [])
            # So these would have been seen.
            with open(injected, 'w', encoding='utf-8') as file:
                file.write('<!DOCTYPE html><title>VERIFIED</title>' + tags)
            self.assertEqual(Page(browser.dom(injected)).title, 'owned')
            self.assertTrue({'/img', '/script', '/style', '/frame'} <= set(listener.seen), listener.seen)
            self.assertIn(listener.address + 'img', browser.asked(injected))

    def test_evidence(self):
        """A page of what a verifier is given: all four registers of a TDX quote."""
        quote = bytearray(1024)
        quote[0], quote[4] = 4, 0x81
        path, page = f'{self.folder}/evidence', f'{self.folder}/evidence.html'
        with open(path, 'w', encoding='ascii') as file:
            file.write('{"cc_eventlog":null,"quote":"%s"}' % base64.b64encode(quote).decode())
        subprocess.run([CTL, 'report', '--evidence', path, '--output', page], check=True, timeout=60)
        page = Page(browser.dom(page))
        self.assertEqual(len(page.entries('registers')), 4)
        self.assertTrue(all('match' in row for row in page.entries('registers')))


if __name__ == '__main__':
    unittest.main()
