# SPDX-License-Identifier: Apache-2.0
# bench: P9
# vm: kernel=6.12 tpm=crb
"""What the daemon has in memory with all its connections open and a log at its cap as evidence."""
import contextlib

import device
import evidence
import report
import resident
import rest

LOG_BYTES = 1 << 20
CONTENT_BYTES = 60000
OTHERS = 63  # connections, beside the one that asks
ASKED = 2 if report.QUICK else 10


def fill():
    """Up to the cap, whose last bytes only a privileged writer may have."""
    with device.Device() as dev:
        for size in (CONTENT_BYTES, 1000):
            with contextlib.suppress(OSError):
                while True:
                    dev.extend('example.org', 'fill', 'x' * size)
        return dev.info().bytes


def main():
    device.insmod(max_log_bytes=LOG_BYTES)
    device.run('aaelctl', 'tpm', 'provision')
    with rest.Daemon() as daemon, contextlib.ExitStack() as stack:
        log = fill()
        for _ in range(OTHERS):
            stack.enter_context(rest.connect())
        for _ in range(ASKED):
            assert len(evidence.fetch(daemon, b'bench')['cc_eventlog']) > LOG_BYTES
        found = resident.now(daemon.process.pid)
    report.emit('P9', '64 connections, evidence of a log of 1 MiB', unit='KiB',
                busy=found.peak * (2 if report.SLOW else 1) / resident.MIB, rss=found.rss, anon=found.anon,
                peak=found.peak, log=log // 1024)


main()
