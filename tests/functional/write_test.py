# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,7,debug tpm=crb
# vm: kernel=6.1 tpm=tis
# vm-proxy: yes
# vm-timeout: 180
"""write(2), read(2), lseek(2), poll(2) of /dev/aael: only complete, valid lines are measured."""
import ctypes
import errno
import mmap
import os
import select
import signal
import threading
import time
import unittest

import aael
import device
import netlink
import vm

RACES = 60 if vm.DEBUG else 300
UTF8_BAD = (b'\x80', b'\xbf', b'\xc0\x80', b'\xc1\xbf', b'\xc3', b'\xc3(', b'\xe0\x80\x80',
            b'\xe0\x9f\xbf', b'\xe2\x82', b'\xed\xa0\x80', b'\xed\xbf\xbf', b'\xf0\x80\x80\x80',
            b'\xf0\x8f\xbf\xbf', b'\xf0\x9f\x98', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80',
            b'\xf8\x88\x80\x80\x80', b'\xfe', b'\xff')
UTF8_GOOD = ('\u00a0', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\ufdd0', '\uffff', '\U00010000',
             '\U0010ffff', '\u2028', '\ufeff')


def setUpModule():
    device.insmod(enable=1, max_log_bytes=16 << 20)


class Case(unittest.TestCase):
    def setUp(self):
        self.dev = device.Device()
        self.addCleanup(self.dev.close)
        self.before = device.count()

    def refused(self, code, data):
        with self.assertRaises(OSError, msg=repr(data[:80])) as caught:
            self.dev.write(data)
        self.assertEqual(device.name_of(caught.exception.errno), device.name_of(code), data[:80])
        self.appended(0)

    def appended(self, number):
        self.assertEqual(device.count() - self.before, number)


class Lines(Case):
    def test_each_line_is_an_event(self):
        data = ''.join(f'a b line {i}\n' for i in range(5))
        self.assertEqual(self.dev.write(data), len(data))
        self.appended(5)
        self.assertEqual(device.read_log().texts()[-5:], [b'a b line %d' % i for i in range(5)])

    def test_last_line_without_newline_is_not_consumed(self):
        self.assertEqual(self.dev.write('a b one\na b half'), 8)
        self.appended(1)
        self.assertEqual(device.read_log().texts()[-1], b'a b one')

    def test_no_newline_is_refused(self):
        self.refused(errno.EINVAL, b'a b half')
        self.refused(errno.EINVAL, b'x')

    def test_nothing_is_nothing(self):
        self.assertEqual(self.dev.write(b''), 0)
        self.appended(0)

    def test_empty_line_is_refused(self):
        self.refused(errno.EINVAL, b'\n')
        self.assertEqual(self.dev.write('a b one\n\na b two\n'), 8)
        self.appended(1)

    def test_error_behind_the_first_line_is_a_short_write(self):
        data = b'a b one\na b two\na b \x01\na b four\n'
        self.assertEqual(self.dev.write(data), 16)
        self.appended(2)
        self.before += 2
        self.refused(errno.EINVAL, data[16:])

    def test_bad_line_in_front_stops_everything(self):
        self.refused(errno.EINVAL, b'nospaces\na b two\n')

    def test_many_lines_beyond_the_buffer(self):
        line = b'a b ' + b'c' * 30000 + b'\n'
        self.assertEqual(self.dev.write(line * 7), len(line) * 7)
        self.appended(7)

    def test_split_like_stdio_measures_whole_lines_only(self):
        data, at = b''.join(b'a b split%d\n' % i for i in range(20)), 0
        while at < len(data):
            at += self.dev.write(data[at:at + 31])
        self.appended(20)

    def write_at(self, address, size):
        """write(2) of memory that may fault: bytes taken, or the errno's name"""
        got = device.libc.write(self.dev.fd, ctypes.c_void_p(address), ctypes.c_size_t(size))
        return got if got >= 0 else device.name_of(ctypes.get_errno())

    def test_fault_behind_the_first_line_of_a_small_buffer_measures_nothing(self):
        area, start = device.guarded()
        area[:mmap.PAGESIZE] = b'a b ' + b'c' * (mmap.PAGESIZE - 5) + b'\n'
        self.assertEqual(self.write_at(start, 2 * mmap.PAGESIZE), 'EFAULT')
        self.appended(0)
        self.assertEqual(self.write_at(start, mmap.PAGESIZE), mmap.PAGESIZE)
        self.appended(1)

    def test_fault_behind_the_first_copy_of_a_large_buffer_is_a_short_write(self):
        """66,048 bytes are copied at once: 16 lines of a page and a part of the 17th."""
        area, start = device.guarded(17)
        area[:17 * mmap.PAGESIZE] = (b'a b ' + b'c' * (mmap.PAGESIZE - 5) + b'\n') * 17
        self.assertEqual(self.write_at(start, 18 * mmap.PAGESIZE), 16 * mmap.PAGESIZE)
        self.appended(16)
        self.assertEqual(self.write_at(start + 16 * mmap.PAGESIZE, 2 * mmap.PAGESIZE), 'EFAULT')
        self.appended(16)


