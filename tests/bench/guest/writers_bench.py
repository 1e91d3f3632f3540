# SPDX-License-Identifier: Apache-2.0
# bench: P6
# vm: kernel=6.12 tpm=none
# vm: kernel=6.12 tpm=crb
# vm-timeout: 300
"""64 writers beside one, and a writer beside a reader."""
import device
import report
import stats
import vm

WRITERS = '64'
TEXT_BYTES = '220'
# A block of writers lasts so many ms that each of 64 has some turns.
SOFT = {'ms': '500', 'rounds': '4' if report.QUICK else '20', 'blocks': '20' if report.QUICK else '100'}
TPM = {'ms': '1500', 'rounds': '2' if report.QUICK else '10', 'blocks': '8' if report.QUICK else '30'}


def main():
    has_tpm = vm.TPM != 'none'
    how = TPM if has_tpm else SOFT
    name = f'tpm-{vm.TPM}' if has_tpm else 'soft'
    device.insmod(provider='tpm' if has_tpm else 'soft', enable=1, max_log_bytes=1 << 29)
    found = report.timed('writers', 'rate', WRITERS, how['ms'], how['rounds'], TEXT_BYTES)
    one, many = stats.summary(found['one']), stats.summary(found['many'])
    report.emit('P6', f'{name}, {WRITERS} writers / one: time per event', many, one,
                rate=one['p50'] / many['p50'], slowest=max(found['share']) / 1000)
    found = report.timed('writers', 'reader', how['blocks'], TEXT_BYTES)
    report.compare('P6', f'{name}, append beside a reader / idle', found['reader'], found['idle'])


main()
