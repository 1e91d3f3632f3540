# SPDX-License-Identifier: Apache-2.0
"""JSON and base64 of the stub: as strict as what is tested with them."""
import unittest

import wire
from quotes import Refused


class Json(unittest.TestCase):
    def test_strict(self):
        self.assertEqual(wire.parse('{"a":["ä",1,null]}'.encode()), {'a': ['ä', 1, None]})
        for bad in (b'', b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'[NaN]', b'[-Infinity]', b'"\xff"',
                    b'{} {}', b'[' * 100000, b"{'a':1}"):
            with self.assertRaises(Refused, msg=bad[:20]):
                wire.parse(bad)

    def test_members(self):
        self.assertEqual(wire.members({'b': 2, 'a': 1, 'c': 3}, 'a', 'b', optional=('c',)), [1, 2])
        for bad in ({'a': 1}, {'a': 1, 'b': 2, 'd': 3}, [], None, 'ab'):
            with self.assertRaises(Refused):
                wire.members(bad, 'a', 'b', optional=('c',))


class Base64(unittest.TestCase):
    def test_standard(self):
        self.assertEqual(wire.base64_decode('+/8=', ''), b'\xfb\xff')
        for bad in ('+/8', '-_8=', '+/9=', ' +/8=', '+/8=\n', 5, None, 'ä'):
            with self.assertRaises(Refused, msg=bad):
                wire.base64_decode(bad, '')

    def test_url_safe(self):
        self.assertEqual(wire.base64url_decode('-_8', ''), b'\xfb\xff')
        for bad in ('-_8=', '+/8', '-_9', 'A', '-_8\n', 5, None):
            with self.assertRaises(Refused, msg=bad):
                wire.base64url_decode(bad, '')
