#!/usr/bin/env python3
"""Compares what compilers say about the structures that a channel's two sides share.

Usage: layouts.py ROOT WORK NAME=COMPILER,OBJDUMP...       every *_abi.h of the tree; exit status 0: all compilers agree
       layouts.py --selftest ROOT WORK NAME=COMPILER,OBJDUMP...   planted differences must be found

Each compiler translates one file that includes the headers; what it made of them is read from its debug information: sizes,
offsets and types of all members, values of all enumerators. Nothing is run, so a compiler for another machine takes part too.
The first compiler is the one that the others are held against.
"""
import os
import re
import subprocess
import sys

PREFIX = re.compile(r"^(stk|wsp|ws2|nic|drv)_")
ROOMS = ("stack", "wsp", "nic", "drivers")
# If these are not found, the reading of the debug information is broken.
EXPECTED = {"struct stk_region_abi": 30, "struct stk_sock_abi": 30, "struct stk_addr": 3, "struct stk_rio_rq_abi": 8,
            "struct stk_rio_cq_abi": 12, "struct stk_rio_entry_abi": 6, "struct stk_rio_done_abi": 7}

PLANTED = """\
#include <stdint.h>
struct stk_plant_same { uint32_t a; uint16_t b[3]; union { uint64_t c; uint8_t d[8]; }; };
struct stk_plant_long { uint32_t a; long b; };
struct stk_plant_tail { uint64_t a; long b[2]; };
struct stk_plant_pointer { uint32_t a; void *b; };
struct stk_plant_bits { uint8_t a : 1; uint32_t b : 3; };
struct stk_plant_inner { uint32_t a; struct { uint8_t b; long c; } d; };
enum stk_plant_values { STK_PLANT_ONE = 1, STK_PLANT_LONG = sizeof(long) };
"""
PLANTED_FOUND = ("stk_plant_long", "stk_plant_tail", "stk_plant_pointer", "stk_plant_bits", "stk_plant_inner",
                 "stk_plant_values")

ENTRY = re.compile(r"^ *<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \(DW_TAG_(\w+)\)")
VALUE = re.compile(r"^ *<[0-9a-f]+> +DW_AT_(\w+) *: (.*)$")
AGGREGATES = {"structure_type": "struct", "union_type": "union", "enumeration_type": "enum"}
THROUGH = ("typedef", "const_type", "volatile_type", "atomic_type", "restrict_type")


class Entry:
    def __init__(self, tag, depth):
        self.tag, self.depth, self.values, self.children = tag, depth, {}, []

    def number(self, name):
        return int(self.values[name].split()[0], 0)

    @property
    def name(self):
        text = self.values.get("name", "")
        return text.split("): ", 1)[1] if text.startswith("(indirect") else text


def entries_read(text):
    """All entries by their place in the section."""
    by_place, open_entries, last = {}, [], None
    for line in text.splitlines():
        match = ENTRY.match(line)
        if match:
            last = Entry(match.group(3), int(match.group(1), 16))
            by_place[match.group(2)] = last
            del open_entries[last.depth:]
            if open_entries:
                open_entries[-1].children.append(last)
            open_entries.append(last)
            continue
        match = VALUE.match(line)
        if match and last is not None:
            last.values[match.group(1)] = match.group(2).strip()
        elif ": Abbrev Number: 0" in line:
            last = None
    return by_place


class Layout:
    """One compiler's view: lines "place: what", the same for compilers that agree."""

    def __init__(self, text):
        self.entries = entries_read(text)
        self.lines, self.members, self.faults = {}, {}, []
        for entry in self.entries.values():
            kind = AGGREGATES.get(entry.tag)
            if kind and PREFIX.match(entry.name) and "byte_size" in entry.values:
                name = f"{kind} {entry.name}"
                self.lines[name] = f"{entry.number('byte_size')} bytes"
                self.members[name] = 0
                self.walk(entry, name, 0, name)

    def type_of(self, entry):
        place = entry.values["type"].strip("<>").removeprefix("0x") if "type" in entry.values else None
        found = self.entries.get(place)
        while found is not None and found.tag in THROUGH:
            found = self.type_of(found)
        return found

    def words(self, found, place):
        if found is None:
            return "nothing"
        if found.tag == "base_type":
            # "long" and "long long" of one size are one type to a reader of memory.
            encoding = re.search(r"\((.*)\)", found.values["encoding"])
            return f"{encoding.group(1)} of {found.number('byte_size')}"
        if found.tag == "array_type":
            counts = [child.number("upper_bound") + 1 if "upper_bound" in child.values else child.number("count")
                      for child in found.children if child.tag == "subrange_type"]
            return f"array {counts} of {self.words(self.type_of(found), place)}"
        if found.tag == "pointer_type":
            self.faults.append(f"{place}: a pointer means nothing in the other process")
            return f"pointer of {found.number('byte_size')}"
        return f"{AGGREGATES.get(found.tag, found.tag)} {found.name} of {found.number('byte_size')}"

    def inner_of(self, found):
        while found is not None and found.tag == "array_type":
            found = self.type_of(found)
        return found

    def walk(self, entry, path, base, owner):
        for index, child in enumerate(entry.children):
            if child.tag == "enumerator":
                self.lines[f"{path}.{child.name}"] = child.values["const_value"].split()[0]
                self.members[owner] += 1
            elif child.tag == "member":
                self.member(child, f"{path}.{child.name or f'({index})'}", base, owner)

    def member(self, child, place, base, owner):
        at = base + (child.number("data_member_location") if "data_member_location" in child.values else 0)
        bits = "".join(f" {name} {child.values[name].split()[0]}" for name in
                       ("bit_size", "bit_offset", "data_bit_offset") if name in child.values)
        found = self.type_of(child)
        self.lines[place] = f"at {at}{bits}: {self.words(found, place)}"
        self.members[owner] += 1
        inner = self.inner_of(found)
        if inner is not None and inner.tag in AGGREGATES and not inner.name:
            self.walk(inner, place, at, owner)