class Fields(Case):
    def test_lengths(self):
        for at, limit in enumerate((255, 255, 65535)):
            for size, code in ((0, errno.EINVAL), (1, 0), (limit, 0), (limit + 1, errno.E2BIG)):
                words = [b'a', b'b', b'c']
                words[at] = b'x' * size
                line = b' '.join(words) + b'\n'
                if code:
                    with self.subTest(field=at, size=size):
                        self.refused(code, line)
                else:
                    self.assertEqual(self.dev.write(line), len(line))
                    self.before += 1

    def test_longest_line(self):
        line = b' '.join((b'd' * 255, b'o' * 255, b'c' * 65535)) + b'\n'
        self.assertEqual(self.dev.write(line), len(line))
        self.appended(1)
        self.before += 1
        self.refused(errno.E2BIG, b'x' * 200000)
        self.refused(errno.E2BIG, b' '.join((b'd' * 255, b'o' * 255, b'c' * 65536)) + b'\n')

    def test_every_byte_of_domain_and_operation(self):
        allowed = bytes(range(0x21, 0x7f))
        self.assertEqual(self.dev.write(allowed + b' ' + allowed + b' c\n'), 192)
        self.before += 1
        # A space or newline ends the field, which is another event.
        for byte in set(range(256)) - set(allowed) - {0x20, 0x0a}:
            self.refused(errno.EINVAL, b'a%cb o c\n' % byte)
            self.refused(errno.EINVAL, b'd a%cb c\n' % byte)

    def test_spaces_belong_to_the_content(self):
        self.dev.write('a b  c  \n')
        self.assertEqual(device.read_log().texts()[-1], b'a b  c  ')
        self.before += 1
        self.refused(errno.EINVAL, b' a b c\n')
        self.refused(errno.EINVAL, b'a  b c\n')

    def test_control_characters_in_content(self):
        points = set(range(0x20)) - {0x0a} | set(range(0x7f, 0xa0))
        for point in points:
            self.refused(errno.EINVAL, b'a b c' + chr(point).encode() + b'd\n')

    def test_malformed_utf8(self):
        for bad in UTF8_BAD:
            self.refused(errno.EILSEQ, b'a b ' + bad + b'\n')
            self.refused(errno.EILSEQ, b'a b x' + bad + b'x\n')

    def test_wellformed_utf8(self):
        content = ''.join(UTF8_GOOD)
        self.dev.write(f'a b {content}\n')
        self.assertEqual(device.read_log().texts()[-1].decode(), 'a b ' + content)


class Positions(Case):
    def test_write_has_no_position(self):
        os.lseek(self.dev.fd, 5, os.SEEK_SET)
        self.dev.write('a b c\n')
        self.assertEqual(os.lseek(self.dev.fd, 0, os.SEEK_CUR), 5)
        with self.assertRaises(OSError) as caught:
            os.pwrite(self.dev.fd, b'a b c\n', 0)
        self.assertEqual(caught.exception.errno, errno.ESPIPE)
        self.appended(1)

    def test_seek_and_read(self):
        whole = self.dev.stream()
        self.assertEqual(os.lseek(self.dev.fd, 0, os.SEEK_END), len(whole))
        self.assertEqual(os.read(self.dev.fd, 10), b'')
        self.assertEqual(os.lseek(self.dev.fd, -7, os.SEEK_END), len(whole) - 7)
        self.assertEqual(os.read(self.dev.fd, 100), whole[-7:])
        self.assertEqual(os.lseek(self.dev.fd, 3, os.SEEK_SET), 3)
        self.assertEqual(os.lseek(self.dev.fd, 4, os.SEEK_CUR), 7)
        self.assertEqual(os.read(self.dev.fd, 4), whole[7:11])
        with self.assertRaises(OSError) as caught:
            os.lseek(self.dev.fd, -1, os.SEEK_SET)
        self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_every_way_of_reading_gives_the_same(self):
        self.dev.write('a b c\n')
        whole = self.dev.stream()
        with open(device.FILES + 'binary_runtime_measurements', 'rb', buffering=0) as file:
            self.assertEqual(file.read(), whole)
        for step in (1, 13, 4096, 4097):
            os.lseek(self.dev.fd, max(0, len(whole) - 5000), os.SEEK_SET)
            parts = iter(lambda s=step: os.read(self.dev.fd, s), b'')
            self.assertEqual(b''.join(parts), whole[-5000:])
        for at in range(4090, 4100):
            self.assertEqual(os.pread(self.dev.fd, 20, at), whole[at:at + 20])


