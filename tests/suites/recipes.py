# SPDX-License-Identifier: Apache-2.0
"""The suites "recipes@…": what contrib/ has for builders of images, and the commands of
Documentation/images.md as they stand there. A comment above each block of code says what becomes of it:
  <!-- run: NAME -->        commands that a job below runs, in a folder that has the tree as aael
  <!-- file: NAME -->       text of that file, which they read
  <!-- not run: WHY -->
"""
import glob
import hashlib
import os
import re
import shutil
import textwrap
import tomllib

import yaml

from common import BUILD, Job, Outcome, TOP, VM, command, helper, once
from guests import BOOTS, died_of_emulation

BUILDER = TOP + '/tests/deb/build'
OURS = TOP + '/tests/recipes/'
CONTRIB = TOP + '/contrib/'
CODE = r'((?:(?: {4}.*)?\n)+)'
MARKED = re.compile(rf'^<!-- (run|file|not run): (.+?) -->\n\n{CODE}', re.MULTILINE)
# Where the firmware's db has one key, which everybody knows.
SNAKEOIL = '/usr/share/ovmf/PkKek-1-snakeoil.'


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


DOCUMENT = read(TOP + '/Documentation/images.md')
BLOCKS = {(kind, name): textwrap.dedent(code).strip('\n') + '\n' for kind, name, code in MARKED.findall(DOCUMENT)}


class Recipe(Outcome):
    """An empty folder, and the document's commands in it. Work that fails ends the job."""

    def __init__(self, name, blocks):
        super().__init__()
        self.folder = f'{BUILD}/recipes/{name}'
        self.blocks = set(blocks)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def need(self, name, status, output):
        self.check(name, status, output)
        if status:
            raise Failed
        return output

    def sh(self, name, text, folder='', around=(), **env):
        """What a shell prints that runs the text in a folder of ours."""
        path = os.path.join(self.folder, folder)
        return self.need(name, *command(*around, 'bash', '-euc', f'cd "$0"\n{text}', path,
                                        env={**os.environ, 'LC_ALL': 'C.UTF-8', **env}))

    def block(self, name, folder='', around=(), **env):
        self.blocks.discard(name)
        return self.sh(f'as written: {name}', BLOCKS['run', name], folder, around, **env)

    def file(self, name, folder=''):
        write(os.path.join(self.folder, folder, name), BLOCKS['file', name])

    def tree(self, *names):
        """A copy of the tree, or of some of it, as git knows it or would add it."""
        self.need('copy of the tree', *command(
            'bash', '-euo', 'pipefail', '-c', 'git ls-files -co --exclude-standard -z -- "${@:2}" | '
            'xargs -0 sh -c \'for f; do [ ! -e "$f" ] || printf "%s\\0" "$f"; done\' sh | '
            'tar -c --null -T - | tar -x --one-top-level="$1"', 'sh', self.folder + '/aael', *names))

    def debs(self):
        """What `make deb` makes, where it makes it in the copy of the tree"""
        made = self.need('make deb', *once(BUILDER, 'deb')).splitlines()[-1]
        folder = self.folder + '/aael/build/deb'
        os.makedirs(folder)
        for path in glob.glob(made + '/*.deb'):
            shutil.copy(path, folder)
        return folder

    def expect(self, name, good, details=''):
        self.check(name, 0 if good else 1, str(details))

    def guest(self, name, *words):
        """Counts the lines of TAP of a guest's script."""
        for _ in range(BOOTS):
            status, output = command(VM + '/run', '--stream', '--name', 'recipes-' + name, *words)
            if not status or not died_of_emulation('recipes-' + name):
                break
            self.crashes += 1
        for line in output.splitlines():
            self.add(line)
        if status and not self.failed:
            self.check('guest ' + name, status, output)


class Failed(Exception):
    """It has been counted."""


def kernel_env(name):
    status, output = once(VM + '/kernel', name)
    if status:
        raise ValueError(output)
    return dict(line.split('=', 1) for line in read(output.splitlines()[-1]).splitlines())


