# SPDX-License-Identifier: Apache-2.0
"""The suite "completion": bash, asked with the file of contrib/completions, against aaelctl --help."""
import os
import re
import subprocess

from common import BUILD, Job, Outcome, TOP, helper

FILE = TOP + '/contrib/completions/aaelctl'
CTL = f'{BUILD}/helper/aaelctl/aaelctl'
# What a word's first letters become; the last word is the one under the cursor.
ASK = '''source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _aaelctl; printf '%s\\n' "${COMPREPLY[@]}"'''


def completed(*words):
    done = subprocess.run(['bash', '-c', ASK, 'ask', FILE, 'aaelctl', *words], capture_output=True, text=True,
                          check=False, cwd=TOP, timeout=60)
    return set(done.stdout.split()) if not done.stderr else done.stderr


def said(*words):
    return subprocess.run([CTL, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def options(text):
    """Those that the synopsis and the lines of a verb's help show."""
    lines = [text.partition('\n')[0]] + re.findall(r'^ +(?:-\w, )?--.*', text, re.MULTILINE)
    return {found.split()[0] for line in lines for found in re.findall(r'(?<![\w-])--[a-z]+', line)}


def completion():
    outcome = Outcome()
    status, output = helper()
    outcome.check('build helper', status, output)
    if status:
        return outcome

    def expect(name, have, want):
        outcome.check(name, 0 if have == want else 1, f'completed: {have}\nexpected: {want}')
    verbs = set(re.findall(r'^  (\w+)', said('--help').partition('verbs:')[2], re.MULTILINE))
    expect('verbs', completed(''), verbs | {'--help', '--version'})
    expect('verb begun', completed('st'), {'status'})
    for verb in sorted(verbs):
        expect('options of ' + verb, completed(verb, '-'), options(said(verb, '--help')) | {'--help'})
    formats = set(re.search(r'--format ([a-z0-9|]+)', said('log', '--help'))[1].split('|'))
    for words in (('--format', ''), ('-f', ''), ('--format', '=', ''), ('--format', '=')):
        expect('formats: ' + ' '.join(words), completed('log', *words), formats)
    expect('form begun', completed('log', '--format', 'js'), {'json', 'jsonl'})
    expect('files', completed('verify', '--log', 'READ'), {'README.md'})
    expect('nothing', completed('log', '--last', ''), set())
    expect('operand', completed('initdata', ''), {'pack', 'unpack', 'digest'})
    expect('file operand', completed('initdata', 'unpack', 'READ'), {'README.md'})
    steps = set(re.findall(r'(?:^aaelctl handover|\|) (\w+)', said('handover', '--help').split('usage: ')[1]))
    expect('steps', completed('handover', ''), steps)
    expect('folder of a step', completed('handover', 'export', 'READ'), {'README.md'})
    expect('no such verb', completed('nonsense', '-'), set())
    return outcome


def jobs():
    if os.path.exists(FILE):
        yield Job('completion', completion)
