# SPDX-License-Identifier: Apache-2.0
"""The suite "contributing": the examples of CONTRIBUTING.md, applied to a copy of the tree, compile,
and what they test passes. KUnit cases are built, and not run."""
import os
import re
import shutil

import host
from common import BUILD, Job, Outcome, TOP, command, helper_asan
from static import sources

COPY = BUILD + '/contributing'
TREE = COPY + '/tree'
LIMIT_SECONDS = 300


def examples():
    with open(TOP + '/CONTRIBUTING.md', encoding='utf-8') as file:
        return re.findall(r'^```diff\n(.*?)^```$', file.read(), re.MULTILINE | re.DOTALL)


def copy_tree(names):
    """With the times of the files, so that make finds done what was done in the tree."""
    shutil.rmtree(TREE, ignore_errors=True)
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(TREE, name)), exist_ok=True)
        shutil.copy2(os.path.join(TOP, name), os.path.join(TREE, name), follow_symlinks=False)
    shutil.rmtree(COPY + '/helper', ignore_errors=True)
    shutil.copytree(BUILD + '/helper/asan', COPY + '/helper')


def endpoint(outcome):
    status, output = command('make', '-C', TREE + '/helper', f'O={COPY}/helper', 'SAN=1', '-j2', 'all',
                             COPY + '/helper/tests/routes_test', COPY + '/helper/daemon/aaeld')
    outcome.check('the endpoint compiles', status, output)
    if status:
        return
    status, output = command(COPY + '/helper/tests/routes_test',
                             env={**os.environ, 'CMOCKA_MESSAGE_OUTPUT': 'TAP'})
    outcome.check('its unit test', status or 'health_is_one_word' not in output, output)
    paths = ':'.join(os.path.join(TREE, folder) for folder in host.FOLDERS)
    status, output = command(
        '/usr/bin/python3', TREE + '/tests/vm/guest/unittests.py', TREE + '/tests/daemon/openapi_test.py',
        str(LIMIT_SECONDS), timeout=LIMIT_SECONDS + 10,
        env={**os.environ, **host.ENV, 'AAEL_HELPER': COPY + '/helper', 'PYTHONPATH': paths})
    outcome.check('its answers are as documented', status or 'test_health' not in output, output)


def provider(outcome):
    status, output = command(TREE + '/tests/vm/build-kmod', 'debug', env={**os.environ, 'AAEL_BUILD': COPY})
    made = [COPY + '/kmod-debug/kmod/register_sample.o', COPY + '/kmod-debug/kunit/sample_test.o']
    outcome.check('the provider compiles', status or not all(map(os.path.exists, made)), output)


def contributing():
    outcome = Outcome()
    status, output = helper_asan()
    outcome.check('build helper', status, output)
    names = sources(outcome)
    if status or not names:
        return outcome
    copy_tree(names)
    found = examples()
    for number, example in enumerate(found, 1):
        status, output = command('patch', '-d', TREE, '-p1', '-F0', '-f', '-s', '--no-backup-if-mismatch',
                                 typed=example)
        outcome.check(f'example {number} applies', status, output)
    if not found:
        outcome.check('there are examples', 1, 'no diff in CONTRIBUTING.md')
    if not outcome.failed:
        endpoint(outcome)
        provider(outcome)
    return outcome


def jobs():
    yield Job('contributing', contributing, 'debug')
