# SPDX-License-Identifier: Apache-2.0
"""JSON and base64 as the protocol has them. Pure; Refused for what is malformed."""
import base64
import binascii
import json
import re

from quotes import Refused, demand

INTEGER_MAX = 2 ** 53 - 1


def distinct(pairs):
    found = dict(pairs)
    demand(len(found) == len(pairs), 'JSON: a key twice')
    return found


def no_constant(name):
    raise Refused(f'JSON: {name}')


def parse(body):
    """Strict JSON: UTF-8, no key twice, no NaN."""
    try:
        return json.loads(body.decode(), object_pairs_hook=distinct, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f'no JSON: {error}') from error


def members(value, *names, optional=()):
    """The values of exactly those members of an object, in that order."""
    demand(isinstance(value, dict), f'not an object where {", ".join(names)} are wanted')
    demand(set(names) <= set(value) <= {*names, *optional},
           f'members {", ".join(sorted(value)) or "none"}, not {", ".join(names)}')
    return [value[name] for name in names]


def text(value, what):
    demand(isinstance(value, str), f'{what} is no string')
    return value


def canonical(value):
    """RFC 8785, for what the protocol uses of JSON: no fractions."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode('utf-16-be', 'surrogatepass'))
        return b'{' + b','.join(canonical(key) + b':' + canonical(value[key]) for key in keys) + b'}'
    if isinstance(value, list):
        return b'[' + b','.join(map(canonical, value)) + b']'
    if isinstance(value, int) and abs(value) > INTEGER_MAX or isinstance(value, float):
        raise Refused(f'RFC 8785: no number for us: {value}')
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Refused('RFC 8785: half a surrogate pair') from error


def base64_decode(value, what):
    """Standard alphabet, padded, canonical"""
    try:
        data = base64.b64decode(text(value, what), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refused(f'{what}: no base64: {error}') from error
    demand(base64.b64encode(data).decode() == value, f'{what}: base64 with stray bits')
    return data


def base64_encode(data):
    return base64.b64encode(data).decode()


def base64url_decode(value, what):
    """URL-safe alphabet, no padding, canonical"""
    demand(re.fullmatch('[A-Za-z0-9_-]*', text(value, what)), f'{what}: no URL-safe base64')
    try:
        data = base64.urlsafe_b64decode(value + '=' * (-len(value) % 4))
    except binascii.Error as error:
        raise Refused(f'{what}: no URL-safe base64: {error}') from error
    demand(base64url_encode(data) == value, f'{what}: base64 with stray bits')
    return data


def base64url_encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
