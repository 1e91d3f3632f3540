# SPDX-License-Identifier: Apache-2.0
"""The figures, and what each is to be. Pure."""
import collections

# A value that must not be over, or not be under the limit; exactly: neither.
Goal = collections.namedtuple('Goal', 'sign limit')
Figure = collections.namedtuple('Figure', 'what goals')
SIGNS = {'<=': lambda value, limit: value <= limit, '>=': lambda value, limit: value >= limit,
         '=': lambda value, limit: value == limit}


def most(limit):
    return Goal('<=', limit)


def least(limit):
    return Goal('>=', limit)


def exactly(limit):
    return Goal('=', limit)


# A row has a verdict for each of its values that stands here; the others are reported.
FIGURES = {
    'P1': Figure('register writes and reads per event', {'writes': exactly(1), 'reads': most(0.01)}),
    'P2': Figure('append / bare extend in the kernel', {'p50': most(1.05), 'p99': most(1.15)}),
    'P3': Figure('append, soft register / hashing and copying', {'p50': most(2)}),
    'P4': Figure('kernel memory / encoded bytes', {'memory': most(1.10)}),
    'P5': Figure('reading the log / a tmpfs file', {'p50': most(1.5), 'per_entry': most(1.2)}),
    'P6': Figure('many writers; a reader beside',
                 {'rate': least(0.95), 'slowest': most(2), 'p99': most(1.5)}),
    'P7': Figure('POST /aa/aael / a bare evhttp handler', {'p50': most(1.5)}),
    'P8': Figure('CPU time and context switches per POST', {'cpu': most(2), 'switches': most(2)}),
    'P9': Figure('resident memory of aaeld, MiB', {'idle': most(6), 'busy': most(12), 'growth': exactly(0)}),
    'P10': Figure('token / quote and one round trip; from cache / GET /info',
                  {'fresh': most(1.3), 'cached': most(1.5)}),
    'P11': Figure('bytes copied / log bytes; quotes per token', {'copies': most(3), 'quotes': exactly(1)}),
    'P12': Figure('loading and sizes', {}),
}


def goals(result):
    """{key: Goal} of a result's values. Where the bare operation is beyond a limit itself, in the same
    run, that is the limit: no subject can be better than its floor."""
    found = {key: goal for key, goal in FIGURES[result['figure']].goals.items() if key in result['values']}
    for key, floor in (result.get('floors') or {}).items():
        if key in found and found[key].sign == '<=':
            found[key] = most(max(found[key].limit, floor))
        elif key in found and found[key].sign == '>=':
            found[key] = least(min(found[key].limit, floor))
    return found


def verdicts(result):
    """{key: met or not} of the values of a result that have goals"""
    return {key: SIGNS[goal.sign](result['values'][key], goal.limit) for key, goal in goals(result).items()}


def unseen(results, wanted):
    """Of the wanted figures: those without a result, and goals that no result has a value for."""
    seen = {(r['figure'], key) for r in results for key in [None, *r['values']]}
    return [f'{name} {key or ""}'.strip() for name in wanted for key in [None, *FIGURES[name].goals]
            if (name, key) not in seen]
