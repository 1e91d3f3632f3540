# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1 tpm=crb
# vm-timeout: 240
# vm-tree: README.md Documentation
"""Every command that README, the manual pages and the other documents show (commands.py), as it is
written: each is a test, named after its document and line.

A new command in a document is run without further ado, and must succeed and say nothing on standard
error. What it needs beside what is there (class Case) goes into NEEDS, what it must print into PRINTS.
One that would take the log from those behind it is for a test of its own, and for commands.ELSEWHERE.
"""
import contextlib
import functools
import os
import re
import shutil
import subprocess
import unittest

import aael
import attester
import certs
import commands
import device
import evidence
import rest
import server

AAEL, TSS = 901, 902
MEMBER = {'user': 1000, 'group': 1000, 'extra_groups': [AAEL, TSS]}
ANYBODY = {'user': 65534, 'group': 65534, 'extra_groups': []}
# By the beginning of a command. Everybody else is root.
USERS = (('aaelctl enable', {}), ('aaelctl tpm', {}), ('aaelctl handover', {}), ('aaelctl', MEMBER), ('tpm2_', MEMBER),
         ('curl', ANYBODY))
MODULES, CURLRC = '/tmp/modules', '/tmp/curl/.curlrc'
ENVIRONMENT = {**os.environ, 'LC_ALL': 'C', 'MODPROBE_OPTIONS': '-d ' + MODULES, 'CURL_HOME': os.path.dirname(CURLRC)}
SHA384, RTMR3 = 0xc, 4
RESOURCE = b'a secret'
MATCH = r'sha256:14: match\n  register: (\w{64})\n  replayed: \1\n'
CHECKED = r'signature: not checked\n'
TOKEN = r'\{"token":"[^"]+","tee_keypair":"-----BEGIN PRIVATE KEY-----[^"]+"\}'
SUCCESS = r'\{"success":"true"\}'
OURS = r'(\d+ 14 sha256:\w{64} \S+ \S+ .+\n)'

# Of standard output, the whole of it.
PRINTS = {
    'build/helper/aaelctl/aaelctl verify': MATCH,
    'cat /sys/kernel/security/aael/ascii_runtime_measurements': rf'{OURS}+',
    'aaelctl append example.org/app start "version 1.2"': r'\d+ 14\n',
    'aaelctl log --domain example.org/app': rf'{OURS}+',
    'aaelctl log --domain example.org/app --last 10': rf'{OURS}{{10}}',
    'aaelctl log --format jsonl --since 100 | jq -r .details.data.content': r'\d+\n(.+\n)*',
    'aaelctl log --format tcg2 >saved; aaelctl log --log saved': rf'(-.*\n)+{OURS}+',
    'aaelctl log | head': r'(-.*\n){10}',
    'aaelctl status': r'version: 1\nstate: enabled\nhealth: consistent\n(.+\n)+',
    """aaelctl status --json | jq -e '.health == "consistent"'""": 'true\n',
    'aaelctl verify': MATCH,
    'aaelctl verify --log saved': MATCH,
    'aaelctl verify --log saved --register "sha256:14=$(xxd -p -c 32 pcr14)"': MATCH,
    'aaelctl verify --evidence evidence': CHECKED + 'pcrDigest: match\n' + MATCH,
    'aaelctl verify --quote quote --log saved': CHECKED + r'(sha384:[1-4]: match\n(  .+\n){2}){4}',
    'aaelctl verify --log saved --against other': 'the log is that of other\n',
    'aaelctl initdata pack initdata.toml': r'H4sI[\w+/]+=*\n',
    'aaelctl initdata unpack --key aa.toml initdata.img': r'\[eventlog_config\]\nenable_eventlog = true\n',
    'aaelctl initdata digest --register tdx initdata.img': r'sha384:(\w{96})\nmrconfigid:\1\n',
    'aaelctl tpm provision': r'MIIB[\w+/]+=*\n',
    'curl http://127.0.0.1:8006/info': r'\{"version":"aaeld [\d.]+","tee":"tpm","feature":"all","aael":\{.+\}\}',
    """curl http://127.0.0.1:8006/aa/aael -d '{"domain":"example.org/app","operation":"start","content":"version 1.2"}'""":
        SUCCESS,
    'curl -X POST http://127.0.0.1:8006/aa/aael -H "Content-Type: application/json" '
    """-d '{"domain":"test","operation":"test","content":"test"}'""": SUCCESS,
    r'curl http://127.0.0.1:8006/aa/token\?token_type\=kbs': TOKEN,
    r"curl -H 'Cache-Control: no-cache' http://127.0.0.1:8006/aa/token\?token_type\=kbs": TOKEN,
    r"""curl http://127.0.0.1:8006/aa/token\?token_type\=kbs | jq -r '.token |split(".") | .[1] | @base64d | fromjson'""":
        r'(?s)\{\n.*"string": "test test test",.*\}\n',
    'curl http://127.0.0.1:8006/cdh/resource/default/key/1': RESOURCE.decode(),
    "curl 'http://127.0.0.1:8006/aa/evidence?runtime_data=bm9uY2U&encoding=base64'": r'\{"tpm_quote":\{.+\}',
    'curl http://127.0.0.1:8006/metrics': '(?s)# HELP aael_build_info .*',
}


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def get(path):
    with open(path, 'rb') as file:
        return file.read()


