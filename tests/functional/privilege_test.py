# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7 tpm=crb
# vm: kernel=6.1 tpm=tis
# vm-append: apparmor=1 security=apparmor
# vm-timeout: 180
"""Who may log what: reserved domains, capabilities, groups, namespaces, security modules, signals."""
import concurrent.futures
import ctypes
import errno
import json
import os
import select
import signal
import socket
import stat
import struct
import subprocess
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
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
SECRET = 'verysecret'


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


class Namespaces(Case):
    """A user with user, mount and network namespaces of his own, root in them."""

    def enter(self):
        if device.libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) or \
                device.libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), 'unshare')
        for name, text in (('setgroups', 'deny'), ('uid_map', '0 1000 1'), ('gid_map', '0 1000 1')):
            with open('/proc/self/' + name, 'w', encoding='ascii') as file:
                file.write(text)

    def inside(self, function):
        """errno name of what function did there; failing to get there is another matter"""
        ready, tell = os.pipe()

        def call():
            try:
                self.enter()
            except OSError as error:
                os.write(tell, str(error).encode())
                return
            function()
        code = self.child(call, 1000)
        os.close(tell)
        with open(ready, 'rb') as pipe:
            self.assertEqual(pipe.read(), b'', 'no namespaces')
        return code

    def test_no_command_of_netlink(self):
        with netlink.Family() as nl:
            before = nl.status()
        for command, args in (('status', ()), ('enable', (18,)), ('set_limits', (1 << 26,)),
                              ('reserve', ('mine',))):
            def call(command=command, args=args):
                try:
                    nl = netlink.Family()
                except OSError as error:
                    raise AssertionError('the family is not there') from error
                getattr(nl, command)(*args)
            self.assertEqual(self.inside(call), 'EPERM', command)
        with netlink.Family() as nl:
            self.assertEqual(nl.status(), before)

    def test_no_reserved_domain_and_no_privileged_index(self):
        with device.Device() as dev:
            self.assertEqual(self.inside(lambda: dev.extend(RESERVED[0], 'op', 'c')), 'EACCES')
            self.assertEqual(self.inside(lambda: dev.extend('a', 'op', 'c', index=11)), 'EPERM')
            self.appended(0)
            self.assertEqual(self.inside(lambda: dev.extend('a', 'op', 'c')), '0')
        self.appended(1)

    def test_neither_device_nor_securityfs(self):
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            self.assertEqual(self.inside(lambda f=flags: device.Device(f)), 'EACCES')
        names = os.listdir(device.FILES)
        self.assertIn('binary_runtime_measurements', names)
        for name in names:
            self.assertEqual(self.inside(lambda n=name: os.open(device.FILES + n, os.O_RDONLY)),
                             'EACCES', name)
        number = os.stat(device.PATH).st_rdev
        self.assertEqual(self.inside(lambda: os.mknod('/tmp/aael', 0o600 | stat.S_IFCHR, number)), 'EPERM')

        def mount():
            if device.libc.mount(b'none', b'/mnt', b'securityfs', ctypes.c_ulong(0), None):
                raise OSError(ctypes.get_errno(), 'mount')
        self.assertEqual(self.inside(mount), 'EPERM')

    def heard(self, run, seconds):
        """(errno name, what came) of a listener that run starts, while an event is logged."""
        ready, tell = os.pipe()
        proceed, go = os.pipe()
        said, say = os.pipe()

        def listen():
            with netlink.Family() as nl:
                nl.join()
                os.write(tell, b'x')
                os.read(proceed, 1)
                for _, raw in nl.events(seconds):
                    os.write(say, raw)
        with netlink.Family() as control, concurrent.futures.ThreadPoolExecutor(1) as pool:
            control.join()
            listener = pool.submit(run, listen)
            device.wait_for(lambda: select.select([ready], [], [], 0)[0] or listener.done())
            with device.Device() as dev:
                dev.write(f'{SECRET} {SECRET} {SECRET}\n')
            # The write is over, so whoever is told of it has been told.
            told = control.events(20)
            os.write(go, b'x')
            code = listener.result()
        self.assertEqual([event['sequence'] for event, _ in told], [self.before + 1])
        os.close(say)
        with open(said, 'rb') as pipe:
            data = pipe.read()
        for fd in (ready, tell, proceed, go):
            os.close(fd)
        return code, data, told[0][1]

    def test_listener_hears_nothing(self):
        code, data, _ = self.heard(self.inside, 0)
        self.assertEqual((code, data), ('0', b''))

    def test_listener_outside_hears_no_text(self):
        """Without namespaces of his own a user is told what root is told: numbers."""
        code, data, control = self.heard(lambda f: self.child(f, 1000), 20)
        self.assertEqual((code, data), ('0', control))
        self.assertNotIn(SECRET.encode(), data)


class Confined(Case):
    def test_writer_in_an_apparmor_profile_appends(self):
        with open('/sys/kernel/security/lsm', encoding='ascii') as file:
            self.assertIn('apparmor', file.read())
        with open('/tmp/profile', 'w', encoding='ascii') as file:
            file.write(PROFILE)
        with open('/tmp/secret', 'w', encoding='ascii') as file:
            file.write('secret')
        device.run('apparmor_parser', '-r', '-K', '-I', '/etc/apparmor.d', '/tmp/profile')
        script = ('cat /tmp/secret 2>/dev/null && exit 9; '
                  'cat /sys/kernel/security/aael/status 2>/dev/null && exit 8; '
                  'echo "confined op write" > /dev/aael && '
                  'aaelctl append confined op ioctl')
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
        self.assertEqual((done.returncode, done.stdout), (0, b'%d 14\n' % (self.before + 2)))
        self.appended(2)
        self.assertEqual(device.read_log().texts()[-2:], [b'confined op write', b'confined op ioctl'])

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
                dev.write('landlocked op write\n')
                dev.extend('landlocked', 'op', 'ioctl')
        with open('/sys/kernel/security/lsm', encoding='ascii') as file:
            self.assertIn('landlock', file.read())
        self.assertEqual(self.child(call), '0')
        self.appended(2)
        self.assertEqual(device.read_log().texts()[-2:],
                         [b'landlocked op write', b'landlocked op ioctl'])

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
