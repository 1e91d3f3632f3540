# SPDX-License-Identifier: Apache-2.0
"""The suite "deb": the Debian packages, as `make deb` builds them, on and for each suite."""
import glob
import hashlib
import os
import re

from common import BUILD, Job, Outcome, TOP, VM, command, helper, once
from guests import BOOTS, died_of_emulation

FOLDER = os.path.join(TOP, 'tests', 'deb')
BUILDER = FOLDER + '/build'
# What this machine is; packages for the other suites are built in systems of their own.
HERE = 'bookworm'
SUITES = (HERE, 'trixie')
# Of systemd-analyze security, in tenths: the less, the more is confined.
EXPOSURE_MAX = '26'

# What is in a package beside folders, documentation and the module's source.
CONTENTS = {
    'aael-dkms': ['0644 usr/lib/modules-load.d/aael.conf',
                  '0644 usr/share/doc/aael-dkms/examples/modprobe.conf'],
    'aael-tools': ['0755 usr/bin/aaelctl',
                   '0644 lib/systemd/system/aael-handover.service',
                   '0644 lib/systemd/system/aael-import.service',
                   '0644 usr/share/bash-completion/completions/aaelctl',
                   '0644 usr/lib/sysusers.d/aael-tools.conf',
                   '0644 usr/lib/udev/rules.d/60-aael.rules',
                   '0644 usr/share/man/man1/aaelctl.1.gz',
                   '0644 usr/share/man/man4/aael.4.gz'],
    'aaeld': ['0644 etc/aaeld/aa.toml',
              '0644 lib/systemd/system/aaeld.service',
              '0644 lib/systemd/system/aaeld.socket',
              '0777 usr/bin/api-server-rest -> ../sbin/aaeld',
              '0644 usr/lib/tmpfiles.d/aaeld.conf',
              '0755 usr/sbin/aaeld',
              '0644 usr/share/man/man5/aaeld.toml.5.gz',
              '0644 usr/share/man/man8/aaeld.8.gz',
              '0777 usr/share/man/man8/api-server-rest.8.gz -> aaeld.8.gz'],
    'libaael-dev': ['0644 usr/include/linux/aael.h',
                    '0644 usr/include/linux/aael_netlink.h'],
}


