# SPDX-License-Identifier: Apache-2.0
"""How a bench in a guest says what it measured: lines of JSON behind the word "bench".

    found = report.timed('append', 'hash', '50')
    report.compare('P3', 'soft register', found['append'], found['bare'])
"""
import json
import os
import subprocess

import stats

QUICK = os.environ.get('BENCH_QUICK') == '1'
SLOW = os.environ.get('BENCH_SLOW') == '1'  # the subject does twice its work


def timed(*words):
    """What a program of tests/bench printed: {name: [ns, …]}"""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'{" ".join(words)}: {done.returncode}: {done.stderr}')
    return stats.by_name(done.stdout)


def emit(figure, row, subject=None, base=None, unit='ns', floors=None, **values):
    """One result. subject, base: stats.summary() of either, in that unit; values: the numbers
    that figures.py has goals for, and others worth knowing; floors: what the bare operation has of
    these, measured the same way."""
    print('bench', json.dumps({'figure': figure, 'row': row, 'unit': unit, 'subject': subject,
                               'base': base, 'values': values, 'floors': floors}), flush=True)


def compare(figure, row, subject, base, **values):
    """Two lists of ns, and their ratios."""
    subject, base = stats.summary(subject), stats.summary(base)
    emit(figure, row, subject, base, **stats.ratios(subject, base), **values)