class Polling(Case):
    def poll(self, seconds=0):
        poller = select.poll()
        poller.register(self.dev.fd, select.POLLIN | select.POLLOUT | select.POLLPRI)
        found = poller.poll(seconds * 1000)
        return found[0][1] if found else 0

    def test_readable_past_the_position(self):
        self.assertEqual(self.poll(), select.POLLIN | select.POLLOUT)
        os.lseek(self.dev.fd, 0, os.SEEK_END)
        self.assertEqual(self.poll(), select.POLLOUT)
        self.dev.write('a b c\n')
        self.assertEqual(self.poll(), select.POLLIN | select.POLLOUT)

    def test_sleeper_is_woken_by_an_append(self):
        os.lseek(self.dev.fd, 0, os.SEEK_END)
        poller, got = select.poll(), []
        poller.register(self.dev.fd, select.POLLIN)
        sleeper = threading.Thread(target=lambda: got.append(poller.poll(60000)), daemon=True)
        sleeper.start()
        device.wait_for(lambda: device.waits_in(device.SYS_POLL, os.getpid(), sleeper.native_id),
                        what='poll(2) does not wait')
        self.assertEqual(got, [])
        with device.Device() as other:
            other.write('a b c\n')
        device.wait_for(lambda: got, what='poll(2) is not woken')
        self.assertEqual(got, [[(self.dev.fd, select.POLLIN)]])


class Turns(Case):
    """While VERIFY has the turn: its read of the PCR is held in front of the TPM."""

    def setUp(self):
        super().setUp()
        self.dev.snapshot()  # no entry is unconfirmed, so nobody else reads the PCR
        self.proxy = vm.TpmProxy()
        self.addCleanup(self.proxy.__exit__)
        self.proxy.reset()
        self.proxy.hold(14, code='PCR_Read')
        self.errors = []
        self.first = threading.Thread(target=self.ask, daemon=True)
        self.first.start()
        self.addCleanup(self.release)
        device.wait_for(self.held, what='no PCR_Read')

    def ask(self):
        try:
            with device.Device() as dev:
                self.assertEqual(dev.verify().match, 1)
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append(error)

    def held(self):
        return self.proxy.stats()['held']

    def release(self):
        self.proxy.release()
        self.first.join()
        self.assertEqual(self.errors, [])

    def still_held(self):
        """The turn was taken all the time, and nothing was extended."""
        self.assertTrue(self.held() and self.first.is_alive())
        self.assertEqual(self.proxy.stats()['extends'], {})
        self.appended(0)

    @staticmethod
    def taken(dev, line):
        try:
            return dev.write(line) == len(line)
        except BlockingIOError:
            return False

    def test_nonblock_does_not_wait(self):
        with device.Device(os.O_RDWR | os.O_NONBLOCK) as dev:
            for call in (lambda: dev.write('a b now\n'), lambda: dev.extend('a', 'b', 'now')):
                self.answers('O_NONBLOCK', lambda c=call: self.assertRaises(BlockingIOError, c))
            self.still_held()
            self.release()
            # The log may be confirming: that is a turn, too.
            device.wait_for(lambda: self.taken(dev, 'a b later\n'))
        self.appended(1)

    def test_what_needs_no_turn_answers(self):
        questions = {
            'INFO': lambda: self.assertEqual(self.dev.info().count, self.before),
            'lseek': lambda: os.lseek(self.dev.fd, -7, os.SEEK_END),
            'read': lambda: self.assertEqual(len(os.read(self.dev.fd, 100)), 7),
            'poll': lambda: self.assertEqual(
                select.select([self.dev], [self.dev], [], 0), ([], [self.dev], [])),
            'open': lambda: device.Device().close(),
            'get-status': lambda: self.assertEqual(netlink.Family().status()['count'], self.before),
            **{name: lambda name=name: self.assertTrue(whole(device.FILES + name))
               for name in os.listdir(device.FILES)},
        }
        self.assertEqual(len(questions), 12)
        for name, question in questions.items():
            self.answers(name, question)
        self.assertEqual(device.Status().one('state'), 'enabled')
        self.still_held()

    def answers(self, name, question):
        """question() in a thread of its own, so that one that waits can be told."""
        done = []

        def run():
            try:
                question()
                done.append('')
            except BaseException as error:  # pylint: disable=broad-except
                done.append(repr(error))
        threading.Thread(target=run, daemon=True).start()
        device.wait_for(lambda: done, what=f'{name} waits for the turn')
        self.assertEqual(done, [''], name)

    def child(self, number, call):
        """A process that waits in its call"""
        pid = os.fork()
        if pid == 0:
            try:
                call()
            finally:
                os._exit(0)
        device.wait_for(lambda: device.waits_in(number, pid, fd=self.dev.fd),
                        what='the child does not wait')
        return pid

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        _, status = device.wait_for(lambda: any(end := os.waitpid(pid, os.WNOHANG)) and end,
                                    what='the child is not killed')
        self.assertEqual(status, signal.SIGKILL)
        self.still_held()

    def test_killed_while_waiting_measures_nothing(self):
        calls = ((device.SYS_WRITE, lambda: self.dev.write('a b killed\n')),
                 (device.SYS_IOCTL, lambda: self.dev.extend('a', 'b', 'killed')))
        for number, call in calls:
            self.kill(self.child(number, call))
        self.release()
        self.assertEqual(self.dev.verify().match, 1)
        self.assertEqual(self.proxy.stats()['extends'], {})
        self.appended(0)

    def test_killed_between_two_that_wait(self):
        """The others keep their turns, in the order in which they came."""
        pids = [self.child(device.SYS_WRITE, lambda n=n: self.dev.write(f'a b waiter{n}\n'))
                for n in range(3)]
        self.kill(pids[1])
        self.release()
        self.assertEqual([os.waitpid(pid, 0)[1] for pid in (pids[0], pids[2])], [0, 0])
        self.appended(2)
        self.assertEqual(device.read_log().texts()[-2:], [b'a b waiter0', b'a b waiter2'])


