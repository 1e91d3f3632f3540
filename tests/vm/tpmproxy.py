#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between QEMU's TPM emulator backend and swtpm: counts TPM commands, holds some back.

QEMU speaks to swtpm over a control socket and passes it the end of a socket pair for the
TPM commands (CMD_SET_DATAFD, SCM_RIGHTS). The control bytes pass through unread; a passed
descriptor is kept, and swtpm gets the end of a pair of ours instead.

The guest commands it by lines on a virtio-serial port; each is answered by one line of JSON:
  stats                           commands seen since the start or the last reset, by name,
                                  and how many are held right now
  reset                           forget counts and rules, let go what is held until release
  hold [code=NAME] [pcr=N] [ms=N] [count=N] [skip=N] [when=before|after]
                                  delay matching commands before they reach the TPM, or
                                  their responses after it; without ms until release
  release                         the rules without ms end, what they hold goes on
  refuse rc=N [code=NAME] [pcr=N] [count=N] [skip=N]
                                  answer matching commands with rc, without the TPM
NAME is a name of CODES or a number; default PCR_Extend. count: how many, default 1.
skip: how many matching ones go free before, default 0.
"""
import argparse
import array
import collections
import json
import os
import signal
import socket
import struct
import threading
import time

CODES = {
    'PCR_Event': 0x13c, 'PCR_Reset': 0x13d, 'SelfTest': 0x143, 'Startup': 0x144, 'Shutdown': 0x145,
    'Quote': 0x158, 'FlushContext': 0x165, 'GetCapability': 0x17a, 'GetRandom': 0x17b,
    'PCR_Read': 0x17e, 'PCR_Extend': 0x182, 'CreatePrimary': 0x131,
}
NAMES = {code: name for name, code in CODES.items()}
HEADER = struct.Struct('>HII')  # tag, size, command or response code
ALGS = {'sha1': 0x4, 'sha256': 0xb, 'sha384': 0xc, 'sha512': 0xd}
CAP_PCRS = struct.pack('>I', 5)


class Rules:
    """What to do with which commands, and how many were seen; safe between threads."""

    def __init__(self, hidden=None):
        self.lock = threading.Condition()
        self.hidden = hidden    # bank that the first to ask, the firmware, is not told of
        self.held = 0
        self.rules = []
        with self.lock:
            self.reset()

    def reset(self):
        self.release()
        self.counts = collections.Counter()
        self.extends = collections.Counter()
        self.rules = []

    def release(self):
        for rule in self.rules:
            if rule['verb'] == 'hold' and rule['ms'] is None:
                rule['count'], rule['released'] = 0, True
        self.lock.notify_all()

    def command(self, line):
        verb, *words = line.split()
        args = dict(word.split('=', 1) for word in words)
        with self.lock:
            if verb == 'reset':
                self.reset()
            elif verb == 'release':
                self.release()
            elif verb in ('hold', 'refuse'):
                name = args.get('code', 'PCR_Extend')
                self.rules.append({
                    'verb': verb, 'code': CODES[name] if name in CODES else int(name, 0),
                    'pcr': int(args['pcr']) if 'pcr' in args else None,
                    'count': int(args.get('count', 1)), 'skip': int(args.get('skip', 0)),
                    'ms': int(args['ms']) if 'ms' in args else None, 'released': False,
                    'rc': int(args['rc'], 0) if verb == 'refuse' else 0,
                    'when': args.get('when', 'before'), 'hits': 0,
                })
            elif verb != 'stats':
                raise ValueError('no such command: ' + verb)
            return self.stats()

    def stats(self):
        return {'commands': dict(self.counts), 'extends': dict(self.extends), 'held': self.held,
                'pending': [r for r in self.rules if r['count']]}

    def match(self, frame):
        """Counts a command; returns the rule that it falls under or None."""
        code = HEADER.unpack_from(frame)[2]
        pcrs = pcrs_of(frame, code)
        with self.lock:
            self.counts[NAMES.get(code, hex(code))] += 1
            if code == CODES['PCR_Extend']:
                self.extends.update(str(pcr) for pcr in pcrs)
            for rule in self.rules:
                if rule['count'] and rule['code'] == code and rule['pcr'] in (None, *pcrs):
                    if rule['skip']:
                        rule['skip'] -= 1
                        continue
                    rule['count'] -= 1
                    rule['hits'] += 1
                    return rule
        return None

    def hold(self, rule):
        """Returns after the rule's time, or when it is released."""
        with self.lock:
            self.held += 1
            if rule['ms'] is None:
                self.lock.wait_for(lambda: rule['released'])
        if rule['ms']:
            time.sleep(rule['ms'] / 1000)
        with self.lock:
            self.held -= 1


