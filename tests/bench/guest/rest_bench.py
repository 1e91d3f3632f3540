# SPDX-License-Identifier: Apache-2.0
# bench: P7 P8 P9
# vm: kernel=6.12 tpm=none
# vm-memory: 1536
"""POST /aa/aael in turns with a bare evhttp, and what the daemon has in memory."""
import contextlib
import glob
import re
import subprocess

import device
import report
import resident
import rest
import stats

BARE = '8007'
LOG_BYTES = 1 << 28
ROUNDS = '3' if report.QUICK else '50'  # of a hundred
COST_ROUNDS = 2 if report.QUICK else 20
COST_POSTS = 500  # as in post.c
CONNECTIONS = '64'
WARM_UP, REQUESTS = ('1000', '2000') if report.QUICK else ('20000', '100000')


@contextlib.contextmanager
def bare():
    process = subprocess.Popen(['barehttp', BARE])
    try:
        device.wait_for(lambda: not subprocess.call(['post', 'load', '1', '1', BARE],
                                                    stderr=subprocess.DEVNULL))
        yield
    finally:
        process.kill()
        process.wait()


def times():
    for mode, row in (('keep', 'connection kept'), ('new', 'a connection each')):
        found = report.timed('post', mode, ROUNDS, str(rest.PORT), BARE)
        report.compare('P7', row, found['aaeld'], found['bare'])


def own_switches(pid):
    """Of all threads of the process, of their own accord or not"""
    total = 0
    for path in glob.glob(f'/proc/{pid}/task/*/status'):
        with open(path, encoding='ascii', errors='replace') as file:
            total += sum(map(int, re.findall(r'ctxt_switches:\s*(\d+)', file.read())))
    return total


def costs(pid):
    """Of the whole machine, client and all, so that what counts is how much more it is than with
    the bare handler; own: of the daemon alone."""
    before = own_switches(pid)
    found = report.timed('post', 'cost', str(COST_ROUNDS), str(rest.PORT), BARE)
    own = (own_switches(pid) - before) / COST_ROUNDS / COST_POSTS
    found = {key: stats.summary(values) for key, values in found.items()}
    cpu, bare_cpu = found['aaeld cpu'], found['bare cpu']
    report.emit('P8', 'CPU time', cpu, bare_cpu, cpu=cpu['p50'] / bare_cpu['p50'])
    each, floor = found['aaeld switches'], found['bare switches']
    # To a tenth: what else the machine does is in it.
    report.emit('P8', 'context switches more than bare', each, floor, '1/1000',
                switches=round((each['p50'] - floor['p50']) / 1000, 1), own=round(own, 2))


def growth(pid):
    """To a tenth of a MiB, which is a byte for each of the requests: a leak is more."""
    first = resident.now(pid)
    subprocess.run(['post', 'load', WARM_UP, CONNECTIONS, str(rest.PORT)], check=True)
    warm = first if report.SLOW else resident.settled(pid)
    subprocess.run(['post', 'load', REQUESTS, CONNECTIONS, str(rest.PORT)], check=True)
    end = resident.settled(pid)
    report.emit('P9', f'{REQUESTS} requests', unit='KiB', growth=round((end.rss - warm.rss) / resident.MIB, 1),
                kib=end.rss - warm.rss, rss=end.rss, anon=end.anon)


def main():
    device.insmod(provider='soft', max_log_bytes=LOG_BYTES)
    with rest.Daemon() as daemon, bare():
        pid = daemon.process.pid
        idle = resident.settled(pid)
        report.emit('P9', 'idle', unit='KiB', idle=idle.rss * (2 if report.SLOW else 1) / resident.MIB,
                    rss=idle.rss, anon=idle.anon)
        times()
        costs(pid)
        growth(pid)


main()
