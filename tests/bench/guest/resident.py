# SPDX-License-Identifier: Apache-2.0
"""What a process has in memory, in KiB: resident.now(pid).rss"""
import collections
import re
import time

# rss: all that is resident; anon: of it what is no page of a file; peak: the most it has been
Resident = collections.namedtuple('Resident', 'rss anon peak')
MIB = 1024


def settled(pid):
    """As now(), when the process has had time to let go of what is over."""
    time.sleep(2)
    return now(pid)


def now(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        kib = dict(re.findall(r'^(\w+):\s*(\d+) kB$', file.read(), re.M))
    return Resident(*(int(kib[key]) for key in ('VmRSS', 'RssAnon', 'VmHWM')))