def digests(folder):
    found = {}
    for path in glob.glob(folder + '/*.deb'):
        with open(path, 'rb') as file:
            found[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
    return found


def mode(letters):
    """0644 of -rw-r--r--."""
    bits = ''.join('0' if letter == '-' else '1' for letter in letters[1:10])
    return f'{int(bits, 2):04o}'


def listing(path):
    """{path without ./: its line in CONTENTS} of a package's files and links."""
    found = {}
    _, output = command('dpkg-deb', '--contents', path)
    for line in output.splitlines():
        letters, owner, _, _, _, name = line.split(None, 5)
        name = name.removeprefix('./')
        if letters[0] != 'd':
            # In Debian 13 debhelper puts units below /usr.
            entry = re.sub(r'^usr/lib/systemd', 'lib/systemd', name)
            found[entry] = f'{mode(letters)} {entry}' + ('' if owner == 'root/root' else ' of ' + owner)
    return found


def check_contents(outcome, folder, package):
    path, = glob.glob(f'{folder}/{package}_*.deb')
    found = listing(path)
    docs = f'usr/share/doc/{package}/'
    rest = sorted(line for name, line in found.items()
                  if not name.startswith(docs) or '/examples/' in name)
    rest = [line for line in rest if ' usr/src/' not in line]
    wanted = sorted(CONTENTS[package])
    outcome.check('contents of ' + package, rest != wanted,
                  'found:\n' + '\n'.join(rest) + '\nwanted:\n' + '\n'.join(wanted))
    outcome.check('documentation of ' + package,
                  not {docs + 'copyright', docs + 'changelog.gz'} <= set(found), '\n'.join(found))
    return [line for line in found.values() if ' usr/src/' in line]


def check_source(outcome, lines):
    """aael-dkms has what the module is built from, and nothing else."""
    with open(TOP + '/dkms.conf', encoding='utf-8') as file:
        version = re.search(r'^PACKAGE_VERSION="(.*)"$', file.read(), re.MULTILINE)[1]
    _, names = command('git', 'ls-files', '-co', '--exclude-standard', 'kmod', 'uapi', 'dkms.conf')
    wanted = sorted(f'0644 usr/src/aael-{version}/{name}' for name in names.split()
                    if os.path.exists(os.path.join(TOP, name)))
    outcome.check('source in aael-dkms', sorted(lines) != wanted,
                  '\n'.join(sorted(set(lines) ^ set(wanted))))


def check_manual(outcome, name, page, output):
    """Every long option that a program tells of is in its page."""
    with open(f'{TOP}/Documentation/man/{page}.scd', encoding='utf-8') as file:
        text = file.read()
    options = sorted(set(re.findall(r'--[a-z][a-z_-]+', output)))
    missing = [option for option in options if f'*{option}*' not in text]
    outcome.check(f'options of {name} in {page}', 1 if missing or not options else 0,
                  'not there: ' + ' '.join(missing))


def check_manuals(outcome):
    status, output = helper()
    outcome.check('build helper', status, output)
    if status:
        return
    check_manual(outcome, 'aaeld', 'aaeld.8', command(BUILD + '/helper/aaeld/aaeld', '--help')[1])
    ctl = BUILD + '/helper/aaelctl/aaelctl'
    _, verbs = command(ctl, '--help')
    for verb in re.findall(r'^  ([a-z]+)\b', verbs, re.MULTILINE):
        check_manual(outcome, 'aaelctl ' + verb, 'aaelctl.1',
                     command(ctl, verb, '--help')[1] + ' --help')
        with open(TOP + '/Documentation/man/aaelctl.1.scd', encoding='utf-8') as file:
            outcome.check(f'{verb} in aaelctl.1', not re.search(rf'^\*{verb}\b', file.read(), re.M), '')


def check_units(outcome, folder):
    unit, = glob.glob(folder + '/source/debian/aaeld/**/aaeld.service', recursive=True)
    outcome.check('exposure of aaeld.service', *command(
        'systemd-analyze', 'security', '--no-pager', '--offline=true',
        '--threshold=' + EXPOSURE_MAX, unit))


def elsewhere(suite):
    """The last word for build and lint."""
    return [] if suite == HERE else [suite]


def built(suite):
    """Status and output of their build; the last line names the folder."""
    return once(BUILDER, 'deb' if suite == HERE else 'deb-' + suite, *elsewhere(suite))


def check_again(outcome, folder):
    status, output = command('sh', '-c', 'umask 077; exec "$0" deb-again', BUILDER,
                             env={**os.environ, 'TZ': 'Asia/Tokyo', 'LANG': 'C'})
    outcome.check('make deb, again', status, output)
    if not status:
        first, second = digests(folder), digests(output.splitlines()[-1])
        outcome.check('the same packages', not first or first != second, f'{first}\n{second}')


def deb(suite):
    outcome = Outcome()
    status, output = built(suite)
    outcome.check('make deb', status, output)
    if status:
        return outcome
    folder = output.splitlines()[-1]
    outcome.check('lintian', *command(FOLDER + '/lint', folder, *elsewhere(suite)))
    lines = []
    for package in CONTENTS:
        lines += check_contents(outcome, folder, package)
    check_source(outcome, lines)
    if suite == HERE:
        check_again(outcome, folder)
        check_manuals(outcome)
        check_units(outcome, folder)
    return outcome


def tap(outcome, name, status, output):
    for line in output.splitlines():
        outcome.add(line)
    if status and not outcome.failed or not outcome.passed:
        outcome.check(name, status or 1, output)


def root(suite):
    return f'{BUILD}/deb-root-{suite}'


def installed(suite):
    """The packages in a Debian system of their own: what root prints."""
    status, output = built(suite)
    return (status, output) if status else once(FOLDER + '/root', suite, output.splitlines()[-1], root(suite))


def install(suite):
    outcome = Outcome()
    tap(outcome, 'tests/deb/root', *installed(suite))
    return outcome


def boot(suite, tdx=False):
    """That system in a guest with a TPM, or where its kernel takes it for a TDX guest, started by systemd."""
    outcome = Outcome()
    status, output = installed(suite)
    if not status:
        status, output = once(VM + '/images', 'userland')
    outcome.check('install', status, output)
    if status:
        return outcome
    with open(root(suite) + '/kernel', encoding='ascii') as file:
        kernel = file.read().strip()
    name = 'deb-boot-' + suite + ('-tdx' if tdx else '')
    guest = FOLDER + '/guest/'
    words = [VM + '/run', '--name', name, '--kernel', kernel, '--timeout', '900', '--memory', '1536',
             '--userland', root(suite) + '/image.squashfs', '--drive', output.splitlines()[-1],
             '--put', guest + 'main=aael/main', '--put', guest + 'report=aael/report',
             '--put', TOP + '/tests/kbs=aael/kbs', '--put', TOP + '/tests/functional=aael/lib', '--stream']
    if tdx:
        words += ['--tpm', 'none', '--put', root(suite) + '/tdxemul.ko=aael/tdxemul.ko']
    for _ in range(BOOTS):
        status, output = command(*words, guest + 'script')
        if not status or not died_of_emulation(name):
            break
        outcome.crashes += 1
    tap(outcome, 'guest', status, output)
    return outcome


def jobs():
    for suite in SUITES:
        yield Job('deb-install@' + suite, lambda s=suite: install(s))
    for suite in SUITES:
        yield Job('deb-boot@' + suite, lambda s=suite: boot(s))
    # The first kernel that can be a TDX guest.
    yield Job('deb-boot@trixie-tdx', lambda: boot('trixie', tdx=True))
    for suite in SUITES:
        yield Job('deb@' + suite, lambda s=suite: deb(s))
