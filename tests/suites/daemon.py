# SPDX-License-Identifier: Apache-2.0
"""The suite "daemon": every tests/daemon/*_test.py, with aaeld on this machine."""
import glob
import os

from common import BUILD, Job, Outcome, TOP, VM, command, helper, helper_asan, once

FOLDER = os.path.join(TOP, 'tests', 'daemon')
TIMEOUT_SECONDS = 300


def helper_daemon():
    """The daemon above a kernel in memory; after helper()."""
    return once('make', '-C', 'helper', f'O={BUILD}/helper', f'{BUILD}/helper/daemon/aaeld')


def daemon():
    outcome = Outcome()
    for build in (helper, helper_daemon, helper_asan):
        status, output = build()
        outcome.check(build.__name__, status, output)
        if status:
            return outcome
    env = {**os.environ, 'AAEL_HELPER': BUILD + '/helper', 'PYTHONDONTWRITEBYTECODE': '1',
           'PYTHONPATH': f'{FOLDER}:{TOP}/tests/functional'}
    for path in sorted(glob.glob(FOLDER + '/*_test.py')):
        status, output = command('/usr/bin/python3', VM + '/guest/unittests.py', path,
                                 str(TIMEOUT_SECONDS - 10), timeout=TIMEOUT_SECONDS, env=env)
        failed = len(outcome.failed)
        for line in output.splitlines():
            outcome.add(line)
            if line.startswith('# not seen'):
                outcome.notes.append(line[2:])
        if status and len(outcome.failed) == failed:
            outcome.check(os.path.basename(path), status, output)
    return outcome


def jobs():
    yield Job('daemon', daemon)
