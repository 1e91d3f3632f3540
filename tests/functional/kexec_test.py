# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12
# vm-kexec: yes
# vm-timeout: 240
"""kexec into the same kernel keeps the log. This file runs twice: the first kernel ends with the
test that starts the second, which has the export in its initramfs."""
import ctypes
import hashlib
import os
import shutil
import subprocess

import device
import handover

COUNT = 20
RELEASE = os.uname().release
SYS_KEXEC_FILE_LOAD = 320
RB_KEXEC = 0x45584543

with open('/proc/cmdline', encoding='ascii') as cmdline:
    CMDLINE = cmdline.read().strip()
SECOND = 'aael.import=1' in CMDLINE


def installed():
    """The module, where modprobe finds it: only that reads the kernel's command line."""
    folder = f'/tmp/root/lib/modules/{RELEASE}'
    os.makedirs(folder)
    shutil.copy(device.MODULE, folder)
    for name in ('builtin', 'order'):
        with open(f'{folder}/modules.{name}', 'w', encoding='ascii'):
            pass
    device.run('depmod', '-b', '/tmp/root', RELEASE)


def initramfs():
    """The one of this kernel, and the export behind it."""
    with open('/tmp/initramfs', 'wb') as file:
        with open('/aael/kexec/initramfs', 'rb') as own:
            shutil.copyfileobj(own, file)
        file.write(bytes(-file.tell() % 512))
        names = subprocess.run(['find', 'handed'], cwd='/tmp', stdout=subprocess.PIPE, check=True).stdout
        file.write(subprocess.run(['cpio', '-o', '-H', 'newc'], cwd='/tmp', input=names, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=True).stdout)
    return '/tmp/initramfs'


def kexec(line):
    kernel = os.open('/aael/kexec/kernel', os.O_RDONLY)
    initrd = os.open(initramfs(), os.O_RDONLY)
    text = line.encode() + b'\0'
    if device.libc.syscall(SYS_KEXEC_FILE_LOAD, kernel, initrd, ctypes.c_ulong(len(text)), text, ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), 'kexec_file_load')
    os.sync()
    device.libc.reboot(RB_KEXEC)
    raise OSError(ctypes.get_errno(), 'reboot')


class Kexec(handover.Case):
    def test_the_next_kernel_has_the_log(self):
        if SECOND:
            self.second()
        else:
            self.first()

    def first(self):
        device.insmod(enable=1)
        self.append(COUNT)
        self.handover('export', '/tmp/handed')
        kexec(CMDLINE + ' aael.import=1 aael.enable=1')

    def second(self):
        device.load_tpm_drivers()
        installed()
        device.run('modprobe', '-d', '/tmp/root', 'aael')
        self.assertEqual(handover.parameters()['import'], 'Y')
        self.assertEqual(device.Status().one('state'), 'disabled')
        data = b''.join(handover.Export('/handed').entries())
        self.handover('import', '/handed', '--remove')
        log = self.replays(14, device.pcr_values(14, ['sha256']))
        self.assertEqual(log.texts()[:-1], self.expected(COUNT))
        self.assertEqual(self.record(log.texts()[-1]),
                         {'entries': COUNT, 'foreign': 0, 'sha256': hashlib.sha256(data).hexdigest()})
        self.append(1)
        self.ctl('verify')
        self.assertEqual(device.Status().one('health'), 'consistent')
