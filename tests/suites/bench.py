# SPDX-License-Identifier: Apache-2.0
"""The suite "bench": that every bench runs, and that each can fail. How fast anything is, is not judged
here, where two jobs share the processors: that is `make bench`."""
import glob
import json

import host
from common import BUILD, Job, Outcome, TOP, command, helper

TIMEOUT_SECONDS = 1200
MISSED = 3  # its status when all was measured, and a goal is missed


def check_slowed(outcome):
    """With subjects that do twice their work, every figure that has goals misses one."""
    status, output = command(TOP + '/tests/bench/run', '--quick', '--slow', timeout=TIMEOUT_SECONDS)
    outcome.check('make bench: every figure is measured', 0 if status == MISSED else 1, output)
    if status != MISSED:
        return
    with open(BUILD + '/bench/results.json', encoding='utf-8') as file:
        results = json.load(file)['results']
    for figure in dict.fromkeys(r['figure'] for r in results if r['verdicts']):
        rows = [r for r in results if r['figure'] == figure]
        missed = [r for r in rows if not all(r['verdicts'].values())]
        outcome.check(f'{figure} can fail', 0 if missed else 1, json.dumps(rows, indent=1))


def bench():
    outcome = Outcome()
    status, output = helper()
    outcome.check('build helper', status, output)
    for path in sorted(glob.glob(TOP + '/tests/bench/*_test.py')):
        host.run(outcome, path)
    check_slowed(outcome)
    return outcome


def jobs():
    yield Job('bench', bench, '7')
