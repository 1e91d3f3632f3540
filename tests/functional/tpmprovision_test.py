# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12 tpm=crb
"""aaelctl tpm provision: the attestation key, made once, looked at with other tools."""
import base64
import os
import re
import subprocess
import unittest

import device

AK = '0x81010002'
OTHER = '0x81010003'
USAGE, REFUSED, UNREADABLE = 2, 1, 3


def setUpModule():
    device.load_tpm_drivers()


def provision(*words, code=0, says='', **env):
    done = subprocess.run(['aaelctl', 'tpm', *(words or ['provision'])], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, env={**os.environ, **env})
    said = done.stderr.decode()
    assert done.returncode == code and (says in said if code else said == ''), done
    assert code == 0 or done.stdout == b'', done
    return done.stdout


class Provision(unittest.TestCase):
    def test_1_makes_the_key_once(self):
        status, _ = device.run('tpm2', 'readpublic', '-c', AK, check=False)
        self.assertNotEqual(status, 0)
        first = provision()
        self.assertRegex(first, rb'^[A-Za-z0-9+/]+=*\n$')
        self.assertEqual(provision(), first)
        with open('/tmp/ak.der', 'wb') as file:
            file.write(base64.b64decode(first.strip(), validate=True))
        public = device.run('tpm2', 'readpublic', '-c', AK, '-f', 'der', '-o', '/tmp/tools.der')
        with open('/tmp/ak.der', 'rb') as ours, open('/tmp/tools.der', 'rb') as theirs:
            self.assertEqual(ours.read(), theirs.read())
        attributes = re.search(r'attributes:\n  value: (.*)', public)[1].split('|')
        self.assertLess({'fixedtpm', 'fixedparent', 'restricted', 'sign'}, set(attributes))
        self.assertNotIn('decrypt', attributes)
        self.assertIn('rsassa', public)
        self.assertIn('bits: 2048', public)

    def test_2_is_the_same_key_when_made_again(self):
        first = provision()
        device.run('tpm2', 'evictcontrol', '-C', 'o', '-c', AK)
        self.assertEqual(provision(), first)
        self.assertEqual(provision(AA_TPM_AK_HANDLE='0x81010010'), first)

    def test_another_kind_of_key_is_not_touched(self):
        device.run('tpm2_createprimary', '-C', 'o', '-c', '/tmp/other.ctx')
        device.run('tpm2', 'evictcontrol', '-C', 'o', '-c', '/tmp/other.ctx', OTHER)
        before = device.run('tpm2', 'readpublic', '-c', OTHER)
        provision(code=REFUSED, says='no attestation key', AA_TPM_AK_HANDLE=OTHER)
        self.assertEqual(device.run('tpm2', 'readpublic', '-c', OTHER), before)

    def test_a_hierarchy_with_a_password(self):
        device.run('tpm2', 'changeauth', '-c', 'e', 'secret')
        try:
            provision(code=REFUSED, says='making the attestation key', AA_TPM_AK_HANDLE='0x81010011')
        finally:
            device.run('tpm2', 'changeauth', '-c', 'e', '-p', 'secret')

    def test_wrong_usage_and_environment(self):
        for handle in ('0x80000000', 'x', '0x81010002x', '0x82000000'):
            provision(code=USAGE, says='AA_TPM_AK_HANDLE', AA_TPM_AK_HANDLE=handle)
        provision(code=UNREADABLE, says='/dev/nothing', AA_TPM_DEVICE='/dev/nothing')
        provision('destroy', code=USAGE, says='provision')
        provision('provision', 'provision', code=USAGE, says='provision')
