# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.12,7,debug
# vm-tdx: yes
# vm-timeout: 240
"""Own and foreign extends at once: all of them are in the log, in the register's order; or, where
nobody can know of foreign ones, the log says that it has diverged."""
import hashlib
import os
import threading
import unittest

import aael
import device
import rest
import tdx
import vm

SHA384 = 0xc
WRITERS = 4
OWN, FOREIGN = (60, 60) if vm.DEBUG else (500, 500)


class Case(unittest.TestCase):
    def setUp(self):
        tdx.load()
        device.insmod(enable=1)

    @staticmethod
    def own(number):
        with device.Device(os.O_WRONLY) as dev:
            for i in range(OWN):
                dev.write(f'own {number} {i}\n')

    def together(self, foreign):
        """All writers, and a foreign one for each of RTMR2 and RTMR3"""
        problems = []

        def run(function, argument):
            try:
                function(argument)
            except BaseException as error:  # pylint: disable=broad-except
                problems.append(error)
        threads = [threading.Thread(target=run, args=(foreign, i)) for i in (2, 3)]
        threads += [threading.Thread(target=run, args=(self.own, i)) for i in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

    def has_own(self, log):
        for number in range(WRITERS):
            self.assertEqual([t for t in log.texts() if t.startswith(b'own %d ' % number)],
                             [b'own %d %d' % (number, i) for i in range(OWN)])


class Followed(Case):
    @staticmethod
    def foreign(index):
        fd = os.open(tdx.path(index), os.O_WRONLY)
        for i in range(FOREIGN):
            os.pwrite(fd, hashlib.sha384(f'{index} {i}'.encode()).digest(), 0)
        os.close(fd)

    def test_every_extend_is_in_the_log(self):
        self.together(self.foreign)
        with device.Device() as dev:
            self.assertEqual(dev.verify().match, 1)
            self.assertEqual(device.HEALTHS[dev.info().health], 'consistent')
            self.assertEqual(dev.info().violations, 2 * FOREIGN)
            self.assertEqual(dev.info().count, WRITERS * OWN + 2 * FOREIGN)
        log = device.read_log()
        live = tdx.reported()
        for register in range(1, 5):
            self.assertEqual(aael.replay(log.entries, register, SHA384), live[register - 1])
        for index in (2, 3):
            found = [e.digests[SHA384] for e in log.ours
                     if e.register == index + 1 and aael.text(e).startswith(b'aael foreign-extend ')]
            self.assertEqual(found, [hashlib.sha384(f'{index} {i}'.encode()).digest()
                                     for i in range(FOREIGN)])
        self.has_own(log)


class Unnoticed(Case):
    """Extends go past every driver, as other code in the kernel can make them."""

    @staticmethod
    def foreign(index):
        for i in range(FOREIGN):
            tdx.extend_behind(index, hashlib.sha384(f'{index} {i}'.encode()).digest())

    def test_log_says_that_it_diverged(self):
        self.together(self.foreign)
        with device.Device() as dev:
            self.assertEqual(dev.verify().match, 0)
            self.assertEqual(device.HEALTHS[dev.info().health], 'diverged')
            self.assertEqual(dev.info().count, WRITERS * OWN)
            dev.write('own after all\n')
        self.assertIn('diverged: CC register 4 was extended by somebody else\n',
                      device.run('aaelctl', 'status'))
        with rest.Daemon() as daemon:
            self.assertIn(b'"health":"diverged"', daemon.get('/info').body)
        self.has_own(device.read_log())


if tdx.has_tsm():
    del Unnoticed
else:
    del Followed
