# SPDX-License-Identifier: Apache-2.0
"""/dev/aael and what surrounds it, as uapi/linux/aael.h and the admin's files describe it.

    insmod(init_pcr=17); with Device() as dev: dev.extend('a', 'b', 'c'); dev.info().count
Every error is an OSError with the errno of the call.
"""
import collections
import contextlib
import ctypes
import errno
import glob
import mmap
import os
import re
import struct
import subprocess
import time

import aael

PATH = '/dev/aael'
FILES = '/sys/kernel/security/aael/'
MODULE = os.environ.get('AAEL_KO', '/aael/aael.ko')
DEFAULT = 0xffffffff
F_UNPRIVILEGED = 1
F_ONCE = 2
BANKS_MAX = 5
REGISTERS_MAX = 24

STATES = ('unsupported', 'disabled', 'enabled', 'sealed')
HEALTHS = ('consistent', 'unexplained-base', 'unknown', 'diverged', 'gone')

EXTEND = struct.Struct('<6I4QII')
INFO = struct.Struct('<8I5H6x7Q16s')
SNAPSHOT = struct.Struct('<6I3Q')
SNAPSHOT_REGISTER = struct.Struct('<4I340s')
VERIFY = struct.Struct('<6IQ340s340s')
assert (EXTEND.size, INFO.size, SNAPSHOT.size, VERIFY.size) == (64, 120, 48, 712)
assert SNAPSHOT_REGISTER.size == 356

Info = collections.namedtuple('Info', 'size abi_version state health flags index reg alg_count algs '
                              'count bytes own_offset max_log_bytes headroom_bytes violations '
                              'pending_sequence provider')
Snapshot = collections.namedtuple('Snapshot', 'count bytes worst registers reg health running')
Register = collections.namedtuple('Register', 'health running')
Verify = collections.namedtuple('Verify', 'size index reg health match count live replayed')

libc = ctypes.CDLL(None, use_errno=True)
libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]


def request(number, size):
    """_IOWR(0xAE, number, size)"""
    return 3 << 30 | size << 16 | 0xAE << 8 | number


IOC_EXTEND, IOC_INFO, IOC_SNAPSHOT, IOC_VERIFY = (
    request(1, 64), request(2, 120), request(3, 48), request(4, 712))


def ioctl(fd, number, memory):
    """ioctl(2) on a ctypes buffer or an address."""
    if libc.ioctl(fd, number, memory) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def values(data, count):
    """{alg: bytes} of an array of struct aael_value"""
    found = {}
    for i in range(count):
        alg, size = struct.unpack_from('<HH', data, 68 * i)
        found[alg] = data[68 * i + 4:68 * i + 4 + size]
    return found


class Extend:
    """struct aael_extend with the memory that it points to; any member can be given."""

    def __init__(self, domain, operation, content, index=DEFAULT, flags=0, size=64, duplicate=0,
                 tail=b'', lens=None, addresses=None):
        self.fields = [aael.as_bytes(x) for x in (domain, operation, content)]
        self.memory = [ctypes.create_string_buffer(x, len(x) + 1) for x in self.fields]
        lens = lens or [len(x) for x in self.fields]
        addresses = addresses or [ctypes.addressof(x) for x in self.memory]
        raw = EXTEND.pack(size, flags, index, *lens, *addresses, 0, 0, duplicate) + tail
        self.buffer = ctypes.create_string_buffer(raw, max(len(raw), size if size < 1 << 20 else 0))

    @property
    def sequence(self):
        return EXTEND.unpack_from(self.buffer)[9]

    @property
    def reg(self):
        return EXTEND.unpack_from(self.buffer)[10]

    @property
    def duplicate(self):
        return EXTEND.unpack_from(self.buffer)[11]


