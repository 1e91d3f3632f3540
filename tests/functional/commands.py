# SPDX-License-Identifier: Apache-2.0
"""The commands that the documents show: manual_test.py runs each in a guest as it is written,
unless ELSEWHERE says who runs it instead.

    for command in shown('README.md'): command.text, command.document, command.line

A command is, and they come in this order,
- a line of a code block: indented by four or between ``` in Markdown, in scdoc a paragraph of lines
  that begin with a tab or a block between ```. Blocks of DATA are none;
- inline code that names one of PROGRAMS and more, without a word that stands for another one
  (`tests/run NAME`).
A line that ends in a backslash goes on in the next; comments are left in.
"""
import collections
import os
import re
import textwrap

TOP = os.environ.get('AAEL_TREE') or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# In this order, for README begins without the module.
DOCUMENTS = ('README.md', 'Documentation/man/aael.4.scd', 'Documentation/man/aaelctl.1.scd',
             'Documentation/man/aaeld.8.scd', 'Documentation/man/aaeld.toml.5.scd', 'Documentation/install.md',
             'Documentation/aaelctl.md', 'Documentation/configuration.md', 'Documentation/rest-api.md',
             'Documentation/tokens.md', 'Documentation/evidence.md')
PROGRAMS = ('aaelctl', 'aaeld', 'api-server-rest', 'apt', 'base64', 'cat', 'curl', 'depmod', 'dkms', 'echo', 'insmod',
            'jq', 'ln', 'make', 'modprobe', 'mokutil', 'rmmod', 'systemctl', 'tests/run', 'tpm2_checkquote',
            'tpm2_pcrread')
# TOML, JSON and what Prometheus takes, by their first line.
DATA = re.compile(r'[\[{]|\w+ = |\w+\{')
STANDS_FOR_ANOTHER = re.compile(r'…|\b[A-Z]+\b(?!=)')
# The suite "demo" compares it itself.
TRANSCRIPT = re.compile(r'<!-- transcript .*?: begin -->.*?<!-- transcript .*?: end -->', re.DOTALL)

Command = collections.namedtuple('Command', 'text document line')
# literal: not to be read as scdoc.
Block = collections.namedtuple('Block', 'line literal lines')
# The job that runs a command, and the file of the tree in which what it runs stands, literally.
Job = collections.namedtuple('Job', 'name file words')

ELSEWHERE = {
    'make demo': Job('demo', 'tests/suites/demo.py', "'make', 'demo')"),
    'make demo PLATFORM=tdx': Job('demo', 'tests/suites/demo.py', "'make', 'demo', 'PLATFORM=tpm', 'KEEP=1'"),
    'make check': 'runs this test',
    'make lint': 'runs style and lint@…, which are jobs of their own',
    'make bench': Job('bench', 'tests/suites/bench.py', "'/tests/bench/run', '--quick', '--slow'"),
    'tests/run deb deb-install deb-boot': 'jobs of their own',
    'tests/run -l': Job('docs', 'tests/docs/documents_test.py', "'tests/run -l'"),
    'make kmod': 'the first half of the next',
    'make kmod helper': Job('docs', 'tests/docs/documents_test.py', "'make kmod helper'"),
    'make dkms-install': Job('docs', 'tests/docs/documents_test.py', "'make dkms-install'"),
    'make deb': Job('deb', 'tests/suites/packages.py', "once(BUILDER, 'deb' if suite == HERE"),
    'apt install ./build/deb/{aael-dkms,aael-tools,aaeld}_*.deb': Job(
        'deb-install', 'tests/deb/root', 'apt install ./build/deb/{aael-dkms,aael-tools,aaeld}_*.deb'),
    'apt install': Job('deb-install', 'tests/deb/root', 'apt install ./build/deb/'),
    **{command: Job('deb-boot', 'tests/deb/guest/script', command) for command in (
        'aaelctl handover upgrade', 'aaelctl handover export /run/handed', 'aaelctl handover unseal',
        'aaelctl handover release /run/handed', 'aaelctl handover import /run/handed --remove')},
    'dkms install aael/0.1.0': Job('deb-install', 'tests/deb/root', "aael/$version, $release, $(uname -m): installed"),
    'apt purge': Job('deb-install', 'tests/deb/root', 'apt-get -q -y purge'),
    'mokutil --import': 'asks a firmware with Secure Boot, and the person before it',
    'systemctl disable --now aaeld.service': Job('deb-boot', 'tests/deb/guest/script', 'systemctl disable --now aaeld.service'),
    'systemctl enable --now aaeld.socket': Job('deb-boot', 'tests/deb/guest/script', 'systemctl enable --now aaeld.socket'),
    'aaeld --allow-sample': Job('evidence_test', 'tests/functional/evidence_test.py', '--allow-sample'),
    'aaeld --metrics': Job('manual_test', 'tests/functional/manual_test.py', "'aaeld', '--metrics'"),
}


