# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=crb
# vm-append: apparmor=1 security=apparmor
# vm-timeout: 180
"""Who may log what: reserved domains, capabilities, groups, namespaces, security modules, signals."""
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import unittest

import device
import netlink
import rest
import vm

RESERVED = ('github.com/confidential-containers', 'github.com/confidential-containers/x', 'aael',
            'aael/sub')
FREE = ('github.com/confidential-containersx', 'aaelx', 'github.com', 'Aael', 'x/aael')
PROFILE = """abi <abi/3.0>,
profile aael_writer flags=(attach_disconnected) {
  /dev/aael w,
  deny /sys/** rw,
  deny /dev/tpm* rw,
  /dev/null rw,
  /** mrix,
  deny /tmp/secret r,
}
"""
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_NO_NEW_PRIVS = 38


def setUpModule():
    device.insmod(enable=1)
    # As the packages' udev rule has it.
    os.chown(device.PATH, 0, 901)
    os.chmod(device.PATH, 0o660)


def drop_capabilities():
    """capset(2): none, though still uid 0"""
    header = ctypes.create_string_buffer(struct.pack('<Ii', 0x20080522, 0))
    data = ctypes.create_string_buffer(24)
    if device.libc.capset(header, data):
        raise OSError(ctypes.get_errno(), 'capset')


class Case(unittest.TestCase):
    def setUp(self):
        self.before = device.count()

    def child(self, function, uid=0, **more):
        """errno name of what function did in a child; '0' for success"""
        return device.name_of(device.as_user(function, uid, uid, **more))

    def appended(self, number):
        self.assertEqual(device.count() - self.before, number)


class ReservedDomains(Case):
    def test_write_never_has_privilege(self):
        with device.Device() as dev:
            for domain in RESERVED:
                with self.assertRaises(OSError) as caught:
                    dev.write(f'{domain} op c\n')
                self.assertEqual(caught.exception.errno, errno.EACCES)
            self.appended(0)
            for domain in FREE:
                dev.write(f'{domain} op c\n')
        self.appended(len(FREE))

    def test_ioctl_of_root_has_privilege(self):
        with device.Device() as dev:
            for domain in RESERVED:
                dev.extend(domain, 'op', 'c')
        self.appended(len(RESERVED))

    def test_renounced_privilege_is_none(self):
        with device.Device() as dev:
            for domain in RESERVED:
                with self.assertRaises(OSError) as caught:
                    dev.extend(domain, 'op', 'c', flags=device.F_UNPRIVILEGED)
                self.assertEqual(caught.exception.errno, errno.EACCES)
        self.appended(0)

    def test_unprivileged_writer_is_refused(self):
        def call():
            with device.Device(os.O_WRONLY) as dev:
                dev.extend(RESERVED[0], 'PullImage', 'forged')
        self.assertEqual(self.child(call, 1000, groups=[901]), 'EACCES')
        self.appended(0)

    def test_opener_without_the_capability_does_not_lend_it(self):
        """Opened unprivileged, used by root: the descriptor has no privilege."""
        left, right = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            drop_capabilities()
            fd = os.open(device.PATH, os.O_RDWR)
            socket.send_fds(right, [b'x'], [fd])
            os._exit(0)
        os.waitpid(pid, 0)
        _, fds, _, _ = socket.recv_fds(left, 1, 1)
        dev = device.Device()
        dev.close()
        dev.fd = fds[0]
        with dev, self.assertRaises(OSError) as caught:
            dev.extend(RESERVED[0], 'op', 'c')
        self.assertEqual(caught.exception.errno, errno.EACCES)
        self.appended(0)

    def test_descriptor_of_root_does_not_lend_the_capability(self):
        dev = device.Device()

        def call():
            dev.extend(RESERVED[0], 'op', 'c')
        self.assertEqual(self.child(call, 1000), 'EACCES')

        def index():
            dev.extend('a', 'op', 'c', index=11)
        self.assertEqual(self.child(index, 1000), 'EPERM')

        def without():
            drop_capabilities()
            dev.extend(RESERVED[0], 'op', 'c')
        self.assertEqual(self.child(without), 'EACCES')
        dev.close()
        self.appended(0)

    def test_rest_is_never_privileged(self):
        with rest.Daemon() as daemon:
            for domain in RESERVED:
                answer = daemon.post({'domain': domain, 'operation': 'op', 'content': 'c'})
                self.assertEqual(answer.status, 403, answer)
                body = json.loads(answer.body)
                self.assertEqual(body['success'], 'false')
                self.assertIn('domain', body['message'])
            self.assertTrue(daemon.alive())
        self.appended(0)


