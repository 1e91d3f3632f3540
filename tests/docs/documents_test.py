# SPDX-License-Identifier: Apache-2.0
"""The documents: what commands.py finds in them, who runs what no guest runs, and whether the manual
pages render. The commands of a developer's machine are run here."""
import glob
import os
import re
import subprocess
import tempfile
import unittest

import commands

BUILD = os.path.dirname(os.environ['AAEL_HELPER'])
CTL = os.environ['AAEL_HELPER'] + '/aaelctl/aaelctl'
SECONDS = 240


def shell(line, **variables):
    """Standard output of a line that is typed at the top of the tree."""
    done = subprocess.run(['/bin/bash', '-c', line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, cwd=commands.TOP, env={**os.environ, **variables},
                          check=False, timeout=SECONDS)
    assert done.returncode == 0, f'{line}: {done.returncode}: {done.stdout}{done.stderr}'
    return done.stdout


def texts(text, **more):
    return [command.text for command in commands.parse(text, **more)]


class Extraction(unittest.TestCase):
    def test_blocks_of_markdown(self):
        self.assertEqual(texts('text\n\n    one  # why\n    # nothing\n\n    two \\\n      more\n\n1. text\n\n       three\n'),
                         ['one  # why', 'two \\\n  more', 'three'])
        self.assertEqual(texts('```\none\n```\n\n```sh\n    two\n```\n'), ['one', 'two'])
        self.assertEqual(texts('- text\n    that goes on\n'), [])

    def test_data_is_none(self):
        for data in ('{"a":1}', '[section]\n    key = 1', 'key = "value"', 'metric{label="x"} == 1'):
            self.assertEqual(texts(f'text\n\n    {data}\n'), [], data)
        self.assertEqual(texts('    aaelctl log\n    key = 1\n'), ['aaelctl log', 'key = 1'])

    def test_inline(self):
        self.assertEqual(texts('`make it`, `aaelctl`, `make IT`, `make …`, `make X=it`,\n`aaelctl\nlog`, `unknown word`'),
                         ['make it', 'make X=it', 'aaelctl log'])

    def test_scdoc(self):
        self.assertEqual(texts('*-k*\n\tA word.\n\n\tln -s a\\_b c++\n\tsecond\n\ntext of *aaelctl log* and *aaelctl*(1)\n',
                               scdoc=True), ['ln -s a_b c', 'second', 'aaelctl log'])
        self.assertEqual(texts('text\n\n```\necho a\\\\b\n```\n', scdoc=True), ['echo a\\\\b'])

    def test_lines(self):
        found = commands.parse('text\n\n    one\n    two\n\nand `make it`\n')
        self.assertEqual([command.line for command in found], [3, 4, 6])

    def test_transcript_is_none(self):
        begin, end = '<!-- transcript of `make demo`: begin -->', '<!-- transcript of `make demo`: end -->'
        self.assertEqual([c.line for c in commands.parse(f'{begin}\n\n    one\n\n{end}\n\n    two\n')], [7])


class Elsewhere(unittest.TestCase):
    def test_it_stands_in_a_document(self):
        self.assertEqual(set(commands.ELSEWHERE) - commands.all_shown(), set())

    def test_there_is_such_a_job_that_runs_it(self):
        names = shell('tests/run -l').split()
        for command, where in commands.ELSEWHERE.items():
            if isinstance(where, commands.Job):
                self.assertTrue([name for name in names if name.partition('@')[0] == where.name], where.name)
                self.assertTrue(where.words in commands.read(where.file), f'{command}: not in {where.file}')
            else:
                self.assertTrue(where, command)

    def test_every_manual_page_is_looked_at(self):
        pages = {os.path.relpath(path, commands.TOP) for path in glob.glob(commands.TOP + '/Documentation/man/*.scd')}
        self.assertTrue(pages)
        self.assertLessEqual(pages | {'README.md'}, set(commands.DOCUMENTS))
        for document in commands.DOCUMENTS:
            self.assertTrue(commands.shown(document), document)

    def test_every_verb_is_shown(self):
        verbs = set(re.findall(r'^  (\w+)', shell(CTL + ' --help').partition('verbs:')[2], re.MULTILINE))
        shown = {word for document in commands.DOCUMENTS for command in commands.shown(document)
                 for word in re.findall(r'\baaelctl (\w+)', command.text)}
        self.assertTrue(verbs)
        self.assertEqual(verbs - shown, set())


class Here(unittest.TestCase):
    """As written, in the environment of a kernel that does not run, and of folders that are ours."""

    def test_make_kmod_helper(self):
        with open(shell('tests/vm/kernel 6.1').splitlines()[-1], encoding='utf-8') as file:
            kdir = dict(line.rstrip().split('=', 1) for line in file)['KDIR']
        shell('make kmod helper', KDIR=kdir, O=os.environ['AAEL_HELPER'], AAEL_BUILD=BUILD)
        made = [word for command in commands.shown('README.md')
                for word in commands.without_comment(command.text).split() if word.startswith('build/')]
        self.assertTrue(made)
        for path in made:
            self.assertTrue(os.path.exists(path.replace('build', BUILD, 1)), path)

    def test_make_dkms_install(self):
        with tempfile.TemporaryDirectory() as folder:
            shell('make dkms-install', DESTDIR=folder)
            version, = os.listdir(folder + '/usr/src')
            self.assertIn('dkms install ' + version.replace('-', '/'), commands.ELSEWHERE)
            self.assertTrue(os.path.exists(f'{folder}/usr/src/{version}/kmod/main.c'))


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shell('make -s -C helper man', O=os.environ['AAEL_HELPER'])

    def pages(self):
        for source in sorted(glob.glob(commands.TOP + '/Documentation/man/*.scd')):
            yield f'{os.environ["AAEL_HELPER"]}/man/{os.path.basename(source)[:-4]}'

    def test_render_without_warnings(self):
        for page in self.pages():
            done = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                                  env={**os.environ, 'LC_ALL': 'C.UTF-8', 'MANROFFSEQ': '', 'MANWIDTH': '80'})
            self.assertEqual((done.returncode, done.stderr), (0, ''), page)
            self.assertTrue(done.stdout)

    def test_have_a_name_that_apropos_finds(self):
        for page in self.pages():
            self.assertIn(f'"{os.path.basename(page).rpartition(".")[0]} - ', shell('lexgrog ' + page))

    def test_exit_codes_of_aaelctl(self):
        """The same in the page, in aaelctl.md and in the program."""
        codes = sorted(re.findall(r'CTL_\w+ = (\d)', commands.read('helper/aaelctl/ctl.h')))
        page = commands.read('Documentation/man/aaelctl.1.scd').partition('# EXIT STATUS')[2].partition('\n# ')[0]
        self.assertTrue(codes)
        self.assertEqual(sorted(re.findall(r'^(\d)$', page, re.M)), codes)
        self.assertEqual(sorted(re.findall(r'^\| (\d) \|', commands.read('Documentation/aaelctl.md'), re.M)), codes)


if __name__ == '__main__':
    unittest.main()
