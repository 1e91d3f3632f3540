# SPDX-License-Identifier: Apache-2.0
"""What somebody between guest and KBS could do to an attestation. Pure: each function takes the
body of POST /attest and that of the last one that was believed, and returns another body.

    stub.set(spoil=spoil.drop)
"""
import base64
import copy
import functools
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import aael
import wire
from quotes import MARK


def primary(body):
    return body['tee-evidence']['primary_evidence']


def on_log(change):
    """Makes a spoiler of a function (log's bytes, entries of ours) -> bytes."""
    @functools.wraps(change)
    def spoiler(body, _):
        body = copy.deepcopy(body)
        data = base64.b64decode(primary(body)['cc_eventlog']).removesuffix(MARK)
        changed = change(data, aael.parse(data).ours)
        if changed == data:
            raise ValueError(f'{change.__name__} changed nothing')
        primary(body)['cc_eventlog'] = wire.base64_encode(changed + MARK)
        return body
    return spoiler


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@on_log
def flip_digest(data, ours):
    """One bit of the last entry's first digest"""
    return flipped(data, ours[-1].offset + 14)


@on_log
def flip_text(data, ours):
    """One bit of the last entry's text, whose digest stays"""
    return flipped(data, ours[-1].offset + ours[-1].size - 1)


@on_log
def flip_boot(data, _):
    """One bit of the first digest of the boot log that was extended"""
    first = next(entry for entry in aael.parse(data).entries if entry.type != aael.EV_NO_ACTION)
    return flipped(data, first.offset + 14)


@on_log
def drop(data, ours):
    """The entry before the last"""
    return data[:ours[-2].offset] + data[ours[-1].offset:]


@on_log
def drop_last(data, ours):
    return data[:ours[-1].offset]


@on_log
def reorder(data, ours):
    """The last two, which must be neighbours"""
    one, two = ours[-2:]
    return data[:one.offset] + data[two.offset:] + data[one.offset:two.offset]


@on_log
def garble(data, _):
    """An entry at the end that cannot be parsed"""
    return data + struct.pack('<III', 4, 6, 1) + b'\x0b\0'


@on_log
def no_sense(data, ours):
    """An entry at the end that is tagged as one of ours, and is none"""
    last = ours[-1]
    event = struct.pack('<II', aael.TAG, 5) + b'nosay'
    digests = b''.join(struct.pack('<H', alg) + aael.hashed(alg, event) for alg in last.digests)
    return data + struct.pack('<III', last.register, 6, len(last.digests)) + digests + \
        struct.pack('<I', len(event)) + event


def no_log(body, _):
    body = copy.deepcopy(body)
    primary(body)['cc_eventlog'] = None
    return body


def foreign_quote(body, last):
    """The quote is that of an earlier attestation."""
    body = copy.deepcopy(body)
    name = 'quote' if 'quote' in primary(body) else 'tpm_quote'
    primary(body)[name] = copy.deepcopy(primary(last)[name])
    return body


def replayed_nonce(body, last):
    """All of an earlier attestation, in a new session"""
    return copy.deepcopy(last)


def rebound_nonce(body, last):
    """Evidence of an earlier attestation, with what this session wants to see beside it"""
    body = copy.deepcopy(body)
    body['tee-evidence'] = copy.deepcopy(last['tee-evidence'])
    return body


def other_key(body, _):
    """The key pair is somebody else's."""
    body = copy.deepcopy(body)
    key = body['runtime-data']['tee-pubkey']
    if key['kty'] == 'RSA':
        key['n'] = wire.base64url_encode(flipped(wire.base64url_decode(key['n'], 'n'), 200))
    else:
        # The inverse point lies on the curve as well.
        size = {'P-256': 32, 'P-521': 66}[key['crv']]
        prime = {32: 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1, 66: 2 ** 521 - 1}[size]
        y = int.from_bytes(wire.base64url_decode(key['y'], 'y'), 'big')
        key['y'] = wire.base64url_encode((prime - y).to_bytes(size, 'big'))
    return body


@functools.cache
def another_ak():
    key = rsa.generate_private_key(65537, 2048)
    return key, key.public_key().public_bytes(serialization.Encoding.DER,
                                              serialization.PublicFormat.SubjectPublicKeyInfo)


def wrong_ak(body, _):
    """It says that another key made the signature."""
    body = copy.deepcopy(body)
    primary(body)['ak_public'] = wire.base64_encode(another_ak()[1])
    return body


def forged_ak(body, _):
    """Signed by a key that is no TPM's: only who knows the AK notices."""
    body = wrong_ak(body, None)
    quote = primary(body)['tpm_quote']
    made = another_ak()[0].sign(base64.b64decode(quote['message']), padding.PKCS1v15(), hashes.SHA256())
    quote['signature'] = wire.base64_encode(struct.pack('>HHH', 0x14, 0xb, len(made)) + made)
    return body


def other_pcr(body, _):
    """One PCR has another value than the one that was quoted."""
    body = copy.deepcopy(body)
    pcrs = primary(body)['tpm_quote']['pcrs']
    pcrs[14] = hashlib.sha256(bytes.fromhex(pcrs[14])).hexdigest()
    return body


def other_init_data(body, _):
    body = copy.deepcopy(body)
    body['init-data']['body'] += '# more\n'
    return body
