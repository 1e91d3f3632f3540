# SPDX-License-Identifier: Apache-2.0
"""The suite "harness": what the others rely on to notice a failure."""
import os
import re
import signal
import tempfile
import time

import common
import guests
from common import BUILD, Job, Outcome, TOP, VM, command

CONFIG = os.path.join(TOP, 'tests', 'vm', 'debug.config')
WAIT_SECONDS = 60


def expect(outcome, name, good, details=''):
    outcome.check(name, 0 if good else 1, str(details))


def wait_for(condition):
    """Polls until the condition holds, for a minute at most; returns its value."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def check_config(outcome):
    """A kernel that checks less than debug.config asks for is refused, with what it lost."""
    with open(CONFIG, encoding='utf-8') as file:
        whole = file.read()
    cases = (('complete', '', ''),
             ('removed', 'CONFIG_KASAN=y\n', ''),
             ('switched off', 'CONFIG_PROVE_LOCKING=y\n', '# CONFIG_PROVE_LOCKING is not set\n'),
             ('weakened to a module', 'CONFIG_TCG_TPM=y\n', 'CONFIG_TCG_TPM=m\n'),
             ('another text', 'CONFIG_LSM="landlock,yama,apparmor"\n', 'CONFIG_LSM="apparmor"\n'),
             ('switched on', '# CONFIG_DEBUG_KMEMLEAK_AUTO_SCAN is not set\n',
              'CONFIG_DEBUG_KMEMLEAK_AUTO_SCAN=y\n'))
    for name, line, instead in cases:
        with tempfile.NamedTemporaryFile('w', suffix='.config') as file:
            file.write(whole.replace(line, instead, 1) if line else whole)
            file.flush()
            status, output = command(os.path.join(VM, 'kernel'), 'check-config', file.name)
        lost = re.findall(r'lost: (.*)', output)
        expect(outcome, 'check-config ' + name, line in whole and lost == line.splitlines() and
               (status != 0) == bool(line), (status, output))
    status, output = command(os.path.join(VM, 'kernel'), 'check-config', '/nowhere')
    expect(outcome, 'check-config without a file', status == 1, (status, output))


def alive(pid):
    """Runs, and is no zombie that waits for its parent."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_late(outcome):
    """A command that is late ends with everything it has started."""
    status, output = command('sh', '-c', 'sleep 1000 & echo $!; sleep 1000', timeout=1)
    pid = int(output.split()[0])
    expect(outcome, 'late command', status == 124 and 'not finished' in output and
           wait_for(lambda: not alive(pid)), (status, output))


def using(folder):
    """{pid: command line} of the processes that name a file below the folder."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                words = file.read().replace(b'\0', b' ').decode(errors='replace')
        except (FileNotFoundError, ProcessLookupError):
            continue
        if folder + '/' in words and alive(pid):
            found[int(pid)] = words
    return found


def machines(folder):
    return [pid for pid, words in using(folder).items() if words.startswith('qemu-system')]


def sleeper(folder):
    """A script for a guest that has time; the words that start it as "harness"."""
    with open(folder + '/script', 'w', encoding='ascii') as script:
        script.write('#!/bin/sh\nsleep 1000\n')
    return os.path.join(VM, 'run'), '--name', 'harness', script.name


def check_crashed(outcome):
    """A QEMU that crashes is no failure of the guest."""
    with tempfile.TemporaryDirectory() as temporary:
        process = common.start(*sleeper(temporary))
        try:
            for pid in wait_for(lambda: machines(f'{BUILD}/vm/harness')):
                os.kill(pid, signal.SIGSEGV)
            output = process.communicate(timeout=WAIT_SECONDS)[0]
            expect(outcome, 'QEMU that crashes', process.returncode == 1 and
                   'QEMU crashed (139)' in output and guests.died_of_emulation('harness'), output)
        finally:
            common.end(process)
            process.communicate()


def check_killed(outcome):
    """A harness that is killed leaves no machine and no TPM behind, nor is its name taken."""
    folder = f'{BUILD}/vm/harness'
    with tempfile.TemporaryDirectory() as temporary:
        words = sleeper(temporary)
        process = common.start(*words, env={**os.environ, 'TMPDIR': temporary})
        try:
            up = wait_for(lambda: machines(folder))
            status, output = command(*words)
            expect(outcome, 'guest of the same name', status == 1 and 'another guest' in output,
                   (status, output))
            os.kill(process.pid, signal.SIGKILL)
            expect(outcome, 'killed harness', up and wait_for(lambda: not using(folder)),
                   '\n'.join(using(folder).values()))
        finally:
            common.end(process)
            process.communicate()


def harness():
    outcome = Outcome()
    check_config(outcome)
    check_late(outcome)
    check_crashed(outcome)
    check_killed(outcome)
    return outcome


def jobs():
    yield Job('harness', harness)
