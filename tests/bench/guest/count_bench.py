# SPDX-License-Identifier: Apache-2.0
# bench: P1
# vm: kernel=6.12 tpm=crb
# vm-proxy: yes
"""Commands that reach the TPM while four writers are at work, counted in front of it."""
import device
import load
import report
import vm

EVENTS = 150 if report.QUICK else 1000


def main():
    device.insmod(enable=1, max_log_bytes=1 << 26)
    with vm.TpmProxy() as proxy:
        proxy.reset()
        # More reads, as if every event were confirmed: slow.
        count = load.run(4, EVENTS, (lambda dev: dev.snapshot()) if report.SLOW else lambda dev: None)
        commands = proxy.stats()['commands']
    others = sum(commands.values()) - commands['PCR_Extend'] - commands.get('PCR_Read', 0)
    report.emit('P1', f'PCR_Extend and PCR_Read, {count} events', unit='', writes=commands['PCR_Extend'] / count,
                reads=commands.get('PCR_Read', 0) / count, others=others / count)


main()
