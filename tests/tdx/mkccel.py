#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the area of a CC event log as the firmware of a TDX guest leaves it, right or wrong.

The layout is that of TCG's "PC Client Platform Firmware Profile" (crypto-agile log), with a
register number in place of the PCR: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3. All integers are
little-endian.

    header  register u32 = 1 | type u32 = EV_NO_ACTION | 20 bytes of 0 | size u32 | Spec ID event
    event   register u32 | type u32 | count u32 | count × (algorithm u16, digest) | size u32 | data
    end     eight bytes of 0xFF, and more of them up to the end of the area

    mkccel.py [VARIANT] [-o FILE]     a variant of VARIANTS
    mkccel.py [VARIANT] --values      the registers that it replays to, as parameters of tdxemul.ko
"""
import argparse
import hashlib
import struct
import sys

SHA384, SHA512 = 0x000c, 0x000d
SIZES = {SHA384: 48, SHA512: 64}
EV_NO_ACTION = 3
AREA = 64 * 1024
END = b'\xff' * 8

# Register, type and data; the digest is the data's. Real logs have others, too: it need not be.
EVENTS = (
    (1, 0x8000000b, b'\x09TdxTable' + bytes(8) + b'the configuration of the virtual machine'),
    (1, 0x80000001, b'SecureBoot' + b'\x00'),
    (1, 0x00000004, bytes(4)),
    (2, 0x80000007, b'Calling EFI Application from Boot Option'),
    (2, 0x00000004, bytes(4)),
    (2, 0x80000003, b'a boot loader'),
    (3, 0x0000000d, b'linux /vmlinuz root=/dev/vda1'),
    (3, 0x0000000d, b'initrd /initrd.img'),
    (3, 0x0000000d, b''),
)


def header(algs=(SHA384,)):
    spec = b'Spec ID Event03\0' + struct.pack('<IBBBBI', 0, 0, 2, 0, 2, len(algs))
    spec += b''.join(struct.pack('<HH', alg, SIZES[alg]) for alg in algs) + b'\0'
    return struct.pack('<II20sI', 1, EV_NO_ACTION, bytes(20), len(spec)) + spec


def digest_of(data):
    return hashlib.sha384(data).digest()


def event(register, kind, data, alg=SHA384, size=None):
    digest = digest_of(data) if alg == SHA384 else hashlib.sha512(data).digest()
    return struct.pack('<IIIH', register, kind, 1, alg) + digest + \
        struct.pack('<I', len(data) if size is None else size) + data


def entries(events):
    return header() + b''.join(event(*one) for one in events)


def whole(events=EVENTS, pad=b'\xff', end=END):
    """A log, its end mark, and padding to the end of the area."""
    return (entries(events) + end).ljust(AREA, pad)


def to_the_end():
    """EVENTS and one that fills the rest of a page."""
    room = 4096 - len(entries(EVENTS)) - len(event(3, 0, b''))
    return (*EVENTS, (3, 0x0000000d, b'x' * room))


def one_too_many(**wrong):
    """EVENTS and one with something wrong about it."""
    return whole(end=event(3, 0x0000000d, b'wrong', **wrong) + END)


VARIANTS = {
    'whole': whole,
    'eventless': lambda: whole(()),
    'full': lambda: entries(to_the_end()),  # no room for an end mark
    'zero-padded': lambda: whole(pad=b'\0', end=b''),
    'blank': lambda: bytes(AREA),
    'ones': lambda: b'\xff' * (1 << 20),
    'cut': lambda: one_too_many(size=AREA),
    'endless': lambda: one_too_many(size=0xfffffff0),
    'alien': lambda: one_too_many(alg=SHA512),
}


def events_of(variant):
    """The events before the first mistake."""
    if variant in ('eventless', 'blank', 'ones'):
        return ()
    return to_the_end() if variant == 'full' else EVENTS


def values(variant='whole'):
    """RTMR0 to RTMR3 as those events extend them."""
    registers = [bytes(48)] * 4
    for register, _, data in events_of(variant):
        registers[register - 1] = digest_of(registers[register - 1] + digest_of(data))
    return registers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('variant', nargs='?', choices=VARIANTS, default='whole')
    parser.add_argument('-o', metavar='FILE', help='write there, not to standard output')
    parser.add_argument('--values', action='store_true', help='only say what it replays to')
    args = parser.parse_args()
    if args.values:
        print(' '.join(f'rtmr{i}={value.hex()}' for i, value in enumerate(values(args.variant))))
    elif args.o:
        with open(args.o, 'wb') as file:
            file.write(VARIANTS[args.variant]())
    else:
        sys.stdout.buffer.write(VARIANTS[args.variant]())


if __name__ == '__main__':
    main()
