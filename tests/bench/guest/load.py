# SPDX-License-Identifier: Apache-2.0
"""Writers at work, for what is counted and not timed."""
import os

import device


def write(number, events, behind):
    with device.Device(os.O_RDWR) as dev:
        for i in range(events):
            dev.write(f'bench writer-{number} event {i} ' + 'x' * 180 + '\n')
            behind(dev)


def run(writers, events, behind=lambda dev: None):
    """So many processes, each with so many events, one after the other; behind each, behind(dev).
    Returns how many events that were."""
    pids = []
    for number in range(writers):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                write(number, events, behind)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    if any(codes):
        raise RuntimeError(f'writers ended with {codes}')
    return writers * events
