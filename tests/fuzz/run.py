#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a libFuzzer target for some seconds and prints one test in TAP.

    run.py [--seed N] TARGET SECONDS FOUND [CORPUS…]

Begins with the inputs in the folders; FOUND, where new ones go, is made if need be. All else is
written below the folder TARGET.work. With a seed (not 0) each run does what the last one did, as
far as the time allows. On a failure the input is made smaller, and shown in hexadecimal with what
was violated.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

MAX_LEN = 64 * 1024
MALLOC_MIB = 64  # in one piece
MINIMIZE_RUNS = 20000
MINIMIZE_SECONDS = 60
SHOWN_BYTES = 2048
SHOWN_LINES = 20
HERE = os.path.dirname(os.path.abspath(__file__))
# Always the same: a larger one would move the target's stack (see repeatably()).
ENV = {'PATH': '/usr/bin:/bin', 'ASAN_OPTIONS': 'quarantine_size_mb=16'}


def run(*words):
    """Status and output, both streams joined."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', env=ENV, check=False)
    return done.returncode, done.stdout


def repeatably():
    """What a target is run with: libFuzzer also learns from comparisons of pointers, so
    runs are alike only with memory at the same addresses. Not every container allows that."""
    words = ('setarch', '-R')
    return words if shutil.which(words[0]) and not run(*words, 'true')[0] else ()


def minimized(target, path, work):
    """A shorter input that fails as well, if one is found in a bounded time."""
    small = work + '/minimized'
    # It starts itself over and over, each time with the full number of runs.
    run('timeout', str(MINIMIZE_SECONDS), target, '-minimize_crash=1', f'-runs={MINIMIZE_RUNS}',
        '-seed=1', '-exact_artifact_path=' + small, path)
    if os.path.exists(small) and os.path.getsize(small) < os.path.getsize(path):
        return small
    return path


def frames(target, output):
    """Function and line of the addresses within the target, innermost first."""
    offsets = re.findall(re.escape(target) + r'\+(0x[0-9a-f]+)\)', output)[:SHOWN_LINES]
    if not offsets:
        return []
    _, found = run('addr2line', '-s', '-f', '-p', '-e', target, *offsets)
    return ['  ' + line for line in found.splitlines() if '?' not in line]


def causes(target, output):
    """What libFuzzer, a sanitizer or a check of the target says went wrong, and where."""
    said = re.findall(r'^.*(?:violated:|runtime error:|ERROR: ).*$', output, re.MULTILINE)
    return said[:SHOWN_LINES] + frames(target, output)


def details(target, output, work):
    """How to see it again."""
    paths = glob.glob(work + '/[!s]*-*')  # not what is merely a slow unit
    if not paths:
        return causes(target, output) or output.splitlines()[-SHOWN_LINES:]
    crashed = '/crash-' in paths[0]  # and did not run for too long or out of memory
    path = minimized(target, paths[0], work) if crashed else paths[0]
    _, again = run(target, path)
    with open(path, 'rb') as file:
        data = file.read()
    digits = data[:SHOWN_BYTES].hex()
    cut = f', of which {SHOWN_BYTES}' if len(data) > SHOWN_BYTES else ''
    return causes(target, again) + [
        f'an input of {len(data)} bytes{cut} in hexadecimal; to see it again:',
        f'xxd -r -p HEX >INPUT; {os.path.basename(target)} INPUT',
        *(digits[at:at + 96] for at in range(0, len(digits), 96))]


def options(target, args):
    """Of libFuzzer; a word of the dictionary is put into inputs as a whole."""
    words = [f'-seed={args.seed}', f'-max_total_time={args.seconds}', f'-max_len={MAX_LEN}',
             '-reload=0', '-timeout=10', f'-malloc_limit_mb={MALLOC_MIB}',
             f'-artifact_prefix={target}.work/']
    dictionary = os.path.join(HERE, os.path.basename(target).removesuffix('_fuzz') + '.dict')
    return words + (['-dict=' + dictionary] if os.path.exists(dictionary) else [])


def main():
    parser = argparse.ArgumentParser(prog='run.py')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('target')
    parser.add_argument('seconds', type=int)
    parser.add_argument('folders', nargs='+')
    args = parser.parse_args()
    target = os.path.abspath(args.target)
    name, work = os.path.basename(target), target + '.work'
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    os.makedirs(args.folders[0], exist_ok=True)
    status, output = run(*repeatably(), target, *options(target, args), *args.folders)
    done = re.search(r'^Done (\d+) runs in (\d+) second', output, re.MULTILINE)
    reached = re.findall(r'\bcov: (\d+) ft: (\d+)', output)
    if not status and done and reached:
        print(f'# {name}: {done[1]} runs in {done[2]} s, {reached[-1][0]} edges, '
              f'{reached[-1][1]} features')
        print(f'ok - {name}')
        return 0
    runs = re.findall(r'^#(\d+)\t', output, re.MULTILINE)
    print(f'not ok - {name}')
    print('\n'.join('# ' + line for line in [f'after {runs[-1] if runs else 0} runs',
                                             *details(target, output, work)]))
    return 1


if __name__ == '__main__':
    sys.exit(main())
