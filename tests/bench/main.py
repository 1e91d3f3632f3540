# SPDX-License-Identifier: Apache-2.0
"""Builds what is measured, boots the guests one after the other, shows what they found."""
import argparse
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(HERE + '/../suites')

import figures
import guests
import table
from common import BUILD, TOP, VM, Outcome, command, helper, once

OUT = BUILD + '/bench'
SCRIPT = """#!/bin/sh
export PYTHONPATH=/aael/bench:/aael/tests:/aael/kbs:/aael/lib PYTHONDONTWRITEBYTECODE=1
cd /tmp && exec python3 /aael/bench/{file}
"""
# Of QEMU's arguments, those that decide how fast anything is.
TELLING = ('-accel', '-machine', '-cpu', '-smp', '-m', '-device')


MISSED, UNMEASURED = 3, 2  # exit status: all was measured, and a goal is missed; or not all was


def build(kernel):
    """What a guest of that kernel needs, or exits with what the compiler said."""
    for status, output in (helper(), once('make', '-C', HERE, f'O={OUT}', 'all'),
                           once(os.path.join(VM, 'build-kmod'), '--bench', kernel)):
        if status:
            print(output, file=sys.stderr)
            sys.exit(UNMEASURED)


def asked(path):
    """The figures that a bench is for, # bench: P1 P2; and whether a quick run does without it,
    # bench-quick: no"""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    return re.search(r'^# bench: (.*)$', text, re.M)[1].split(), '\n# bench-quick: no\n' in text


def told(name):
    """The telling arguments of the guest's QEMU."""
    with open(f'{BUILD}/vm/{name}/qemu.command', encoding='utf-8') as file:
        words = file.read().split('\n')
    return ' '.join(f'{a} {b}' for a, b in zip(words, words[1:]) if a in TELLING and
                    (a != '-device' or b.startswith('tpm-')))


def measure(path, guest, options, env):
    """Results of one guest, each with the guest's name and what it was."""
    name = f'{os.path.basename(path)[:-3]}@{guest["kernel"]}-{guest["tpm"]}'
    print(f'bench: {name}', file=sys.stderr, flush=True)
    build(guest['kernel'])
    words = guests.guest_words(guest, options)
    words += ['--put', f'{HERE}/guest=aael/bench', '--put', f'{HERE}/stats.py=aael/lib/stats.py',
              '--put', f'{BUILD}/kmod-{guest["kernel"]}/tests/bench/module/aael_bench.ko=aael/aael_bench.ko']
    for program in glob.glob(OUT + '/bin/*'):
        words += ['--put', f'{program}=aael/bin/{os.path.basename(program)}']
    for key, value in env.items():
        words += ['--env', f'{key}={value}']
    outcome = Outcome()
    status, output, lines = guests.boot(outcome, name, guest['kernel'],
                                        SCRIPT.format(file=os.path.basename(path)),
                                        int(options.get('timeout', 300)), *words)
    found = [json.loads(line[6:]) for line in lines if line.startswith('bench {')]
    if status:
        print('\n'.join(lines[-30:]), output, file=sys.stderr)
        print(f'bench: {name} failed', file=sys.stderr)
    here = {'guest': name, 'kernel': guests.releases.get(guest['kernel'], ''), 'qemu': told(name)}
    return not status, [{**result, **here, 'verdicts': figures.verdicts(result)} for result in found]


def versions():
    found = {}
    for program in ('qemu-system-x86_64', 'swtpm'):
        found[program] = command(program, '--version')[1].splitlines()[0]
    return found


def measure_all(wanted, env):
    good, results = True, []
    for path in sorted(glob.glob(HERE + '/guest/*_bench.py')):
        named, long = asked(path)
        if not set(named) & set(wanted) or (long and 'BENCH_QUICK' in env and 'BENCH_SLOW' not in env):
            continue
        matrices, options = guests.directives(path)
        for guest in matrices:
            passed, found = measure(path, guest, options, env)
            good &= passed
            results += [result for result in found if result['figure'] in wanted]
    return good, results


def show(results, said):
    print(table.render(results))
    print()
    for guest in dict.fromkeys((r['guest'], r['kernel'], r['qemu']) for r in results):
        print(': '.join(guest))
    print('; '.join(said.values()))


def main():
    parser = argparse.ArgumentParser(prog='tests/bench/run')
    parser.add_argument('--quick', action='store_true', help='fewer samples')
    parser.add_argument('--slow', action='store_true', help='every subject does twice its work')
    parser.add_argument('figures', nargs='*', metavar='FIGURE', help='P1 to P12')
    args = parser.parse_args()
    wanted = args.figures or list(figures.FIGURES)
    if unknown := set(wanted) - set(figures.FIGURES):
        parser.error('no such figure: ' + ', '.join(sorted(unknown)))

    os.makedirs(OUT, exist_ok=True)
    env = {'BENCH_QUICK': '1'} if args.quick else {}
    env |= {'BENCH_SLOW': '1'} if args.slow else {}
    good, results = measure_all(wanted, env)
    said = versions()
    with open(OUT + '/results.json', 'w', encoding='utf-8') as file:
        json.dump({'quick': args.quick, 'slow': args.slow, 'versions': said, 'results': results}, file, indent=1)
    show(results, said)
    missed = [r for r in results if not all(r['verdicts'].values())]
    unseen = figures.unseen(results, wanted)
    for what in unseen:
        print('not measured: ' + what)
    print(f'{len(results)} rows, {len(missed)} with a goal that is missed')
    if not good or unseen:
        return UNMEASURED
    return MISSED if missed else 0


if __name__ == '__main__':
    sys.exit(main())