def whole(path):
    with open(path, 'rb') as file:
        return file.read()


class Races(Case):
    """A process rewrites the memory while the kernel reads it."""

    PATTERNS = (b'A', b'B', b'\x01', b'\xff')
    SIZE = 6000

    def setUp(self):
        super().setUp()
        self.area = mmap.mmap(-1, 8192)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.area))
        self.area[:4] = b'a b '
        self.area[4 + self.SIZE] = 0x0a
        self.area[4:4 + self.SIZE] = b'A' * self.SIZE
        self.racer = os.fork()
        if self.racer == 0:
            while True:
                for pattern in self.PATTERNS + (b'A', b'B') * 3:
                    self.area[4:4 + self.SIZE] = pattern * self.SIZE

    def tearDown(self):
        os.kill(self.racer, signal.SIGKILL)
        os.waitpid(self.racer, 0)

    def race(self, attempt):
        """RACES attempts, and more until some were taken and, as the first content is a good one,
        some refused for what the racer wrote."""
        good = refused = 0
        deadline = time.monotonic() + 20
        while good + refused < RACES or not (good and refused):
            self.assertLess(time.monotonic(), deadline, f'{good} taken, {refused} refused: no race')
            try:
                attempt()
                good += 1
            except OSError as error:
                self.assertIn(error.errno, (errno.EINVAL, errno.EILSEQ))
                refused += 1
        self.check(good, refused)

    def check(self, good, refused):
        log = device.read_log()
        self.appended(good)
        self.assertEqual(aael.mismatched(log), [])
        for found in log.texts()[-good:]:
            self.assertEqual(found[:4], b'a b ')
            self.assertEqual(set(found[4:]) - set(b'AB'), set())
            self.assertEqual(len(found), 4 + self.SIZE)
        torn = sum(len(set(found[4:])) == 2 for found in log.texts()[-good:])
        print(f'# {good} taken, {torn} of them from two moments, {refused} refused')
        with device.Device() as dev:
            self.assertEqual(dev.verify().match, 1)

    def test_write_takes_what_it_checked(self):
        def attempt():
            size = 5 + self.SIZE
            got = device.libc.write(self.dev.fd, ctypes.c_void_p(self.start), ctypes.c_size_t(size))
            if got < 0:
                raise OSError(ctypes.get_errno(), 'write')
            self.assertEqual(got, size)
        self.race(attempt)

    def test_ioctl_takes_what_it_checked(self):
        words = [ctypes.create_string_buffer(x) for x in (b'a', b'b')]
        addresses = [ctypes.addressof(words[0]), ctypes.addressof(words[1]), self.start + 4]
        self.race(lambda: self.dev.extend('', '', '', lens=[1, 1, self.SIZE], addresses=addresses))
