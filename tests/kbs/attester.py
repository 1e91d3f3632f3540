# SPDX-License-Identifier: Apache-2.0
"""A guest that attests, written in Python: the platforms are made up, the protocol is real.

    guest = TdxGuest(); guest.append('a', 'b', 'c')
    client = Client(stub.url, guest)
    token = client.token(); plain = client.resource('default/key/1')
"""
import hashlib
import http.client
import json
import struct
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from jwcrypto import jwe, jwk

import aael
import tokens
import verifier
import wire
from quotes import MARK, PCRS, RTMRS, SHA256, SHA384, Quote

SPEC = struct.pack('<II20sI', 0, 3, bytes(20), 33) + aael.SPEC_ID + \
    struct.pack('<IBBBBI', 0, 0, 2, 0, 2, 1)


def header(alg):
    """A header that names that algorithm alone"""
    return SPEC + struct.pack('<HHB', alg, aael.ALGS[alg][1], 0)


def boot_entry(register, kind, event, alg, digest=None):
    return struct.pack('<IIIH', register, kind, 1, alg) + (digest or aael.hashed(alg, event)) + \
        struct.pack('<I', len(event)) + event


class Guest:
    """A log and the registers that it was made with. BOOT: (register, type, event)"""
    BOOT = ()

    def __init__(self, boot=True):
        self.registers = {}
        self.log = header(self.ALG)
        for register, kind, event in self.BOOT if boot else ():
            self.add(boot_entry(register, kind, event, self.ALG))

    def add(self, entry):
        """Extends what an entry says, and logs it."""
        one = aael.parse_entry(entry, 0, {self.ALG: aael.ALGS[self.ALG][1]})
        self.extend(one.register, one.digests[self.ALG])
        self.log += entry

    def extend(self, register, digest):
        self.registers[register] = aael.hashed(self.ALG, self.value(register) + digest)

    def value(self, register):
        return self.registers.get(register, bytes(aael.ALGS[self.ALG][1]))

    def append(self, domain, operation, content):
        self.add(aael.encode_entry(self.OURS, [self.ALG], domain, operation, content))

    @property
    def eventlog(self):
        return wire.base64_encode(self.log + MARK)


class TdxGuest(Guest):
    TEE, ALG, OURS = 'tdx', SHA384, 4
    BOOT = ((1, 0x8000000b, b'\x08TdxTable' + bytes(8)), (1, 4, bytes(4)),
            (2, 0x80000007, b'Calling EFI Application from Boot Option'),
            (3, 0xd, b'linux /vmlinuz\0'))
    mrconfigid = bytes(48)
    version = 4

    def quote(self, data):
        body = bytearray(Quote.BODY)
        for at, value in ((Quote.MRCONFIGID, self.mrconfigid), (Quote.DATA, data),
                          (Quote.RTMR, b''.join(self.value(n + 1) for n in range(RTMRS)))):
            body[at:at + len(value)] = value
        head = struct.pack('<HHI40s', self.version, 2, Quote.TDX, b'')
        if self.version == 5:
            head += struct.pack('<HI', 2, Quote.BODY)
        return head + body + struct.pack('<I', 64) + bytes(64)

    def evidence(self, data):
        return {'cc_eventlog': self.eventlog, 'quote': wire.base64_encode(self.quote(data))}


class TpmGuest(Guest):
    TEE, ALG, OURS = 'tpm', SHA256, 14
    BOOT = ((0, 3, aael.LOCALITY + b'\3'), (0, 8, b'1\0.\x000\0\0\0'), (7, 4, bytes(4)),
            (4, 0x80000007, b'Calling EFI Application from Boot Option'))

    def __init__(self, boot=True):
        super().__init__(boot)
        self.ak = rsa.generate_private_key(65537, 2048)
        self.public = self.ak.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def extend(self, register, digest):
        # EV_NO_ACTION is not extended, and says where PCR 0 begins.
        if digest == aael.hashed(SHA256, aael.LOCALITY + b'\3'):
            self.registers[0] = bytes(31) + b'\3'
        else:
            super().extend(register, digest)

    def quote(self, data):
        pcrs = [self.value(n) for n in range(PCRS)]
        digest = hashlib.sha256(b''.join(pcrs)).digest()
        message = struct.pack('>IHH34sH', 0xff544347, 0x8018, 34, b'\0\x0b' + bytes(32), len(data)) + data
        message += bytes(17 + 8) + struct.pack('>IHB3sH', 1, SHA256, 3, b'\xff' * 3, 32) + digest
        made = self.ak.sign(message, padding.PKCS1v15(), hashes.SHA256())
        signature = struct.pack('>HHH', 0x14, SHA256, len(made)) + made
        return {'signature': wire.base64_encode(signature), 'message': wire.base64_encode(message),
                'pcrs': [value.hex() for value in pcrs]}

    def evidence(self, data):
        return {'tpm_quote': self.quote(data), 'ak_public': wire.base64_encode(self.public),
                'cc_eventlog': self.eventlog}


class SampleGuest:
    TEE = 'sample'

    def evidence(self, data):
        return {'svn': '1', 'report_data': wire.base64_encode(data)}


class Client:
    """Speaks the protocol. .change: function(body of attest) -> body, for what only a test sends."""

    def __init__(self, url, guest, key=None, init_data=None):
        self.url = urllib.parse.urlsplit(url)
        self.guest = guest
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.init_data = init_data
        self.cookie = None
        self.change = lambda body: body
        self.connection = http.client.HTTPConnection(self.url.netloc, timeout=60)

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None):
        """(status, body as JSON or bytes)"""
        headers = {'Content-Type': 'application/json'}
        if self.cookie:
            headers['Cookie'] = f'kbs-session-id={self.cookie}'
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, '/kbs/v0/' + path, data, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        cookie = answer.getheader('Set-Cookie')
        if cookie and cookie.startswith('kbs-session-id='):
            self.cookie = cookie.split(';')[0].partition('=')[2]
        if answer.getheader('Content-Type') == 'application/json':
            return answer.status, json.loads(data)
        return answer.status, data

    def auth(self, **more):
        return self.request('POST', 'auth', {
            'version': '0.4.0', 'tee': self.guest.TEE,
            'extra-params': {'supported-hash-algorithms': ['sha384', 'sha256', 'sha512']}, **more})

    def attest_body(self, challenge):
        extra = challenge['extra-params']
        algorithm = extra.get('selected-hash-algorithm') if isinstance(extra, dict) else None
        runtime = {'nonce': challenge['nonce'], 'tee-pubkey': tokens.jwk_of(self.key.public_key())}
        algorithm = algorithm.lower() if isinstance(algorithm, str) else 'sha384'
        data = verifier.report_data(self.guest.TEE, {**runtime, 'additional-evidence': ''}, algorithm)
        body = {'runtime-data': runtime, 'tee-evidence': {
            'primary_evidence': self.guest.evidence(data), 'additional_evidence': ''}}
        if self.init_data is not None:
            body['init-data'] = {'format': 'toml', 'body': self.init_data}
        return body

    def attest(self):
        """The answer to a whole handshake: (status, body)"""
        status, challenge = self.auth()
        if status != 200:
            return status, challenge
        return self.request('POST', 'attest', self.change(self.attest_body(challenge)))

    def token(self):
        status, body = self.attest()
        assert status == 200, (status, body)
        return body['token']

    def resource(self, path):
        """The decrypted bytes, by jwcrypto"""
        status, body = self.request('GET', 'resource/' + path)
        assert status == 200, (status, body)
        box = jwe.JWE()
        box.deserialize(json.dumps(body), jwk.JWK.from_pyca(self.key))
        return box.payload