def pcrs_of(command, code):
    """The PCRs that a command is about; whatever a malformed one has there."""
    if code != CODES['PCR_Read']:
        # The first and only handle of PCR_Extend, PCR_Event and PCR_Reset.
        return {int.from_bytes(command[10:14], 'big')} if len(command) >= 14 else set()
    found, at = set(), 14
    for _ in range(int.from_bytes(command[10:14], 'big')):
        selected = command[at + 3:][:max(command[at + 2:at + 3], default=0)]
        if not selected:
            break
        bits = int.from_bytes(selected, 'little')
        found |= {pcr for pcr in range(8 * len(selected)) if bits >> pcr & 1}
        at += 3 + len(selected)
    return found


def receive(sock, size):
    data = b''
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def frame(sock):
    head = receive(sock, HEADER.size)
    return head + receive(sock, HEADER.unpack(head)[1] - HEADER.size)


def without_bank(response, alg):
    """A response to GetCapability(TPM_CAP_PCRS) that does not tell of a bank."""
    count, = struct.unpack_from('>I', response, 15)
    banks, at = b'', 19
    for _ in range(count):
        hash_alg, size = struct.unpack_from('>HB', response, at)
        if hash_alg != alg:
            banks += response[at:at + 3 + size]
        at += 3 + size
    body = response[10:15] + struct.pack('>I', len(banks) // 6) + banks
    return HEADER.pack(0x8001, HEADER.size + len(body), 0) + body


def relay_commands(qemu, swtpm, rules):
    """The TPM's commands and responses, one after the other, until either side ends."""
    try:
        while True:
            command = frame(qemu)
            rule = rules.match(command) or {'verb': None}
            if rule['verb'] == 'refuse':
                qemu.sendall(HEADER.pack(0x8001, HEADER.size, rule['rc']))
                continue
            held = rule['when'] if rule['verb'] == 'hold' else None
            if held == 'before':
                rules.hold(rule)
            swtpm.sendall(command)
            response = frame(swtpm)
            if held == 'after':
                rules.hold(rule)
            if rules.hidden and HEADER.unpack_from(command)[2] == CODES['GetCapability'] \
                    and command[10:14] == CAP_PCRS:
                response, rules.hidden = without_bank(response, rules.hidden), None
            qemu.sendall(response)
    except (EOFError, OSError):
        qemu.close()
        swtpm.close()


def relay_control(source, sink, rules):
    """Control bytes in one direction; a descriptor that comes along is exchanged."""
    size = array.array('i').itemsize
    while True:
        data, ancillary, _, _ = source.recvmsg(4096, socket.CMSG_SPACE(size))
        if not data:
            break
        passed = array.array('i')
        for level, kind, value in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                passed.frombytes(value[:size])
        if passed:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            rights = array.array('i', [theirs.fileno()])
            sink.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            theirs.close()
            threading.Thread(target=relay_commands, daemon=True,
                             args=(socket.socket(fileno=passed[0]), ours, rules)).start()
        else:
            sink.sendall(data)
    os.kill(os.getpid(), signal.SIGTERM)


def serve_lines(listener, rules):
    connection, _ = listener.accept()
    with connection, connection.makefile('rw', encoding='ascii', errors='replace') as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                answer = rules.command(line)
            except (KeyError, ValueError) as error:
                answer = {'error': str(error)}
            lines.write(json.dumps(answer) + '\n')
            lines.flush()


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--swtpm', required=True, help="swtpm's control socket")
    parser.add_argument('--listen', required=True, help='control socket for QEMU')
    parser.add_argument('--control', required=True, help='socket for lines from the guest')
    parser.add_argument('--stats', required=True, help='file that gets the counts at the end')
    parser.add_argument('--firmware-lacks', choices=ALGS, help='bank hidden from the firmware')
    args = parser.parse_args()

    rules = Rules(ALGS.get(args.firmware_lacks))

    def end(*_):
        with open(args.stats, 'w', encoding='ascii') as out:
            json.dump(rules.stats(), out)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    listener = listen(args.listen)
    # The control socket comes last: it is what tells the starter that all is ready.
    control = listen(args.control)
    threading.Thread(target=serve_lines, args=(control, rules), daemon=True).start()
    qemu, _ = listener.accept()
    swtpm = socket.socket(socket.AF_UNIX)
    swtpm.connect(args.swtpm)
    threading.Thread(target=relay_control, args=(swtpm, qemu, rules), daemon=True).start()
    threading.Thread(target=relay_control, args=(qemu, swtpm, rules), daemon=True).start()
    while True:
        signal.pause()


if __name__ == '__main__':
    main()
