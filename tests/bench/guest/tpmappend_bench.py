# SPDX-License-Identifier: Apache-2.0
# bench: P2
# vm: kernel=6.12 tpm=crb,tis
"""Appending to a TPM's PCR, beside the one command that it cannot do without.

The command alone goes to another PCR, since one of the log's own that is not logged spoils the
log. That it costs the same there is seen behind it, when the log is of no use any more.
"""
import device
import report
import vm

ROUNDS = '3' if report.QUICK else '20'
OTHER = '15'


def main():
    device.insmod(enable=1, max_log_bytes=1 << 26)
    device.run('insmod', '/aael/aael_bench.ko')
    found = report.timed('append', 'pcr', OTHER, ROUNDS)
    report.compare('P2', 'tpm-' + vm.TPM, found['append'], found['bare'])


main()