def document(recipe):
    rest = MARKED.sub('', DOCUMENT)
    recipe.expect('every block says what becomes of it', not re.search(r'^ {4}', rest, re.MULTILINE), rest)
    run = [name for kind, name, _ in MARKED.findall(DOCUMENT) if kind == 'run']
    jobs_of = [name for _, _, names, _ in RECIPES for name in names]
    recipe.expect('each is run by one job', sorted(run) == sorted(jobs_of), f'{run}\n{jobs_of}')
    version = re.search(r'^PACKAGE_VERSION="(.*)"$', read(TOP + '/dkms.conf'), re.MULTILINE)[1]
    names = [os.path.basename(path) for path in glob.glob(CONTRIB + 'yocto/recipes-*/*/*.bb')]
    recipe.expect('versions of recipes', len(names) == 2 and all(n.endswith(f'_{version}.bb') for n in names), names)


def mkosi(recipe):
    recipe.tree()
    recipe.debs()
    recipe.file('mkosi.conf', 'image')
    sources = recipe.need('mirror', *command(OURS + 'sources', 'bookworm'))
    write(recipe.folder + '/image/mkosi.sandbox/etc/apt/sources.list.d/mkosi.sources', sources)
    # What a user may have beside it: here, to be fast and to have something to look at, no initrd either.
    cache = recipe.sh('cache', f'. {VM}/lib.sh; mkdir -p "$cache/mkosi/images"; echo "$cache/mkosi"').strip()
    os.mkdir(recipe.folder + '/packages')
    write(recipe.folder + '/image/mkosi.local.conf', textwrap.dedent(f'''\
        [Output]
        Format=directory
        Output=root
        [Content]
        Bootable=no
        [Build]
        Incremental=yes
        CacheDirectory={cache}/images
        PackageCacheDirectory={recipe.folder}/packages
        '''))
    os.symlink(OURS, recipe.folder + '/bin')
    recipe.block('mkosi', 'image', PATH=f'{recipe.folder}/bin:{os.environ["PATH"]}')
    look_at_image(recipe, recipe.folder + '/image/root')


def look_at_image(recipe, root):
    modules, = glob.glob(root + '/usr/lib/modules/*')
    release = os.path.basename(modules)
    index = read(modules + '/modules.dep')
    recipe.expect('modules.dep has it', re.search(r'^updates/aael\.ko:', index, re.MULTILINE))
    _, output = command('modinfo', '-F', 'vermagic', modules + '/updates/aael.ko')
    recipe.expect('it is for the kernel of the image', output.startswith(release + ' '), output)
    there = [name for name in ('gcc', 'cc', 'make', 'ld', 'as') if os.path.lexists(f'{root}/usr/bin/{name}')]
    there += glob.glob(root + '/usr/src/*') + glob.glob(root + '/usr/lib/gcc/*/*/cc1') + glob.glob(modules + '/build')
    recipe.expect('no compiler and no headers', not there, there)
    wants = {os.path.relpath(path, root + '/etc/systemd/system')
             for path in glob.glob(root + '/etc/systemd/system/*.wants/aaeld.*')}
    recipe.expect('the daemon starts at boot, not with the first request',
                  wants == {'multi-user.target.wants/aaeld.service'}, wants)
    recipe.expect('the group', re.search(r'^aael:', read(root + '/etc/group'), re.MULTILINE))
    for program in ('sbin/aaeld', 'bin/aaelctl'):
        status, output = command('chroot', root, '/usr/' + program, '--version')
        recipe.check(program, status, output)


# A kernel that is quick to configure, with all that the module can use.
OPTIONS = [f'CONFIG_{name}=y' for name in (
    '64BIT SMP X86_X2APIC CPU_SUP_INTEL MODULES PRINTK MULTIUSER PROC_FS SYSFS EXPERT ACPI EFI PCI NET INET SECURITY '
    'HYPERVISOR_GUEST PARAVIRT VIRT_DRIVERS INTEL_TDX_GUEST TSM_REPORTS TDX_GUEST_DRIVER TCG_TPM TCG_TIS TCG_CRB '
    'FTRACE ENABLE_DEFAULT_TRACERS').split()]


