#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the areas that bootlog_cases knows by name and bootlog_fuzz begins with.

    seeds.py FOLDER     with AAEL_VECTORS also copies of its ccel/CCEL_data_*
"""
import glob
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tdx'))
import mkccel
from mkccel import END, EVENTS, header, one_too_many, whole

COUNT = 56  # offset of the header's number of algorithms
# Algorithms and bytes of their digests: the banks that a TPM may have, and one more.
BANKS = ((0x0004, 20), (0x000b, 32), (0x000c, 48), (0x000d, 64), (0x0012, 32))
SHA3_256 = (0x0027, 32)
TPM_EVENTS = ((0, 3, b'StartupLocality\0\3'), (0, 8, b'1.0'), (7, 4, bytes(4)), (17, 4, b''),
              (14, 6, b'LEAA\x05\0\0\0a b c'))


def patched(data, offset, value, layout='<I'):
    """The bytes with a number in the middle of them replaced."""
    number = struct.pack(layout, value)
    return data[:offset] + number + data[offset + len(number):]


def tpm_event(register, kind, data, algs):
    """An entry with a digest for each algorithm; what they are does not matter."""
    return struct.pack('<III', register, kind, len(algs)) + \
        b''.join(struct.pack('<H', alg) + bytes([alg]) * size for alg, size in algs) + \
        struct.pack('<I', len(data)) + data


def tpm(algs, events=TPM_EVENTS):
    """What a TPM's driver hands over: several banks, vendor information and no padding."""
    spec = b'Spec ID Event03\0' + struct.pack('<IBBBBI', 0, 0, 2, 0, 2, len(algs))
    spec += b''.join(struct.pack('<HH', *alg) for alg in algs) + b'\2ab'
    return struct.pack('<II20sI', 0, 3, bytes(20), len(spec)) + spec + \
        b''.join(tpm_event(*event, algs) for event in events)


AREAS = {
    **mkccel.VARIANTS,
    'unmarked': lambda: whole(pad=b'Z', end=b''),
    'padded-with-7': lambda: mkccel.entries(EVENTS) + bytes(7),
    'two-banks': lambda: tpm(BANKS[1:3]),
    'five-banks': lambda: tpm(BANKS),
    'late-locality': lambda: tpm(BANKS[:1], TPM_EVENTS[1::-1]),
    'long-locality': lambda: tpm(BANKS[:1], ((0, 3, b'StartupLocality\0\3x'),)),
    'digest-twice': lambda: tpm(BANKS[1:3]) + tpm_event(7, 4, b'', (BANKS[1], BANKS[1])),
    'one-digest': lambda: tpm(BANKS[1:3]) + tpm_event(7, 4, b'', BANKS[1:2]),
    'cut-digest': lambda: mkccel.entries(EVENTS)[:-30],
    'many-digests': lambda: patched(one_too_many(), len(mkccel.entries(EVENTS)) + 8, 0xffffffff),
    'beyond-registers': lambda: whole((*EVENTS, (24, 4, b''))),
    'alien-header': lambda: patched(header(), COUNT + 4, 0x7777, '<H') + END,
    'wrong-size-header': lambda: patched(header(), COUNT + 6, 32, '<H') + END,
    'empty': lambda: b'',
    'cut-header': lambda: header()[:-1],
    'endless-header': lambda: patched(whole(), 28, 0xffffffff),
    'short-header': lambda: patched(whole(), 28, len(header()) - 33),
    'no-algorithm': lambda: patched(whole(), COUNT, 0),
    'six-algorithms': lambda: tpm((*BANKS, SHA3_256)),
    'algorithm-twice': lambda: tpm((BANKS[1], BANKS[1])),
    'huge-digest': lambda: patched(whole(), COUNT + 6, 65, '<H'),
    'many-algorithms': lambda: patched(whole(), COUNT, 0xffffffff),
}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    areas = {name: make() for name, make in AREAS.items()}
    vectors = os.environ.get('AAEL_VECTORS', '')
    for path in glob.glob(vectors + '/ccel/CCEL_data_*') if vectors else ():
        if not path.endswith('.json'):
            with open(path, 'rb') as file:
                areas[os.path.basename(path)] = file.read()
    # Without the padding, most of what is mutated means something.
    areas.update({name + '.short': area.rstrip(area[-1:]) + area[-8:]
                  for name, area in areas.items() if len(area) >= mkccel.AREA})
    for name in os.listdir(folder):
        if name not in areas:
            os.unlink(os.path.join(folder, name))
    for name, area in areas.items():
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(area)


if __name__ == '__main__':
    main()