def read(document):
    with open(os.path.join(TOP, document), encoding='utf-8') as file:
        return file.read()


def blank(found):
    """As many lines of nothing"""
    return '\n' * found[0].count('\n')


def blocks(text, scdoc=False):
    """[Block] of the code blocks, and the text without them."""
    indent = '\t' if scdoc else ' ' * 4
    found, rest, block, fenced, above = [], [], None, False, ''
    for number, line in enumerate(text.splitlines(), 1):
        fence = line.strip().startswith('```')
        inside = not fence and (fenced or line.startswith(indent) and (block is not None or not above.strip()))
        if inside:
            if block is None:
                block = []
                found.append(Block(number, fenced or not scdoc, block))
            block.append(line)
        else:
            # What goes on without a tab is a paragraph of scdoc's, and no block.
            if block and scdoc and not fence and line.strip():
                found.pop()
            block = None
        fenced ^= fence
        rest.append('' if inside or fence else line)
        above = line
    found = [Block(number, literal, textwrap.dedent('\n'.join(lines)).splitlines()) for number, literal, lines in found]
    return found, '\n'.join(rest)


def plain(line):
    """A line of a paragraph of scdoc's without its marks"""
    return re.sub(r'\\(.)', r'\1', line.removesuffix('++'))


def in_blocks(found):
    for block in found:
        if DATA.match(block.lines[0]):
            continue
        command, begin = '', block.line
        for number, line in enumerate(block.lines, block.line):
            command += line if block.literal else plain(line)
            if command.endswith('\\'):
                command += '\n'
                continue
            if command.strip() and not command.startswith('#'):
                yield begin, command
            command, begin = '', number + 1


def inline(rest, scdoc):
    mark = re.escape('*' if scdoc else '`')
    names = '|'.join(map(re.escape, PROGRAMS))
    for match in re.finditer(rf'(?<!\w){mark}((?:{names})\s[^{mark}]+){mark}', rest):
        text = ' '.join(match[1].split())
        if not STANDS_FOR_ANOTHER.search(text):
            yield rest.count('\n', 0, match.start()) + 1, text


def without_comment(text):
    """What is compared with the tables of commands: one line, without the comment behind it."""
    return ' '.join(re.sub(r'\s+#\s.*', '', text).replace('\\\n', ' ').split())


def parse(text, document='', scdoc=False):
    found, rest = blocks(TRANSCRIPT.sub(blank, text), scdoc)
    return [Command(command, document, number) for number, command in [*in_blocks(found), *inline(rest, scdoc)]]


def shown(document):
    return parse(read(document), document, document.endswith('.scd'))


def all_shown():
    """Of all documents, as the tables have them"""
    return {without_comment(command.text) for document in DOCUMENTS for command in shown(document)}


def data(document, first):
    """The text of the block that begins with that line."""
    for block in blocks(read(document), document.endswith('.scd'))[0]:
        if block.lines[0] == first:
            return ''.join(line + '\n' for line in block.lines)
    raise ValueError(f'{document} has no block that begins with {first}')


if __name__ == '__main__':
    for name in DOCUMENTS:
        for one in shown(name):
            print(f'{name}:{one.line}: {one.text}', '[ELSEWHERE]' if without_comment(one.text) in ELSEWHERE else '')
