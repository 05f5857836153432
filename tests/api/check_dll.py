#!/usr/bin/env python3
"""check_dll.py OBJDUMP DLL NAMES: ws2_32.dll exports exactly what the list says, the fixed ordinals included, and imports
from kernel32 and msvcrt only. A line of the list is a name, or a name and its ordinal."""
import re
import subprocess
import sys


def listed(path):
    names = {}
    for line in open(path, encoding="ascii"):
        words = line.split("#")[0].split()
        if words:
            names[words[0]] = int(words[1]) if len(words) > 1 else None
    return names


def dumped(objdump, dll):
    text = subprocess.run([objdump, "-p", dll], check=True, capture_output=True, text=True).stdout
    base = int(re.search(r"^Ordinal Base\s+(\d+)", text, re.M).group(1))
    table = text.split("[Ordinal/Name Pointer] Table", 1)[1].split("\n\n", 1)[0]
    exports = {m.group(2): int(m.group(1)) + base for m in re.finditer(r"^\s*\[\s*(\d+)\]\s+(?:\+base\[.*\]\s+\w+\s+)?(\S+)$", table, re.M)}
    return exports, {name.lower() for name in re.findall(r"^\s*DLL Name:\s*(\S+)", text, re.M)}


def main():
    objdump, dll, names = sys.argv[1:]
    want = listed(names)
    have, imports = dumped(objdump, dll)
    faults = [f"not exported: {name}" for name in sorted(set(want) - set(have))]
    faults += [f"exported, not in the list: {name}" for name in sorted(set(have) - set(want))]
    faults += [f"{name} has ordinal {have[name]}, not {ordinal}" for name, ordinal in want.items()
               if ordinal is not None and name in have and have[name] != ordinal]
    faults += [f"imports from {name}" for name in sorted(imports - {"kernel32.dll", "msvcrt.dll"})]
    if len(have) < 100:
        faults.append(f"only {len(have)} exports were read")
    if not imports:
        faults.append("no imports were read")
    for fault in faults:
        print(fault)
    fixed = sum(ordinal is not None for ordinal in want.values())
    print(f"{len(have)} exports, {fixed} of them with fixed ordinals; imports {', '.join(sorted(imports))}")
    return 1 if faults else 0


sys.exit(main())
