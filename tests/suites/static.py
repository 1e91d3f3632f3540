# SPDX-License-Identifier: Apache-2.0
"""Suites that need no guest: style, build, helper-unit, interop, fuzz."""
import glob
import os
import re
import shutil
import tempfile

from common import BUILD, Job, Outcome, TOP, VM, command, helper, helper_asan, kmod, once

KERNELS = ('6.1', '6.12', '7', 'debug')
# Without a licence in them: debian/copyright says it of debian/; texts of licences; bytes for
# fuzzers; and what a demonstration shows as it is.
UNLICENSED = ('debian/', 'LICENSES/', 'tests/fuzz/corpus/', 'tests/demo/aa.toml')
# By folder, as README.md says; what a generator wrote is checked against the generator.
LICENCES = (('kmod/', 'GPL-2.0-only'), ('kunit/', 'GPL-2.0-only'), ('dkms.conf', 'GPL-2.0-only'),
            ('contrib/kernel-tree/', 'GPL-2.0-only'), ('tests/bench/module/abi.h', 'GPL-2.0-only WITH Linux-syscall-note'),
            ('tests/bench/module/', 'GPL-2.0-only'),
            ('uapi/', 'GPL-2.0-only WITH Linux-syscall-note'), ('tests/tdx/mkccel.py', 'Apache-2.0'), ('tests/tdx/', 'GPL-2.0-only'))
GENERATED_LICENCE = '((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)'
# What checkpatch of 7.x asks for and 6.1 or user space does not have; and the layout that
# TRACE_EVENT() has everywhere.
IGNORED = ['ALLOC_WITH_SIZEOF', 'BIT_MACRO']
IGNORED_TRACE = ['PARENTHESIS_ALIGNMENT', 'OPEN_ENDED_LINE']
# A hexadecimal escape ends only with its string.
IGNORED_KUNIT = ['STRING_FRAGMENTS', 'SPLIT_STRING', 'MISSING_SPACE']


def sources(outcome):
    """Files of the tree that git knows or would add; without any, nothing would be checked."""
    status, output = command('git', 'ls-files', '-co', '--exclude-standard')
    names = [name for name in output.splitlines() if os.path.isfile(os.path.join(TOP, name))]
    if status or not names:
        outcome.check('git ls-files', status or 1, output or 'lists no file')
        return []
    return names


def head(name):
    with open(os.path.join(TOP, name), encoding='utf-8', errors='replace') as file:
        return file.read(300)


def style():
    outcome = Outcome()
    names = sources(outcome)
    if not names:
        return outcome
    scripts = [n for n in names if re.match(r'#!.*\b(ba)?sh\b', head(n)) or n.endswith('.sh')]
    for name in scripts:
        outcome.check('shellcheck ' + name, *command('shellcheck', '-x', '-P', 'SCRIPTDIR', name))
    check_licences(outcome, names)
    outcome.check('python', *command('/usr/bin/python3', '-m', 'py_compile',
                                     *[n for n in names if n.endswith('.py')],
                                     env={**os.environ, 'PYTHONPYCACHEPREFIX': BUILD + '/pycache'}))
    check_versions(outcome, names)
    check_deps(outcome)
    check_release(outcome)
    status, env = once(os.path.join(VM, 'kernel'), 'tools')
    if status:
        outcome.failed.append(('checkpatch', env.splitlines()))
        return outcome
    with open(env.splitlines()[-1], encoding='utf-8') as file:
        tools = dict(line.rstrip().split('=', 1) for line in file)['LINUX_TOOLS']
    check_generated(outcome, tools)
    for name in names:
        if name.startswith(('kmod/', 'uapi/', 'kunit/', 'tests/tdx/', 'tests/bench/module/')) and name.endswith(('.c', '.h')):
            if '_gen.' in name or '/compat/' in name:
                continue
            ignored = IGNORED + (IGNORED_TRACE if name.endswith('/trace.h') else [])
            ignored += IGNORED_KUNIT if name.startswith('kunit/') else []
            outcome.check('checkpatch ' + name, *command(
                'perl', tools + '/scripts/checkpatch.pl', '--no-tree', '--strict', '--terse', '-q',
                '--show-types', '--ignore', ','.join(ignored), '--max-line-length=100', '-f', name))
    return outcome


def check_licences(outcome, names):
    """Every file says its licence, and that of its folder."""
    wrong = []
    for name in names:
        if name.startswith(UNLICENSED):
            continue
        found = re.search(r'SPDX-License-Identifier: (.*?)(?: \*/| -->)?$', head(name), re.MULTILINE)
        wanted = next((licence for start, licence in LICENCES if name.startswith(start)), 'Apache-2.0')
        if '_gen.' in name or name in ('uapi/linux/aael_netlink.h', 'Documentation/netlink/specs/aael.yaml'):
            wanted = GENERATED_LICENCE
        if not found or found[1] != wanted:
            wrong.append(f'{name}:1: {found[1] if found else "no SPDX line"}, not {wanted}')
    outcome.check('licences', bool(wrong), '\n'.join(wrong))


GENERATED = (('uapi/linux/aael_netlink.h', ('uapi', '--header')),
             ('kmod/netlink_gen.h', ('kernel', '--header')),
             ('kmod/netlink_gen.c', ('kernel', '--source')))


