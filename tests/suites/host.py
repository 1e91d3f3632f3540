# SPDX-License-Identifier: Apache-2.0
"""Suites of Python tests on this machine, without a guest: tests/kbs (the stub of a KBS by itself),
tests/daemon (aaeld), tests/report (aaelctl's page in a browser) and tests/docs (the documents). A file
is tests/FOLDER/*_test.py; it finds the built programs in AAEL_HELPER, and in PYTHONPATH these folders
and what functional tests share."""
import glob
import os

from common import BUILD, Job, Outcome, TOP, VECTORS, VM, command, helper, helper_asan, once

LIMIT_SECONDS = 300
FOLDERS = ('tests/daemon', 'tests/kbs', 'tests/report', 'tests/functional', 'tests/vm/guest')
ENV = {'PYTHONDONTWRITEBYTECODE': '1', 'AAEL_HELPER': BUILD + '/helper', 'AAEL_VECTORS': VECTORS,
       'PYTHONPATH': ':'.join(os.path.join(TOP, folder) for folder in FOLDERS)}


def helper_daemon():
    """The daemon above a kernel in memory; after helper()."""
    return once('make', '-C', 'helper', f'O={BUILD}/helper', f'{BUILD}/helper/daemon/aaeld')


def run(outcome, path):
    status, output = command('/usr/bin/python3', VM + '/guest/unittests.py', path, str(LIMIT_SECONDS),
                             env={**os.environ, **ENV}, timeout=LIMIT_SECONDS + 10)
    failed = len(outcome.failed)
    for line in output.splitlines():
        outcome.add(line)
        if line.startswith('# not seen'):
            outcome.notes.append(line[2:])
    if status and len(outcome.failed) == failed:
        outcome.check(os.path.basename(path), status, output)


def suite(folder, *builds):
    outcome = Outcome()
    for build in builds:
        status, output = build()
        outcome.check(build.__name__, status, output)
        if status:
            return outcome
    for path in sorted(glob.glob(f'{TOP}/tests/{folder}/*_test.py')):
        run(outcome, path)
    return outcome


def jobs():
    yield Job('daemon', lambda: suite('daemon', helper, helper_daemon, helper_asan))
    yield Job('kbs', lambda: suite('kbs', helper))
    yield Job('report', lambda: suite('report', helper))
    yield Job('docs', lambda: suite('docs', helper), '6.1')
