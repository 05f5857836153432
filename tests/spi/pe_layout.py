#!/usr/bin/env python3
"""Compares what the compilers of all builds make of the service provider interface.

  pe_layout.py SOURCE_DIR LINUX_CC WINDOWS64_CC WINDOWS32_CC    each as it is called by its build
  pe_layout.py --selftest

Linux with our headers and 64-bit Windows with the SDK's must agree in everything; 32-bit Windows in all numbers, slots and
in those structures that hold no pointer. Every value must also be the one of wsp/wsp_layout.h.
Status 77: a compiler is not there, with the reason.
"""
import os
import re
import shutil
import subprocess
import sys

LINUX = ['-fshort-wchar', '-Iwsp/ws2_32/include']
WINDOWS = ['-D_WIN32_WINNT=0x0A00']


def dump(source, compiler, flags):
    text = subprocess.run([compiler, '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-S', '-o', '-', '-Iwsp', *flags,
                           'tests/spi/layout_dump.c'], cwd=source, check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in re.findall(r'->(.+?) \$?(-?\d+)"', text)}


def intended(source):
    """Name: (value on 64 bits, value on 32 bits), from the rows of wsp_layout.h."""
    with open(os.path.join(source, 'wsp/wsp_layout.h'), encoding='ascii') as file:
        text = file.read()
    rows = {}
    for list_name, body in re.findall(r'#define WSP_LAYOUT_(\w+)\(X\)((?:.*\\\n)*.*)', text):
        for row in re.findall(r'X\(([^)]*)\)', body):
            parts = [part.strip() for part in row.split(',')]
            if list_name == 'SIZES':
                rows['sizeof ' + parts[0]] = (int(parts[1]), int(parts[2]))
            elif list_name == 'FIELDS':
                rows[f'offsetof {parts[0]}.{parts[1]}'] = (int(parts[2]), int(parts[3]))
            else:
                kind = {'SLOTS': 'slot', 'UPCALLS': 'upcall'}.get(list_name, 'number')
                rows[f'{kind} {parts[0]}'] = (int(parts[1], 0), int(parts[1], 0))
    return rows


def compare(rows, linux, wide, narrow):
    found = []
    for name, (on64, on32) in rows.items():
        for build, values, value in (('Linux', linux, on64), ('64-bit Windows', wide, on64),
                                     ('32-bit Windows', narrow, on32)):
            got = values.get(name)
            if got is None:
                found.append(f'{name}: {build} has no such row')
            elif got & 0xffffffff != value & 0xffffffff:
                found.append(f'{name}: {build} says {got:#x}, the rules {value:#x}')
    for build, values in (('Linux', linux), ('64-bit Windows', wide), ('32-bit Windows', narrow)):
        for name in sorted(set(values) - set(rows)):
            found.append(f'{name}: {build} has a row that the rules have not')
    return found


def selftest():
    rows = {'sizeof A': (16, 8), 'number B': (7, 7)}
    good = ({'sizeof A': 16, 'number B': 7}, {'sizeof A': 16, 'number B': 7}, {'sizeof A': 8, 'number B': 7})
    wrong = [
        ({'sizeof A': 12, 'number B': 7}, good[1], good[2]),
        (good[0], {'sizeof A': 16, 'number B': 8}, good[2]),
        (good[0], good[1], {'sizeof A': 16, 'number B': 7}),
        (good[0], good[1], {'number B': 7}),
        (good[0], {'sizeof A': 16, 'number B': 7, 'number C': 1}, good[2]),
    ]
    if compare(rows, *good):
        print('a good set is refused')
        return 1
    for number, values in enumerate(wrong):
        if len(compare(rows, *values)) != 1:
            print(f'planted fault {number} is not found')
            return 1
    return 0


def main():
    if sys.argv[1:] == ['--selftest']:
        return selftest()
    source, *compilers = sys.argv[1:]
    for compiler in compilers:
        if not shutil.which(compiler):
            print(f'skipped: no {compiler}')
            return 77
    rows = intended(source)
    dumps = [dump(source, compiler, flags) for compiler, flags in zip(compilers, (LINUX, WINDOWS, WINDOWS))]
    found = compare(rows, *dumps)
    for fault in found:
        print(fault)
    differ = sorted(name for name in rows if rows[name][0] != rows[name][1])
    print(f'{len(rows)} sizes, offsets and numbers, by {len(dumps)} compilers: {len(found)} faults; '
          f'{len(differ)} differ by width as they must')
    return bool(found) or len(rows) < 200


if __name__ == '__main__':
    sys.exit(main())
