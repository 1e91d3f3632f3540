# SPDX-License-Identifier: Apache-2.0
# vm: kernel=7
# vm-tdx: yes
# vm-ccel: mkccel.py
# vm-timeout: 1500
"""No attestation fails while others append and quotes take their time, on TDX; and not while
RTMR2 moves as well."""
import attester
import device
import evidence
import kbsload
import mkccel
import tdx
from quotes import MARK

DELAY_MS = 150  # the driver looks once a second
DIGEST = bytes(range(48))


def setUpModule():
    tdx.load(**{f'rtmr{n}': value.hex() for n, value in enumerate(mkccel.values())})
    tdx.mount_configfs()
    device.insmod(enable=1)
    tdx.put(quote_delay_ms=DELAY_MS)


class TdxLoad(kbsload.Load):
    tee, quotes, controls = 'tdx', 200, 10

    def test_2_also_while_another_register_moves(self):
        before = tdx.held(2)
        with self.writers(), evidence.Writers(1, 0.5, lambda _: tdx.extend(2, DIGEST)):
            self.fetch_all(f'{kbsload.WRITERS} writers and one on RTMR2', self.quotes)
        self.assertNotEqual(tdx.held(2), before)

    @staticmethod
    def naive_evidence(data):
        quote = tdx.outblob(data)
        with device.Device() as dev:
            log = dev.stream()
        return {'cc_eventlog': attester.wire.base64_encode(log + MARK),
                'quote': attester.wire.base64_encode(quote)}