class Registers:
    """struct aael_snapshot with the array that it points to; any member can be given."""

    def __init__(self, size=48, flags=0, reg_size=356, room=REGISTERS_MAX, address=None, tail=b''):
        self.reg_size = reg_size
        self.memory = ctypes.create_string_buffer(b'\xee' * (room * min(reg_size, 4096)), room * 4096 + 1)
        address = ctypes.addressof(self.memory) if address is None else address
        raw = SNAPSHOT.pack(size, flags, reg_size, room, 0, 0, 0, 0, address) + tail
        self.header = ctypes.create_string_buffer(raw, max(len(raw), size if size < 1 << 20 else 0))

    @property
    def count(self):
        return SNAPSHOT.unpack_from(self.header)[4]

    def result(self):
        """worst health, entries, bytes, {register: Register}"""
        *_, reg_count, worst, count, length, _ = SNAPSHOT.unpack_from(self.header)
        found = {}
        for i in range(reg_count):
            reg, health, banks, zero, data = SNAPSHOT_REGISTER.unpack_from(self.memory,
                                                                           i * self.reg_size)
            assert zero == 0 and all(reg > other for other in found)
            found[reg] = Register(health, values(data, banks))
        return worst, count, length, found


class Device:
    def __init__(self, flags=os.O_RDWR, path=PATH):
        self.fd = os.open(path, flags)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def fileno(self):
        return self.fd

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def extend(self, domain, operation, content, index=DEFAULT, flags=0, **more):
        """Returns (sequence, register); an OSError carries .sequence."""
        args = self.call_extend(domain, operation, content, index, flags, **more)
        assert args.duplicate == 0
        return args.sequence, args.reg

    def once(self, domain, operation, content, index=DEFAULT, flags=0, **more):
        """Returns (sequence, 1 if it was logged already)."""
        args = self.call_extend(domain, operation, content, index, flags | F_ONCE, **more)
        return args.sequence, args.duplicate

    def call_extend(self, *fields, **more):
        args = Extend(*fields, **more)
        try:
            ioctl(self.fd, IOC_EXTEND, args.buffer)
        except OSError as error:
            error.sequence = args.sequence
            raise
        return args

    def write(self, data):
        return os.write(self.fd, aael.as_bytes(data))

    def question(self, number, layout, index=DEFAULT):
        memory = ctypes.create_string_buffer(struct.pack('<II', layout.size, index), layout.size)
        ioctl(self.fd, number, memory)
        return layout.unpack_from(memory)

    def info(self):
        got = self.question(IOC_INFO, INFO, 0)
        algs = list(got[8:8 + got[7]])
        return Info(*got[:8], algs, *got[13:20], got[20].rstrip(b'\0').decode())

    def snapshot(self, reg=None):
        """.registers has all registers in use; .health and .running are those of one of them,
        by default the log's."""
        memory = Registers()
        ioctl(self.fd, IOC_SNAPSHOT, memory.header)
        if reg is None:
            # By a file of its own: INFO has an effect on poll(2).
            with Device(os.O_WRONLY) as other:
                reg = other.info().reg
        worst, count, length, registers = memory.result()
        return Snapshot(count, length, worst, registers, reg, *registers[reg])

    def verify(self, index=DEFAULT):
        got = self.question(IOC_VERIFY, VERIFY, index)
        return Verify(*got[:5], got[6], values(got[7], got[5]), values(got[8], got[5]))

    def stream(self):
        """The whole log, by pread."""
        data = b''
        while part := os.pread(self.fd, 1 << 20, len(data)):
            data += part
        return data


def read_log_bytes(path=FILES + 'binary_runtime_measurements'):
    with open(path, 'rb') as file:
        return file.read()


def read_log(path=FILES + 'binary_runtime_measurements'):
    return aael.parse(read_log_bytes(path))


def text_file(name):
    with open(FILES + name, encoding='utf-8') as file:
        return file.read()


def count():
    return int(text_file('runtime_measurements_count'))


class Status(dict):
    """The lines of the status file, key to the list of its values; .one() for single ones."""

    def __init__(self):
        super().__init__()
        for line in text_file('status').splitlines():
            key, _, value = line.partition(': ')
            self.setdefault(key, []).append(value)

    def one(self, key):
        found = self.get(key, [''])
        assert len(found) == 1, (key, found)
        return found[0]


def run(*words, check=True, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          text=True, errors='replace', **more)
    if check and done.returncode:
        raise AssertionError(f'{" ".join(words)}: {done.returncode}: {done.stdout}')
    return done.stdout if check else (done.returncode, done.stdout)


def load_tpm_drivers():
    for name in ('tpm_tis', 'tpm_crb', 'sha512_generic', 'sha1_generic'):
        run('modprobe', '-q', name, check=False)


def insmod(check=True, **params):
    load_tpm_drivers()
    return run('insmod', MODULE, *(f'{k}={v}' for k, v in params.items()), check=check)


