# SPDX-License-Identifier: Apache-2.0
"""A TPM 2.0 of ours behind tpm_vtpm_proxy, just able enough for Linux, that misbehaves on order.

    tpm = Tpm(['sha256', 'sha384']); tpm.fault('PCR_Extend', refuse(0x921)); tpm.close()

It answers in a thread, one command after the other. A fault is a function of (tpm, command,
answer) that gives the bytes to send, or None for no answer at all; answer() carries the
command out. The driver gives up on PCR_Extend after 750 ms, on PCR_Read after 120 s only.
"""
import collections
import fcntl
import os
import select
import struct
import threading

import aael
import device

CODES = {'SelfTest': 0x143, 'Startup': 0x144, 'Shutdown': 0x145, 'GetCapability': 0x17a,
         'GetRandom': 0x17b, 'PCR_Read': 0x17e, 'PCR_Extend': 0x182, 'SetLocality': 0x20001000}
NAMES = {code: name for name, code in CODES.items()}
HEADER = struct.Struct('>HII')
NEW_DEVICE = 3 << 30 | 20 << 16 | 0xa1 << 8
FLAG_TPM2 = 1
RC_FAILURE, RC_RETRY, RC_COMMAND_CODE = 0x101, 0x922, 0x143
SLOW_RETRIES = 5
NO_SESSIONS, SESSIONS = 0x8001, 0x8002
CAP_COMMANDS, CAP_PCRS, CAP_PROPERTIES = 2, 5, 6
PT_TOTAL_COMMANDS = 0x129
COMMANDS = (0x20000143, 0x144, 0x145, 0x17a, 0x17b, 0x17e, 0x02400182)


def response(body=b'', rc=0, tag=NO_SESSIONS):
    return HEADER.pack(tag, HEADER.size + len(body), rc) + body


# ---- faults ----

def refuse(rc=0x921):
    """Not carried out."""
    return lambda tpm, command, answer: response(rc=rc)


def lose_answer(tpm, command, answer):
    """Carried out, but nobody hears of it: a time-out."""
    answer()


def lose_command(tpm, command, answer):
    """Neither carried out nor answered: a time-out."""


def lie(tpm, command, answer):
    """Success is reported and nothing was done; what tpm-crb does with a late reply."""
    return response(struct.pack('>I', 0) + bytes(5), tag=SESSIONS)


def vanish(applied):
    """The device goes away in the middle of the command."""
    def vanished(tpm, command, answer):
        if applied:
            answer()
        tpm.leave()
    return vanished


def reply(data, applied=True):
    """These bytes instead of the answer."""
    def replied(tpm, command, answer):
        if applied:
            answer()
        return data
    return replied


def change(function, applied=True):
    """The answer's bytes, changed."""
    return lambda tpm, command, answer: function(answer())


