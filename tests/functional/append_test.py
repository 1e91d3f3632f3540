# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7 tpm=tis,crb banks=sha256+sha384
# vm: kernel=debug tpm=crb banks=sha256+sha384
# vm: kernel=6.1 tpm=crb banks=sha1+sha256,sha256,sha384
# vm-timeout: 120
"""An event reaches the TPM and the log, and every reader agrees on it."""
import json
import os
import unittest

import aael
import device
import rest
import vm

VECTOR = {'sha256': '46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351',
          'sha384': 'dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440'
                    'fb00f3aa0609db7e49cd8d793f670d02'}
ALGS = [aael.IDS[bank] for bank in vm.BANKS]
PCR = 14


def setUpModule():
    device.insmod(enable=1)


class Append(unittest.TestCase):
    """Each test appends what it needs; none depends on another's events."""

    def append(self, text='domain operation content'):
        with device.Device() as dev:
            self.assertEqual(dev.write(text + '\n'), len(text.encode()) + 1)
        return device.read_log().ours[-1]

    def test_check_vectors(self):
        entry = self.append()
        self.assertEqual(aael.text(entry), b'domain operation content')
        for bank, digest in VECTOR.items():
            if bank in vm.BANKS:
                self.assertEqual(entry.digests[aael.IDS[bank]].hex(), digest)

    def test_entry_is_byte_exact(self):
        entry = self.append('a.b/c op:1 {"x":"ä ö"} and more')
        with device.Device() as dev:
            data = os.pread(dev.fd, entry.size, entry.offset)
        self.assertEqual(list(entry.digests), ALGS, "not in the chip's order of banks")
        self.assertEqual(data, aael.encode_entry(PCR, ALGS, 'a.b/c', 'op:1',
                                                 '{"x":"ä ö"} and more'))

    def test_ioctl_tells_sequence_and_register(self):
        before = device.count()
        with device.Device() as dev:
            self.assertEqual(dev.extend('ioctl', 'op', 'content'), (before + 1, PCR))
            self.assertEqual(dev.extend('ioctl', 'op', 'content'), (before + 2, PCR))
        self.assertEqual(device.count(), before + 2)

    def test_rest_appends(self):
        with rest.Daemon() as daemon:
            answer = daemon.post({'domain': 'rest', 'operation': 'op', 'content': 'über {"a": 1}'})
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {'success': 'true'}))
        self.assertEqual(aael.text(device.read_log().ours[-1]), 'rest op über {"a": 1}'.encode())

    def test_one_header_and_boot_log_in_front(self):
        self.append()
        log = device.read_log()
        self.assertEqual([a for a, _ in log.algs], ALGS)
        self.assertTrue(all(size == aael.ALGS[a][1] for a, size in log.algs))
        own = device.Device().info().own_offset
        boot = [e for e in log.entries if e.offset < own]
        self.assertTrue(boot, 'no boot log')
        self.assertEqual(device.Status().one('boot_log'), f'{len(boot)} entries')
        with open('/sys/kernel/security/tpm0/binary_bios_measurements', 'rb') as file:
            firmware = file.read()
        with device.Device() as dev:
            self.assertEqual(dev.stream()[:own], firmware)
        self.assertTrue(all(e.offset >= own for e in log.ours))

    def test_replay_is_the_pcr(self):
        self.append('replay of content')
        log = device.read_log()
        for pcr in (*range(8), PCR):
            live = device.pcr_values(pcr, vm.BANKS)
            self.assertEqual(sorted(live), sorted(ALGS))
            for alg, value in live.items():
                self.assertEqual(aael.replay(log.entries, pcr, alg).hex(), value.hex(),
                                 f'PCR {pcr}')
        self.assertEqual(device.Status().one('health'), 'consistent')

    def test_trustee_rule_agrees_for_our_register(self):
        self.append()
        with device.Device() as dev:
            log = aael.parse(dev.stream() + b'\xff' * 8, marks=True)
        for alg, value in device.pcr_values(PCR, vm.BANKS).items():
            self.assertEqual(aael.replay(log.entries, PCR, alg, 'trustee'), value)

    def test_tpm2_eventlog_agrees(self):
        self.append('for tpm2-tools x')
        events, pcrs = device.tpm2_eventlog()
        self.assertEqual(events, len(device.read_log().entries) + 1)
        for alg, value in device.pcr_values(PCR, vm.BANKS).items():
            self.assertEqual(pcrs[alg][PCR], value)

    def test_snapshot_and_verify_are_the_pcr(self):
        self.append()
        live = device.pcr_values(PCR, vm.BANKS)
        with device.Device() as dev:
            snapshot, verify = dev.snapshot(), dev.verify()
            length = len(dev.stream())
        self.assertEqual(snapshot.running, live)
        self.assertEqual((verify.live, verify.replayed, verify.match), (live, live, 1))
        self.assertEqual((snapshot.reg, verify.reg), (PCR, PCR))
        self.assertEqual((snapshot.bytes, snapshot.count), (length, device.count()))

    def test_info_is_what_the_log_is(self):
        self.append()
        log = device.read_log()
        with device.Device() as dev:
            info = dev.info()
        self.assertEqual((info.abi_version, info.state, info.health), (1, 2, 0))
        self.assertEqual((info.index, info.reg, info.provider), (17, PCR, 'tpm'))
        self.assertEqual((info.algs, info.count, info.bytes), (ALGS, len(log.ours), log.size))
        self.assertEqual((info.pending_sequence, info.violations), (0, 0))

    def test_ascii_lines(self):
        self.append('ascii op content with  spaces')
        lines = device.text_file('ascii_runtime_measurements').splitlines()
        ours = device.read_log().ours
        self.assertEqual(len(lines), len(ours))
        for number, (line, entry) in enumerate(zip(lines, ours), 1):
            digests = ','.join(f'{aael.ALGS[a][0]}:{d.hex()}' for a, d in entry.digests.items())
            self.assertEqual(line, f'{number} {PCR} {digests} {aael.text(entry).decode()}')

    def test_events_file_is_ours_alone(self):
        self.append()
        with open(device.FILES + 'events', 'rb') as file:
            data = file.read()
        log = device.read_log()
        found = aael.parse_entries(data, log.algs)
        self.assertEqual([e.event for e in found], [e.event for e in log.ours])
        with device.Device() as dev:
            self.assertEqual(dev.stream()[dev.info().own_offset:], data)

    def test_count_and_violations_files(self):
        self.append()
        self.assertEqual(device.count(), len(device.read_log().ours))
        self.assertEqual(device.text_file('violations'), '0\n')

    def test_files_are_for_root_alone(self):
        for name in os.listdir(device.FILES):
            self.assertEqual(os.stat(device.FILES + name).st_mode & 0o7777, 0o440, name)

    def test_no_digest_belies_its_event(self):
        self.append('x' * 255 + ' ' + 'y' * 255 + ' ' + 'z' * 65535)
        self.assertEqual(aael.mismatched(device.read_log()), [])

    def test_module_with_events_stays(self):
        self.append()
        code, out = device.rmmod(check=False)
        self.assertNotEqual(code, 0)
        self.assertIn('in use', out)
