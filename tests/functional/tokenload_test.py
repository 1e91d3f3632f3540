# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12 tpm=crb
# vm-timeout: 1500
"""No attestation fails while others append, on a TPM; and not while PCR 10 moves as well."""
import hashlib

import aael
import attester
import device
import evidence
import kbsload
from quotes import MARK, PCRS, SHA256, Attest

FOREIGN_PCR = 10
AK = []


def setUpModule():
    device.insmod(enable=1)
    AK.append(device.run('aaelctl', 'tpm', 'provision').strip())
    TpmLoad.words = ('--trusted-ak', AK[0])


def read(name):
    with open(name, 'rb') as file:
        return file.read()


class TpmLoad(kbsload.Load):
    tee, quotes, controls = 'tpm', 500, 30

    def test_2_also_while_another_pcr_moves(self):
        foreign = evidence.ForeignPcr(FOREIGN_PCR)
        self.addCleanup(foreign.close)
        before = device.pcr_bank('sha256')[FOREIGN_PCR]
        with self.writers(), evidence.Writers(1, 0.1, foreign.extend):
            self.fetch_all(f'{kbsload.WRITERS} writers and one on PCR {FOREIGN_PCR}', self.quotes)
        self.assertNotEqual(device.pcr_bank('sha256')[FOREIGN_PCR], before)

    def naive_evidence(self, data):
        pcrs = device.pcr_bank('sha256')
        begun = len(device.read_log().entries)
        device.run('tpm2_quote', '-c', evidence.AK, '-l', 'sha256:all', '-m', '/tmp/naive.m',
                   '-s', '/tmp/naive.s', '-q', data.hex())
        with device.Device() as dev:
            log = dev.stream()
        message = read('/tmp/naive.m')
        self.find(pcrs, aael.parse(log).entries, begun, Attest(message).digest)
        encode = attester.wire.base64_encode
        return {'tpm_quote': {'message': encode(message), 'signature': encode(read('/tmp/naive.s')),
                              'pcrs': [pcrs[n].hex() for n in range(PCRS)]},
                'ak_public': AK[0], 'cc_eventlog': encode(log + MARK)}

    @staticmethod
    def find(pcrs, entries, begun, digest):
        """Puts in the value of the log's PCR that was quoted: a naive attester knows at least that."""
        value = aael.replay(entries[:begun], evidence.QUOTED, SHA256)
        for entry in (None, *entries[begun:]):
            value = aael.replay([entry] if entry else [], evidence.QUOTED, SHA256, start=value)
            pcrs[evidence.QUOTED] = value
            if hashlib.sha256(b''.join(pcrs[n] for n in range(PCRS))).digest() == digest:
                return
        raise AssertionError('a quote that no prefix of the log explains')
