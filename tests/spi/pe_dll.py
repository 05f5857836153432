#!/usr/bin/env python3
"""What a DLL exports and imports, by objdump -p, is exactly what is intended.

  pe_dll.py check --objdump TOOL --dll FILE --machine pei-x86-64 --export NAME... --import DLL...
  pe_dll.py same --objdump TOOL --dll FILE --objdump32 TOOL --dll32 FILE
  pe_dll.py stdcall --objdump32 TOOL --dll32 FILE --function NAME --bytes N
  pe_dll.py selftest --objdump TOOL --cc COMPILER

check    exports: these names, each with code of its own (no forwarder), no further ordinal without a name; imports: from
         these DLLs (as they are spelled), by name, now (not when first called).
same     the DLLs of both widths have the same exports and import from the same DLLs.
stdcall  a function of the 32-bit DLL takes N bytes of arguments off the stack, as __stdcall does.
selftest the faults that check is for, planted in DLLs that it makes, are found.

Status 77: a file is not there, with the reason.
"""
import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile


def objdump(tool, option, path):
    return subprocess.run([tool, option, path], check=True, capture_output=True, text=True).stdout


class Image:
    """The headers of a PE file as objdump -p prints them."""

    def __init__(self, tool, path):
        text = objdump(tool, '-p', path)
        found = re.search(r'file format (\S+)', text)
        self.machine = found.group(1) if found else ''
        self.imports = {}
        self.delayed = self._directory(text, 'd') != 0
        self._read_imports(text)
        self.addresses = {}
        self.forwarders = {}
        self.names = {}
        self._read_exports(text)

    @staticmethod
    def _directory(text, entry):
        found = re.search(rf'^Entry {entry} [0-9a-f]+ ([0-9a-f]+) ', text, re.M)
        return int(found.group(1), 16) if found else 0

    def _read_imports(self, text):
        dll = None
        for line in text.splitlines():
            found = re.match(r'\s+DLL Name: (\S+)', line)
            if found:
                dll = self.imports.setdefault(found.group(1), [])
                continue
            found = re.match(r'\s+[0-9a-f]+\s+([0-9a-f]+)\s+(\S.*)$', line)
            if dll is not None and found:
                dll.append(found.group(2).split()[0])
            elif line.strip() and not line.lstrip().startswith(('vma:', '0')):
                dll = None

    def _read_exports(self, text):
        part = None
        for line in text.splitlines():
            if line.startswith('Export Address Table'):
                part = 'addresses'
            elif line.startswith('[Ordinal/Name Pointer] Table'):
                part = 'names'
            elif part == 'addresses':
                found = re.match(r'\s*\[\s*(\d+)\] \+base\[\s*\d+\] [0-9a-f]+ (Export|Forwarder) RVA(?: -- (.*))?', line)
                if found:
                    (self.forwarders if found.group(2) == 'Forwarder' else self.addresses)[int(found.group(1))] = \
                        found.group(3)
            elif part == 'names':
                # Newer ones print "+base[   1]  0000 NAME".
                found = re.match(r'\s*\[\s*(\d+)\](?: \+base\[\s*\d+\]\s+[0-9a-f]+)? (\S+)', line)
                if found:
                    self.names[found.group(2)] = int(found.group(1))
                else:
                    part = None


def faults(image, machine, exports, imports):
    """What differs from the intention, in words."""
    found = []
    if image.machine != machine:
        found.append(f'made for {image.machine}, not {machine}')
    for name in sorted(set(exports) - set(image.names)):
        found.append(f'does not export {name}')
    for name in sorted(set(image.names) - set(exports)):
        found.append(f'exports {name}')
    for ordinal, target in sorted(image.forwarders.items()):
        found.append(f'forwards an export (index {ordinal}) to {target}')
    unnamed = (set(image.addresses) | set(image.forwarders)) - set(image.names.values())
    for ordinal in sorted(unnamed):
        found.append(f'exports index {ordinal} without a name')
    for name, index in sorted(image.names.items()):
        if index not in image.addresses and index not in image.forwarders:
            found.append(f'{name} has no address')
    for dll in sorted(set(imports) - set(image.imports)):
        found.append(f'imports nothing from {dll}')
    for dll in sorted(set(image.imports) - set(imports)):
        found.append(f'imports from {dll}: {" ".join(image.imports[dll])}')
    for dll, members in sorted(image.imports.items()):
        if not members:
            found.append(f'imports no function from {dll}, or objdump prints them otherwise')
        if '<none>' in members:
            found.append(f'imports from {dll} by ordinal')
    if image.delayed:
        found.append('has a delay import directory')
    return found


def there(*paths):
    for path in paths:
        if not os.path.exists(path):
            print(f'skipped: {path} is not there (presets mingw and mingw32)')
            sys.exit(77)


def check(args):
    there(args.dll)
    image = Image(args.objdump, args.dll)
    found = faults(image, args.machine, args.exports, args.imports)
    for fault in found:
        print(f'{args.dll}: {fault}')
    if not found:
        print(f'{args.dll}: exports {" ".join(sorted(image.names))}; imports from {" ".join(sorted(image.imports))}')
    return bool(found)


def same(args):
    there(args.dll, args.dll32)
    wide, narrow = Image(args.objdump, args.dll), Image(args.objdump32, args.dll32)
    found = []
    if sorted(wide.names.items()) != sorted(narrow.names.items()):
        found.append(f'exports {sorted(wide.names.items())} and {sorted(narrow.names.items())}')
    if sorted(wide.imports) != sorted(narrow.imports):
        found.append(f'imports from {sorted(wide.imports)} and {sorted(narrow.imports)}')
    if wide.machine == narrow.machine:
        found.append(f'both for {wide.machine}')
    if not wide.names or not wide.imports:
        found.append('nothing was compared')
    for fault in found:
        print(f'{args.dll}, {args.dll32}: {fault}')
    return bool(found)


