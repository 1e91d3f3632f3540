# SPDX-License-Identifier: Apache-2.0
"""A guest that passes for a TDX guest (vm-tdx: yes): the emulator, the kernel's drivers above
it, and its registers read on three paths that do not involve aael.

    with tdx.guest(rtmr3='00' * 48): tdx.reported()[3]; tdx.sysfs(3); tdx.held(3)

reported() asks the hardware, through tdx-guest's ioctl. sysfs() is what tsm-mr shows; it
remembers values, and reported() and quotes refresh what it remembers: to find out what it shows
by itself, ask it first. held() is the emulator's own word and disturbs nothing.
"""
import contextlib
import ctypes
import hashlib
import os

from device import ioctl, run
from quotes import RTMRS, Quote, digests

MODULE = '/aael/tdxemul.ko'
PARAMETERS = '/sys/module/tdxemul/parameters/'
DEVICE = '/dev/tdx_guest'
MEASUREMENTS = '/sys/devices/virtual/misc/tdx_guest/measurements/'
REPORTS = '/sys/kernel/config/tsm/report/'
TABLE = '/sys/firmware/acpi/tables/CCEL'
LOG = '/sys/firmware/acpi/tables/data/CCEL'
FIRMWARE_LOG = '/aael/ccel'  # what the table's area was filled with

ZERO = bytes(48)
# _IOWR('T', 1, struct tdx_report_req): 64 bytes of report data, TDREPORT
GET_REPORT0 = 3 << 30 | (64 + 1024) << 16 | ord('T') << 8 | 1
REPORT_DATA, REPORT_MRCONFIGID, REPORT_RTMR = 128, 576, 720
# TDCALL status, for fail_extend
INVALID_OPERAND = 0xc000010000000000


def load_emulator(check=True, **params):
    return run('insmod', MODULE, *(f'{k}={v}' for k, v in params.items()), check=check)


def load_driver(check=True):
    return run('modprobe', 'tdx-guest', check=check)


def unload_driver(check=True):
    return run('rmmod', 'tdx_guest', check=check)


def unload_emulator(check=True):
    """Only after all that use TDCALL: the next one would be an oops."""
    return run('rmmod', 'tdxemul', check=check)


def load(**params):
    """The emulator with those parameters (rtmr0=HEX …, see tests/tdx/tdxemul.h), and tdx-guest."""
    load_emulator(**params)
    load_driver()


def unload():
    unload_driver()
    unload_emulator()


@contextlib.contextmanager
def guest(**params):
    load(**params)
    try:
        yield
    finally:
        unload()


def get(name):
    """A parameter or counter of the emulator, as text."""
    with open(PARAMETERS + name, encoding='ascii') as file:
        return file.read().strip()


def counter(name):
    """n_extend, n_report or n_quote"""
    return int(get(name))


def put(**params):
    """put(busy=3): knobs; numbers, booleans and text"""
    for name, value in params.items():
        with open(PARAMETERS + name, 'w', encoding='ascii') as file:
            file.write(str(int(value) if isinstance(value, bool) else value))


@contextlib.contextmanager
def knobs(**params):
    """put(), and all 0 again afterwards"""
    put(**params)
    try:
        yield
    finally:
        put(**{name: 0 for name in params})


def held(index):
    return bytes.fromhex(get(f'rtmr{index}'))


def extend_behind(index, digest):
    """Extends without any driver, as other code in the kernel could; tsm-mr does not notice."""
    put(extend=f'{index} {digest.hex()}')


def extended(value, *digests):
    """The value of a register after those extends"""
    for digest in digests:
        value = hashlib.sha384(value + digest).digest()
    return value


def report(data=bytes(64)):
    """TDREPORT, 1024 bytes; raises OSError as the ioctl does."""
    memory = ctypes.create_string_buffer(data.ljust(64, b'\0'), 64 + 1024)
    fd = os.open(DEVICE, os.O_RDWR)
    try:
        ioctl(fd, GET_REPORT0, memory)
    finally:
        os.close(fd)
    return memory.raw[64:]


def reported():
    """RTMR0 to RTMR3 as the hardware reports them now"""
    return digests(report(), REPORT_RTMR)


def has_sysfs():
    """From 6.16 on, with tdx-guest loaded"""
    return os.path.isdir(MEASUREMENTS)


def has_tsm():
    """The kernel offers measurement registers in sysfs, once the driver is loaded"""
    return os.path.exists('/sys/kernel/tracing/events/tsm_mr')


def path(index):
    return f'{MEASUREMENTS}rtmr{index}:sha384'


def sysfs(index):
    with open(path(index), 'rb') as file:
        return file.read()


def extend(index, digest):
    """A foreign extend, as anybody with root makes one: by writing the file"""
    fd = os.open(path(index), os.O_WRONLY)
    try:
        return os.write(fd, digest)
    finally:
        os.close(fd)


def mount_configfs():
    if not os.path.ismount('/sys/kernel/config'):
        run('modprobe', '-q', 'configfs', check=False)
        run('mount', '-t', 'configfs', 'configfs', '/sys/kernel/config')


def outblob(data, name='test'):
    """What configfs-tsm gives for 64 bytes of report data; raises OSError as it does.

    When the quote fails, kernels before 7 give nothing, without an error.
    """
    mount_configfs()
    folder = REPORTS + name
    os.mkdir(folder)
    try:
        with open(folder + '/inblob', 'wb', buffering=0) as file:
            file.write(data.ljust(64, b'\0'))
        with open(folder + '/outblob', 'rb') as file:
            return file.read()
    finally:
        os.rmdir(folder)


def quote(data=bytes(64)):
    return Quote(outblob(data))
