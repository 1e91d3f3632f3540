# SPDX-License-Identifier: Apache-2.0
"""The suite "demo": what `make demo` promises on both platforms, and that it notices a log that is
not the TPM's."""
import json
import os
import re
import time

from common import Job, Outcome, TOP, command
from guests import BOOTS, died_of_emulation

DEMO = os.path.join(TOP, 'tests', 'demo', 'demo')
TIMEOUT_SECONDS = 300
TEXTS = ['test test test', 'demo write hello from /dev/aael']
# What differs between the platforms: why that register, who shows it, how aaelctl calls it.
TPM = ('mapping: index 17 is PCR 14: PCRs 17 to 22 refuse locality 0, where Linux runs: '
       'tpm_pcr stands for them', 'tpm2_pcrread sha256:14', 'sha256:14')
TDX = ('mapping: index 17 is CC register 4: indexes 16 to 23 are RTMR3 (register 4)',
       'od rtmr3:sha384', 'sha384:4')
EQUAL = 'equal: the log replays to what the register holds'
# The last two commands of all.
POST = ('curl -X POST http://127.0.0.1:8006/aa/aael -H "Content-Type: application/json" '
        """-d '{"domain":"test","operation":"test","content":"test"}'""")
TOKEN = (r'curl http://127.0.0.1:8006/aa/token\?token_type\=kbs | '
         """jq -r '.token |split(".") | .[1] | @base64d | fromjson'""")


def run(outcome, *words, typed=''):
    """The demo's status and what it printed, without colours and the terminal's line ends."""
    for _ in range(BOOTS):
        status, output = command(*words, timeout=TIMEOUT_SECONDS, typed=typed)
        if not status or not died_of_emulation('demo'):
            break
        outcome.crashes += 1
    return status, re.sub(r'\x1b\[[0-9;?]*[A-Za-z]|\r', '', output)


def section(output, heading):
    """What stands between the heading that begins so and the next one."""
    found = re.search(rf'^== {re.escape(heading)}.*\n((?:(?!== ).*\n)*)', output, re.M)
    return found[1] if found else ''


def entries(output):
    """The texts of the entries that it showed as JSON, None for one that its digest belies."""
    try:
        shown = json.loads(section(output, 'aaelctl log --format json'))
    except json.JSONDecodeError:
        return []
    return [e['details']['string'] if e['digest_matches_event'] else None for e in shown]


def parts(output):
    """What each guest printed."""
    return re.split(r'^demo: booting a guest .*\n', output, flags=re.M)[1:]


def token_entry(output):
    """The entry that the demo ends with, if it ends with those two commands and it"""
    shown = section(output, 'the event in a token').splitlines()
    if shown[:3] != [POST, '{"success":"true"}', TOKEN]:
        return None
    try:
        return json.loads('\n'.join(shown[4:]))
    except json.JSONDecodeError:
        return None


def missing_in_token(output):
    entry = token_entry(output) or {}
    good = entry.get('details', {}).get('data') == {'domain': 'test', 'operation': 'test', 'content': 'test'}
    return [] if good and entry.get('digest_matches_event') is True and entry.get('index') == 4 else [
        'the event in the token, last of all']


def missing(output, platform=TPM):
    """What a guest's demo that went well shows and this one does not."""
    mapping, shown_by, register = platform
    values = re.findall(rf'^(?:{shown_by}|replayed from the log in Python) +([0-9a-f]+)$', output, re.M)
    lines = output.splitlines()
    found = {
        'the success of REST': '{"success":"true"}' in section(output, 'an event by REST').splitlines(),
        'both entries in JSON': entries(output) == TEXTS,
        'the mapping': mapping in section(output, 'which register, and why').splitlines(),
        'two equal values': len(values) == 2 and values[0] == values[1] and int(values[0], 16) != 0,
        "aaelctl's match": register + ': match' in lines,
        'the verdict': EQUAL in lines,
    }
    return [name for name, there in found.items() if not there]


def transcript():
    """The lines that README shows, but for those that it leaves out or that vary."""
    with open(TOP + '/README.md', encoding='utf-8') as file:
        shown = re.search(r'transcript of `make demo`: begin -->\n(.*)<!-- transcript', file.read(), re.S)
    return [line[4:] for line in shown[1].splitlines() if '[...]' not in line and 'unconfirmed' not in line]


def check(outcome, name, good, output, problems=()):
    outcome.check(name, 0 if good else 1, '\n'.join([output, *('missing: ' + p for p in problems)]))


def demo():
    outcome = Outcome()
    begin = time.monotonic()
    status, output = run(outcome, 'make', 'demo')
    outcome.notes.append(f'make demo took {time.monotonic() - begin:.0f} s')
    tpm, tdx = (parts(output) + ['', ''])[:2]
    lacking = missing(tpm) + missing(tdx, TDX) + missing_in_token(tdx)
    check(outcome, 'make demo', status == 0 and not lacking, output, lacking)
    unseen = [line for line in transcript() if line.strip(' ],') and line not in output.splitlines()]
    check(outcome, "README's transcript", not unseen, '', unseen)

    status, output = run(outcome, DEMO, '--platform', 'tpm', '--tpm', 'tis')
    check(outcome, 'demo --tpm tis', status == 0 and 'tpm-tis' in output and not missing(output), output,
          missing(output))

    status, output = run(outcome, DEMO, '--platform', 'tpm', '--foreign-extend')
    lacking = missing(output)
    check(outcome, 'demo --foreign-extend', status == 1 and 'sha256:14: mismatch' in output.splitlines() and
          'FAILED: aaelctl verify: the log and the register differ' in output and
          lacking == ['two equal values', "aaelctl's match", 'the verdict'], output, lacking)

    status, output = run(outcome, 'make', 'demo', 'PLATFORM=tpm', 'KEEP=1', typed='echo $((6 * 7)) in the guest\nexit\n')
    check(outcome, 'make demo PLATFORM=tpm KEEP=1', status == 0 and not missing(output) and
          '42 in the guest' in output.splitlines(), output, missing(output))
    return outcome


def jobs():
    yield Job('demo', demo, '6.1')