def stdcall(args):
    there(args.dll32)
    # The symbol table has the decorated name, the number included: it says what the compiler took off.
    text = objdump(args.objdump32, '-t', args.dll32)
    wanted = f'_{args.function}@{args.bytes}'
    if not re.search(rf'\s{re.escape(wanted)}$', text, re.M):
        found = re.findall(rf'\s(_?{re.escape(args.function)}(?:@\d+)?)$', text, re.M)
        print(f'{args.dll32}: no {wanted} among its symbols; there is {found or "nothing of that name"}')
        return True
    code = objdump(args.objdump32, '-d', args.dll32)
    body = re.search(rf'<{re.escape(wanted)}>:\n(.*?)(?:\n\n|\Z)', code, re.S)
    returns = set(re.findall(r'\bret\b\s*(\S*)', body.group(1))) if body else set()
    if returns != {f'${args.bytes:#x}'}:
        print(f'{args.dll32}: {wanted} returns by {sorted(returns)}')
        return True
    return False


# Name, source, definition file, further libraries, words of the fault.
PLANTED = (
    ('as_intended', 'int a(void) { return 1; }', 'EXPORTS\n a\n', (), None),
    ('one_too_many', 'int a(void) { return 1; } int b(void) { return 2; }', 'EXPORTS\n a\n b\n', (), 'exports b'),
    ('missing', 'int b(void) { return 2; }', 'EXPORTS\n b\n', (), 'does not export a'),
    ('decorated', 'int a(void) { return 1; }', 'EXPORTS\n a@4=a\n', (), 'does not export a'),
    ('by_ordinal', 'int a(void) { return 1; } int b(void) { return 2; }', 'EXPORTS\n a @1\n b @2 NONAME\n', (),
     'without a name'),
    ('forwarder', 'int b(void) { return 2; }', 'EXPORTS\n a=kernel32.GetTickCount\n', (), 'forwards'),
    ('winsock', 'int __stdcall closesocket(unsigned long long); int a(void) { return closesocket(1); }',
     'EXPORTS\n a\n', ('-lws2_32',), 'imports from WS2_32.dll'),
    ('user', 'int __stdcall MessageBeep(unsigned); int a(void) { return MessageBeep(1); }', 'EXPORTS\n a\n',
     ('-luser32',), 'imports from USER32.dll'),
)
ORDINAL_LIBRARY = 'LIBRARY KERNEL32.dll\nEXPORTS\n planted @77 NONAME\n'
DELAY_DIRECTORY = 13


def give_delay_directory(path):
    """Enter one into the headers of a 64-bit image: this linker makes none."""
    with open(path, 'r+b') as file:
        data = file.read()
        optional = struct.unpack_from('<I', data, 0x3c)[0] + 24
        file.seek(optional + 112 + DELAY_DIRECTORY * 8)
        file.write(struct.pack('<II', 0x1000, 64))


def plant(args, folder, name, source, definition, libraries):
    base = os.path.join(folder, name)
    for ending, text in (('.c', source), ('.def', definition)):
        with open(base + ending, 'w', encoding='ascii') as file:
            file.write(text)
    dll = base + '.dll'
    subprocess.run([args.cc, '-shared', '-static-libgcc', '-o', dll, base + '.c', base + '.def', *libraries],
                   check=True)
    if name == 'import_delayed':
        give_delay_directory(dll)
    return Image(args.objdump, dll)


def selftest(args):
    dlltool = args.objdump[:-len('objdump')] + 'dlltool'
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        planted = list(PLANTED)
        library = os.path.join(folder, 'libordinal.def')
        with open(library, 'w', encoding='ascii') as file:
            file.write(ORDINAL_LIBRARY)
        subprocess.run([dlltool, '-d', library, '-l', os.path.join(folder, 'libordinal.a')], check=True)
        planted.append(('imported_by_ordinal', 'int planted(void); int a(void) { return planted(); }', 'EXPORTS\n a\n',
                        (f'-L{folder}', '-lordinal'), 'by ordinal'))
        planted.append(('import_delayed', 'int a(void) { return 1; }', 'EXPORTS\n a\n', (), 'delay import'))
        for name, source, definition, libraries, words in planted:
            image = plant(args, folder, name, source, definition, libraries)
            found = faults(image, 'pei-x86-64', ['a'], ['KERNEL32.dll', 'msvcrt.dll'])
            if (words is None and found) or (words is not None and not any(words in fault for fault in found)):
                print(f'{name}: expected {words!r}, found {found}')
                wrong += 1
        image = plant(args, folder, *PLANTED[0][:4])
        if not any('made for' in fault for fault in faults(image, 'pei-i386', ['a'], ['KERNEL32.dll', 'msvcrt.dll'])):
            print('another machine is not noticed')
            wrong += 1
    return wrong != 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=('check', 'same', 'stdcall', 'selftest'))
    for name in ('--objdump', '--objdump32', '--dll', '--dll32', '--machine', '--function', '--cc'):
        parser.add_argument(name)
    parser.add_argument('--bytes', type=int)
    parser.add_argument('--export', dest='exports', action='append', default=[])
    parser.add_argument('--import', dest='imports', action='append', default=[])
    args = parser.parse_args()
    return {'check': check, 'same': same, 'stdcall': stdcall, 'selftest': selftest}[args.what](args)


if __name__ == '__main__':
    sys.exit(main())