def rmmod(check=True):
    return run('rmmod', 'aael', check=check)


def loaded():
    return os.path.exists('/sys/module/aael')


@contextlib.contextmanager
def module(**params):
    """The module for as long as its log stays empty."""
    insmod(**params)
    try:
        yield
    finally:
        rmmod()


def dmesg():
    return run('dmesg')


def wait_for(condition, seconds=20, what=''):
    """Polls until the condition holds; returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds} s: {what or condition}')
        time.sleep(0.01)
    return value


def tpm_tool(name, *words):
    """A command of tpm2-tools on the TPM that there is; bound again, it may have another number."""
    node, = glob.glob('/dev/tpmrm[0-9]*')
    return run(name, '-T', f'device:{node}', *words)


def pcr_values(pcr, banks):
    """{alg: bytes} of a PCR as tpm2-tools read it from the TPM; banks by name."""
    out = tpm_tool('tpm2_pcrread', '+'.join(f'{bank}:{pcr}' for bank in banks))
    found = {}
    for line in out.splitlines():
        if match := re.fullmatch(r'\s*(sha\d+|sm3_256):\s*', line):
            alg = aael.IDS[match[1]]
        elif match := re.fullmatch(rf'\s*{pcr}\s*:\s*0x([0-9A-Fa-f]+)\s*', line):
            found[alg] = bytes.fromhex(match[1])
    return found


def pcr_bank(bank):
    """{PCR: bytes} of all PCRs of a bank, read at once"""
    return {int(pcr): bytes.fromhex(value) for pcr, value in
            re.findall(r'^\s*(\d+)\s*:\s*0x([0-9A-Fa-f]+)\s*$', run('tpm2_pcrread', bank), re.M)}


def pcr_extend(pcr, bank, digest):
    tpm_tool('tpm2_pcrextend', f'{pcr}:{bank}={digest.hex()}')


SYS_WRITE, SYS_POLL, SYS_IOCTL, SYS_PPOLL = 1, 7, 16, 271


def waits_in(number, pid, tid=None, fd=None):
    """Is the thread asleep in that system call, on that descriptor?"""
    with open(f'/proc/{pid}/task/{tid or pid}/syscall', encoding='ascii') as file:
        words = file.read().split()
    return words[0] == str(number) and fd in (None, int(words[1], 16))


def guarded(pages=1):
    """(memory, its address): so many pages, and one behind them that faults."""
    size = pages * mmap.PAGESIZE
    area = mmap.mmap(-1, size + mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    if libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(mmap.PAGESIZE), 0):
        raise OSError(ctypes.get_errno(), 'mprotect')
    return area, start


def tpm2_eventlog():
    """What tpm2_eventlog makes of the log: (number of events, {alg: {PCR: bytes}})."""
    # The tool takes the size from the file system, which has none for securityfs.
    with open(FILES + 'binary_runtime_measurements', 'rb') as source, open('/tmp/eventlog', 'wb') as copy:
        copy.write(source.read())
    out = run('tpm2_eventlog', '/tmp/eventlog')
    assert 'ERROR' not in out, out
    events, _, values = out.partition('\npcrs:\n')
    pcrs = {}
    for line in values.splitlines():
        if match := re.fullmatch(r'  (\w+):', line):
            found = pcrs.setdefault(aael.IDS[match[1]], {})
        elif match := re.fullmatch(r'    (\d+) *: 0x([0-9a-f]+)', line):
            found[int(match[1])] = bytes.fromhex(match[2])
    return len(re.findall(r'^- EventNum:', events, re.M)), pcrs


def tpm_device():
    """The platform device of the first TPM and its driver's folder in sysfs."""
    path = os.path.realpath(glob.glob('/sys/class/tpm/tpm[0-9]*')[0] + '/device')
    return os.path.basename(path), os.path.realpath(path + '/driver')


def as_user(function, uid=1000, gid=1000, groups=()):
    """Runs function in a child of that user; its exit status: 0, or the errno that it raised."""
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            os.setgroups(list(groups))
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            function()
            code = 0
        except OSError as error:
            code = error.errno or 255
        except BaseException as error:  # pylint: disable=broad-except
            print('# in the child:', repr(error), flush=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def name_of(code):
    return errno.errorcode.get(code, str(code))
