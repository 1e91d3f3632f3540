# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1 tpm=crb
# vm-append: agent.guest_components_rest_api=attestation
"""How aaeld starts: features, its other name, where its configuration is, what it does to the log."""
import base64
import contextlib
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import device
import rest

EVENT = {'domain': 'start', 'operation': 'op', 'content': 'c'}
SUCCESS = b'{"success":"true"}'
NOT_ENABLED = (b'{"success":"false","message": '
               b'"Attestation Agent does not enable eventlog recording"}')
OFF = {'/aa/': b'Attestation Feature Not Enabled', '/cdh/': b'Resource Feature Not Enabled'}
GROUP = 901
USER = {'user': 1000, 'group': 1000, 'extra_groups': []}
MEMBER = {**USER, 'extra_groups': [GROUP]}
SERVER_REST = '/tmp/api-server-rest'
KATA = '/run/confidential-containers/initdata'
INITDATA = 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"aa.toml" = \'\'\'\n{config}\'\'\'\n'


def setUpModule():
    os.symlink('/aael/bin/aaeld', SERVER_REST)


@contextlib.contextmanager
def command_line(text):
    """Another kernel command line, as far as anybody can see."""
    with open('/tmp/cmdline', 'w', encoding='ascii') as file:
        file.write(text)
    device.run('mount', '--bind', '/tmp/cmdline', '/proc/cmdline')
    try:
        yield
    finally:
        device.run('umount', '/proc/cmdline')


class Case(unittest.TestCase):
    def fails(self, says, *words, **more):
        """It ends with 1, and the last that it says is about that."""
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=60, **more)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(says, done.stdout.splitlines()[-1])

    def config(self, enable=True, init_pcr=17):
        with open(rest.CONFIG_PATH, 'w', encoding='ascii') as file:
            file.write(rest.CONFIG.format(init_pcr=init_pcr, enable=str(enable).lower()))


    def write(self, text):
        """A file with that text, which is not the usual configuration."""
        with open('/tmp/text', 'w', encoding='ascii') as file:
            file.write(text)
        return file.name


