# SPDX-License-Identifier: Apache-2.0
"""Analysers over all of the C, one job each; `make lint` runs them and `style`. What a tool must not
complain of is said in its configuration (.clang-format, helper/.clang-tidy) or in the tables here,
with the reason. Nothing is kept from one run to the next."""
import concurrent.futures
import glob
import os
import re

from common import Job, Outcome, TOP, VM, command, kmod, once
from static import sources

PARALLEL = 2
SPARSE = ('6.1', '6.12')


def table(*words):
    """The KEY=value lines of what tests/vm/kernel provides; status and output if it does not."""
    status, output = once(os.path.join(VM, 'kernel'), *words)
    if status:
        return status, output
    with open(output.splitlines()[-1], encoding='utf-8') as file:
        return 0, dict(line.rstrip().split('=', 1) for line in file)


def each(function, things):
    """What the function returns for each, in that order."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(function, things))


def checked(outcome, name, results):
    """One test: all of (status, output) are 0 and silent."""
    bad = [output or f'ended with {status}' for status, output in results if status or output.strip()]
    outcome.check(name, bool(bad) or not results, '\n'.join(bad) or 'nothing to look at')


def is_kernel(name):
    return name.startswith(('kmod/', 'kunit/', 'uapi/', 'tests/tdx/', 'tests/bench/module/'))


def c_files(outcome, endings=('.c', '.h')):
    return [name for name in sources(outcome) if name.endswith(endings)]


def sparse(kernel):
    outcome = Outcome()
    status, output = kmod(kernel)
    if not status:
        status, output = command(os.path.join(VM, 'build-kmod'), '--sparse', kernel)
    outcome.check('sparse ' + kernel, status, output)
    return outcome


COCCI_FOLDERS = ('api', 'api/alloc', 'free', 'iterators', 'locks', 'misc', 'null', 'tests')
COCCI_NOISE = re.compile(r'^warning: line \d+: should \w+ be a metavariable\?\n', re.MULTILINE)
# What it cannot parse it passes over in silence: a macro that defines functions, in securityfs.c.
COCCI_UNPARSED_LINES = 9


def semantic_patches(folder):
    """Those that can report, and need no compiler of OCaml: (path, their own options)."""
    for sub in COCCI_FOLDERS:
        for path in sorted(glob.glob(f'{folder}/scripts/coccinelle/{sub}/*.cocci')):
            with open(path, encoding='utf-8') as file:
                text = file.read()
            if re.search(r'^virtual\b.*\breport\b', text, re.MULTILINE) and 'script:ocaml' not in text:
                yield path, ' '.join(re.findall(r'^// Options: *(.*)$', text, re.MULTILINE)).split()


def coccinelle():
    outcome = Outcome()
    status, tools = table('tools')
    if status:
        outcome.check('coccinelle', status, tools)
        return outcome

    def apply(patch):
        status, output = command('spatch', '-D', 'report', '--very-quiet', '--no-show-diff',
                                 '--cocci-file', patch[0], *patch[1], '--include-headers',
                                 '-I', 'kmod', '-I', 'uapi', '--dir', 'kmod')
        return status, COCCI_NOISE.sub('', output)
    checked(outcome, 'coccinelle', each(apply, semantic_patches(tools['LINUX_SOURCE'])))
    _, output = command('spatch', '--parse-c', '-I', 'kmod', '-I', 'uapi', '--dir', 'kmod')
    bad = re.findall(r'nb good = [1-9]\d*,  nb bad = (\d+) ', output)
    outcome.check('coccinelle parses kmod', not bad or int(bad[-1]) > COCCI_UNPARSED_LINES,
                  '\n'.join(re.findall(r'^(?:parse error.*| = File .*|bad.*|nb good.*)$', output, re.MULTILINE)))
    return outcome


def kernel_doc():
    outcome = Outcome()
    status, tools = table('tools')
    if status:
        outcome.check('kernel-doc', status, tools)
        return outcome
    names = [name for name in c_files(outcome) if is_kernel(name)]
    checked(outcome, 'kernel-doc', each(lambda name: command(
        '/usr/bin/python3', tools['LINUX_SOURCE'] + '/scripts/kernel-doc', '-none', '-Werror', name), names))
    return outcome


def clang_format():
    outcome = Outcome()
    names = [name for name in c_files(outcome, ('.c', '.h', '.cpp')) if not is_kernel(name)]
    checked(outcome, 'clang-format', [command('clang-format-19', '--dry-run', '-Werror', *names)])
    return outcome


def flags():
    """What the preprocessor is told for the helper; -M is for make."""
    status, output = command('make', '-s', '-C', 'helper', 'print-CPPF')
    if status:
        return []
    # The shell has taken the quotes of the string away.
    output = re.sub(r'(-DAAEL_VERSION=)(\S+)', r'\1"\2"', output)
    return [re.sub(r'^-I(?!/)', '-Ihelper/', flag) for flag in output.split() if flag[:2] != '-M']


# What the analyser holds for possible and is not, by file and check, once each. Whoever makes one
# of them impossible deletes it here.
IMPOSSIBLE = {
    # dirfd() of an open DIR does not fail.
    ('helper/aaeld/beside.c', 'clang-analyzer-unix.StdCLibraryFunctions'),
    # TAILQ_REMOVE() has made another element the first, or the list empty.
    ('helper/aaeld/conn.c', 'clang-analyzer-unix.Malloc'),
    # An error of fail() is never 0: the analyser does not look into functions with "...".
    ('helper/aaeld/evidence.c', 'clang-analyzer-core.NullDereference'),
    ('helper/lib/tpm.c', 'clang-analyzer-core.NullDereference'),
    # text_utf8_sequence() is never longer than what there is.
    ('helper/lib/lines.c', 'clang-analyzer-unix.StdCLibraryFunctions'),
}
FINDING = re.compile(r'(\S+?):\d+:\d+: (?:warning|error): .*?(?:\[([\w.-]+)[^]]*\])?$')


def clang_tidy():
    outcome = Outcome()
    language = {'.c': '-std=gnu11', '.cpp': '-std=c++17'}
    names = [name for name in c_files(outcome, ('.c', '.cpp')) if name.startswith('helper/')]
    options = flags()
    seen = set()

    def look(name):
        status, output = command('clang-tidy-19', '--quiet', name, '--',
                                 language[os.path.splitext(name)[1]], *options)
        found = [match for match in map(FINDING.match, output.replace(TOP + '/', '').splitlines())
                 if match]
        if status and not found:
            return status, output
        bad = []
        for match in found:
            if match.groups() in IMPOSSIBLE - seen:
                seen.add(match.groups())
            else:
                bad.append(match[0])
        return 0, '\n'.join(bad)
    checked(outcome, 'clang-tidy', each(look, names))
    stale = IMPOSSIBLE - seen
    outcome.check('clang-tidy: what is passed over is there', bool(stale), '\n'.join(map(str, stale)))
    return outcome


CPPCHECK = ('cppcheck', '--quiet', '--enable=warning,style,performance,portability', '--inconclusive',
            '--std=c11', '--platform=unix64', '--error-exitcode=1', '-Iuapi',
            # Declarations stand at the head of a function.
            '--suppress=variableScope',
            # A header names parameters for who calls, a file for who works with them.
            '--suppress=funcArgNamesDifferent',
            # "flags & F ? a : b" is read as it is meant.
            '--suppress=clarifyCalculation',
            # Written by the kernel; and a word may name a function and a variable.
            '--suppress=unusedStructMember', '--suppress=shadowFunction')
CPPCHECK_KMOD = ('-Ikmod', '-D__KERNEL__', '-DCONFIG_X86_64',
                 # GCC defines it, and the kernel uses it.
                 '--suppress=arithOperationsOnVoidPointer',
                 # As seq_operations has it.
                 '--suppress=constParameter:kmod/securityfs.c')
# It does not read the system's headers, but for the macros that it cannot do without.
CPPCHECK_HELPER = ('-Ihelper/lib', '-DAAEL_VERSION="0"',
                   *('--include=' + path for path in glob.glob('/usr/include/*/sys/queue.h')[:1]),
                   '--include=/usr/include/libkmod.h',
                   # Takes an initialiser of its member for a use.
                   '--suppress=legacyUninitvar:helper/lib/tpm.c')


def cppcheck():
    outcome = Outcome()
    for folder, more in (('kmod', CPPCHECK_KMOD), ('helper', CPPCHECK_HELPER)):
        checked(outcome, 'cppcheck ' + folder, [command(*CPPCHECK, *more, folder)])
    return outcome


def jobs():
    for kernel in SPARSE:
        yield Job('lint@sparse-' + kernel, lambda kernel=kernel: sparse(kernel), kernel)
    for function in (coccinelle, kernel_doc, clang_format, clang_tidy, cppcheck):
        yield Job('lint@' + function.__name__.replace('_', '-'), function)
