# SPDX-License-Identifier: Apache-2.0
# bench: P11
# bench-quick: no
# vm: kernel=7
# vm-tdx: yes
# vm-timeout: 300
"""Evidence of an emulated TDX guest: what is copied for it, and how many quotes a token takes while
writers append as fast as they can; the limit of the log is raised for that.

A quote takes a second, the driver's. Tokens: see copies.py and token_bench.py; their KBS is kbs.c.
"""
import copies
import device
import evidence
import kbstoken
import netlink
import quickkbs
import report
import rest
import tdx

WRITERS = 4
TOKENS = 2 if report.QUICK else 20
RAISED_BYTES = 1 << 28


def fetch_token(daemon):
    answer = kbstoken.ask(daemon, kbstoken.NO_CACHE)
    assert answer.status == 200, answer


def quotes():
    with quickkbs.running(), rest.Daemon(config=kbstoken.config(quickkbs.URL)) as daemon:
        fetch_token(daemon)
        with evidence.Writers(WRITERS, 0):
            events, before = device.count(), tdx.counter('n_quote')
            for _ in range(TOKENS):
                fetch_token(daemon)
                if report.SLOW:
                    evidence.fetch(daemon, bytes(32))
            taken, events = tdx.counter('n_quote') - before, device.count() - events
    report.emit('P11', f'quotes per token, TDX, {WRITERS} writers', unit='quotes', quotes=taken / TOKENS,
                tokens=TOKENS, events=events)


def bytes_copied():
    counter = copies.Counter()
    size = copies.fill_log(190)
    with rest.Daemon(config=kbstoken.config(quickkbs.URL), env=counter.env) as daemon:
        copies.measure('GET /aa/evidence, TDX', counter, lambda: evidence.fetch(daemon, bytes(32)), size)


def main():
    tdx.load()
    tdx.mount_configfs()
    device.insmod(enable=1)
    bytes_copied()
    with netlink.Family() as family:
        family.set_limits(RAISED_BYTES)
    quotes()


main()
