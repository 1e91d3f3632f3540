# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests of TLS: an authority, and what it signs.

    ca = Authority('right'); ca.pem; with_key = ca.issue('127.0.0.1')  # (certificate, key) in PEM
"""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


class Authority:
    def __init__(self, name='a test CA'):
        self.name = named(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.name, self.key, 30 * DAY, (
            (x509.BasicConstraints(True, None), True),))
        self.pem = pem(self.certificate)

    def sign(self, subject, key, lifetime, extensions):
        """lifetime: from now, or ago"""
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            self.name, subject, key.public_key(), x509.random_serial_number(),
            now - 60 * DAY, now + lifetime)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, *names, lifetime=10 * DAY):
        """(certificate, key), in PEM, for those host names and addresses; lifetime may be negative"""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.sign(named(names[0]), key, lifetime, (
            (x509.SubjectAlternativeName([general(name) for name in names]), False),
            (x509.BasicConstraints(False, None), True)))
        return pem(made), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def files(self, folder, *names, **more):
        """The same as the paths of files in a folder, as Stub(tls=…) wants them"""
        paths = f'{folder}/{names[0]}.crt', f'{folder}/{names[0]}.key'
        for path, data in zip(paths, self.issue(*names, **more)):
            with open(path, 'wb') as file:
                file.write(data)
        return paths
