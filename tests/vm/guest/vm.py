# SPDX-License-Identifier: Apache-2.0
"""What tests in a guest need to know of the harness around them (import vm)."""
import glob
import json
import os

KERNEL = os.environ.get('AAEL_VM_KERNEL', '')
TPM = os.environ.get('AAEL_VM_TPM', '')
BANKS = os.environ.get('AAEL_VM_BANKS', '').split(',')
MODULE = '/aael/aael.ko'
DEBUG = KERNEL == 'debug'


def port(name):
    """The device of the virtio-serial port of that name, or None."""
    for node in glob.glob('/sys/class/virtio-ports/*'):
        with open(node + '/name', encoding='ascii') as file:
            if file.read().strip() == name:
                return '/dev/' + os.path.basename(node)
    return None


class TpmProxy:
    """The proxy in front of the TPM (vm-proxy: yes); its commands are in tpmproxy.py."""

    def __init__(self):
        path = port('aael.tpm')
        if path is None:
            raise RuntimeError('this guest has no TPM proxy')
        self.file = open(path, 'r+b', buffering=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def command(self, line):
        self.file.write(line.encode('ascii') + b'\n')
        answer = b''
        while not answer.endswith(b'\n'):
            answer += self.file.read(65536) or b''
        answer = json.loads(answer)
        if 'error' in answer:
            raise ValueError(answer['error'])
        return answer

    def hold(self, pcr, ms=None, **more):
        """For that long, or until release()."""
        more |= {} if ms is None else {'ms': ms}
        words = ''.join(f' {key}={value}' for key, value in more.items())
        return self.command(f'hold pcr={pcr}{words}')

    def release(self):
        return self.command('release')

    def stats(self):
        return self.command('stats')

    def reset(self):
        return self.command('reset')
