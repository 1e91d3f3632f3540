#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""For tests/vm/run --ccel: the area of a CC event log in whole pages, and the ACPI table CCEL
(UEFI specification 2.10, "Confidential Computing") that names it, right or wrong.

Prints where the area is to be loaded, and what tells the kernel of what type that memory is.
"""
import argparse
import struct

PAGE = 4096
BELOW_END = 16 << 20    # QEMU puts initramfs and tables between the area and the end of memory
AREA_MAX = 8 << 20
MEMORY_MAX = 1024 << 20
CC_TYPE_TDX = 2

# How the memory is marked, and what the table says of an area at that address of that size.
# "ACPI Tables" (#) is the type that firmware uses in a TDX guest.
TABLES = {
    'acpi': ('#', lambda address, size: (address, size)),
    # A kernel in a TDX guest shares memory of this type with the host when it maps it.
    'reserved': ('$', lambda address, size: (address, size)),
    'nowhere': ('#', lambda address, size: (1 << 36, size)),
    # Wider than the addresses of any processor of QEMU's.
    'beyond': ('#', lambda address, size: (1 << 52, size)),
    'overflow': ('#', lambda address, size: (address, (1 << 64) - PAGE)),
    'huge': ('#', lambda address, size: (address, 1 << 40)),
    'empty': ('#', lambda address, size: (address, 0)),
    # The table ends before the address.
    'short': ('#', lambda address, size: None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--log', required=True, help='the log, of any size')
    parser.add_argument('--table', choices=TABLES, required=True)
    parser.add_argument('--memory', type=int, required=True, help="the guest's, in MiB")
    parser.add_argument('--area', required=True, help='file that gets the log in whole pages')
    parser.add_argument('--data', required=True, help="file that gets the table's data")
    args = parser.parse_args()

    with open(args.log, 'rb') as file:
        log = file.read()
    size = -(-len(log) // PAGE) * PAGE
    memory = args.memory << 20
    address = memory - BELOW_END
    if not 0 < size <= AREA_MAX or not BELOW_END < memory <= MEMORY_MAX:
        parser.error('no place for that log in that memory')
    mark, place = TABLES[args.table]
    placed = place(address, size)
    with open(args.area, 'wb') as file:
        file.write(log.ljust(size, b'\0'))
    with open(args.data, 'wb') as file:
        file.write(struct.pack('<BBH', CC_TYPE_TDX, 0, 0))
        if placed:
            file.write(struct.pack('<QQ', placed[1], placed[0]))
    print(address, f'memmap={size // 1024}K{mark}{address}')


if __name__ == '__main__':
    main()
