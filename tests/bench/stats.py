# SPDX-License-Identifier: Apache-2.0
"""What is said of samples. Pure; in guests, too."""


def percentile(samples, percent):
    """The smallest sample that so many percent of them do not exceed (nearest rank)."""
    if not samples:
        raise ValueError('no samples')
    rank = -(-len(samples) * percent // 100)
    return sorted(samples)[max(rank, 1) - 1]


def summary(samples):
    return {'n': len(samples), 'p50': percentile(samples, 50), 'p99': percentile(samples, 99)}


def ratios(subject, base):
    """Of two summaries, per percentile"""
    return {key: subject[key] / base[key] for key in ('p50', 'p99')}


def by_name(text):
    """Lines "NAME NUMBER" as {name: [number, …]}"""
    found = {}
    for line in text.splitlines():
        name, _, number = line.rpartition(' ')
        found.setdefault(name, []).append(int(number))
    return found