@contextlib.contextmanager
def as_udev_does():
    """The rules of aael-tools and of Debian's tpm-udev"""
    yield
    for path, group in ((device.PATH, AAEL), ('/dev/tpmrm0', TSS)):
        os.chown(path, 0, group)
        os.chmod(path, 0o660)


@contextlib.contextmanager
def in_a_folder_of_modules():
    """Of its own (ENVIRONMENT), for depmod takes its time with all of them."""
    put(f'{MODULES}/lib/modules/{os.uname().release}/aael.ko', get(device.MODULE))
    for name in ('order', 'builtin', 'builtin.modinfo'):
        put(f'{MODULES}/lib/modules/{os.uname().release}/modules.{name}', '')
    device.run('depmod', '-b', MODULES)
    yield


@contextlib.contextmanager
def a_link_that_leads_somewhere():
    """And is not there yet"""
    link = '/usr/local/bin/api-server-rest'
    os.makedirs(os.path.dirname(link), exist_ok=True)
    if not os.path.lexists('/usr/sbin/aaeld'):
        os.symlink(shutil.which('aaeld'), '/usr/sbin/aaeld')
    yield
    assert 'cdh_addr' in device.run(link, '--help')
    os.unlink(link)


@contextlib.contextmanager
def of_a_td():
    """A quote of its registers (evidence.md says where they are), and its log in place of ours"""
    log = attester.header(SHA384) + aael.encode_entry(RTMR3, [SHA384], 'a', 'b', 'c')
    quote = bytearray(1024)
    quote[0], quote[4] = 4, 0x81
    quote[376 + 3 * 48:376 + 4 * 48] = aael.replay(aael.parse(log).entries, RTMR3, SHA384, 'trustee')
    ours = get('saved')
    put('./quote', bytes(quote))
    put('./saved', log)
    yield
    put('./saved', ours)


@contextlib.contextmanager
def the_same_log():
    put('./other', get('saved'))
    yield


@contextlib.contextmanager
def more_than_a_hundred_events():
    for first in range(0, 120, 40):
        with open(device.PATH, 'w', encoding='ascii') as file:
            file.write(''.join(f'example.org/app count {n}\n' for n in range(first, first + 40)))
    yield