def headers_find(root):
    found = []
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(root, room)):
            found += [os.path.join(folder, name) for name in names if name.endswith("_abi.h")]
    return sorted(found)


def layout_make(root, work, name, tools, headers):
    compiler, objdump = tools.split(",")
    source, target = os.path.join(work, f"{name}.c"), os.path.join(work, f"{name}.o")
    with open(source, "w", encoding="utf-8") as out:
        out.writelines(f'#include "{header}"\n' for header in headers)
    # DWARF 4: binutils of any age print it whole. Unused types are what all of this is about.
    subprocess.run([compiler, "-std=gnu11", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-c", source, "-o", target,
                    *(f"-I{os.path.join(root, path)}" for path in ("stack/include", "stack", "nic/include", "wsp"))],
                   check=True)
    text = subprocess.run([objdump, "--dwarf=info", target], check=True, capture_output=True, text=True).stdout
    return Layout(text)


def layouts_compare(layouts):
    """Faults in words, one a line."""
    names = list(layouts)
    first = layouts[names[0]]
    faults = [f"{name}: {fault}" for name, layout in layouts.items() for fault in layout.faults]
    for name in names[1:]:
        other = layouts[name]
        for place in sorted(set(first.lines) | set(other.lines)):
            ours, theirs = first.lines.get(place, "is not there"), other.lines.get(place, "is not there")
            if ours != theirs:
                faults.append(f"{place}: {names[0]} has it {ours}, {name} {theirs}")
    return faults


def selftest(root, work, compilers):
    header = os.path.join(work, "planted_abi.h")
    with open(header, "w", encoding="utf-8") as out:
        out.write(PLANTED)
    layouts = {name: layout_make(root, work, f"planted-{name}", tools, [header]) for name, tools in compilers}
    faults = layouts_compare(layouts)
    missed = [name for name in PLANTED_FOUND if not any(re.search(rf"\b{name}\b", fault) for fault in faults)]
    wrong = [fault for fault in faults if "stk_plant_same" in fault]
    if "struct stk_plant_same" not in layouts[compilers[0][0]].lines:
        wrong.append("stk_plant_same was not read at all")
    print("\n".join([f"planted and not found: {name}" for name in missed] + wrong) or
          f"all {len(PLANTED_FOUND)} planted differences found, nothing else")
    return 1 if missed or wrong else 0


def main(arguments):
    testing = arguments[:1] == ["--selftest"]
    arguments = arguments[testing:]
    if len(arguments) < 4:
        print(__doc__)
        return 2
    root, work = arguments[0], arguments[1]
    compilers = [tuple(argument.split("=", 1)) for argument in arguments[2:]]
    os.makedirs(work, exist_ok=True)
    if testing:
        return selftest(root, work, compilers)
    headers = headers_find(root)
    layouts = {name: layout_make(root, work, name, tools, headers) for name, tools in compilers}
    faults = layouts_compare(layouts)
    for name, layout in layouts.items():
        faults += [f"{name}: {expected} has less than {least} members as read here"
                   for expected, least in EXPECTED.items() if layout.members.get(expected, 0) < least]
    first = layouts[compilers[0][0]]
    print("\n".join(faults) or f"{', '.join(layouts)} agree on {len(first.members)} structures, unions and enumerations, "
          f"{sum(first.members.values())} members, of {', '.join(os.path.relpath(header, root) for header in headers)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