def kernel_tree(recipe):
    """On top of the source in the cache, which stays as it is"""
    source = kernel_env('tools')['LINUX_SOURCE']
    recipe.tree('kmod', 'uapi', 'contrib')
    for name in ('linux', 'upper', 'work'):
        os.mkdir(f'{recipe.folder}/{name}')
    write(recipe.folder + '/options', '\n'.join(OPTIONS) + '\n')
    around = ('unshare', '--mount', 'sh', '-ec', 'cd "$0"; mount -t overlay overlay '
              f'-o lowerdir={source},upperdir=upper,workdir=work linux; exec "$@"', recipe.folder)
    make = f'make() {{ command make -s -j{os.cpu_count()} "$@" >/dev/null; }}; export -f make\n'
    recipe.sh('configuration', make + 'cd linux; make tinyconfig; '
              'scripts/kconfig/merge_config.sh -m .config ../options >/dev/null', around=around)
    quiet = {'BASH_FUNC_make%%': f'() {{ command make -s -j{os.cpu_count()} "$@"; }}'}
    recipe.block('patch', around=around)
    recipe.block('kernel-tree', around=around, **quiet)
    made = recipe.folder + '/upper/drivers/virt/coco/aael/'
    recipe.expect('it is built in', os.path.getsize(made + 'built-in.a') > 1000)
    before = recipe.sh('added once', 'cd upper; cat drivers/virt/[KM]*; find drivers/virt include/uapi -name "*.[ch]" | sort')
    # The same once more, as a module.
    text = BLOCKS['run', 'kernel-tree']
    recipe.sh('as a module', text.replace('--enable AAEL', '--module AAEL'), around=around, **quiet)
    recipe.expect('is one', 'CONFIG_AAEL=m' in read(recipe.folder + '/upper/.config').splitlines()
                  and read(made + 'aael.mod').strip() != '')
    after = recipe.sh('added twice', 'cd upper; cat drivers/virt/[KM]*; find drivers/virt include/uapi -name "*.[ch]" | sort')
    recipe.expect('twice is as once', before == after, after)
    recipe.sh('the patch does the same', f'''
        mkdir -p patched/drivers/virt; cp {source}/drivers/virt/[KM]* patched/drivers/virt
        patch -s -d patched -p1 <aael.patch
        for f in $(cd patched; find . -type f); do cmp "patched/$f" "upper/$f"; done
        test "$(find patched -name '*.c' | wc -l)" = "$(ls aael/kmod/*.c | wc -l)"''')
    refusals(recipe)


def refusals(recipe):
    """What add says of a folder that it cannot be used on, and that it leaves it as it is"""
    def tree(name, version, files=('drivers/virt/Kconfig', 'drivers/virt/Makefile')):
        folder = f'{recipe.folder}/{name}'
        os.makedirs(folder)
        if version:
            write(folder + '/Makefile', 'VERSION = {}\nPATCHLEVEL = {}\n'.format(*version))
        for path in files:
            write(f'{folder}/{path}', '# nothing\n')
        return folder

    def refuse(why, *words):
        status, output = command(recipe.folder + '/aael/contrib/kernel-tree/add', *words)
        recipe.expect('refused: ' + why, status == (2 if why == 'usage' else 1) and why in output, f'{status} {output}')
    refuse('usage')
    refuse('usage', '--patches', recipe.folder)
    refuse('no such folder', recipe.folder + '/nowhere')
    refuse('no source of a kernel', tree('none', None))
    refuse('the module needs 6.1 or later', tree('old', (6, 0)))
    refuse('the module needs 6.1 or later', tree('older', (5, 15)))
    refuse('this is not the whole source', tree('half', (6, 12), files=['drivers/virt/Makefile']))
    recipe.sh('a kernel of 6.1', '../aael/contrib/kernel-tree/add . && test -e drivers/virt/coco/aael/main.c',
              os.path.relpath(tree('new', (6, 1)), recipe.folder))
    refuse('a patch is made from a tree without', '--patch', recipe.folder + '/new')


