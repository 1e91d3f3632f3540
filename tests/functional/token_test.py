# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12 tpm=crb
# vm-timeout: 300
"""GET /aa/token with a TPM, against the stub of a KBS. The classes run in the order of their names:
the last ones spoil the PCRs."""
import base64
import hashlib

import device
import evidence
import initdata
import kbstoken

REFUSED = (  # by what somebody did on the way: what a KBS says
    ('foreign_quote', 'another nonce'), ('replayed_nonce', 'the nonce is not that of the session'),
    ('rebound_nonce', 'another nonce'), ('other_key', 'another nonce'),
    ('wrong_ak', 'the AK is not trusted'), ('forged_ak', 'the AK is not trusted'),
    ('other_pcr', 'PCRs that were not quoted'))
LOG_REFUSED = (
    ('flip_digest', 'PCR 14 is'), ('flip_text', 'not that of its digest'), ('flip_boot', 'the log replays to'),
    ('drop', 'PCR 14 is'), ('drop_last', 'PCR 14 is'), ('reorder', 'PCR 14 is'), ('garble', 'the log'),
    ('no_log', 'cc_eventlog'))


def setUpModule():
    device.insmod(enable=1)
    Platform.settings = {'trusted_aks': {base64.b64decode(device.run('aaelctl', 'tpm', 'provision'))}}
    Platform.boot = len(device.read_log().entries)


class Platform:
    tee, register, algorithm = 'tpm', 14, 'sha256'

    @staticmethod
    def state():
        return device.pcr_bank('sha256')


class ALogAware(Platform, kbstoken.Tokens):
    def test_08_refused(self):
        self.check_refusals(REFUSED + LOG_REFUSED)

    def test_09_another_ak_than_the_trusted_one(self):
        self.stub.set(trusted_aks={b'another'})
        self.addCleanup(self.stub.set, **self.settings)
        answer = kbstoken.ask(self.daemon, kbstoken.NO_CACHE)
        self.assertEqual(answer.status, 502)
        self.assertIn(b'the AK is not trusted', answer.body)


class BStock(Platform, kbstoken.Case):
    """A stock KBS vouches for the PCRs and looks at no log."""
    mode = 'stock'

    def test_1_claims(self):
        self.append()
        claims = kbstoken.fresh(self.daemon, self.stub)['tpm']
        self.assertEqual(sorted(claims), [f'pcr{n:02}' for n in range(evidence.PCRS)])
        self.assertEqual(claims['pcr14'], self.state()[14].hex())

    def test_2_refused(self):
        self.check_refusals(REFUSED)

    def test_3_what_happens_to_the_log_is_not_noticed(self):
        self.append()
        for name, _ in LOG_REFUSED:
            self.stub.set(spoil=getattr(kbstoken.spoil, name))
            kbstoken.fresh(self.daemon, self.stub)


class CInitData(Platform, kbstoken.Case):
    @classmethod
    def start(cls, **more):
        cls.document = initdata.document('sha256', config=kbstoken.config(cls.stub.url))
        return initdata.daemon(cls.document)

    def test_1_reaches_the_kbs(self):
        claims = kbstoken.fresh(self.daemon, self.stub)
        self.assertEqual(claims['init_data'], hashlib.sha256(self.document).hexdigest())
        self.assertEqual(claims['init_data_claims'], {'aa.toml': kbstoken.config(self.stub.url)})
        self.assertIn('sha256 Init-Data', self.output_of_refusal())

    def output_of_refusal(self):
        self.stub.fault('attest', 'refuse', type='AttestationError', times=2)
        return kbstoken.ask(self.daemon, kbstoken.NO_CACHE).body.decode()

    def test_2_is_checked(self):
        self.assertIn('makes PCR 8', self.refused('other_init_data'))

    def test_3_with_all_else(self):
        self.append('with Init-Data')
        self.assertEqual(self.shown()[-1], self.entry('test op with Init-Data'))


class DForeignExtend(Platform, kbstoken.Case):
    def test_a_kbs_is_not_even_asked(self):
        self.append()
        kbstoken.fresh(self.daemon, self.stub)
        asked = self.stub.counts['attest']
        device.pcr_extend(self.register, self.algorithm, bytes(31) + b'\1')
        answer = kbstoken.ask(self.daemon, kbstoken.NO_CACHE)
        self.assertEqual(answer.status, 503)
        self.assertIn(b'does not explain PCR 14', answer.body)
        self.assertIn(self.state()[14].hex(), answer.body.decode())
        self.assertEqual(self.stub.counts['attest'], asked)
        print('#', answer.body.decode(), flush=True)