# By the beginning of a command: context managers, in its folder.
NEEDS = {
    'insmod build/kmod-local/kmod/aael.ko': as_udev_does,
    'modprobe aael': in_a_folder_of_modules,
    'ln -s': a_link_that_leads_somewhere,
    'aaelctl log --domain example.org/app --last 10': more_than_a_hundred_events,
    'aaelctl verify --quote quote --log saved': of_a_td,
    'aaelctl verify --log saved --against other': the_same_log,
}


@functools.cache
def services():
    """What runs beside: a KBS that goes by the name, and aaeld with the file, that tokens.md gives them."""
    # An answer that is an error fails, and progress is not shown.
    put(CURLRC, 'fail\nsilent\nshow-error\n')
    authority = certs.Authority()
    put('/etc/ssl/certs/ca-certificates.crt', authority.pem)
    put('/etc/hosts', get('/etc/hosts') + b'127.0.0.1 kbs.example\n')
    put('/etc/aaeld/aa.toml', commands.data('Documentation/tokens.md', '[token_configs.kbs]'))
    trusted = attester.wire.base64_decode(device.run('aaelctl', 'tpm', 'provision').strip(), 'AK')
    stub = server.Stub('log-aware', 8080, {'default/key/1': RESOURCE}, authority.files('/tmp', 'kbs.example'),
                       trusted_aks={trusted})
    unittest.addModuleCleanup(stub.__enter__().__exit__)
    daemon = rest.Daemon(program=('aaeld', '--metrics'))
    unittest.addModuleCleanup(daemon.__enter__().__exit__)
    return daemon


class Case(unittest.TestCase):
    """The commands of a document, one after another in a folder of their own. In it are evidence and a
    saved log of now, and the initdata.toml of configuration.md."""
    document = None

    @classmethod
    def setUpClass(cls):
        folder = '/tmp/commands/' + os.path.basename(cls.document)
        os.makedirs(folder)
        os.chmod(folder, 0o777)
        os.chdir(folder)
        if cls.document == 'README.md':
            # What is built there.
            put('build/kmod-local/kmod/aael.ko', get(device.MODULE))
            os.makedirs('build/helper/aaelctl')
            os.symlink(shutil.which('aaelctl'), 'build/helper/aaelctl/aaelctl')
            device.load_tpm_drivers()
            return
        put('./evidence', evidence.ask(services(), b'nonce').body)
        put('./saved', device.Device().stream())
        put('./initdata.toml', commands.data('Documentation/configuration.md', 'version = "0.1.0"'))
        for name in os.listdir():
            os.chmod(name, 0o666)

    def run_as_written(self, text):
        plain = commands.without_comment(text)
        user = next((user for begin, user in USERS if plain.startswith(begin)), {})
        needs = next((needs for begin, needs in NEEDS.items() if plain.startswith(begin)), contextlib.nullcontext)
        with needs():
            done = subprocess.run(['/bin/bash', '-o', 'pipefail', '-c', text], stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, env=ENVIRONMENT, **user)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 0, f'{text}\n{said}')
        if not plain.startswith('aaeld'):  # whose log it is
            self.assertEqual(said, '', text)
        printed = done.stdout.decode(errors='replace')
        self.assertTrue(re.fullmatch(PRINTS.get(plain, '(?s).*'), printed), f'{text}\n{printed[:2000]}')


class ATables(unittest.TestCase):
    def test_name_commands_that_are_run_here(self):
        here = commands.all_shown() - set(commands.ELSEWHERE)
        self.assertEqual(set(PRINTS) - here, set())
        self.assertEqual([begin for begin in NEEDS if not any(command.startswith(begin) for command in here)], [])


def case(number, document):
    tests = {'document': document}
    for n, command in enumerate(commands.shown(document)):
        if commands.without_comment(command.text) not in commands.ELSEWHERE:
            tests[f'test_{n:02}_line_{command.line}'] = functools.partialmethod(Case.run_as_written, command.text)
    name = f'M{number:02}_{os.path.basename(document)}'
    return name, type(name, (Case,), tests)


globals().update(case(number, document) for number, document in enumerate(commands.DOCUMENTS))
