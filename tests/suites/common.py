# SPDX-License-Identifier: Apache-2.0
"""What all suites share: paths, jobs and the counting of lines of test results."""
import os
import re
import signal
import subprocess
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('AAEL_BUILD') or os.path.join(TOP, 'build')
VECTORS = os.environ.get('AAEL_VECTORS', '')
VM = os.path.join(TOP, 'tests', 'vm')
# Whoever first needs the debug kernel builds it, and the others wait for that.
BUILD_SECONDS = 5400
GRACE_SECONDS = 15

RESULT = re.compile(r'^(?P<indent> *)(?P<bad>not )?ok (?:\d+ )?(?:- )?(?P<name>[^#]*?)'
                    r'(?: *# *(?P<skip>SKIP\b:?) *(?P<reason>.*)| *#.*)?$', re.IGNORECASE)


class Outcome:
    """The tests of one job: how many passed, which failed (with details), which were skipped."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.notes = []
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


_running = set()
_running_lock = threading.Lock()
_stopped = False


def start(*words, **more):
    """A process in a session, and so in a group, of its own: what it starts ends with it."""
    with _running_lock:
        if _stopped:
            raise InterruptedError('tests/run is being ended')
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors='replace', cwd=TOP, start_new_session=True,
                                   **more)
        _running.add(process)
        return process


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def end(process):
    """Ends a process of start() and its group: asks, so that it can tidy up, then insists."""
    signal_group(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    signal_group(process, signal.SIGKILL)


def stop_all(number, _frame):
    """For signal.signal(): asks everything that runs to end, and ends."""
    global _stopped
    _running_lock.acquire(timeout=GRACE_SECONDS)
    _stopped = True
    for process in list(_running):
        signal_group(process, signal.SIGTERM)
    os._exit(128 + number)


def command(*words, timeout=1800, typed='', **more):
    """Runs a command to its end; returns status and output, both streams joined."""
    late = ''
    process = start(*words, stdin=subprocess.PIPE, **more)
    try:
        output, _ = process.communicate(typed, timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process)
        output, _ = process.communicate()
        late = f'\nnot finished after {timeout} s\n'
    finally:
        _running.discard(process)
    return (124 if late else process.returncode), output + late


_once = {}
_once_lock = threading.Lock()


def once(*words):
    """command(), run a single time however many jobs ask; the others wait for its result."""
    with _once_lock:
        entry = _once.setdefault(words, {'lock': threading.Lock()})
    with entry['lock']:
        if 'result' not in entry:
            entry['result'] = command(*words, timeout=BUILD_SECONDS)
        return entry['result']


def helper():
    return once('make', '-C', 'helper', f'O={BUILD}/helper', '-j2', 'all')


def helper_asan():
    """All of it and its tests, with ASan and UBSan, as `make check` builds them."""
    return once('make', '-C', 'helper', f'O={BUILD}/helper/asan', 'SAN=1', '-j2', 'all', 'tests')


def kmod(kernel):
    return once(os.path.join(VM, 'build-kmod'), kernel)
