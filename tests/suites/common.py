# SPDX-License-Identifier: Apache-2.0
"""What all suites share: paths, jobs and the counting of lines of test results."""
import os
import re
import subprocess
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('AAEL_BUILD', os.path.join(TOP, 'build'))
VECTORS = os.environ.get('AAEL_VECTORS', '')
VM = os.path.join(TOP, 'tests', 'vm')

RESULT = re.compile(r'^(?P<indent> *)(?P<bad>not )?ok (?:\d+ )?(?:- )?(?P<name>[^#]*?)'
                    r'(?: *# *(?P<skip>SKIP\b:?) *(?P<reason>.*)| *#.*)?$', re.IGNORECASE)


class Outcome:
    """The tests of one job: how many passed, which failed (with details), which were skipped."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.crashes = 0  # of the emulation, after which the guest was booted again

    def add(self, line, indent=''):
        """Counts a line of TAP; only those of that indent. Details follow in # lines."""
        found = RESULT.match(line)
        if found and found['indent'] == indent:
            # cmocka puts a skipped test's name where the reason belongs.
            name = found['name'].strip() or found['reason'] or ''
            if found['bad']:
                self.failed.append((name, []))
            elif found['skip']:
                self.skipped.append((name, found['reason']))
            else:
                self.passed += 1
            self.open = bool(found['bad'])
        elif line.lstrip().startswith('#') and self.failed and getattr(self, 'open', False):
            self.failed[-1][1].append(line)

    def check(self, name, status, output):
        """Counts a command without tests of its own as one test."""
        if status == 0:
            self.passed += 1
        else:
            self.failed.append((name, output.splitlines()[-40:]))


class Job:
    """One entry of the list: a name, the kernels that it needs, and a function of no
    arguments that returns an Outcome. Jobs run in parallel and share nothing."""

    def __init__(self, name, function, kernel=None):
        self.name = name
        self.function = function
        self.kernel = kernel


def command(*words, timeout=1800, **more):
    """Runs a command to its end; returns status and output, both streams joined."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace',
                              timeout=timeout, cwd=TOP, check=False, **more)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b''
        return 124, output.decode(errors='replace') + f'\nnot finished after {timeout} s\n'


_once = {}
_once_lock = threading.Lock()


def once(*words):
    """command(), run a single time however many jobs ask; the others wait for its result."""
    with _once_lock:
        entry = _once.setdefault(words, {'lock': threading.Lock()})
    with entry['lock']:
        if 'result' not in entry:
            entry['result'] = command(*words)
        return entry['result']


def helper():
    return once('make', '-C', 'helper', f'O={BUILD}/helper', '-j2', 'all')


def kmod(kernel):
    return once(os.path.join(VM, 'build-kmod'), kernel)
