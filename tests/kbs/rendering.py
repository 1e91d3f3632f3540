# SPDX-License-Identifier: Apache-2.0
"""A log as the JSON that Trustee's tokens show, independent of helper/lib/render.c. Pure.

Device paths are left out: of the entries with one, details are empty.
"""
import base64
import functools
import json
import struct

import aael
from quotes import FOREIGN, Refused, demand

TITLES = {0xb: 'SHA-256', 0xc: 'SHA-384', 0xd: 'SHA-512'}
TYPES = dict(enumerate((
    'EV_PREBOOT_CERT', 'EV_POST_CODE', 'EV_UNUSED', 'EV_NO_ACTION', 'EV_SEPARATOR', 'EV_ACTION',
    'EV_EVENT_TAG', 'EV_S_CRTM_CONTENTS', 'EV_S_CRTM_VERSION', 'EV_CPU_MICROCODE',
    'EV_PLATFORM_CONFIG_FLAGS', 'EV_TABLE_OF_DEVICES', 'EV_COMPACT_HASH', 'EV_IPL',
    'EV_IPL_PARTITION_DATA', 'EV_NONHOST_CODE', 'EV_NONHOST_CONFIG', 'EV_NONHOST_INFO',
    'EV_OMIT_BOOT_DEVICE_EVENTS', 'EV_POST_CODE2')))
TYPES |= dict(enumerate((
    'EV_EFI_VARIABLE_DRIVER_CONFIG', 'EV_EFI_VARIABLE_BOOT', 'EV_EFI_BOOT_SERVICES_APPLICATION',
    'EV_EFI_BOOT_SERVICES_DRIVER', 'EV_EFI_RUNTIME_SERVICES_DRIVER', 'EV_EFI_GPT_EVENT',
    'EV_EFI_ACTION', 'EV_EFI_PLATFORM_FIRMWARE_BLOB', 'EV_EFI_HANDOFF_TABLES',
    'EV_EFI_PLATFORM_FIRMWARE_BLOB2', 'EV_EFI_HANDOFF_TABLES2', 'EV_EFI_VARIABLE_BOOT2',
    'EV_EFI_GPT_EVENT2'), 0x80000001))
TYPES |= {0x80000010: 'EV_EFI_HCRTM_EVENT', 0x800000e0: 'EV_EFI_VARIABLE_AUTHORITY'}
PLAIN = ('EV_IPL', 'EV_ACTION', 'EV_EFI_ACTION', 'EV_PLATFORM_CONFIG_FLAGS')
COUNTED = ('EV_EFI_HANDOFF_TABLES2', 'EV_EFI_PLATFORM_FIRMWARE_BLOB2')
VARIABLES = ('EV_EFI_VARIABLE_DRIVER_CONFIG', 'EV_EFI_VARIABLE_BOOT', 'EV_EFI_VARIABLE_BOOT2',
             'EV_EFI_VARIABLE_AUTHORITY')


def is_json(content):
    def no_constant(name):
        raise ValueError(name)
    try:
        return True, json.loads(content, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return False, content


def ours(event):
    """Details of an entry of ours. A text that is not one is a reason to refuse the whole log."""
    _, size = struct.unpack_from('<II', event)
    demand(size == len(event) - 8, 'an AAEL entry whose text is not as long as it says')
    try:
        string = event[8:].decode()
    except UnicodeDecodeError as error:
        raise Refused('an AAEL entry that is not UTF-8') from error
    parts = string.split(' ', 2)
    demand(len(parts) == 3 and all(parts) and '\n' not in string,
           f'an AAEL entry that is not DOMAIN OPERATION CONTENT: {string!r}')
    domain, operation, content = parts
    return {'string': string, 'unicode_name': 'AAEL',
            'data': {'domain': domain, 'operation': operation, 'content': is_json(content)[1]}}


def variable(event):
    """guid[16]  u64 name units  u64 data size  name[]  data[]"""
    try:
        units, size = struct.unpack_from('<QQ', event, 16)
    except struct.error:
        return {}
    end = 32 + 2 * units
    if end + size > len(event):
        return {}
    guid = event[:16].hex()
    return {'unicode_name': event[32:end].decode('utf-16-le', 'replace'), 'unicode_name_length': units,
            'variable_data': base64.b64encode(event[end:end + size]).decode(),
            'variable_data_length': size,
            'variable_name': '-'.join((guid[:8], guid[8:12], guid[12:16], guid[16:20], guid[20:]))}


def string(data):
    return {'string': data.rstrip(b'\0').decode('utf-8', 'replace')}


def details(name, event):
    if name == 'EV_EVENT_TAG' and len(event) >= 8:
        tag, size = struct.unpack_from('<II', event)
        if tag == aael.TAG:
            return ours(event)
        return string(event[8:8 + size]) if size <= len(event) - 8 else {}
    if name in PLAIN:
        return string(event)
    if name in COUNTED and event and event[0] < len(event):
        return string(event[1:1 + event[0]])
    return variable(event) if name in VARIABLES else {}


@functools.lru_cache(maxsize=1 << 14)  # under load the same log comes again and again
def entry(register, kind, digests, event):
    """digests: pairs of algorithm and bytes. What it returns is shared: not to be changed."""
    name = TYPES.get(kind, f'EV_UNKNOWN_0x{kind:08x}')
    return {
        'details': details(name, event),
        'digest_matches_event': all(aael.hashed(alg, event) == digest for alg, digest in digests),
        'digests': [{'alg': TITLES[alg], 'digest': digest.hex()} for alg, digest in digests],
        'event': base64.b64encode(event).decode(),
        'index': register,
        'type_name': name,
    }


def log(entries):
    """uefi_event_logs of those entries, whose algorithms are among TITLES"""
    return [entry(one.register, one.type, tuple(one.digests.items()), one.event) for one in entries]


def belied(shown):
    """Is there an entry of ours whose text is not that of its digest? Foreign extends have another."""
    return any(not one['digest_matches_event'] and 'data' in one['details']
               and not one['details']['string'].startswith(FOREIGN.decode()) for one in shown)
