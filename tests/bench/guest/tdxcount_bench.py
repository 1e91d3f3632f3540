# SPDX-License-Identifier: Apache-2.0
# bench: P1
# vm: kernel=6.12,7 tpm=none
# vm-tdx: yes
"""The same at the emulated TDX module: by TDCALL on 6.12, through tsm-mr's file on 7."""
import device
import load
import report
import tdx

EVENTS = 150 if report.QUICK else 1000


def main():
    tdx.load()
    device.insmod(enable=1, max_log_bytes=1 << 26)
    before = tdx.counter('n_extend'), tdx.counter('n_report')
    count = load.run(4, EVENTS, (lambda dev: dev.snapshot()) if report.SLOW else lambda dev: None)
    writes, reads = tdx.counter('n_extend') - before[0], tdx.counter('n_report') - before[1]
    how = 'tsm-mr' if tdx.has_sysfs() else 'TDCALL'
    report.emit('P1', f'extends and reports, {how}, {count} events', unit='', writes=writes / count,
                reads=reads / count)


main()