class Tpm:
    def __init__(self, banks, pcrs=None):
        self.algs = [aael.IDS[bank] for bank in banks]
        self.pcrs = pcrs or {alg: [bytes(aael.ALGS[alg][1])] * 24 for alg in self.algs}
        self.counts = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()
        self.last = None  # (pcr, digests) of the last PCR_Extend, carried out or not
        device.run('modprobe', 'tpm_vtpm_proxy')
        request = bytearray(struct.pack('<5I', FLAG_TPM2, 0, 0, 0, 0))
        with open('/dev/vtpmx', 'r+b', buffering=0) as control:
            fcntl.ioctl(control, NEW_DEVICE, request)
        _, number, self.fd, _, _ = struct.unpack('<5I', request)
        self.node = f'/dev/tpm{number}'
        self.stop, self.tell = os.pipe()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        device.wait_for(lambda: os.path.exists(self.node), what='no chip')

    def leave(self):
        """Takes the device away; in the responder's thread, or when it has ended."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def close(self):
        """Takes the device away, if it has not left, and ends the thread."""
        os.write(self.tell, b'x')
        self.thread.join()
        self.leave()
        for fd in (self.stop, self.tell):
            os.close(fd)
        device.wait_for(lambda: not os.path.exists(self.node), what='the chip stays')

    def fault(self, name, action, count=1, pcr=None):
        """The next commands of that name (and PCR) fall to action."""
        with self.lock:
            self.faults.append([CODES[name], pcr, count, action])

    def slow_extend(self, action=None):
        """The next PCR_Extend takes more than 600 ms and cannot miss the driver's limit: the driver
        repeats what is answered RC_RETRY, after 20, 40, 80, 160, 320 ms, with a new limit each time."""
        self.fault('PCR_Extend', refuse(RC_RETRY), count=SLOW_RETRIES)
        if action:
            self.fault('PCR_Extend', action)

    def heal(self):
        with self.lock:
            self.faults = []

    def serve(self):
        while self.fd >= 0:
            ready, _, _ = select.select([self.fd, self.stop], [], [])
            if self.stop in ready:
                return
            try:
                command = os.read(self.fd, 4096)
            except OSError:
                continue
            answer = self.decide(command)
            if answer is None:
                continue
            try:
                os.write(self.fd, answer)
            except OSError:
                pass  # the driver has given up on this command

    def decide(self, command):
        _, _, code = HEADER.unpack_from(command)
        self.counts[NAMES.get(code, hex(code))] += 1
        pcr = None
        if code == CODES['PCR_Extend']:
            pcr, digests = self.parse_extend(command)
            self.last = pcr, digests
        elif code == CODES['PCR_Read']:
            pcr = int.from_bytes(command[17:20], 'little').bit_length() - 1
        with self.lock:
            action = None
            for fault in self.faults:
                if fault[0] == code and fault[1] in (None, pcr) and fault[2]:
                    fault[2] -= 1
                    action = fault[3]
                    break
        def answer():
            return self.carry_out(code, command)
        return action(self, command, answer) if action else answer()

    # ---- what it can do ----

    def carry_out(self, code, command):
        if code == CODES['PCR_Extend']:
            self.extend(*self.parse_extend(command))
            return response(struct.pack('>I', 0) + bytes(5), tag=SESSIONS)
        if code == CODES['PCR_Read']:
            return self.read(command)
        if code == CODES['GetCapability']:
            return self.capability(*struct.unpack_from('>III', command, 10))
        if code == CODES['GetRandom']:
            size = min(struct.unpack_from('>H', command, 10)[0], 32)
            return response(struct.pack('>H', size) + os.urandom(size))
        return response(rc=0 if code in NAMES else RC_COMMAND_CODE)

    @staticmethod
    def parse_extend(command):
        pcr, auth = struct.unpack_from('>II', command, 10)
        at = 18 + auth
        count, = struct.unpack_from('>I', command, at)
        at += 4
        digests = {}
        for _ in range(count):
            alg, = struct.unpack_from('>H', command, at)
            size = aael.ALGS[alg][1]
            digests[alg] = command[at + 2:at + 2 + size]
            at += 2 + size
        return pcr, digests

    def extend(self, pcr, digests):
        for alg, digest in digests.items():
            self.pcrs[alg][pcr] = aael.hashed(alg, self.pcrs[alg][pcr] + digest)

    def read(self, command):
        _, alg, _ = struct.unpack_from('>IHB', command, 10)
        selected = command[17:20]
        pcr = int.from_bytes(selected, 'little').bit_length() - 1
        value = self.pcrs[alg][pcr]
        return response(struct.pack('>IIHB', 0, 1, alg, 3) + selected
                        + struct.pack('>IH', 1, len(value)) + value)

    def capability(self, kind, prop, count):
        if kind == CAP_PCRS:
            items = [struct.pack('>HB', alg, 3) + b'\xff' * 3 for alg in self.algs]
        elif kind == CAP_COMMANDS:
            items = [struct.pack('>I', code) for code in COMMANDS][:count]
        elif kind == CAP_PROPERTIES:
            items = [struct.pack('>II', prop, len(COMMANDS) if prop == PT_TOTAL_COMMANDS else 0)]
        else:
            items = []
        return response(struct.pack('>BII', 0, kind, len(items)) + b''.join(items))
