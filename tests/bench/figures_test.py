# SPDX-License-Identifier: Apache-2.0
"""What is said of samples, how it is judged, and how it is shown."""
import os
import sys
import unittest

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import figures
import stats
import table


def result(figure='P2', values=None, subject=None, base=None, unit='ns', row='a row'):
    return {'figure': figure, 'row': row, 'unit': unit, 'subject': subject, 'base': base,
            'values': values or {}}


class Stats(unittest.TestCase):
    def test_percentiles_are_samples(self):
        samples = list(range(1000, 0, -1))
        self.assertEqual([stats.percentile(samples, p) for p in (0, 1, 50, 99, 100)], [1, 10, 500, 990, 1000])
        self.assertEqual(stats.percentile([7], 50), 7)
        self.assertEqual(stats.percentile([1, 2], 50), 1)
        self.assertEqual(stats.percentile([1, 2], 51), 2)
        self.assertRaises(ValueError, stats.percentile, [], 50)

    def test_ratios(self):
        subject, base = stats.summary([20] * 98 + [90] * 2), stats.summary([10] * 100)
        self.assertEqual(subject, {'n': 100, 'p50': 20, 'p99': 90})
        self.assertEqual(stats.ratios(subject, base), {'p50': 2, 'p99': 9})

    def test_lines_of_programs(self):
        self.assertEqual(stats.by_name('a 1\nb c 2\na 3\n'), {'a': [1, 3], 'b c': [2]})
        self.assertRaises(ValueError, stats.by_name, 'a x\n')


class Figures(unittest.TestCase):
    def test_limits_belong_to_what_is_allowed(self):
        for value, met in ((1.05, True), (1.0501, False), (0.5, True)):
            self.assertEqual(figures.verdicts(result(values={'p50': value})), {'p50': met})
        for value, met in ((0.95, True), (0.9499, False), (2, True)):
            self.assertEqual(figures.verdicts(result('P6', {'rate': value})), {'rate': met})
        for value, met in ((1, True), (1.0, True), (1.001, False), (0.999, False)):
            self.assertEqual(figures.verdicts(result('P1', {'writes': value})), {'writes': met})

    def test_values_without_a_goal_have_no_verdict(self):
        self.assertEqual(figures.verdicts(result('P12', {'p50': 9})), {})
        self.assertEqual(figures.verdicts(result(values={'other': 9, 'p99': 9})), {'p99': False})

    def test_no_goal_is_below_its_floor(self):
        for value, floor, met in ((1.3, 1.2, False), (1.2, 1.2, True), (1.1, 1.0, True), (1.16, 1.0, False)):
            found = {**result(values={'p50': 1, 'p99': value}), 'floors': {'p99': floor, 'other': 9}}
            self.assertEqual(figures.verdicts(found), {'p50': True, 'p99': met})
        for value, floor, met in ((0.93, 0.94, False), (0.94, 0.94, True), (0.95, 1.1, True), (0.94, 1.1, False)):
            found = {**result('P6', {'rate': value}), 'floors': {'rate': floor}}
            self.assertEqual(figures.verdicts(found), {'rate': met})
        self.assertEqual(figures.verdicts({**result('P1', {'writes': 2}), 'floors': {'writes': 2}}), {'writes': False})
        shown = table.values({**result(values={'p50': 1, 'p99': 1.2}), 'floors': {'p99': 1.3}})
        self.assertEqual(shown, 'p50 1 (<= 1.05), p99 1.2 (<= 1.3, its floor)')

    def test_what_was_not_measured_is_named(self):
        self.assertEqual(figures.unseen([], ['P2']), ['P2', 'P2 p50', 'P2 p99'])
        rows = [result(values={'p50': 1}), result(values={'p99': 1}), result('P12')]
        self.assertEqual(figures.unseen(rows, ['P2', 'P12']), [])
        self.assertEqual(figures.unseen(rows[:1], ['P2']), ['P2 p99'])


class Table(unittest.TestCase):
    def test_amounts(self):
        for number, unit, text in ((999, 'ns', '999 ns'), (1500, 'ns', '1.5 µs'), (2.5e6, 'ns', '2.5 ms'),
                                   (12345678901, 'ns', '12.3 s'), (5.25, 'MiB', '5.25 MiB'), (3, '', '3')):
            self.assertEqual(table.amount(number, unit), text)

    def test_rows_stand_below_their_figure(self):
        times = {'n': 1, 'p50': 10, 'p99': 20}
        lines = table.render([result('P12', {'size': 3}, row='second'),
                              result('P2', {'p50': 1.5, 'p99': 1}, times, times, row='first'),
                              result('P2', {'p50': 1, 'p99': 1}, times, times, row='other')]).splitlines()
        self.assertEqual([line[:3].strip() for line in lines], ['', 'P2', '', '', 'P12', ''])
        self.assertIn('first', lines[2])
        self.assertTrue(lines[2].endswith('p50 1.5 (<= 1.05), p99 1 (<= 1.15)  MISSED p50'), lines[2])
        self.assertTrue(lines[3].endswith('met'), lines[3])
        self.assertTrue(lines[5].endswith('size 3'), lines[5])


if __name__ == '__main__':
    unittest.main()
