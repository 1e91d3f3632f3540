# SPDX-License-Identifier: Apache-2.0
"""Picks the jobs, runs two at a time, reports each as it ends and all of them in one line."""
import argparse
import concurrent.futures
import fcntl
import fnmatch
import os
import signal
import sys
import threading
import time
import traceback

import bench
import completion
import contributing
import demo
import guests
import harness
import host
import lint
import packages
import recipes
import static
from common import BUILD, Outcome, VM, once, stop_all

PARALLEL = 2


def matches(job, names):
    return not names or any(fnmatch.fnmatchcase(job.name, pattern) or
                            fnmatch.fnmatchcase(job.name, pattern + '@*') for pattern in names)


def run(job):
    begin = time.monotonic()
    try:
        outcome = job.function()
    except Exception:  # a fault in the harness fails the job, not the whole run
        outcome = Outcome()
        outcome.check('harness', 1, traceback.format_exc())
    return job, outcome, time.monotonic() - begin


def counts(passed, failed, skipped):
    return f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')


def report(job, outcome, seconds):
    crashes = f', crashed by the emulation {outcome.crashes} times' if outcome.crashes else ''
    print(f'{job.name}: {counts(outcome.passed, len(outcome.failed), len(outcome.skipped))}'
          f' ({seconds:.0f} s{crashes})')
    for name, details in outcome.failed:
        print('  FAILED ' + name)
        for line in details:
            print('    ' + line)
    for name, reason in outcome.skipped:
        print(f'  skipped {name}: {reason}')
    for note in outcome.notes:
        print('  ' + note)
    sys.stdout.flush()


def lock_build():
    """The build folder for ourselves, until this process ends; waits for another one's end."""
    os.makedirs(BUILD, exist_ok=True)
    file = open(BUILD + '/.lock-run', 'w', encoding='ascii')
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f'tests/run: waiting for another one in {BUILD}', file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def main():
    parser = argparse.ArgumentParser(prog='tests/run')
    parser.add_argument('-l', action='store_true', help='list the names')
    parser.add_argument('-k', metavar='TEST', action='append', default=[],
                        help='only functional tests whose name contains this')
    parser.add_argument('names', nargs='*', metavar='NAME')
    args = parser.parse_args()

    jobs = [*static.jobs(), *lint.jobs(), *completion.jobs(), *harness.jobs(), *host.jobs(), *packages.jobs(),
            *recipes.jobs(), *contributing.jobs(), *bench.jobs(), *demo.jobs(), *guests.jobs(args.k)]
    unknown = [name for name in args.names if not any(matches(job, [name]) for job in jobs)]
    if unknown:
        sys.exit('tests/run: no such test: ' + ', '.join(unknown))
    jobs = [job for job in jobs if matches(job, args.names)]
    if args.l:
        print('\n'.join(job.name for job in jobs))
        return 0

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop_all)
    lock = lock_build()
    # The debug kernel takes minutes to build when it is not there: others go first.
    jobs.sort(key=lambda job: job.kernel == 'debug')
    if jobs and jobs[-1].kernel == 'debug':
        threading.Thread(target=once, args=(os.path.join(VM, 'kernel'), 'debug'), daemon=True).start()
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, job) for job in jobs]):
            job, outcome, seconds = done.result()
            report(job, outcome, seconds)
            passed += outcome.passed
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
    if guests.releases:
        print('kernels: ' + ', '.join(f'{kernel} ({guests.releases[kernel]})'
                                      for kernel in static.KERNELS if kernel in guests.releases))
    print(counts(passed, failed, skipped))
    lock.close()
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