class Disabled(Case):
    """Runs first; with a new module for each test."""

    def setUp(self):
        if device.loaded():
            device.rmmod()
        device.insmod()
        os.chown(device.PATH, 0, GROUP)
        os.chmod(device.PATH, 0o660)

    def stays_disabled(self):
        self.assertEqual((device.Status().one('state'), device.count()), ('disabled', 0))

    def test_not_enabled_is_what_coco_says(self):
        with rest.Daemon(enable=False) as daemon:
            answer = daemon.post(EVENT)
            self.assertEqual((answer.status, answer.body), (200, NOT_ENABLED))
            self.assertEqual(answer.headers['content-type'], 'application/json')
            info = json.loads(daemon.get('/info').body)
            self.assertEqual((info['tee'], info['aael']['state'], info['aael']['count']),
                             ('tpm', 'disabled', 0))
        self.stays_disabled()

    def test_without_a_configuration_nothing_is_enabled(self):
        with rest.Daemon(program=['aaeld']) as daemon:
            self.assertEqual(daemon.post(EVENT).body, NOT_ENABLED)
            self.assertIn('configuration: none', daemon.output())
        self.stays_disabled()

    def test_missing_configuration_is_an_error(self):
        self.fails('/nowhere: No such file or directory', 'aaeld', '-c', '/nowhere')
        self.stays_disabled()

    def test_refused_index_is_an_error(self):
        self.config(init_pcr=5)
        self.fails('the log cannot be enabled with index 5: Invalid argument (the kernel says: PCRs 0 to 7 '
                   'belong to the firmware)', 'aaeld', '-c', rest.CONFIG_PATH)
        self.stays_disabled()

    def test_enabling_needs_the_capability(self):
        self.config()
        self.fails('needs CAP_SYS_ADMIN (or enable it before: aaelctl enable)',
                   'aaeld', '-c', rest.CONFIG_PATH, **MEMBER)
        self.stays_disabled()

    def test_device_that_cannot_be_opened(self):
        with rest.Daemon(**USER) as daemon:
            answer = daemon.post(EVENT)
            self.assertEqual(answer.status, 500)
            self.assertIn('/dev/aael cannot be used', json.loads(answer.body)['message'])
            self.assertEqual(json.loads(daemon.get('/info').body)['aael'], {'state': 'unavailable'})
        self.stays_disabled()

    def test_check_prints_the_configuration_and_ends(self):
        self.config(init_pcr=18)
        with command_line('agent.aa_kbc_params=cc_kbc::http://line agent.guest_components_rest_api=all'):
            done = subprocess.run(['aaeld', '-c', rest.CONFIG_PATH, '--check'], stdout=subprocess.PIPE,
                                  text=True, check=True, timeout=60)
            lines = done.stdout.splitlines()
            self.assertEqual(lines[:6], [
                f'configuration: {rest.CONFIG_PATH}', 'initdata: none', 'features: all',
                'eventlog_config.enable_eventlog: true', 'eventlog_config.init_pcr: 18',
                'log.level: info'])
            self.assertIn('token_configs.kbs.url: http://127.0.0.1:1 (token_configs.kbs.url)', lines)
            done = subprocess.run(['aaeld', '--check', '--log-level', 'warn'], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=True, timeout=60)
            lines = done.stdout.splitlines()
            self.assertIn('token_configs.kbs.url: http://line (agent.aa_kbc_params on the kernel command line)',
                          lines)
            self.assertIn('log.level: warn', lines)
            self.assertEqual(done.stderr, '')
        self.fails('/tmp/text:2: token_configs.kbs.url must be', 'aaeld', '--check', '-c',
                   self.write('[token_configs.kbs]\nurl = "kbs"\n'))
        self.stays_disabled()

    def test_initdata_as_the_annotation_has_it(self):
        document = INITDATA.format(config=rest.CONFIG.format(init_pcr=17, enable='true')).encode()
        digest = hashlib.sha256(document).hexdigest()
        path = self.write(base64.b64encode(gzip.compress(document)).decode())
        with rest.Daemon(program=['aaeld', '--initdata', path], init_pcr=18) as daemon:
            self.assertIn(f'Init-Data: {path} (annotation, sha256:{digest})', daemon.output())
            self.assertIn(f'configuration: {path}: data."aa.toml"', daemon.output())
        self.assertEqual(device.Status().one('index'), '17')
        self.fails(f'{path}: base64: byte 76: a line break', 'aaeld', '--initdata',
                   self.write(base64.encodebytes(gzip.compress(document)).decode()))

    def test_start_enables_the_log(self):
        with rest.Daemon(init_pcr=18):
            status = device.Status()
            self.assertEqual((status.one('state'), status.one('index')), ('enabled', '18'))


