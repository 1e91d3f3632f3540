# SPDX-License-Identifier: Apache-2.0
"""Suites that run in guests: kunit, and every tests/functional/*_test.py in each guest that
the file asks for in its comments:
  # vm: kernel=6.1,6.12,debug tpm=tis,crb banks=sha256,sha1+sha256   all combinations; repeatable
  # vm-timeout: 120        seconds; three times as long on the debug kernel
  # vm-proxy: yes          the TPM proxy (class TpmProxy in tests/vm/guest/vm.py)
  # vm-firmware-lacks: ALG with the proxy: a bank that the firmware is not told of
  # vm-net: yes            a network card
  # vm-kexec: yes          /aael/kexec: the kernel that is running, and its initramfs
  # vm-append: ARGS        kernel command line       # vm-memory: MIB
  # vm-qemu: ARGS          QEMU arguments            # vm-allow: REGEX  of the kernel's complaints
  # vm-tree: PATHS         of this tree, in the folder AAEL_TREE
  # vm-panic-on-warn: no   not even on the debug kernel; the complaint is still to be allowed
  # vm-tdx: yes            tests/tdx/tdxemul.ko in /aael; no TPM unless the matrix says so
  # vm-ccel: LOG           the firmware's CC event log: mkccel.py[:VARIANT], another file in
                           tests/tdx, or vectors:FILE of AAEL_VECTORS/ccel, skipped without
Two more columns of the matrix: ccel, a list of LOGs, and ccel-table, of the tables of
tests/vm/ccel.py. The test finds them in AAEL_VM_CCEL and AAEL_VM_CCEL_TABLE.
In the guest: /aael/aael.ko, aaeld and aaelctl in PATH, tests/functional and tests/kbs in PYTHONPATH.
"""
import glob
import itertools
import os
import re
import tempfile

from common import BUILD, Job, Outcome, TOP, VECTORS, VM, command, helper, kmod

DEFAULTS = {'kernel': '6.1,6.12,7,debug', 'tpm': 'crb', 'banks': 'sha256', 'ccel': '',
            'ccel-table': 'acpi'}
DIRECTIVE = re.compile(r'^# vm(-[a-z-]+)?:\s*(.*?)\s*$', re.MULTILINE)
SCRIPT = """#!/bin/sh
export PYTHONPATH=/aael/tests:/aael/kbs:/aael/lib PYTHONDONTWRITEBYTECODE=1
cd /tmp && exec python3 /aael/lib/unittests.py /aael/tests/{file} {limit} {tests}
"""
BOOTS = 3
STUCK_PATCHING = re.compile(r'soft lockup - CPU#\d stuck.*\n(?:.*\n){,30}?.* text_poke_bp_batch\+')
releases = {}  # of the kernels that were booted, as they say it themselves
KUNIT = """#!/bin/sh
insmod /aael/aael.ko
status=0
for m in /aael/kunit/*.ko; do insmod $m || status=1; done
cat /sys/kernel/debug/kunit/*/results
exit $status
"""


def directives(path):
    """The guests that a file asks for, and its other directives."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    matrices, options = [], {}
    for key, value in DIRECTIVE.findall(text):
        if key:
            options[key[1:]] = value
        else:
            matrices.append(dict(word.split('=', 1) for word in value.split()))
    defaults = {**DEFAULTS, 'ccel': options.get('ccel', '')}
    if options.get('tdx') == 'yes':
        defaults['tpm'] = 'none'
    matrices = [{**defaults, **matrix} for matrix in matrices or [{}]]
    return [dict(zip(DEFAULTS, values)) for matrix in matrices
            for values in itertools.product(*(matrix[key].split(',') for key in DEFAULTS))], options


def console(name):
    """What the kernel of that guest said."""
    try:
        with open(f'{BUILD}/vm/{name}/console.log', encoding='utf-8', errors='replace') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def died_of_emulation(name):
    """The kernel crashed before its first process, when nothing of ours runs, or on a
    breakpoint that is not there any more; or its clock runs many times too fast; or QEMU
    itself crashed.

    QEMU's emulation with several threads may run a breakpoint that the kernel has just
    patched away: "Oops: int3" while static keys change; or stay in what has been patched, and
    the one who patches waits for it for ever. On a host that is busy at the wrong
    moment the kernel takes its TSC for a slow one; then no time-out is what it says.
    """
    text = console(name)
    marks = 'Oops: int3', 'PIT calibration deviates from HPET', '\nrun: QEMU crashed'
    return any(mark in text for mark in marks) or bool(STUCK_PATCHING.search(text)) or (
        'Kernel panic' in text and 'Run /init as init process' not in text)


def boot(outcome, name, kernel, script, timeout, *words):
    """Runs a script in a guest; returns status, what the harness said, and the results."""
    status, output = kmod(kernel)
    for _ in range(BOOTS if not status else 0):
        status, output, lines = boot_once(name, kernel, script, timeout, *words)
        if not status or not died_of_emulation(name):
            return status, output, lines
        outcome.crashes += 1
    return status, output, []


def boot_once(name, kernel, script, timeout, *words):
    with tempfile.NamedTemporaryFile('w', suffix='.sh') as file:
        file.write(script)
        file.flush()
        status, output = command(
            os.path.join(VM, 'run'), '--name', name, '--kernel', kernel, '--timeout', str(timeout),
            '--put', f'{BUILD}/kmod-{kernel}/kmod/aael.ko=aael/aael.ko', *words, file.name,
            timeout=timeout + 300)
    if booted := re.search(r'Linux version (\S+)', console(name)):
        releases[kernel] = booted[1]
    try:
        with open(f'{BUILD}/vm/{name}/results', encoding='utf-8', errors='replace') as results:
            lines = [line.rstrip('\r\n') for line in results]
    except FileNotFoundError:
        lines = []
    return status, output, lines


def ccel_log(log, name):
    """The file that the log's name stands for, made if need be, or None and the reason why not."""
    kind, _, variant = log.partition(':')
    if kind == 'vectors':
        path = os.path.join(VECTORS, 'ccel', variant)
        if not VECTORS or not os.path.exists(path):
            return None, f'AAEL_VECTORS has no ccel/{variant}'
        return path, ''
    path = os.path.join(TOP, 'tests', 'tdx', kind)
    if not kind.endswith('.py'):
        return path, ''
    made = f'{BUILD}/ccel/{name}'
    os.makedirs(os.path.dirname(made), exist_ok=True)
    status, output = command('/usr/bin/python3', path, *filter(None, [variant]), '-o', made)
    if status:
        raise ValueError(output)
    return made, ''


