# SPDX-License-Identifier: Apache-2.0
"""The generic netlink family of Documentation/netlink/specs/aael.yaml, on a bare socket.

    with Family() as nl: nl.enable(17); nl.status()['count']
Every refusal is an OSError with the kernel's errno and its message.
"""
import os
import select
import socket
import struct

NETLINK_GENERIC = 16
SOL_NETLINK = 270
ADD_MEMBERSHIP, CAP_ACK, EXT_ACK = 1, 10, 11
GENL_ID_CTRL, CTRL_GETFAMILY = 0x10, 3
NLMSG_ERROR = 2
F_REQUEST, F_ACK = 1, 4

NAMES = {1: 'state', 2: 'health', 3: 'index', 4: 'register', 5: 'provider', 6: 'count', 7: 'bytes',
         8: 'max-log-bytes', 9: 'violations', 10: 'dropped', 11: 'domain', 12: 'sequence',
         13: 'offset'}
GET_STATUS, ENABLE, SET_LIMITS, RESERVE_DOMAIN, EVENT = range(1, 6)
INDEX, MAX_LOG_BYTES, DOMAIN = 3, 8, 11


def attribute(kind, data):
    return struct.pack('<HH', 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data):
    """[(type, bytes)]"""
    found, at = [], 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from('<HH', data, at)
        if size < 4:
            break
        found.append((kind & 0x3fff, data[at + 4:at + size]))
        at += (size + 3) & ~3
    return found


def decode(data):
    """Attributes of the family by name; numbers by their width."""
    found = {}
    for kind, value in attributes(data):
        name = NAMES.get(kind, kind)
        if name in ('provider', 'domain'):
            found[name] = value.rstrip(b'\0').decode()
        else:
            found[name] = int.from_bytes(value, 'little') if len(value) in (4, 8) else value
    return found


class Family:
    def __init__(self, name='aael'):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self.sequence = 0
        self.groups = {}
        reply = dict(attributes(self.call(GENL_ID_CTRL, CTRL_GETFAMILY,
                                          attribute(2, name.encode() + b'\0'))))
        self.id, = struct.unpack('<H', reply[1])
        for _, group in attributes(reply.get(7, b'')):
            group = dict(attributes(group))
            self.groups[group[1].rstrip(b'\0').decode()] = struct.unpack('<I', group[2])[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def call(self, family, command, payload=b''):
        """One request with an ACK; returns the attributes of its reply, or b''."""
        self.sequence += 1
        body = struct.pack('<BBH', command, 1, 0) + payload
        self.sock.send(struct.pack('<IHHII', 16 + len(body), family, F_REQUEST | F_ACK,
                                   self.sequence, 0) + body)
        reply = b''
        while True:
            for kind, sequence, data in self.receive():
                if sequence != self.sequence:
                    continue
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from('<i', data)[0]
                    if code:
                        messages = dict(attributes(data[20:]))
                        message = messages.get(1, b'').rstrip(b'\0').decode()
                        raise OSError(code, message or os.strerror(code))
                    return reply
                reply = data[4:]

    def receive(self):
        """[(type, sequence, payload)] of one datagram"""
        data, found, at = self.sock.recv(1 << 17), [], 0
        while at + 16 <= len(data):
            size, kind, _, sequence, _ = struct.unpack_from('<IHHII', data, at)
            found.append((kind, sequence, data[at + 16:at + size]))
            at += (size + 3) & ~3
        return found

    def status(self):
        return decode(self.call(self.id, GET_STATUS))

    def enable(self, index=None):
        self.call(self.id, ENABLE,
                  b'' if index is None else attribute(INDEX, struct.pack('<I', index)))

    def set_limits(self, max_log_bytes):
        self.call(self.id, SET_LIMITS, attribute(MAX_LOG_BYTES, struct.pack('<Q', max_log_bytes)))

    def reserve(self, domain):
        self.call(self.id, RESERVE_DOMAIN, attribute(DOMAIN, domain.encode() + b'\0'))

    def join(self, group='events'):
        self.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, self.groups[group])

    def events(self, seconds=0):
        """[(decoded, raw bytes)] of the notifications that came, waiting for the first."""
        found = []
        while select.select([self.sock], [], [], 0 if found else seconds)[0]:
            for kind, _, data in self.receive():
                if kind == self.id and data[0] == EVENT:
                    found.append((decode(data[4:]), data))
        return found
