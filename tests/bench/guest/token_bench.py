# SPDX-License-Identifier: Apache-2.0
# bench: P10 P11
# vm: kernel=6.12 tpm=crb
# vm-proxy: yes
# vm-timeout: 600
"""Tokens with a TPM: how long they take, what is copied for one, how many quotes.

P10. Base is what nobody can do without: the PCRs read once, TPM2_Quote, one round trip with the same
bytes. The KBS is kbs.c, which costs little. The TPM is software that runs beside the emulation, many
times faster than the guest's processors are: its quote takes 3 ms. So there are two rows: the TPM
as it is, where `handshake` says what any client needs in the same guest by the same base; and
with quotes held for QUOTE_MS, which is little for a TPM of hardware: only this row has the goal.

P11. Bytes: see copies.py. Quotes: those that the TPM has seen, while writers append as fast as they can,
by the tokens that the stub of tests/kbs, which verifies each quote, has given.
"""
import copies
import device
import evidence
import kbstoken
import quickkbs
import report
import rest
import stats
import stub
import vm

QUOTE_MS = 100
WRITERS = 4
TOKENS = 5 if report.QUICK else 50
FRESH_BLOCKS = (10, 3) if report.QUICK else (100, 5)  # samples in one, how many
HELD_BLOCKS = (5, 2) if report.QUICK else (20, 5)
CACHED_BLOCKS = (100, 2) if report.QUICK else (100, 20)


def fetch_token(daemon):
    answer = kbstoken.ask(daemon, kbstoken.NO_CACHE)
    assert answer.status == 200, answer


def token_program(*words):
    return report.timed('token', *map(str, words))


def latencies(proxy):
    with quickkbs.running(), rest.Daemon(config=kbstoken.config(quickkbs.URL)) as daemon:
        # The evidence, and what is around it in a POST: nonce, key and names.
        size = len(evidence.ask(daemon, bytes(32)).body) + 330
        ports = rest.PORT, quickkbs.PORT, size
        found = token_program('fresh', *FRESH_BLOCKS, *ports)
        token, floor, handshake = (stats.summary(found[name]) for name in ('token', 'floor', 'handshake'))
        report.emit('P10', 'as the software TPM is', token, floor,
                    **{f'token_{key}': value for key, value in stats.ratios(token, floor).items()},
                    **{f'handshake_{key}': value for key, value in stats.ratios(handshake, floor).items()})
        proxy.command(f'hold code=Quote ms={QUOTE_MS} count=1000000')
        found = token_program('fresh', *HELD_BLOCKS, *ports)
        proxy.reset()
        token, floor = stats.summary(found['token']), stats.summary(found['floor'])
        report.emit('P10', f'quotes take {QUOTE_MS} ms more', token, floor, fresh=token['p50'] / floor['p50'],
                    fresh_p99=token['p99'] / floor['p99'])
        found = token_program('cached', *CACHED_BLOCKS, rest.PORT)
        cached, info = stats.summary(found['cached']), stats.summary(found['info'])
        report.emit('P10', 'from cache / GET /info', cached, info, cached=cached['p50'] / info['p50'],
                    cached_p99=cached['p99'] / info['p99'])


def quotes(proxy, kbs):
    with kbstoken.daemon(kbs) as daemon:
        fetch_token(daemon)
        with evidence.Writers(WRITERS, 0):
            events, believed = device.count(), kbs.counts['believed']
            before = proxy.stats()['commands']['Quote']
            for _ in range(TOKENS):
                fetch_token(daemon)
                if report.SLOW:
                    evidence.fetch(daemon, bytes(32))
            taken = proxy.stats()['commands']['Quote'] - before
            events, believed = device.count() - events, kbs.counts['believed'] - believed
        assert kbs.counts.get('refused', 0) == 0, kbs.reasons
    report.emit('P11', f'quotes per token, {WRITERS} writers', unit='quotes', quotes=taken / believed, tokens=believed,
                events=events)


def bytes_copied(kbs):
    counter = copies.Counter()
    size = copies.fill_log(4000)
    with kbstoken.daemon(kbs, env=counter.env) as daemon:
        copies.measure('GET /aa/evidence, TPM', counter, lambda: evidence.fetch(daemon, bytes(32)), size)
        copies.measure('GET /aa/token, TPM', counter, lambda: fetch_token(daemon), size)


def main():
    device.insmod(enable=1)
    ak = device.run('aaelctl', 'tpm', 'provision').strip()
    with vm.TpmProxy() as proxy, stub.Remote('--mode', 'stock', '--trusted-ak', ak) as kbs:
        latencies(proxy)
        quotes(proxy, kbs)
        bytes_copied(kbs)


main()