class Users(Case):
    def test_member_of_the_group_appends(self):
        def call():
            with device.Device(os.O_WRONLY) as dev:
                dev.write('member op write\n')
                dev.extend('member', 'op', 'ioctl')
        self.assertEqual(self.child(call, 1000, groups=[901]), '0')
        self.appended(2)

    def test_anybody_else_cannot_open(self):
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            self.assertEqual(self.child(lambda f=flags: device.Device(f), 1000), 'EACCES')

    def test_namespaces_give_no_privilege(self):
        """A user with user and network namespaces of his own, root in them."""
        dev = device.Device()
        with netlink.Family() as nl:
            before = nl.status()

        def enter():
            if device.libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), 'unshare')

        for command, args in (('status', ()), ('enable', (18,)), ('set_limits', (1 << 26,)),
                              ('reserve', ('mine',))):
            def call(command=command, args=args):
                enter()
                with netlink.Family() as nl:
                    getattr(nl, command)(*args)
            self.assertEqual(self.child(call, 1000), 'EPERM', command)

        def forge():
            enter()
            dev.extend(RESERVED[0], 'op', 'c')
        self.assertEqual(self.child(forge, 1000), 'EACCES')
        with netlink.Family() as nl:
            self.assertEqual(nl.status(), before)
        dev.close()
        self.appended(0)

    def test_namespaces_give_no_text_by_netlink(self):
        """Whatever a listener gets, in his own network namespace or ours, holds no text."""
        for namespaces in (0, CLONE_NEWUSER | CLONE_NEWNET):
            ready, tell = os.pipe()
            proceed, go = os.pipe()

            def listen():
                if namespaces and device.libc.unshare(namespaces):
                    raise OSError(ctypes.get_errno(), 'unshare')
                with netlink.Family() as nl:
                    try:
                        nl.join()
                    except OSError:
                        os.write(tell, b'refused')
                        return
                    os.write(tell, b'joined')
                    os.read(proceed, 1)
                    for _, raw in nl.events(0.2):
                        assert b'verysecret' not in raw
            result = []
            thread = threading.Thread(target=lambda: result.append(self.child(listen, 1000)))
            thread.start()
            self.assertIn(os.read(ready, 10), (b'joined', b'refused'))
            with device.Device() as dev:
                dev.write('verysecret verysecret verysecret\n')
            os.write(go, b'x')
            thread.join()
            self.assertEqual(result, ['0'])


class Confined(Case):
    def test_writer_in_an_apparmor_profile_appends(self):
        with open('/sys/kernel/security/lsm', encoding='ascii') as file:
            if 'apparmor' not in file.read():
                self.skipTest('this kernel runs without AppArmor')
        with open('/tmp/profile', 'w', encoding='ascii') as file:
            file.write(PROFILE)
        with open('/tmp/secret', 'w', encoding='ascii') as file:
            file.write('secret')
        device.run('apparmor_parser', '-r', '-K', '-I', '/etc/apparmor.d', '/tmp/profile')
        script = ('cat /tmp/secret 2>/dev/null && exit 9; '
                  'cat /sys/kernel/security/aael/status 2>/dev/null && exit 8; '
                  'echo "confined op content" > /dev/aael')
        with open('/proc/self/attr/current', encoding='ascii') as file:
            self.assertIn('unconfined', file.read())

        def confine():
            try:
                file = os.open('/proc/self/attr/apparmor/exec', os.O_WRONLY)
            except FileNotFoundError:
                file = os.open('/proc/self/attr/exec', os.O_WRONLY)
            os.write(file, b'exec aael_writer')
            os.close(file)
        done = subprocess.run(['/usr/bin/dash', '-c', script], preexec_fn=confine, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, b''))
        self.appended(1)

    def test_writer_in_a_landlock_sandbox_appends(self):
        """The sandbox allows nothing but writing to /dev/aael."""
        libc = device.libc
        attributes = ctypes.create_string_buffer(struct.pack('<Q', 0x1fff))

        def call():
            rules = libc.syscall(444, attributes, ctypes.c_size_t(8), 0)
            if rules < 0:
                raise OSError(ctypes.get_errno(), 'landlock')
            node = os.open(device.PATH, os.O_PATH)
            rule = ctypes.create_string_buffer(struct.pack('<Qi', 2, node))  # WRITE_FILE
            if libc.syscall(445, rules, 1, rule, 0) or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) \
                    or libc.syscall(446, rules, 0):
                raise OSError(ctypes.get_errno(), 'landlock')
            try:
                os.open('/sys/kernel/security/aael/status', os.O_RDONLY)
                os._exit(errno.EUCLEAN)
            except PermissionError:
                pass
            with device.Device(os.O_WRONLY) as dev:
                dev.write('landlocked op content\n')
        code = self.child(call)
        if code in ('ENOSYS', 'EOPNOTSUPP'):
            self.skipTest('this kernel runs without Landlock')
        self.assertEqual(code, '0')
        self.appended(1)

    def test_writer_in_a_signal_storm_appends_everything(self):
        number = 50 if vm.DEBUG else 300

        def call():
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.siginterrupt(signal.SIGALRM, False)
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            with device.Device() as dev:
                for i in range(number):
                    assert dev.write(f'storm write {i}\n') == len(f'storm write {i}\n')
                    dev.extend('storm', 'ioctl', str(i))
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertEqual(self.child(call), '0')
        self.appended(2 * number)
        expected = [b'storm %s %d' % (w, i) for i in range(number) for w in (b'write', b'ioctl')]
        self.assertEqual(device.read_log().texts()[-2 * number:], expected)
        with device.Device() as dev:
            self.assertEqual(dev.verify().match, 1)