def check_generated(outcome, tools):
    """The generated files are what the kernel's generator makes of the specification."""
    with tempfile.TemporaryDirectory() as tree:
        # The generator finds the schema beside the specification, and the tree's top by a file.
        shutil.copytree(tools + '/Documentation', tree + '/Documentation')
        shutil.copy(tools + '/MAINTAINERS', tree)
        spec = tree + '/Documentation/netlink/specs/aael.yaml'
        os.makedirs(os.path.dirname(spec), exist_ok=True)
        shutil.copy(TOP + '/Documentation/netlink/specs/aael.yaml', spec)
        for name, mode in GENERATED:
            made = os.path.join(tree, name)
            os.makedirs(os.path.dirname(made), exist_ok=True)
            status, output = command(
                'timeout', '60', '/usr/bin/python3', tools + '/tools/net/ynl/pyynl/ynl_gen_c.py',
                '--spec', spec, '--mode', mode[0], mode[1], '-o', made)
            if not status:
                status, output = command('diff', '-u', os.path.join(TOP, name), made)
            outcome.check('generated ' + name, status, output)


VERSIONS = re.compile(r'LINUX_VERSION|KERNEL_VERSION|RHEL_|UTS_RELEASE|linux/version\.h|utsrelease')


def check_versions(outcome, names):
    """The code is written for the newest kernel; what older ones lack is in kmod/compat."""
    found = []
    for name in names:
        if name.startswith(('kmod/', 'kunit/', 'uapi/')) and not name.startswith('kmod/compat/'):
            with open(os.path.join(TOP, name), encoding='utf-8') as file:
                found += [f'{name}:{number}: {line.rstrip()}' for number, line in enumerate(file, 1)
                          if VERSIONS.search(line)]
    outcome.check('no version checks', 1 if found else 0, '\n'.join(found))


def check_deps(outcome):
    """tests/vm/deps installs every library that the helper is built with."""
    def read(name):
        with open(os.path.join(TOP, name), encoding='utf-8') as file:
            return file.read()
    makefile = read('helper/Makefile').replace('\\\n', ' ')
    libraries = re.search(r'^PKGS := (.*)$', makefile, re.MULTILINE)[1].split()
    installed = re.findall(r'[\w.+-]+', read('tests/vm/deps'))
    for name in libraries + ['cmocka']:
        _, folder = command('pkg-config', '--variable=pcfiledir', name)
        _, owner = command('dpkg', '-S', f'{folder.strip()}/{name}.pc')
        package = owner.partition(':')[0]
        outcome.check('dependency ' + name, package not in installed,
                      f'tests/vm/deps does not install {package or "what has " + name}')


# Where the version of dkms.conf must be repeated, and how.
RELEASES = (('debian/changelog', r'^aael \((.*?)\) '),
            ('kmod/main.c', r'^MODULE_VERSION\("(.*)"\);'),
            ('Documentation/openapi.yaml', r'^  version: (.*)$'))


def check_release(outcome):
    """All that says its version says that of dkms.conf."""
    def find(name, pattern):
        with open(os.path.join(TOP, name), encoding='utf-8') as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
        return found and found[1]
    version = find('dkms.conf', r'^PACKAGE_VERSION="(.*)"$')
    for name, pattern in RELEASES:
        found = find(name, pattern)
        outcome.check('version of ' + name, not version or found != version,
                      f'{found}, but dkms.conf says {version}')


def build(kernel):
    outcome = Outcome()
    outcome.check('build ' + kernel, *kmod(kernel))
    if kernel == 'debug' and outcome.passed:
        _, env = once(os.path.join(VM, 'kernel'), kernel)
        with open(env.splitlines()[-1], encoding='utf-8') as file:
            folder = dict(line.rstrip().split('=', 1) for line in file)['KDIR']
        outcome.check('configuration', *command(os.path.join(VM, 'kernel'), 'check-config',
                                                folder + '/.config'))
    return outcome


def interop():
    """The library against other implementations of what it reads and writes."""
    outcome = Outcome()
    make = ('make', '-s', '-C', 'tests/interop', f'O={BUILD}/interop')
    status, output = command(*make, '-j2', 'all')
    outcome.check('build interop', status, output)
    if status:
        return outcome
    status, output = command(*make, 'check')
    for line in output.splitlines():
        outcome.add(line)
    if status and not outcome.failed:
        outcome.check('make check', status, output)
    return outcome


def unit():
    outcome = Outcome()
    status, output = helper()
    outcome.check('build helper', status, output)
    # Others want it, too, and one at a time builds in a folder.
    helper_asan()
    status, output = command('make', '-C', 'helper', f'O={BUILD}/helper', '-j2', 'check')
    for line in output.splitlines():
        outcome.add(line)
    if status and not outcome.failed:
        outcome.check('make check', status, output)
    return outcome


FUZZ = ('make', '-s', '-C', 'tests/fuzz', f'O={BUILD}/fuzz')


def fuzz(name):
    """Named cases, and some seconds of a fuzzer in tests/fuzz."""
    outcome = Outcome()
    status, output = once(*FUZZ, '-j2', 'all')
    outcome.check('build fuzz', status, output)
    if status:
        return outcome
    status, output = command(*FUZZ, 'check-' + name)
    for line in output.splitlines():
        outcome.add(line)
        if re.match(r'# \w+_fuzz: \d+ runs', line):
            outcome.notes.append(line[2:])
    if status and not outcome.failed:
        outcome.check('make check-' + name, status, output)
    return outcome


def jobs():
    yield Job('style', style)
    for kernel in KERNELS:
        yield Job('build@' + kernel, lambda kernel=kernel: build(kernel), kernel)
    yield Job('interop', interop)
    if glob.glob(TOP + '/tests/unit/*_test.c*'):
        yield Job('helper-unit', unit)
    for path in sorted(glob.glob(TOP + '/tests/fuzz/*_fuzz.c')):
        name = os.path.basename(path).removesuffix('_fuzz.c')
        yield Job('fuzz@' + name, lambda name=name: fuzz(name))