class Enabled(Case):
    @classmethod
    def setUpClass(cls):
        if device.loaded():
            device.rmmod()
        device.insmod(enable=1)
        os.chown(device.PATH, 0, GROUP)
        os.chmod(device.PATH, 0o660)

    def has(self, daemon, feature):
        """Exactly those features: by /info, and by what the paths of the others answer."""
        info = json.loads(daemon.get('/info').body)
        self.assertEqual((info['feature'], info.get('tee')),
                         (feature, None if feature == 'resource' else 'tpm'))
        before = device.count()
        answer = daemon.post(EVENT)
        if feature == 'resource':
            self.assertEqual((answer.status, answer.body), (404, OFF['/aa/']))
        else:
            self.assertEqual((answer.status, answer.body), (200, SUCCESS))
        self.assertEqual(device.count() - before, int(feature != 'resource'))
        for path, off in (('/aa/tokens', 'resource'), ('/cdh/resources', 'attestation')):
            area = path[:path.index('/', 1) + 1]
            answer = daemon.get(path)
            self.assertEqual((answer.status, answer.body),
                             (404, OFF[area] if feature == off else b'URL NOT FOUND'), path)

    def test_features_by_option(self):
        for feature in ('resource', 'attestation', 'all'):
            with rest.Daemon(args=['--features', feature]) as daemon:
                self.has(daemon, feature)
        with rest.Daemon(args=['-f', 'resource']) as daemon:
            self.has(daemon, 'resource')
        self.fails('--features: valid are resource, attestation and all', 'aaeld', '-f', 'nonsense')

    def test_features_by_kernel_command_line(self):
        with open('/proc/cmdline', encoding='ascii') as file:
            self.assertIn('agent.guest_components_rest_api=attestation', file.read().split())
        with rest.Daemon() as daemon:
            self.has(daemon, 'attestation')
        with command_line('quiet agent.guest_components_rest_api=resource\n'), rest.Daemon() as daemon:
            self.has(daemon, 'resource')
        with command_line('agent.guest_components_rest_api=nonsense\n'):
            self.fails('agent.guest_components_rest_api on the kernel command line: valid are', 'aaeld')

    def test_features_by_default(self):
        with command_line('quiet\n'):
            with rest.Daemon() as daemon:
                self.has(daemon, 'all')
            with rest.Daemon(program=[SERVER_REST]) as daemon:
                self.has(daemon, 'resource')

    def test_called_as_api_server_rest(self):
        """With that program's options: -c is no configuration there."""
        with rest.Daemon(program=[SERVER_REST],
                         args=['-c', 'http://127.0.0.1:1', '-a', 'unix:///nowhere']) as daemon:
            self.has(daemon, 'attestation')
            for address in ('http://127.0.0.1:1', 'unix:///nowhere'):
                self.assertIn(f'the address {address} is not used', daemon.output())
        with rest.Daemon(program=[SERVER_REST], args=['--features=all', '--cdh_addr=x', '--aa_addr=y', '-b',
                                                      f'127.0.0.1:{rest.PORT}']) as daemon:
            self.has(daemon, 'all')
        for words in (['--config', rest.CONFIG_PATH], ['--log-level', 'info'], ['--initdata', '/tmp/x'],
                      ['--check'], ['operand']):
            self.fails('api-server-rest', SERVER_REST, *words)

    def test_configuration_where_kata_puts_it(self):
        os.makedirs(KATA)
        self.addCleanup(shutil.rmtree, KATA)
        config = rest.CONFIG.format(init_pcr=17, enable='true')
        for name, text in (('aa.toml', config), ('initdata.toml', INITDATA.format(config=config))):
            with open(f'{KATA}/{name}', 'w', encoding='ascii') as file:
                file.write(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with rest.Daemon(program=[SERVER_REST], args=['--features', 'all']) as daemon:
            self.has(daemon, 'all')
            self.assertIn(f'configuration: {KATA}/aa.toml', daemon.output())
            self.assertIn(f'Init-Data: {KATA}/initdata.toml (file, sha256:{digest})', daemon.output())
            self.assertNotIn('differs', daemon.output())

    def test_another_index_is_an_error(self):
        self.config(init_pcr=18)
        self.fails('eventlog_config.init_pcr is 18, but the kernel\'s log was enabled with index 17',
                   'aaeld', '-c', rest.CONFIG_PATH)

    def test_running_it_needs_no_privilege(self):
        with rest.Daemon(**MEMBER) as daemon:
            self.assertEqual(daemon.post(EVENT).body, SUCCESS)

    def test_it_keeps_no_privilege(self):
        with rest.Daemon() as daemon:
            self.assertEqual(daemon.post(EVENT).body, SUCCESS)
            with open(f'/proc/{daemon.process.pid}/status', encoding='ascii') as file:
                status = dict(line.split(':\t') for line in file.read().splitlines() if ':\t' in line)
            for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual(status['NoNewPrivs'], '1')

    def test_it_ends_when_asked_to(self):
        with rest.Daemon() as daemon:
            daemon.process.terminate()
            self.assertEqual(daemon.process.wait(30), 0)
            self.assertIn('stopping', daemon.output())