def yocto(recipe):
    """What module.bbclass does with the recipe, and what the other recipe does itself"""
    module = read(glob.glob(CONTRIB + 'yocto/recipes-kernel/aael/*.bb')[0])
    daemon = read(glob.glob(CONTRIB + 'yocto/recipes-support/aael/*.bb')[0])
    for name, text in (('module', module), ('daemon', daemon)):
        license_file, digest = re.search(r'"file://(\S+);md5=(\w+)"', text).groups()
        with open(f'{TOP}/{license_file}', 'rb') as file:
            recipe.expect('licence of the ' + name, hashlib.md5(file.read()).hexdigest() == digest)
    recipe.tree(*re.search(r"for name in '(.*?)'", module)[1].split())
    env = kernel_env('6.1')
    common, = glob.glob(os.path.dirname(env['KDIR']) + '/linux-headers-*-common')
    target = re.search(r'^MAKE_TARGETS = "(.*)"$', module, re.MULTILINE)[1]
    symvers = re.search(r'^MODULES_MODULE_SYMVERS_LOCATION = "(.*)"$', module, re.MULTILINE)[1]
    tools = 'CC=gcc LD=ld OBJCOPY=objcopy STRIP=strip'
    recipe.sh('module_do_compile', f'make KERNEL_SRC={common} KERNEL_PATH={common} '
              f'KERNEL_VERSION={env["KERNEL_RELEASE"]} {tools} AR=ar O={env["KDIR"]} KBUILD_EXTRA_SYMBOLS= {target}', 'aael')
    recipe.sh('module_do_install', f'make KERNEL_SRC={common} DEPMOD=echo MODLIB="$PWD/../D/modules" '
              f'INSTALL_FW_PATH="$PWD/../D/firmware" {tools} O={env["KDIR"]} modules_install', 'aael')
    recipe.expect('Module.symvers', os.path.exists(f'{recipe.folder}/aael/{symvers}/Module.symvers'))
    found = glob.glob(recipe.folder + '/D/modules/**/aael.ko', recursive=True)
    recipe.expect('the module', len(found) == 1, found)
    recipe.need('build helper', *helper())
    folders = dict(S=TOP, B=f'{BUILD}/helper', D='D', sbindir='/usr/sbin', bindir='/usr/bin', sysconfdir='/etc',
                   systemd_system_unitdir='/lib/systemd/system', nonarch_libdir='/usr/lib', nonarch_base_libdir='/lib')
    for step in ('compile', 'install'):
        text = re.search(rf'^do_{step}\(\) \{{\n(.*?)^\}}', daemon, re.MULTILINE | re.DOTALL)[1]
        recipe.sh('do_' + step, 'oe_runmake() { make "$@"; }\n' + text, **folders)
    sources = re.search(r"for name in '(.*?)'", daemon)[1].split()
    used = set(re.findall(r'\$\{S\}/(\w+)', daemon)) | {'dkms.conf', 'uapi', 'LICENSES'}
    recipe.expect('what it uses is fetched', used == set(sources), f'{used} {sources}')
    recipe.sh('what is installed', 'test -x D/usr/sbin/aaeld -a -x D/usr/bin/api-server-rest -a -e D/lib/systemd/system/aaeld.service')


def packer(recipe):
    if not shutil.which('packer'):
        recipe.blocks.clear()
        recipe.skipped.append(('packer', 'Debian 13 has no packer'))
        return
    recipe.tree('contrib')
    debs = recipe.debs()
    quiet = {'CHECKPOINT_DISABLE': '1', 'HOME': recipe.folder}
    recipe.block('packer', SUM=hashlib.sha512().hexdigest(), **quiet)
    recipe.sh('packer fmt', 'packer fmt -check -diff aael/contrib/packer', **quiet)
    shutil.rmtree(debs)
    os.mkdir(debs)
    status, output = command('bash', '-c', f'cd {recipe.folder}; {BLOCKS["run", "packer"]}', env={**os.environ, **quiet})
    recipe.expect('without packages it is not valid', status and 'Source must be specified' in output, output)


