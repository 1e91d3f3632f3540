# SPDX-License-Identifier: Apache-2.0
# vm: kernel=7,debug
# vm-tdx: yes
# vm-timeout: 240
"""Own and foreign extends at once: all of them are in the log, in the register's order."""
import hashlib
import os
import threading
import unittest

import aael
import device
import tdx
import vm

SHA384 = 0xc
WRITERS = 4
OWN, FOREIGN = (60, 60) if vm.DEBUG else (500, 500)


class Together(unittest.TestCase):
    def setUp(self):
        tdx.load()
        device.insmod(enable=1)

    @staticmethod
    def foreign(index):
        fd = os.open(tdx.path(index), os.O_WRONLY)
        for i in range(FOREIGN):
            os.pwrite(fd, hashlib.sha384(f'{index} {i}'.encode()).digest(), 0)
        os.close(fd)

    @staticmethod
    def own(number):
        with device.Device(os.O_WRONLY) as dev:
            for i in range(OWN):
                dev.write(f'own {number} {i}\n')

    def test_every_extend_is_in_the_log(self):
        problems = []

        def run(function, argument):
            try:
                function(argument)
            except BaseException as error:  # pylint: disable=broad-except
                problems.append(error)
        threads = [threading.Thread(target=run, args=(self.foreign, i)) for i in (2, 3)]
        threads += [threading.Thread(target=run, args=(self.own, i)) for i in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
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
        for number in range(WRITERS):
            self.assertEqual([t for t in log.texts() if t.startswith(b'own %d ' % number)],
                             [b'own %d %d' % (number, i) for i in range(OWN)])
