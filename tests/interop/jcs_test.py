#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Canonical JSON of random objects is what node makes of them. Prints TAP.

    jcs_test.py PROGRAM      which turns lines into their canonical form
"""
import os
import subprocess
import sys

SEED = 1
COUNT = 10000
SECONDS = 300
HERE = os.path.dirname(os.path.abspath(__file__))


def run(words, data=b''):
    """What it prints; None if it failed, which it has said on standard error."""
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, timeout=SECONDS, check=False)
    return None if done.returncode else done.stdout


def difference(lines, expected):
    """Why they are not alike, or None."""
    for number, (line, text) in enumerate(zip(lines, expected)):
        if line != text:
            return f'object {number}: {line!r}, not {text!r}'
    return None if len(lines) == len(expected) else f'{len(lines)} lines of {len(expected)}'


def problem(program):
    pairs = run(['node', HERE + '/jcs.js', str(SEED), str(COUNT)])
    if pairs is None:
        return 'node failed'
    texts, expected = zip(*(line.split(b'\t') for line in pairs.splitlines()))
    if len(texts) != COUNT or len(set(expected)) < COUNT / 2:
        return f'node made {len(texts)} objects, of which {len(set(expected))} differ'
    output = run([program], b'\n'.join(texts) + b'\n')
    return f'{program} failed' if output is None else difference(output.splitlines(), expected)


def main():
    why = problem(sys.argv[1])
    print(f'{"not ok" if why else "ok"} - {COUNT} random objects are canonicalised as by node')
    if why:
        print('# ' + why)
    return 1 if why else 0


if __name__ == '__main__':
    sys.exit(main())
