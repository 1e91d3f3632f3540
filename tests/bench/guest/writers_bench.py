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
SOFT = {'ms': '1000', 'rounds': '3' if report.QUICK else '15', 'blocks': '20' if report.QUICK else '100'}
TPM = {'ms': '1500', 'rounds': '2' if report.QUICK else '10', 'blocks': '8' if report.QUICK else '30'}


def rates(kind, how):
    """Time per event of many writers and of one, the ratio, and what the slowest got."""
    found = report.timed('writers', kind, WRITERS, how['ms'], how['rounds'], TEXT_BYTES)
    one, many = stats.summary(found['one']), stats.summary(found['many'])
    return many, one, one['p50'] / many['p50'], max(found['share']) / 1000


def main():
    has_tpm = vm.TPM != 'none'
    how = TPM if has_tpm else SOFT
    name = f'tpm-{vm.TPM}' if has_tpm else 'soft'
    device.insmod(provider='tpm' if has_tpm else 'soft', enable=1, max_log_bytes=1 << 29)
    many, one, rate, slowest = rates('rate', how)
    report.emit('P6', f'{name}, {WRITERS} writers / one: time per event', many, one, rate=rate, slowest=slowest)
    if not has_tpm:
        device.run('insmod', '/aael/aael_bench.ko')
        many, one, rate, slowest = rates('bare', how)
        report.emit('P6', f'hashing under a bare mutex, {WRITERS} / one', many, one, bare_rate=rate,
                    bare_slowest=slowest)
    found = report.timed('writers', 'reader', how['blocks'], TEXT_BYTES)
    report.compare('P6', f'{name}, append beside a reader / idle', found['reader'], found['idle'])


main()