def signing(recipe):
    recipe.need('build helper', *helper())
    env = kernel_env('6.1')
    recipe.tree('Makefile', 'dkms.conf', 'kmod', 'uapi')
    release, root = env['KERNEL_RELEASE'], recipe.folder + '/root'
    where = {'KDIR': env['KDIR'], 'ROOT': root, 'RELEASE': release}
    os.mkdir(root)
    recipe.block('modules', **where)
    recipe.expect('depmod knows it', 'updates/aael.ko:' in read(f'{root}/lib/modules/{release}/modules.dep'))
    recipe.sh('make clean', 'make -s -C aael clean && ! find aael -name "*.o" -o -name "*.ko" -o -name "*.cmd" | grep .')
    module = f'{root}/lib/modules/{release}/updates/aael.ko'
    for name in ('stranger', 'trusted'):
        os.mkdir(f'{recipe.folder}/{name}')
        shutil.copy(module, f'{recipe.folder}/{name}/aael.ko')
    recipe.block('key', 'stranger')
    signer = recipe.block('sign', 'stranger', **where)
    recipe.expect('the signer', signer == 'modules of example.org\n', signer)
    shutil.copy(SNAKEOIL + 'pem', recipe.folder + '/trusted/modules.pem')
    recipe.sh("the firmware's key", f'openssl rsa -in {SNAKEOIL}key -passin pass:snakeoil -out modules.key', 'trusted')
    recipe.block('sign', 'trusted', **where)
    messages = {first: f'{insmod}|{log}' for first, insmod, log in
                re.findall(r'^\| (not signed|signed|either)\b[^|]*\| (.*?) \| (.*?) \|$', DOCUMENT, re.MULTILINE)}
    recipe.expect('messages in the document', len(messages) == 3, messages)
    puts = [word for name, path in (('unsigned', module), ('stranger', recipe.folder + '/stranger/aael.ko'),
                                    ('trusted', recipe.folder + '/trusted/aael.ko'))
            for word in ('--put', f'{path}=aael/{name}.ko')]
    puts += ['--put', f'{BUILD}/helper/aaelctl/aaelctl=aael/bin/aaelctl']
    for name, words, unsigned, stranger in (
            ('secure-boot', ['--secure-boot', '--env', 'trusted=yes', '--timeout', '240'], 'not signed', 'signed'),
            ('lockdown', ['--append', 'lockdown=integrity'], 'either', 'either'),
            ('enforced', ['--append', 'lockdown=integrity module.sig_enforce=1'], 'not signed', 'signed')):
        recipe.guest(name, *words, *puts, '--env', 'unsigned=' + messages[unsigned],
                     '--env', 'stranger=' + messages[stranger], OURS + 'lockdown')


def initdata(recipe):
    recipe.need('build helper', *helper())
    path = {'PATH': f'{BUILD}/helper/aaelctl:{os.environ["PATH"]}'}
    recipe.file('initdata.toml')
    text = BLOCKS['file', 'initdata.toml']
    annotation = recipe.block('pack', **path).strip()
    pod = yaml.safe_load(BLOCKS['file', 'pod.yaml'])
    have = pod['metadata']['annotations']['io.katacontainers.config.hypervisor.cc_init_data']
    recipe.expect('the annotation in the pod', have == annotation, f'{have}\n{annotation}')
    want = hashlib.sha384(text.encode()).hexdigest()
    recipe.expect('the digest', recipe.block('digest', **path) == f'sha384:{want}\nmrconfigid:{want}\n')
    inner = recipe.block('unpack', **path)
    recipe.expect('what is in it', inner == tomllib.loads(text)['data']['aa.toml'], inner)
    write(recipe.folder + '/aa.toml', inner)
    recipe.sh('aaeld takes it', f'{BUILD}/helper/aaeld/aaeld --check -c aa.toml')


# Name, function, blocks that it runs as written, and a kernel that it needs.
RECIPES = (
    ('document', document, (), None),
    ('mkosi', mkosi, ('mkosi',), None),
    ('kernel-tree', kernel_tree, ('patch', 'kernel-tree'), None),
    ('signing', signing, ('modules', 'key', 'sign'), '6.1'),
    ('yocto', yocto, (), '6.1'),
    ('packer', packer, ('packer',), None),
    ('initdata', initdata, ('pack', 'digest', 'unpack'), None),
)


def job(name, function, blocks):
    recipe = Recipe(name, blocks)
    try:
        function(recipe)
        recipe.expect('all its blocks were run', not recipe.blocks, recipe.blocks)
    except Failed:
        pass
    return recipe


def jobs():
    for name, function, blocks, kernel in RECIPES:
        yield Job('recipes@' + name, lambda n=name, f=function, b=blocks: job(n, f, b), kernel)
