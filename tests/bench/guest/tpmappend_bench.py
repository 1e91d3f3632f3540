# SPDX-License-Identifier: Apache-2.0
# bench: P2
# vm: kernel=6.12 tpm=crb,tis
"""Appending to a TPM's PCR, beside the one command that it cannot do without.

The command alone goes to another PCR, since one of the log's own that is not logged spoils the
log. That it costs the same there is seen behind it, when the log is of no use any more.
"""
import device
import report
import stats
import vm

ROUNDS = '3' if report.QUICK else '20'
OURS, OTHER = '14', '15'


def main():
    device.insmod(enable=1, max_log_bytes=1 << 26)
    device.run('insmod', '/aael/aael_bench.ko')
    found = report.timed('append', 'pcr', OTHER, ROUNDS)
    report.compare('P2', 'tpm-' + vm.TPM, found['append'], found['bare'])
    append, floor = stats.summary(found['append']), stats.summary(found['worker'])
    report.emit('P2', f'tpm-{vm.TPM}, the command by a worker', append, floor,
                **{'ratio_' + key: value for key, value in stats.ratios(append, floor).items()})
    found = report.timed('append', 'pcrs', OURS, OTHER, ROUNDS)
    ours, other = stats.summary(found['one']), stats.summary(found['other'])
    report.emit('P2', f'tpm-{vm.TPM}, bare: PCR {OURS} / PCR {OTHER}', ours, other,
                ratio=ours['p50'] / other['p50'])


main()