def guest_words(guest, options):
    """Arguments of tests/vm/run for that guest, with our programs and what tests import."""
    words = ['--tpm', guest['tpm'], '--banks', guest['banks'],
             '--put', f'{TOP}/tests/functional=aael/tests',
             '--put', f'{TOP}/tests/kbs=aael/kbs',
             '--put', f'{VM}/guest/unittests.py=aael/lib/unittests.py',
             '--put', f'{VM}/guest/vm.py=aael/lib/vm.py']
    for program in ('aaeld', 'aaelctl'):
        binary = f'{BUILD}/helper/{program}/{program}'
        if os.path.exists(binary):
            words += ['--put', f'{binary}=aael/bin/{program}']
    for option in ('append', 'memory', 'allow', 'qemu', 'firmware-lacks'):
        if option in options:
            words += ['--' + option, options[option]]
    return words + ['--' + option for option in ('proxy', 'net', 'tdx', 'kexec')
                    if options.get(option) == 'yes']


def functional(path, name, guest, options, tests):
    outcome = Outcome()
    log, missing = ccel_log(guest['ccel'], name) if guest['ccel'] else (None, '')
    if missing:
        outcome.skipped.append((name, missing))
        return outcome
    status, output = helper()
    if status:
        outcome.check('build helper', status, output)
        return outcome
    timeout = int(options.get('timeout', 120)) * (3 if guest['kernel'] == 'debug' else 1)
    words = guest_words(guest, options)
    if VECTORS:
        words += ['--put', f'{VECTORS}=aael/vectors', '--env', 'AAEL_VECTORS=/aael/vectors']
    if log:
        words += ['--ccel', log, '--ccel-table', guest['ccel-table'],
                  '--env', 'AAEL_VM_CCEL=' + guest['ccel'],
                  '--env', 'AAEL_VM_CCEL_TABLE=' + guest['ccel-table'],
                  '--put', f'{TOP}/tests/tdx/mkccel.py=aael/lib/mkccel.py']
    if tree := options.get('tree', '').split():
        words += ['--env', 'AAEL_TREE=/aael/tree']
        for name in tree:
            words += ['--put', f'{TOP}/{name}=aael/tree/{name}']
    if options.get('panic-on-warn') == 'no':
        words.append('--no-panic-on-warn')
    script = SCRIPT.format(file=os.path.basename(path), limit=timeout - 10, tests=' '.join(tests))
    status, output, lines = boot(outcome, name, guest['kernel'], script, timeout, *words)
    for line in lines:
        outcome.add(line)
    if status and not (outcome.failed and status == 1 and not output):
        outcome.check('guest ' + name, status, '\n'.join(lines[-20:]) + '\n' + output)
    return outcome


def kunit():
    outcome = Outcome()
    kmod('debug')
    words = []
    for module in glob.glob(f'{BUILD}/kmod-debug/kunit/*.ko'):
        words += ['--put', f'{module}=aael/kunit/{os.path.basename(module)}']
    status, output, lines = boot(outcome, 'kunit', 'debug', KUNIT, 600, *words)
    suite = ''
    for line in lines:
        if found := re.match(r' *# Subtest: (\S+)', line):
            suite = found[1]
        outcome.add(re.sub(r'^(    (?:not )?ok \d+ )', rf'\1{suite}.', line), indent=' ' * 4)
    if status or not outcome.passed:
        outcome.check('guest kunit', status or 1, '\n'.join(lines[-20:]) + '\n' + output)
    return outcome


def jobs(tests):
    if os.path.exists(TOP + '/kunit/Kbuild'):
        yield Job('kunit', kunit, 'debug')
    for path in sorted(glob.glob(TOP + '/tests/functional/*_test.py')):
        found, options = directives(path)
        seen = set()
        for guest in found:
            name = os.path.basename(path)[:-3] + '@' + guest['kernel'] + '-' + guest['tpm']
            for key in ('banks', 'ccel', 'ccel-table'):
                if guest[key] != {**DEFAULTS, **options}.get(key):
                    name += '-' + guest[key].replace(':', '-')
            if name not in seen:
                seen.add(name)
                yield Job(name, lambda p=path, n=name, g=guest, o=options:
                          functional(p, n, g, o, tests), guest['kernel'])
