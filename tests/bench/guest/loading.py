# SPDX-License-Identifier: Apache-2.0
"""How long the module takes to be loaded, beside one that does next to nothing; and sizes."""
import ctypes
import os
import shutil
import struct
import time

import device
import report

ROUNDS = 10 if report.QUICK else 100
BARE = '/aael/aael_bench.ko'
NR_FINIT_MODULE, NR_DELETE_MODULE = 313, 176
PT_LOAD, PF_X = 1, 1


def call(number, *args):
    if device.libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), f'system call {number}')


def load(path, params=b''):
    """ns that the system call took; the module is gone again"""
    name = os.path.basename(path)[:-3].encode()
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    begin = time.monotonic_ns()
    call(NR_FINIT_MODULE, fd, params, 0)
    took = time.monotonic_ns() - begin
    os.close(fd)
    device.wait_for(lambda: os.path.exists('/sys/module/' + name.decode() + '/initstate'))
    call(NR_DELETE_MODULE, name, os.O_NONBLOCK)
    return took


def code_bytes(path):
    """Of an ELF program's segments, those that can be run"""
    with open(path, 'rb') as file:
        data = file.read()
    offset, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    found = 0
    for i in range(count):
        kind, flags = struct.unpack_from('<II', data, offset + i * size)
        if kind == PT_LOAD and flags & PF_X:
            found += struct.unpack_from('<Q', data, offset + i * size + 32)[0]
    return found


def measure():
    """Emits P12; the module is not loaded before nor behind it."""
    found = {device.MODULE: [], BARE: []}
    for _ in range(ROUNDS):
        found[device.MODULE].append(load(device.MODULE, b'provider=soft'))
        found[BARE].append(load(BARE))
    report.compare('P12', 'finit_module() / one that does next to nothing', found[device.MODULE], found[BARE])
    device.insmod(provider='soft')
    with open('/sys/module/aael/coresize', encoding='ascii') as file:
        loaded = int(file.read())
    device.rmmod()
    report.emit('P12', 'KiB', unit='', ko_with_debug_info=os.stat(device.MODULE).st_size / 1024, in_memory=loaded / 1024,
                aaeld_code=code_bytes(shutil.which('aaeld')) / 1024)

