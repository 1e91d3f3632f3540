# SPDX-License-Identifier: Apache-2.0
# bench: P3 P12
# vm: kernel=6.12 tpm=none
"""Loading the module; and appending to a register that costs nothing: what is left is the module's
own work."""
import device
import loading
import report

ROUNDS = '30' if report.QUICK else '200'


def main():
    loading.measure()
    device.insmod(provider='soft', enable=1, max_log_bytes=1 << 28)
    device.run('insmod', '/aael/aael_bench.ko')
    found = report.timed('append', 'hash', ROUNDS)
    report.compare('P3', 'soft, 220 bytes', found['append'], found['bare'])


main()
