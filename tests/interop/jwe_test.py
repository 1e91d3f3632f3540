#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What python3-jwcrypto and jose encrypt is decrypted; changed, it is not. Prints TAP.

    jwe_test.py PROGRAM      which decrypts standard input with the key that it is given
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

from jwcrypto import jwe, jwk

EC, RSA = 'ECDH-ES+A256KW', 'RSA-OAEP-256'
KEYS = {'P-256': (EC, {'kty': 'EC', 'crv': 'P-256'}), 'P-521': (EC, {'kty': 'EC', 'crv': 'P-521'}),
        'RSA-2048': (RSA, {'kty': 'RSA', 'size': 2048})}
MEMBERS = ('protected', 'encrypted_key', 'iv', 'ciphertext', 'tag')
SIZES = (0, 1, 32, 1024 * 1024)
# Every second secret of P-521 begins with a zero byte.
TIMES = 20
REFUSED = 3
SECONDS = 60


class Key:
    """A key pair, its private half in a file."""

    def __init__(self, folder, name):
        self.alg, parameters = KEYS[name]
        self.name = name
        self.jwk = jwk.JWK.generate(**parameters)
        self.path = os.path.join(folder, f'{name}-{len(os.listdir(folder))}.pem')
        with open(self.path, 'wb') as file:
            file.write(self.jwk.export_to_pem(private_key=True, password=None))

    def header(self):
        return {'alg': self.alg, 'enc': 'A256GCM'}


def jwcrypto(key, data, **more):
    """Flattened, with everything in the protected header, as its compact form has it."""
    token = jwe.JWE(data, json.dumps({**key.header(), **more}))
    token.add_recipient(key.jwk)
    return dict(zip(MEMBERS, token.serialize(compact=True).split('.')))


def jose(key, data):
    """It puts epk into "header"."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + '/jwk', 'w', encoding='ascii') as file:
            file.write(key.jwk.export_public())
        with open(folder + '/data', 'wb') as file:
            file.write(data)
        done = subprocess.run(
            ['jose', 'jwe', 'enc', '-i', json.dumps({'protected': key.header()}),
             '-I', folder + '/data', '-k', folder + '/jwk'],
            stdout=subprocess.PIPE, timeout=SECONDS, check=True)
    return json.loads(done.stdout)


def jose_has(alg):
    done = subprocess.run(['jose', 'alg'], stdout=subprocess.PIPE, timeout=SECONDS, check=True)
    return alg in done.stdout.decode().split()


class Program:
    def __init__(self, path):
        self.path = path

    def run(self, key, token, *words):
        done = subprocess.run([self.path, key.path, *words], input=json.dumps(token).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                              check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    def opens(self, key, token, data, *words):
        """None, or what was wrong."""
        status, output, errors = self.run(key, token, *words)
        if status == 0 and output == data:
            return None
        return f'status {status}, {len(output)} bytes of {len(data)}: {errors}'

    def refuses(self, key, token, said, *words):
        status, output, errors = self.run(key, token, *words)
        if status == REFUSED and not output and said in errors:
            return None
        return f'status {status}, {len(output)} bytes: {errors}'


def flipped(token, name):
    """With the last bit of the first byte of a member changed."""
    text = token[name]
    data = bytearray(base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)))
    data[0] ^= 1
    return {**token, name: base64.urlsafe_b64encode(data).rstrip(b'=').decode()}


def with_alg(token, alg):
    text = token['protected']
    header = json.loads(base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)))
    data = json.dumps({**header, 'alg': alg}, separators=(',', ':')).encode()
    return {**token, 'protected': base64.urlsafe_b64encode(data).rstrip(b'=').decode()}


def check_jwcrypto(program, folder, name):
    key = Key(folder, name)
    for size in SIZES:
        data = os.urandom(size)
        yield f'jwcrypto {name} {size} bytes', program.opens(key, jwcrypto(key, data), data)
    if key.alg != EC:
        return
    problems = []
    for _ in range(TIMES):
        key = Key(folder, name)
        problems.append(program.opens(key, jwcrypto(key, b'data', kid='1'), b'data'))
    yield f'jwcrypto {name} {TIMES} keys', '; '.join(filter(None, problems)) or None


def check_changed(program, folder, name):
    key, other = Key(folder, name), Key(folder, name)
    token = jwcrypto(key, b'data')
    for member in MEMBERS:
        said = '' if member == 'protected' else 'cannot be decrypted'
        yield f'{name} {member} changed', program.refuses(key, flipped(token, member), said)
    yield f'{name} for another key', program.refuses(other, token, 'cannot be decrypted')
    for elsewhere in KEYS.keys() - {name}:
        yield (f'{name} with a key of {elsewhere}',
               program.refuses(Key(folder, elsewhere), token, 'must be'))
    swapped = with_alg(token, RSA if key.alg == EC else EC)
    yield f'{name} with the other alg', program.refuses(key, swapped, 'alg: must be')


def check_jose(program, folder, name):
    key = Key(folder, name)
    if not jose_has(key.alg):
        yield f'jose {name} # SKIP this jose has no {key.alg}', None
        return
    words = ('header',) if key.alg == EC else ()
    for size in SIZES:
        data = os.urandom(size)
        token = jose(key, data)
        yield f'jose {name} {size} bytes', program.opens(key, token, data, *words)
    token = jose(key, b'data')
    for member in MEMBERS:
        yield (f'jose {name} {member} changed',
               program.refuses(key, flipped(token, member), '', *words))
    if words:
        yield f'jose {name} epk in header', program.refuses(key, token, 'header: not expected')


def main():
    program = Program(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in KEYS:
            for check in (check_jwcrypto, check_changed, check_jose):
                for test, why in check(program, folder, name):
                    print(f'{"not ok" if why else "ok"} - {test}', flush=True)
                    if why:
                        print('# ' + why.replace('\n', '\n# '))
                        failed += 1
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
