# SPDX-License-Identifier: Apache-2.0
"""aaeld with an Init-Data document of ours."""
import subprocess

import rest

PATH = '/tmp/initdata.toml'
EVENT = {'domain': 'initdata', 'operation': 'op', 'content': 'c'}
SUCCESS = b'{"success":"true"}'


def document(algorithm, more=b'', config=None):
    config = config or rest.CONFIG.format(init_pcr=17, enable='true')
    text = f'version = "0.1.0"\nalgorithm = "{algorithm}"\n[data]\n"aa.toml" = \'\'\'\n{config}\'\'\'\n'
    return more + text.encode()


def write(data):
    with open(PATH, 'wb') as file:
        file.write(data)
    return PATH


def daemon(data):
    return rest.Daemon(program=['aaeld', '--initdata', write(data)])


def fails(case, says, data):
    """It ends with 1, and the last that it says is about that."""
    done = subprocess.run(['aaeld', '--initdata', write(data)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    case.assertEqual(done.returncode, 1, done.stdout)
    case.assertIn(says, done.stdout.splitlines()[-1])
