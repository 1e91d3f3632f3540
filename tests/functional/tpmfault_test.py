# SPDX-License-Identifier: Apache-2.0
# vm: kernel=6.1,6.12,debug tpm=none
# vm-timeout: 300
"""Every row of the failure table, driven through a TPM that misbehaves on command.

Each case uses a PCR of its own (the privileged indexes), because `diverged` is for
good. After each: the log replays to the register, or status says that it does not.
"""
import errno
import os
import subprocess
import unittest

import aael
import device
import vtpm

SHA256 = 0xB


def append(dev, index, content):
    """Return (errno or 0, sequence)."""
    try:
        return 0, dev.extend("fault", "test", content, index)[0]
    except OSError as e:
        return e.errno, e.sequence


class TpmFaultTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["modprobe", "tpm_vtpm_proxy"], check=True)
        cls.tpm = vtpm.Tpm()
        device.insmod(provider="tpm", enable=1)
        cls.device = device.Device()

    def tearDown(self):
        self.tpm.unscript()

    def verify(self, pcr):
        """Have the register read and compared; return True if it matches."""
        return self.device.verify(pcr).match == 1

    def health(self, pcr):
        for line in device.text_file("status").splitlines():
            if line.startswith("register_health: PCR %d:" % pcr):
                return line.split(":")[2].split(",")[0].strip()
        return None

    def agree(self, pcr):
        """The log replays to the register of the TPM."""
        replayed = aael.replay(device.read_log().entries, pcr, SHA256)
        return replayed == self.tpm.value(pcr)

    def assert_consistent(self, pcr):
        self.assertTrue(self.verify(pcr))
        self.assertEqual(self.health(pcr), "consistent", device.text_file("status"))
        self.assertTrue(self.agree(pcr))

    def assert_diverged(self, pcr, text):
        self.assertEqual(self.health(pcr), "diverged", device.text_file("status"))
        self.assertIn("diverged: PCR %d %s" % (pcr, text), device.text_file("status"))
        self.assertIn("diverged_values: PCR %d sha256" % pcr, device.text_file("status"))

    def assert_logged(self, content, times=1):
        texts = [t for t in device.read_log().texts() if t == b"fault test " + content.encode()]
        self.assertEqual(len(texts), times)

    def extend_fails(self, pcr, action, expected, logged):
        self.assertEqual(append(self.device, pcr, "before")[0], 0)
        self.tpm.script(vtpm.CC_PCR_EXTEND, action)
        content = "%s-%d" % (action, pcr)
        self.assertEqual(append(self.device, pcr, content)[0], expected)
        self.assert_logged(content, logged)
        self.assert_consistent(pcr)
        self.assertEqual(append(self.device, pcr, "after-" + content)[0], 0)
        self.assert_consistent(pcr)

    def test_01_refused_is_eio_and_not_logged(self):
        self.extend_fails(9, vtpm.REFUSE, errno.EIO, 0)

    def test_02_timed_out_but_applied_is_logged(self):
        self.extend_fails(9, vtpm.APPLY_TIMEOUT, 0, 1)

    def test_03_timed_out_and_not_applied_is_eio(self):
        self.extend_fails(9, vtpm.TIMEOUT, errno.EIO, 0)

    def test_04_short_reply_after_applying_is_logged(self):
        self.extend_fails(9, vtpm.SHORT, 0, 1)

    def test_05_garbage_reply_after_applying_is_logged(self):
        self.extend_fails(9, vtpm.GARBAGE, 0, 1)

    def test_06_read_back_fails_then_recovers(self):
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.APPLY_TIMEOUT)
        self.tpm.script(vtpm.CC_PCR_READ, vtpm.FAIL, vtpm.FAIL)
        self.assertEqual(append(self.device, 9, "recovers")[0], 0)
        self.assert_logged("recovers")
        self.assert_consistent(9)

    def undecided(self, action, content):
        self.tpm.script(vtpm.CC_PCR_EXTEND, action)
        self.tpm.script(vtpm.CC_PCR_READ, *[vtpm.FAIL] * 200)
        error, sequence = append(self.device, 9, content)
        self.assertEqual(error, errno.ETIMEDOUT)
        self.assertEqual(sequence, len(device.read_log().ours) + 1)
        self.assertIn("pending: entry %d is undecided" % sequence, device.text_file("status"))
        self.assertEqual(self.health(9), "unknown")
        # While it is undecided nothing else can be measured.
        self.assertEqual(append(self.device, 9, "behind-" + content)[0], errno.EIO)
        self.tpm.unscript()

    def test_07_undecided_and_applied_is_logged_by_the_next_use(self):
        self.undecided(vtpm.APPLY_TIMEOUT, "undecided-applied")
        self.assert_consistent(9)
        self.assert_logged("undecided-applied")
        self.assert_logged("behind-undecided-applied", 0)

    def test_08_undecided_and_not_applied_is_dropped_by_the_next_use(self):
        self.undecided(vtpm.TIMEOUT, "undecided-dropped")
        self.assertEqual(append(self.device, 9, "next")[0], 0)
        self.assert_logged("undecided-dropped", 0)
        self.assertNotIn("pending:", device.text_file("status"))
        self.assert_consistent(9)

    def test_09_applied_late_is_logged_late(self):
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.APPLY_LATER)
        self.assertEqual(append(self.device, 9, "late")[0], errno.EIO)
        self.assert_logged("late", 0)
        self.tpm.apply_late()
        self.verify(9)
        self.assert_logged("late")
        self.assert_consistent(9)

    def test_10_success_without_effect_is_repaired(self):
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.LIE)
        self.assertEqual(append(self.device, 9, "lie")[0], 0)
        self.assert_consistent(9)
        self.assert_logged("lie")
        self.assertIn("repairs: 1", device.text_file("status"))

    def test_11_one_extend_for_each_event(self):
        before = self.tpm.count[vtpm.CC_PCR_EXTEND]
        for n in range(50):
            self.assertEqual(append(self.device, 9, "count-%d" % n)[0], 0)
        self.assertEqual(self.tpm.count[vtpm.CC_PCR_EXTEND] - before, 50)
        self.assert_consistent(9)

    def test_20_foreign_extend_is_diverged(self):
        self.assertEqual(append(self.device, 10, "own")[0], 0)
        self.verify(10)
        self.tpm.foreign(10)
        self.assertFalse(self.verify(10))
        self.assert_diverged(10, "was extended by somebody else")
        self.assertFalse(self.agree(10))
        # Appends go on, and doubts can still be decided against the new value.
        self.extend_after_divergence(10)

    def extend_after_divergence(self, pcr):
        self.assertEqual(append(self.device, pcr, "goes-on")[0], 0)
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.APPLY_TIMEOUT)
        self.assertEqual(append(self.device, pcr, "applied-after-all-%d" % pcr)[0], 0)
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.TIMEOUT)
        self.assertEqual(append(self.device, pcr, "not-applied-%d" % pcr)[0], errno.EIO)
        self.assert_logged("not-applied-%d" % pcr, 0)
        self.assertEqual(self.health(pcr), "diverged")

    def test_21_foreign_extend_in_front_of_a_time_out_is_diverged(self):
        self.assertEqual(append(self.device, 11, "own")[0], 0)
        self.tpm.foreign(11)
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.APPLY_TIMEOUT)
        self.assertEqual(append(self.device, 11, "between")[0], errno.EIO)
        self.assert_logged("between", 0)
        self.assert_diverged(11, "was extended by somebody else")

    def test_22_an_earlier_entry_missing_is_named(self):
        self.verify(12)
        self.assertEqual(append(self.device, 12, "first")[0], 0)
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.LIE)
        error, missing = append(self.device, 12, "missing")
        self.assertEqual(error, 0)
        self.assertEqual(append(self.device, 12, "last")[0], 0)
        self.assertFalse(self.verify(12))
        self.assert_diverged(12, "lacks entry %d" % missing)

    def test_23_other_registers_are_not_affected(self):
        self.assertEqual(append(self.device, 13, "untouched")[0], 0)
        self.assert_consistent(13)
        self.assertIn("health: diverged", device.text_file("status"))

    def test_30_the_last_append_is_confirmed_by_itself(self):
        self.tpm.script(vtpm.CC_PCR_EXTEND, vtpm.LIE)
        self.assertEqual(append(self.device, 15, "confirmed")[0], 0)
        # Nothing asks; the confirmation comes by the clock, which dmesg shows.
        with open("/dev/kmsg") as kmsg:
            for line in kmsg:
                if "acknowledged by the device but not applied" in line and \
                        "entry %d " % len(device.read_log().ours) in line:
                    break
        self.assert_consistent(15)

    def test_90_device_gone_is_said_and_latched(self):
        before = len(device.read_log().ours)
        self.tpm.remove()
        # The proxy device goes with the last reference to its descriptor. An append that
        # meets the driver while it is leaving is undecided, and stays so.
        device.wait_for(lambda: not os.path.exists("/dev/tpm%d" % self.tpm.number))
        self.assertIn(append(self.device, 9, "gone")[0], (errno.ENODEV, errno.ETIMEDOUT))
        self.assertEqual(append(self.device, 9, "still-gone")[0], errno.ENODEV)
        self.assertIn("health: gone", device.text_file("status"))
        self.assertEqual(len(device.read_log().ours), before)
        # Another chip is never taken in its place.
        other = vtpm.Tpm()
        self.addCleanup(other.remove)
        self.assertEqual(append(self.device, 9, "other")[0], errno.ENODEV)
        self.assertIn("health: gone", device.text_file("status"))


if __name__ == "__main__":
    unittest.main()
