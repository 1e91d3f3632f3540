# SPDX-License-Identifier: Apache-2.0
"""A TPM 2.0 that misbehaves on command, behind the kernel's tpm_vtpm_proxy.

It answers what Linux asks of a TPM at probe time (TCG TPM 2.0 Library, part 3:
Startup, SelfTest, GetCapability, GetRandom, PCR_Read, PCR_Extend) and keeps real
PCR values. What the next PCR_Extend or PCR_Read shall do is queued with
script(); without a script it behaves.
"""
import collections
import fcntl
import hashlib
import os
import select
import struct
import threading

# linux/vtpm_proxy.h: _IOWR(0xa1, 0x00, struct vtpm_proxy_new_dev), flag TPM2
NEW_DEV = 0xC014A100
FLAG_TPM2 = 1

CC_STARTUP, CC_SELF_TEST, CC_SHUTDOWN = 0x144, 0x143, 0x145
CC_GET_CAPABILITY, CC_GET_RANDOM = 0x17A, 0x17B
CC_PCR_READ, CC_PCR_EXTEND, CC_SET_LOCALITY = 0x17E, 0x182, 0x20001000
CAP_COMMANDS, CAP_PCRS, CAP_PROPERTIES = 2, 5, 6
COMMANDS = (CC_STARTUP, CC_SELF_TEST, CC_GET_CAPABILITY, CC_GET_RANDOM, CC_PCR_READ,
            CC_PCR_EXTEND)

HASHES = {0x4: "sha1", 0xB: "sha256", 0xC: "sha384", 0xD: "sha512"}
RC_FAILURE = 0x101

# What an extend may do besides applying and answering.
REFUSE = "refuse"               # TPM_RC_FAILURE, not applied
TIMEOUT = "timeout"             # no answer, not applied
APPLY_TIMEOUT = "apply-timeout" # no answer, applied
APPLY_LATER = "apply-later"     # no answer, applied with the next apply_late()
LIE = "lie"                     # success, not applied
SHORT = "short"                 # six bytes of an answer, applied
GARBAGE = "garbage"             # an answer that is none, applied
FOREIGN = "foreign"             # somebody else's extend first, then ours
# What a read may do.
FAIL = "fail"                   # TPM_RC_FAILURE


def reply(body=b"", rc=0, tag=0x8001):
    return struct.pack(">HII", tag, 10 + len(body), rc) + body


