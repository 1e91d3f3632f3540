# SPDX-License-Identifier: Apache-2.0
"""Keys, tokens and resources of the stub, against jwcrypto."""
import json
import time
import unittest

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwcrypto import jwe, jwk

import tokens
import wire
from quotes import Refused

KEYS = {'P-256': ec.generate_private_key(ec.SECP256R1()), 'P-521': ec.generate_private_key(ec.SECP521R1()),
        'RSA': rsa.generate_private_key(65537, 2048)}


class Jwk(unittest.TestCase):
    def test_round_trip(self):
        for name, key in KEYS.items():
            value = tokens.jwk_of(key.public_key())
            self.assertEqual(tokens.public_key(value).public_numbers(), key.public_key().public_numbers(), name)

    def test_other_shapes(self):
        good = tokens.jwk_of(KEYS['P-256'].public_key())
        rsa_key = tokens.jwk_of(KEYS['RSA'].public_key())
        short = rsa.generate_private_key(65537, 1024).public_key()
        x = wire.base64url_decode(good['x'], 'x')
        for bad in (None, [], {}, {**good, 'kid': '1'}, {**good, 'kty': 'oct'}, {**good, 'alg': 'ECDH-ES'},
                    {**good, 'crv': 'P-384'}, {**good, 'crv': 'P-521'}, {**good, 'y': good['x']},
                    {**good, 'x': good['x'] + '='}, {**good, 'x': wire.base64url_encode(b'\0' + x)},
                    {**good, 'x': wire.base64url_encode(x[1:])}, {**good, 'x': 5},
                    {name: value for name, value in good.items() if name != 'alg'},
                    {**rsa_key, 'alg': 'RSA-OAEP'}, {**rsa_key, 'd': 'AQ'}, {**rsa_key, 'e': ''},
                    {**rsa_key, 'n': wire.base64url_encode(b'\0' + wire.base64url_decode(rsa_key['n'], 'n'))},
                    tokens.jwk_of(short)):
            with self.assertRaises(Refused, msg=bad):
                tokens.public_key(bad)

    def test_leading_zeros_stay(self):
        for _ in range(2000):
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
            if key.public_numbers().x >> 248 == 0:
                break
        self.assertEqual(len(wire.base64url_decode(tokens.jwk_of(key)['x'], 'x')), 32)
        tokens.public_key(tokens.jwk_of(key))


class Jwe(unittest.TestCase):
    def test_jwcrypto_decrypts(self):
        for name, key in KEYS.items():
            for plain in (b'x', b'secret', bytes(range(256)) * 20):
                made = tokens.encrypt(key.public_key(), plain)
                self.assertEqual(set(made), {'protected', 'encrypted_key', 'iv', 'ciphertext', 'tag'})
                self.assertEqual('epk' in json.loads(wire.base64url_decode(made['protected'], '')), name != 'RSA')
                box = jwe.JWE()
                box.deserialize(json.dumps(made), jwk.JWK.from_pyca(key))
                self.assertEqual(box.payload, plain, name)

    def test_another_key_does_not(self):
        made = tokens.encrypt(KEYS['P-256'].public_key(), b'secret')
        with self.assertRaises(jwe.InvalidJWEData):
            jwe.JWE().deserialize(json.dumps(made), jwk.JWK.from_pyca(ec.generate_private_key(ec.SECP256R1())))


class Jwt(unittest.TestCase):
    def test_token(self):
        issuer = tokens.Issuer()
        token = issuer.token({'tdx': {'x': 'ä\ud800'}}, {'kty': 'EC'}, 300)
        claims = tokens.claims_of(token, issuer.public)
        self.assertEqual(tokens.evidence_of(claims), {'tdx': {'x': 'ä\ud800'}})
        self.assertAlmostEqual(claims['exp'], time.time() + 300, delta=30)
        self.assertNotIn('d', issuer.public)
        with self.assertRaises(Refused):
            tokens.claims_of(token, tokens.Issuer().public)

    def test_expired(self):
        issuer = tokens.Issuer()
        claims = tokens.claims_of(issuer.token({}, {}, -10), issuer.public)
        self.assertLess(claims['exp'], time.time())
        self.assertLessEqual(claims['nbf'], claims['exp'])
