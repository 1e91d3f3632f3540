# SPDX-License-Identifier: Apache-2.0
"""Handing the log over, as an administrator does it: by aaelctl, insmod and rmmod.

    with Export('/tmp/x') as export: export.tamper(lambda entries: entries[1:]); …
"""
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import aael
import device

REFUSED, USAGE, UNREADABLE = 1, 2, 3
RECORD = b'aael handover '
FOREIGN = b'aael foreign-extend {"imported":true}'
PARAMETERS = '/sys/module/aael/parameters/'


def ctl(*words, **more):
    """(exit code, stdout, stderr)"""
    done = subprocess.run(['aaelctl', *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          text=True, errors='replace', **more)
    return done.returncode, done.stdout, done.stderr


def patched(path, *changes, source=device.MODULE):
    """A copy of the module with bytes replaced by as many others, (old, new)."""
    with open(source, 'rb') as file:
        data = file.read()
    for old, new in changes:
        assert len(old) == len(new) and old in data, (old, new)
        data = data.replace(old, new)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data)
    return path


def version():
    with open('/sys/module/aael/version', encoding='ascii') as file:
        return file.read().strip()


def parameters():
    found = {}
    for name in os.listdir(PARAMETERS):
        with open(PARAMETERS + name, encoding='ascii') as file:
            found[name] = file.read().strip()
    return found


def next_module(path='/tmp/next/aael.ko'):
    """(the module with another version and other sources, as far as one can tell; that version)"""
    now = device.run('modinfo', '-F', 'version', device.MODULE).strip()
    other = now[:-1] + ('1' if now[-1] != '1' else '2')
    source = device.run('modinfo', '-F', 'srcversion', device.MODULE).strip()
    changes = [(b'\0version=' + now.encode() + b'\0', b'\0version=' + other.encode() + b'\0')]
    if source:
        changes.append((b'srcversion=' + source.encode(), b'srcversion=' + source[::-1].encode()))
    return patched(path, *changes), other


class Export:
    """A folder as `aaelctl handover export` makes it, and what somebody makes of it."""

    def __init__(self, path):
        self.path = path

    @property
    def log(self):
        with open(self.path + '/log.tcg2', 'rb') as file:
            return file.read()

    @property
    def facts(self):
        with open(self.path + '/handover.json', encoding='utf-8') as file:
            return json.load(file)

    def entries(self):
        """The bytes of each of our entries."""
        log, offset = self.log, self.facts['own_offset']
        return [log[e.offset:e.offset + e.size] for e in aael.parse(log).entries if e.offset >= offset]

    def copy(self, path):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.path, path)
        return Export(path)

    def write(self, log, **facts):
        with open(self.path + '/log.tcg2', 'wb') as file:
            file.write(log)
        facts = {**self.facts, **facts}
        with open(self.path + '/handover.json', 'w', encoding='utf-8') as file:
            json.dump(facts, file)

    def tamper(self, change):
        """Other entries, and a description that fits them."""
        entries = change(self.entries())
        facts, own = self.facts, b''.join(entries)
        log = self.log[:facts['own_offset']] + own
        self.write(log, bytes=len(log), count=len(entries), sha256=hashlib.sha256(own).hexdigest())


class Case(unittest.TestCase):
    def ctl(self, *words, code=0, says=(), **more):
        """stdout of a call of that exit code, with those words on stderr, or nothing there."""
        got, out, err = ctl(*words, **more)
        self.assertEqual(got, code, (words, out, err))
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, err, words)
        if not says:
            self.assertEqual(err, '', words)
        return out

    def handover(self, *words, **more):
        return self.ctl('handover', *words, **more)

    def drop(self, path='/tmp/dropped'):
        """Without the module, whatever the log is in."""
        if not device.loaded():
            return None
        if device.rmmod(check=False)[0]:
            # A diverged one is warned of.
            self.assertEqual(ctl('handover', 'export', path, '--force')[0], 0)
            self.handover('release', path)
            device.rmmod()
        return Export(path)

    def append(self, count, what='event'):
        with device.Device(os.O_WRONLY) as dev:
            for i in range(count):
                dev.write(f'example.org/app {what} number {i}\n')

    def expected(self, count, what='event'):
        return [b'example.org/app %s number %d' % (what.encode(), i) for i in range(count)]

    def replays(self, register, values):
        """The log is what those values say, {alg: bytes}, and no entry is wrong."""
        log = device.read_log()
        self.assertEqual(aael.mismatched(log), [])
        for alg, _ in log.algs:
            self.assertEqual(aael.replay(log.entries, register, alg).hex(), values[alg].hex())
        return log

    def record(self, text):
        self.assertTrue(text.startswith(RECORD), text)
        return json.loads(text[len(RECORD):])


class Anew(Case):
    """With a log in PCR 16, which can be reset"""

    parameters = {'tpm_pcr': 16, 'allow_resettable': 1}

    @classmethod
    def setUpClass(cls):
        device.load_tpm_drivers()

    def setUp(self):
        self.addCleanup(self.drop)
        self.load(enable=1)

    def load(self, **more):
        """The module, on a PCR that nobody has extended"""
        self.assertFalse(device.loaded())
        device.run('tpm2_pcrreset', '16')
        self.insmod(**more)

    def insmod(self, **more):
        words = {**self.parameters, **more}
        device.run('insmod', device.MODULE, *(f'{key}={value}' for key, value in words.items()))

    def wait_for_log(self):
        """The next module, that has nothing yet"""
        self.insmod(**{'import': 1})

    def exported(self, count=5):
        """An export of so many events, and no module"""
        self.append(count)
        self.handover('export', '/tmp/export', '--force')
        self.handover('release', '/tmp/export')
        device.rmmod()
        return Export('/tmp/export')

    def check(self, texts):
        """The log has these, and is what the PCR says."""
        self.assertEqual(self.replays(16, device.pcr_values(16, ['sha256'])).texts(), texts)
        self.ctl('verify')

    def untouched(self, count):
        """That module still runs, and takes events."""
        status = device.Status()
        self.assertEqual((status.one('state'), status.one('count')), ('enabled', str(count)))
        self.append(1, 'goes on')
        self.assertEqual(device.count(), count + 1)
