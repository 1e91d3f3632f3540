# SPDX-License-Identifier: Apache-2.0
"""The log as the specification has it, independent of the project's other code.

Encodes entries, parses TCG2 logs, replays them by both rules. Pure: bytes in, values out.
`python3 aael.py --selftest [CCEL…]` checks it against the vectors, and CCEL files for form.

    entry = u32 register  u32 type  u32 count {u16 alg u8 digest[]}  u32 size  event[size]
    event = u32 0x4141454c  u32 size  "<domain> <operation> <content>"       all little-endian
"""
import collections
import hashlib
import struct
import sys

ALGS = {0x4: ('sha1', 20), 0xb: ('sha256', 32), 0xc: ('sha384', 48), 0xd: ('sha512', 64),
        0x12: ('sm3_256', 32)}
IDS = {name: alg for alg, (name, _) in ALGS.items()}
EV_NO_ACTION = 3
EV_EVENT_TAG = 6
TAG = 0x4141454c
SPEC_ID = b'Spec ID Event03\0'
LOCALITY = b'StartupLocality\0'

Entry = collections.namedtuple('Entry', 'register type digests event offset size')


class Log:
    """A parsed log: algs = [(id, digest size)] of the header, entries without the header."""

    def __init__(self, algs, entries, size):
        self.algs = algs
        self.entries = entries
        self.size = size

    @property
    def ours(self):
        return [e for e in self.entries if e.type == EV_EVENT_TAG
                and e.event[:4] == struct.pack('<I', TAG)]

    def texts(self):
        return [text(e) for e in self.ours]


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def encode_event(domain, operation, content):
    body = b' '.join(as_bytes(x) for x in (domain, operation, content))
    return struct.pack('<II', TAG, len(body)) + body


def encode_entry(register, algs, domain, operation, content):
    event = encode_event(domain, operation, content)
    digests = b''.join(struct.pack('<H', alg) + hashed(alg, event) for alg in algs)
    return (struct.pack('<III', register, EV_EVENT_TAG, len(algs)) + digests
            + struct.pack('<I', len(event)) + event)


def hashed(alg, data):
    return hashlib.new(ALGS[alg][0], data).digest()


def text(entry):
    tag, size = struct.unpack_from('<II', entry.event)
    if tag != TAG or size + 8 != len(entry.event):
        raise ValueError('not an event of ours')
    return entry.event[8:]


def parse_header(data):
    """The first event, in the format of TPM 1.2; returns algorithms and its length."""
    kind, = struct.unpack_from('<I', data, 4)  # CCELs have a register 1 in front of it
    size, = struct.unpack_from('<I', data, 28)
    event = data[32:32 + size]
    if kind != EV_NO_ACTION or event[:16] != SPEC_ID or len(event) != size:
        raise ValueError('no Spec ID Event03 header')
    count, = struct.unpack_from('<I', event, 24)
    algs = [struct.unpack_from('<HH', event, 28 + 4 * i) for i in range(count)]
    if 28 + 4 * count + 1 + event[28 + 4 * count] != size:
        raise ValueError('header of a wrong length')
    return algs, 32 + size


def parse_entry(data, at, sizes):
    start = at
    register, kind, count = struct.unpack_from('<III', data, at)
    at += 12
    digests = {}
    for _ in range(count):
        alg, = struct.unpack_from('<H', data, at)
        size = sizes[alg]
        digests[alg] = data[at + 2:at + 2 + size]
        at += 2 + size
    size, = struct.unpack_from('<I', data, at)
    at += 4
    event = data[at:at + size]
    if len(event) != size:
        raise ValueError(f'entry at {start} is cut short')
    return Entry(register, kind, digests, event, start, at + size - start)


def parse(data, marks=False):
    """A whole log. With marks, eight 0x00 or 0xFF bytes end it; else it ends with its bytes."""
    algs, at = parse_header(data)
    return Log(algs, parse_entries(data, algs, at, marks), len(data))


def parse_entries(data, algs, at=0, marks=False):
    sizes = dict(algs)
    entries = []
    while at < len(data):
        if marks and data[at:at + 8] in (bytes(8), b'\xff' * 8):
            break
        try:
            entry = parse_entry(data, at, sizes)
        except (struct.error, KeyError) as error:
            raise ValueError(f'entry at {at}: {error!r}') from error
        entries.append(entry)
        at += entry.size
    return entries


def replay(entries, register, alg, rule='hardware', start=None):
    """The register's value after those entries.

    hardware: EV_NO_ACTION is not extended, PCR 0 starts at the StartupLocality, 17 to 22 as ones.
    trustee:  every digest is extended, always from zero.
    """
    ones = rule == 'hardware' and 17 <= register <= 22
    value = bytearray((b'\xff' if ones else b'\0') * ALGS[alg][1] if start is None else start)
    extended = False
    for entry in entries:
        if rule == 'hardware' and entry.type == EV_NO_ACTION:
            if (register, entry.register, extended) == (0, 0, False) and \
                    entry.event.startswith(LOCALITY) and len(entry.event) == 17:
                value[-1] = entry.event[16]
            continue
        if entry.register == register:
            extended = True
            value = bytearray(hashed(alg, bytes(value) + entry.digests[alg]))
    return bytes(value)


def mismatched(log):
    """Entries of ours whose digest, in any bank, is not the hash of their event."""
    return [e for e in log.ours if any(hashed(a, e.event) != d for a, d in e.digests.items())]


def selftest(files):
    event = encode_event('domain', 'operation', 'content')
    assert event[:4] == b'LEAA'
    assert hashed(0xb, event).hex() == \
        '46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351'
    assert hashed(0xc, event).hex() == (
        'dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440'
        'fb00f3aa0609db7e49cd8d793f670d02')
    spec = SPEC_ID + struct.pack('<IBBBB', 0, 0, 2, 0, 2) + struct.pack('<IHHB', 1, 0xb, 32, 0)
    header = struct.pack('<II20sI', 0, EV_NO_ACTION, bytes(20), len(spec)) + spec
    entries = [encode_entry(14, [0xb], 'a', 'b', str(i)) for i in range(3)]
    log = parse(header + b''.join(entries))
    assert log.algs == [(0xb, 32)] and log.texts() == [b'a b 0', b'a b 1', b'a b 2']
    value = bytes(32)
    for entry in log.entries:
        value = hashlib.sha256(value + entry.digests[0xb]).digest()
    assert replay(log.entries, 14, 0xb) == value and not mismatched(log)
    assert len(parse(header + entries[0] + b'\xff' * 16, marks=True).entries) == 1
    locality = struct.pack('<IIIH32sI', 0, EV_NO_ACTION, 1, 0xb, bytes(32), 17) + LOCALITY + b'\3'
    log = parse(header + locality)
    assert replay(log.entries, 0, 0xb) == bytes(31) + b'\3'
    assert replay(log.entries, 0, 0xb, 'trustee') == hashlib.sha256(bytes(64)).digest()
    for bad in (header + entries[0][:-1], header[:-1], header + entries[0][:40]):
        try:
            parse(bad)
        except (ValueError, struct.error):
            continue
        raise AssertionError('accepted a log that is cut short')
    for name in files:
        with open(name, 'rb') as file:
            log = parse(file.read(), marks=True)
        print(name, len(log.entries), 'entries', [ALGS[a][0] for a, _ in log.algs])
        for register in range(1, 5):
            print(register, replay(log.entries, register, 0xc).hex())
    print('ok')


if __name__ == '__main__' and sys.argv[1:2] == ['--selftest']:
    selftest(sys.argv[2:])
