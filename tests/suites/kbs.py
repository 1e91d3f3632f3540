# SPDX-License-Identifier: Apache-2.0
"""The suite "kbs": tests/kbs/*_test.py, on the host. They find the built programs in AAEL_HELPER
and the stub, as well as what it shares with the functional tests, in PYTHONPATH."""
import glob
import os

from common import BUILD, Job, Outcome, TOP, VECTORS, VM, command, helper

LIMIT_SECONDS = 300


def kbs():
    outcome = Outcome()
    outcome.check('build helper', *helper())
    env = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1', 'AAEL_HELPER': BUILD + '/helper',
           'AAEL_VECTORS': VECTORS,
           'PYTHONPATH': ':'.join((TOP + '/tests/kbs', TOP + '/tests/functional', VM + '/guest'))}
    for path in sorted(glob.glob(TOP + '/tests/kbs/*_test.py')):
        status, output = command('/usr/bin/python3', VM + '/guest/unittests.py', path,
                                 str(LIMIT_SECONDS), env=env, timeout=LIMIT_SECONDS + 10)
        failed = len(outcome.failed)
        for line in output.splitlines():
            outcome.add(line)
        if status and len(outcome.failed) == failed:
            outcome.check(os.path.basename(path), status, output)
    return outcome


def jobs():
    yield Job('kbs', kbs)
