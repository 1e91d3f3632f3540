# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7
# vm-tdx: yes
# vm-ccel: mkccel.py
# vm-timeout: 300
"""GET /aa/token in a TDX guest, against the stub of a KBS, whose quote has no signature to check.
The classes run in the order of their names: the last one spoils the registers."""
import base64
import hashlib

import aael
import attester
import device
import initdata
import kbstoken
import mkccel
import tdx
import tokens
from quotes import MARK

REFUSED = (  # by what somebody did on the way: what a KBS says
    ('foreign_quote', 'another report data'), ('replayed_nonce', 'the nonce is not that of the session'),
    ('rebound_nonce', 'another report data'), ('other_key', 'another report data'),
    ('flip_digest', 'RTMR3 is'), ('flip_boot', 'RTMR0 is'), ('drop', 'RTMR3 is'), ('drop_last', 'RTMR3 is'),
    ('reorder', 'RTMR3 is'), ('garble', 'the log'), ('no_log', 'no log'))
PORT = 18080  # in the guest, where nobody else is: MRCONFIGID has to know it
DOCUMENT = initdata.document('sha384', config=kbstoken.config(f'http://127.0.0.1:{PORT}'))


def setUpModule():
    """The registers start as the firmware's log leaves them, MRCONFIGID as the host made it."""
    registers = {f'rtmr{n}': value.hex() for n, value in enumerate(mkccel.values())}
    tdx.load(mrconfigid=hashlib.sha384(DOCUMENT).hexdigest(), **registers)
    tdx.mount_configfs()
    device.insmod(enable=1)


class Platform:
    tee, register, algorithm = 'tdx', 4, 'sha384'
    boot = len(mkccel.EVENTS)

    @staticmethod
    def state():
        return tdx.reported()


class AStock(Platform, kbstoken.Tokens):
    """A stock KBS shows the log, and refuses it with a constant text."""
    mode = 'stock'

    def test_08_refused(self):
        self.check_refusals(REFUSED)

    def test_09_a_text_that_is_belied_is_shown_as_such(self):
        self.append()
        self.stub.set(spoil=kbstoken.spoil.flip_text)
        self.assertEqual([e['digest_matches_event'] for e in self.shown()[-2:]], [True, False])


class BLogAware(Platform, kbstoken.Case):
    def test_refused(self):
        self.check_refusals((*REFUSED, ('flip_text', 'not that of its digest')))


class CInitData(Platform, kbstoken.Case):
    settings = {'port': PORT}

    @classmethod
    def start(cls, **more):
        return initdata.daemon(DOCUMENT)

    def test_1_reaches_the_kbs(self):
        claims = kbstoken.fresh(self.daemon, self.stub)
        self.assertEqual(claims['init_data'], hashlib.sha384(DOCUMENT).hexdigest())
        self.assertEqual(list(claims['init_data_claims']), ['aa.toml'])

    def test_2_is_checked(self):
        self.assertIn('MRCONFIGID', self.refused('other_init_data'))

    def test_3_with_all_else(self):
        self.append('with Init-Data')
        self.assertEqual(self.shown()[-1], self.entry('test op with Init-Data'))


class DBesideOthers(Platform, kbstoken.Case):
    def stock_evidence(self, data):
        """As a stock agent makes it: CCEL up to its end, its file, which is our list of events, mark."""
        with open(tdx.LOG, 'rb') as file:
            ccel = file.read()
        log = aael.parse(ccel, marks=True)
        end = log.entries[-1].offset + log.entries[-1].size
        with open(device.FILES + 'events', 'rb') as file:
            events = file.read()
        return {'cc_eventlog': base64.b64encode(ccel[:end] + events + MARK).decode(),
                'quote': base64.b64encode(tdx.outblob(data)).decode()}

    def test_1_what_a_stock_agent_sends_is_believed(self):
        self.append('beside a stock agent')
        guest = attester.SampleGuest()
        guest.TEE, guest.evidence = 'tdx', self.stock_evidence
        client = attester.Client(self.stub.url, guest)
        self.addCleanup(client.close)
        claims = tokens.evidence_of(tokens.claims_of(client.token(), self.stub.public))
        self.assertEqual(claims['tdx']['uefi_event_logs'], self.shown())

    def test_2_a_foreign_extend_that_the_kernel_tells_of(self):
        if not tdx.has_sysfs():
            self.skipTest('nobody tells of foreign extends')
        tdx.extend(2, bytes(range(48)))
        last = self.shown()[-1]
        self.assertEqual((last['index'], last['digest_matches_event']), (3, False))
        self.assertEqual(last['details']['data']['operation'], 'foreign-extend')

    def test_3_one_that_nobody_tells_of(self):
        """The KBS is not even asked."""
        asked = self.stub.counts['attest']
        tdx.extend_behind(1, bytes(range(48)))
        answer = kbstoken.ask(self.daemon, kbstoken.NO_CACHE)
        self.assertEqual(answer.status, 503)
        self.assertIn(b'RTMR1', answer.body)
        self.assertIn(tdx.held(1).hex(), answer.body.decode())
        self.assertEqual(self.stub.counts['attest'], asked)
        print('#', answer.body.decode(), flush=True)
