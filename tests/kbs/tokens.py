# SPDX-License-Identifier: Apache-2.0
"""Keys, tokens and encrypted resources: JWK, JWT and JWE.

The JWE is written out with python3-cryptography, because jwcrypto puts epk where Trustee does not;
that jwcrypto can read it is a test.
"""
import json
import os
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from jwcrypto import jwk, jws, jwt
from jwcrypto.common import JWException

import wire
from quotes import Refused, demand

CURVES = {'P-256': (ec.SECP256R1, 32), 'P-521': (ec.SECP521R1, 66)}
ECDH, OAEP = 'ECDH-ES+A256KW', 'RSA-OAEP-256'
RSA_BITS_MIN = 2048


def coordinate(value, size, what):
    data = wire.base64url_decode(value, what)
    demand(len(data) == size, f'{what} has {len(data)} bytes and not {size}')
    return int.from_bytes(data, 'big')


def number(value, what):
    data = wire.base64url_decode(value, what)
    demand(data[:1] not in (b'', b'\0'), f'{what} is empty or begins with zero')
    return int.from_bytes(data, 'big')


def public_key(value):
    """The key of a JWK that has exactly its members."""
    demand(isinstance(value, dict), 'tee-pubkey is no object')
    try:
        if value.get('kty') == 'RSA':
            _, alg, n, e = wire.members(value, 'kty', 'alg', 'n', 'e')
            key = rsa.RSAPublicNumbers(number(e, 'e'), number(n, 'n')).public_key()
            demand(key.key_size >= RSA_BITS_MIN, f'an RSA key of {key.key_size} bits')
            demand(alg == OAEP, f'tee-pubkey: alg {alg!r}')
            return key
        kty, crv, alg, x, y = wire.members(value, 'kty', 'crv', 'alg', 'x', 'y')
        demand((kty, alg) == ('EC', ECDH) and crv in CURVES, f'tee-pubkey: {kty!r}, {crv!r}, {alg!r}')
        curve, size = CURVES[crv]
        return ec.EllipticCurvePublicNumbers(
            coordinate(x, size, 'x'), coordinate(y, size, 'y'), curve()).public_key()
    except ValueError as error:  # not on the curve
        raise Refused(f'tee-pubkey: {error}') from error


def jwk_of(key):
    """The JWK of a public key, as a client sends it"""
    numbers = key.public_numbers()
    if isinstance(key, rsa.RSAPublicKey):
        return {'kty': 'RSA', 'alg': OAEP, **{name: wire.base64url_encode(
            value.to_bytes((value.bit_length() + 7) // 8, 'big'))
            for name, value in (('n', numbers.n), ('e', numbers.e))}}
    crv, size = next((crv, size) for crv, (curve, size) in CURVES.items()
                     if curve.name == key.curve.name)
    return {'kty': 'EC', 'crv': crv, 'alg': ECDH, **{name: wire.base64url_encode(
        value.to_bytes(size, 'big')) for name, value in (('x', numbers.x), ('y', numbers.y))}}


def other_info():
    """RFC 7518, 4.6.2: AlgorithmID, PartyUInfo and PartyVInfo with their sizes, bits of the key"""
    return len(ECDH).to_bytes(4, 'big') + ECDH.encode() + bytes(8) + (256).to_bytes(4, 'big')


def wrapped(key, cek):
    """encrypted_key, and what it takes in the protected header"""
    if isinstance(key, rsa.RSAPublicKey):
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return key.encrypt(cek, oaep), {'alg': OAEP}
    ephemeral = ec.generate_private_key(key.curve)
    kek = ConcatKDFHash(hashes.SHA256(), 32, other_info()).derive(ephemeral.exchange(ec.ECDH(), key))
    epk = {name: value for name, value in jwk_of(ephemeral.public_key()).items() if name != 'alg'}
    return aes_key_wrap(kek, cek), {'alg': ECDH, 'epk': epk}


def encrypt(key, plain):
    """A flattened JWE (RFC 7516, 7.2.2) as an object"""
    cek, iv = os.urandom(32), os.urandom(12)
    encrypted_key, header = wrapped(key, cek)
    protected = wire.base64url_encode(json.dumps({**header, 'enc': 'A256GCM'}).encode())
    sealed = AESGCM(cek).encrypt(iv, plain, protected.encode())
    return {'protected': protected, 'encrypted_key': wire.base64url_encode(encrypted_key),
            'iv': wire.base64url_encode(iv), 'ciphertext': wire.base64url_encode(sealed[:-16]),
            'tag': wire.base64url_encode(sealed[-16:])}


class Issuer:
    """Signs tokens with a key of its own; .public is the JWK that verifies them."""
    NAME = 'CoCo-Attestation-Service'

    def __init__(self):
        self.key = jwk.JWK.generate(kty='EC', crv='P-256')
        self.public = self.key.export_public(as_dict=True)

    def token(self, claims, tee_pubkey, lifetime):
        """A JWT with those claims of the annotated evidence; lifetime in seconds, may be past"""
        now = int(time.time())
        payload = {
            'eat_profile': 'tag:github.com,2024:confidential-containers/Trustee',
            'iss': self.NAME, 'iat': now, 'nbf': min(now, now + lifetime), 'exp': now + lifetime,
            'jti': str(uuid.uuid4()),
            'tee-pubkey': tee_pubkey,
            'submods': {'cpu0': {
                'ear.status': 'affirming', 'ear.appraisal-policy-id': 'default',
                'ear.veraison.annotated-evidence': claims}},
        }
        header = {'typ': 'JWT', 'alg': 'ES256', 'jwk': self.public}
        signed = jwt.JWT(header=header, claims=json.dumps(payload))
        signed.make_signed_token(self.key)
        return signed.serialize()


def claims_of(token, public):
    """The payload of a token whose signature is of that JWK; says nothing about exp."""
    got = jws.JWS()
    try:
        got.deserialize(token, jwk.JWK(**public), alg='ES256')
    except JWException as error:
        raise Refused(f'token: {error!r}') from error
    return json.loads(got.payload)


def evidence_of(claims):
    return claims['submods']['cpu0']['ear.veraison.annotated-evidence']