class Tpm:
    """One chip. pcrs[alg][n] are its values; count[cc] counts commands."""

    def __init__(self, algs=(0xB,)):
        self.algs = tuple(algs)
        self.pcrs = {a: [bytes(hashlib.new(HASHES[a]).digest_size)] * 24 for a in algs}
        self.count = collections.Counter()
        self.lock = threading.Lock()
        self.scripts = collections.defaultdict(collections.deque)
        self.late = []
        self.vtpmx = os.open("/dev/vtpmx", os.O_RDWR)
        arg = bytearray(struct.pack("=IIIII", FLAG_TPM2, 0, 0, 0, 0))
        fcntl.ioctl(self.vtpmx, NEW_DEV, arg)
        _, self.number, self.fd, _, _ = struct.unpack("=IIIII", arg)
        self.stop_r, self.stop_w = os.pipe()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def script(self, cc, *actions):
        """Queue what the next commands of that code do."""
        with self.lock:
            self.scripts[cc].extend(actions)

    def unscript(self):
        with self.lock:
            self.scripts.clear()

    def extend(self, pcr, digests):
        for alg, digest in digests.items():
            old = self.pcrs[alg][pcr]
            self.pcrs[alg][pcr] = hashlib.new(HASHES[alg], old + digest).digest()

    def foreign(self, pcr, text=b"foreign"):
        """Somebody else extends the register."""
        with self.lock:
            self.extend(pcr, {a: hashlib.new(HASHES[a], text).digest() for a in self.algs})

    def apply_late(self):
        """What was held back by APPLY_LATER happens now."""
        with self.lock:
            for pcr, digests in self.late:
                self.extend(pcr, digests)
            self.late.clear()

    def value(self, pcr, alg=0xB):
        with self.lock:
            return self.pcrs[alg][pcr]

    def remove(self):
        """The device goes away."""
        os.write(self.stop_w, b"x")
        self.thread.join()
        os.close(self.fd)

    # -- the responder

    def serve(self):
        while True:
            ready, _, _ = select.select([self.fd, self.stop_r], [], [])
            if self.stop_r in ready:
                return
            try:
                command = os.read(self.fd, 4096)
            except OSError:
                continue
            answer = self.execute(command)
            if answer is None:
                continue
            try:
                os.write(self.fd, answer)
            except OSError:
                pass            # the driver no longer waits

    def execute(self, command):
        cc = struct.unpack_from(">I", command, 6)[0]
        with self.lock:
            self.count[cc] += 1
            action = self.scripts[cc].popleft() if self.scripts[cc] else None
            if cc == CC_PCR_EXTEND:
                return self.pcr_extend(command, action)
            if cc == CC_PCR_READ:
                return self.pcr_read(command, action)
            if cc == CC_GET_CAPABILITY:
                return self.get_capability(command)
            if cc == CC_GET_RANDOM:
                wanted = struct.unpack_from(">H", command, 10)[0]
                return reply(struct.pack(">H", wanted) + os.urandom(wanted))
            if cc in (CC_STARTUP, CC_SELF_TEST, CC_SHUTDOWN, CC_SET_LOCALITY):
                return reply()
            return reply(rc=0x143)      # TPM_RC_COMMAND_CODE

    def get_capability(self, command):
        capability, prop, wanted = struct.unpack_from(">III", command, 10)
        if capability == CAP_PCRS:
            body = struct.pack(">I", len(self.algs))
            for alg in self.algs:
                body += struct.pack(">HB3s", alg, 3, b"\xff\xff\xff")
        elif capability == CAP_PROPERTIES:
            value = len(COMMANDS) if prop == 0x129 else 0
            body = struct.pack(">III", 1, prop, value)
        else:
            codes = COMMANDS[:wanted]
            body = struct.pack(">I", len(codes)) + b"".join(struct.pack(">I", c) for c in codes)
        return reply(b"\0" + struct.pack(">I", capability) + body)

    def pcr_read(self, command, action):
        if action == FAIL:
            return reply(rc=RC_FAILURE)
        alg, size, select_bits = struct.unpack_from(">HB3s", command, 14)
        pcr = int.from_bytes(select_bits, "little").bit_length() - 1
        value = self.pcrs[alg][pcr]
        return reply(struct.pack(">IIHB3sI", 1, 1, alg, size, select_bits, 1) +
                     struct.pack(">H", len(value)) + value)

    def pcr_extend(self, command, action):
        pcr, auth_size = struct.unpack_from(">II", command, 10)
        at = 18 + auth_size
        count = struct.unpack_from(">I", command, at)[0]
        at += 4
        digests = {}
        for _ in range(count):
            alg = struct.unpack_from(">H", command, at)[0]
            size = hashlib.new(HASHES[alg]).digest_size
            digests[alg] = command[at + 2:at + 2 + size]
            at += 2 + size
        if action == FOREIGN:
            self.extend(pcr, {a: hashlib.new(HASHES[a], b"foreign").digest()
                              for a in self.algs})
        if action == APPLY_LATER:
            self.late.append((pcr, digests))
        elif action not in (REFUSE, TIMEOUT, LIE):
            self.extend(pcr, digests)
        if action in (TIMEOUT, APPLY_TIMEOUT, APPLY_LATER):
            return None
        if action == REFUSE:
            return reply(rc=RC_FAILURE)
        good = reply(struct.pack(">I", 0) + struct.pack(">HBH", 0, 1, 0), tag=0x8002)
        if action == SHORT:
            return good[:6]
        if action == GARBAGE:
            return b"\xde\xad" * 9
        return good
