#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the log without any code of the project:
replay LOG REGISTER ALGORITHM | replay --json FILE | replay --token FILE.

LOG is the TCG2 binary log; prints what its entries for the register amount to.
FILE is the JSON of aaelctl, of which the two entries of the demo are printed, or the payload of a
token, of which the last entry is; or it fails.
"""
import hashlib
import json
import struct
import sys

SIZES = {0x4: 20, 0xb: 32, 0xc: 48, 0xd: 64, 0x12: 32}
ALGORITHMS = {'sha256': 0xb, 'sha384': 0xc}
EV_NO_ACTION = 3


def entries(log):
    """(PCR, type, digests by algorithm) of each entry behind the header."""
    at = 32 + struct.unpack_from('<I', log, 28)[0]  # the header is a TCG 1.2 event
    while at < len(log):
        pcr, kind, count = struct.unpack_from('<III', log, at)
        at += 12
        digests = {}
        for _ in range(count):
            algorithm, = struct.unpack_from('<H', log, at)
            size = SIZES[algorithm]
            digests[algorithm] = log[at + 2:at + 2 + size]
            at += 2 + size
        at += 4 + struct.unpack_from('<I', log, at)[0]
        yield pcr, kind, digests


def value(log, register, name):
    algorithm = ALGORITHMS[name]
    held = bytes(SIZES[algorithm])
    for index, kind, digests in entries(log):
        if index == register and kind != EV_NO_ACTION:
            held = hashlib.new(name, held + digests[algorithm]).digest()
    return held.hex()


TEXTS = ['test test test', 'demo write hello from /dev/aael']


def ours(log):
    return [entry for entry in log if (entry.get('details') or {}).get('unicode_name') == 'AAEL']


def are_those(found, texts):
    return [entry['details']['string'] for entry in found] == texts and all(
        entry['digest_matches_event'] for entry in found)


def show_log(log):
    found = ours(log['uefi_event_logs'])
    print(json.dumps(found, indent=2))
    return are_those(found, TEXTS)


def show_token(claims):
    log = claims['submods']['cpu0']['ear.veraison.annotated-evidence']['tdx']['uefi_event_logs']
    found = ours(log)
    print(f'[... the end of "uefi_event_logs", {len(log) - len(found)} entries of the firmware and {len(found)} '
          'of ours:]')
    print(json.dumps(log[-1], indent=2))
    return log[-len(found):] == found and are_those(found, TEXTS + TEXTS[:1])


def main():
    shows = {'--json': show_log, '--token': show_token}
    if sys.argv[1] in shows:
        with open(sys.argv[2], encoding='utf-8') as file:
            return 0 if shows[sys.argv[1]](json.load(file)) else 1
    with open(sys.argv[1], 'rb') as file:
        print(value(file.read(), int(sys.argv[2]), sys.argv[3]))
    return 0


if __name__ == '__main__':
    sys.exit(main())
