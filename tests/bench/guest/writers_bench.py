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
SOFT = {'ms': '400' if report.QUICK else '1000', 'rounds': '3' if report.QUICK else '15',
        'blocks': '20' if report.QUICK else '100'}
TPM = {'ms': '500' if report.QUICK else '1000', 'rounds': '2' if report.QUICK else '10',
       'blocks': '6' if report.QUICK else '30'}


def rates(kind, how):
    """Time per event of many writers and of one, the usual round's ratio, and what the slowest got."""
    found = report.timed('writers', kind, WRITERS, how['ms'], how['rounds'], TEXT_BYTES)
    rate = stats.percentile([one / many for one, many in zip(found['one'], found['many'])], 50)
    return stats.summary(found['many']), stats.summary(found['one']), rate, max(found['share']) / 1000


def main():
    has_tpm = vm.TPM != 'none'
    how = TPM if has_tpm else SOFT
    name = f'tpm-{vm.TPM}' if has_tpm else 'soft'
    device.insmod(provider='tpm' if has_tpm else 'soft', enable=1, max_log_bytes=1 << 29)
    device.run('insmod', '/aael/aael_bench.ko')
    many, one, bare_rate, slowest = rates('extend' if has_tpm else 'hash', how)
    bare = 'PCR_Extend' if has_tpm else 'hashing under a mutex'
    report.emit('P6', f'bare {bare}, {WRITERS} / one', many, one, bare_rate=bare_rate, bare_slowest=slowest)
    many, one, rate, slowest = rates('rate', how)
    report.emit('P6', f'{name}, {WRITERS} writers / one: time per event', many, one, rate=rate, slowest=slowest,
                floors={'rate': bare_rate})
    floors = {}
    if has_tpm:
        found = report.timed('writers', 'beside', how['blocks'], TEXT_BYTES)
        beside, idle = stats.summary(found['reader']), stats.summary(found['idle'])
        floors['p99'] = beside['p99'] / idle['p99']
        report.emit('P6', 'bare PCR_Extend beside a reader / idle', beside, idle, bare_p99=floors['p99'])
    found = report.timed('writers', 'reader', how['blocks'], TEXT_BYTES)
    report.compare('P6', f'{name}, append beside a reader / idle', found['reader'], found['idle'], floors=floors)


main()
