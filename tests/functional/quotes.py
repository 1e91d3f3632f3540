# SPDX-License-Identifier: Apache-2.0
"""What quotes and the evidence around them consist of. Pure: bytes in, values out.

Whatever is wrong with evidence raises Refused. Who verifies: evidence.py in the functional
tests, verifier.py in the stub of a KBS.
"""
import base64
import binascii
import contextlib
import struct

import aael

SHA256, SHA384 = 0xb, 0xc
MARK = b'\xff' * 8
FOREIGN = b'aael foreign-extend '
PCRS = 24
RTMRS = 4


class Refused(Exception):
    """A verifier does not believe it."""


def demand(true, why):
    if not true:
        raise Refused(why)


@contextlib.contextmanager
def well_formed(what):
    """Whatever a parser stumbles over is what is wrong with the evidence."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, struct.error, binascii.Error) as error:
        raise Refused(f'{what}: {error!r}') from error


def decode(text):
    """Standard base64 with its padding, and nothing else"""
    return base64.b64decode(text, validate=True)


def parse_log(data):
    """The log of a piece of evidence, whose end mark must be its end."""
    demand(data.endswith(MARK), 'no mark at the end')
    return aael.parse(data[:-len(MARK)])


def belied(log):
    """Entries of ours whose text is not that of their digest. What others extended has one of theirs."""
    return [entry for entry in aael.mismatched(log) if not aael.text(entry).startswith(FOREIGN)]


def digests(data, at, count=RTMRS):
    return [data[i:i + 48] for i in range(at, at + 48 * count, 48)]


class Attest:
    """TPMS_ATTEST of a quote, big-endian:
    u32 magic  u16 type  signer: u16 size, bytes  extraData: u16 size, bytes  clock[17]
    firmware[8]  u32 count {u16 hash  u8 size  select[size]}  pcrDigest: u16 size, bytes"""

    def __init__(self, data):
        self.data, self.at = data, 0
        demand(self.take('>IH') == (0xff544347, 0x8018), 'no quote')
        self.sized()
        self.nonce = self.sized()
        self.at += 17 + 8
        demand(self.take('>IHB') == (1, SHA256, 3), 'not the SHA-256 bank alone')
        demand(self.take('3s') == (b'\xff' * 3,), 'not all PCRs')
        self.digest = self.sized()
        demand(self.at == len(data), 'something follows')

    def take(self, layout):
        got = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return got

    def sized(self):
        size, = self.take('>H')
        got = self.data[self.at:self.at + size]
        self.at += size
        return got


def rsassa(signature):
    """The bytes of a TPMT_SIGNATURE: u16 RSASSA  u16 SHA-256  u16 size, bytes"""
    alg, hash_alg, size = struct.unpack_from('>HHH', signature)
    demand((alg, hash_alg) == (0x14, SHA256) and len(signature) == 6 + size, 'not RSASSA with SHA-256')
    return signature[6:]


class Quote:
    """The fields of interest of a TDX quote, little-endian:
    header[48]  version 5: u16 type  u32 size  body  u32 length of the signature, signature.
    In the body, which version 4 gives 584 bytes, lie the fields of TDINFO."""
    HEADER, BODY = 48, 584
    TDX = 0x81
    TYPES = {2: BODY, 3: BODY + 64}  # TD 1.0, TD 1.5
    MRCONFIGID, RTMR, DATA = 184, 328, 520

    def __init__(self, data):
        self.version, _, self.tee_type = struct.unpack_from('<HHI', data)
        body, size = self.HEADER, self.BODY
        if self.version == 5:
            kind, size = struct.unpack_from('<HI', data, body)
            body += 6
            if self.TYPES.get(kind) != size:
                raise ValueError(f'no quote: a body of type {kind} with {size} bytes')
        length, = struct.unpack_from('<I', data, body + size)
        if self.version not in (4, 5) or len(data) != body + size + 4 + length:
            raise ValueError(f'no quote: version {self.version}, {len(data)} bytes')
        self.rtmrs = digests(data, body + self.RTMR)
        self.report_data = data[body + self.DATA:body + self.DATA + 64]
        self.mrconfigid = data[body + self.MRCONFIGID:body + self.MRCONFIGID + 48]
