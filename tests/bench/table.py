# SPDX-License-Identifier: Apache-2.0
"""Results as a table of text. Pure."""
import figures

HEADINGS = ('', 'row', 'subject p50', 'p99', 'base p50', 'p99', 'values', '')
UNITS = ((1e9, 's'), (1e6, 'ms'), (1e3, 'µs'), (1, 'ns'))


def short(number):
    """About three digits"""
    if isinstance(number, int) or number == int(number):
        return str(int(number))
    return f'{number:.0f}' if abs(number) >= 100 else f'{number:.3g}'


def amount(number, unit):
    if unit != 'ns':
        return f'{short(number)} {unit}'.strip()
    scale, name = next((u for u in UNITS if number >= u[0]), UNITS[-1])
    return f'{short(number / scale)} {name}'


def values(result):
    """Each value with its goal"""
    goals = figures.goals(result)
    words = []
    for key, value in result['values'].items():
        goal = goals.get(key)
        over = goal and goal != figures.FIGURES[result['figure']].goals[key]
        words.append(f'{key} {short(value)}' + (f' ({goal.sign} {short(goal.limit)}{", its floor" if over else ""})'
                                                if goal else ''))
    return ', '.join(words)


def cells(result):
    times = [amount(result[who][key], result['unit']) if result[who] else ''
             for who in ('subject', 'base') for key in ('p50', 'p99')]
    found = figures.verdicts(result)
    verdict = '' if not found else 'met' if all(found.values()) else \
        'MISSED ' + ' '.join(key for key, met in found.items() if not met)
    return ['', result['row'], *times, values(result), verdict]


def render(results):
    """Rows in the order of the figures, each under its heading."""
    rows = [list(HEADINGS)]
    order = list(figures.FIGURES)
    for name in order:
        found = [cells(result) for result in results if result['figure'] == name]
        rows += [[name, figures.FIGURES[name].what], *found] if found else []
    full = [row for row in rows if len(row) == len(HEADINGS)]
    widths = [max(len(row[i]) for row in full) for i in range(len(HEADINGS))]
    widths[0] = max(len(name) for name in order)
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)
