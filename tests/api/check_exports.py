#!/usr/bin/env python3
"""The Winsock DLL must export no name that libc has, and every function that its headers declare.

usage: check_exports.py NM LIBWS2_32 LIBC HEADER...
"""
import re
import subprocess
import sys


def dynamic(nm, path):
    """Defined dynamic symbols of a shared object, versions cut off."""
    text = subprocess.run([nm, "-D", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines() if line.split()}


def declared(paths):
    """Symbols that the headers' prototypes stand for."""
    names = set()
    for path in paths:
        text = re.sub(r"/\*.*?\*/", " ", open(path, encoding="utf-8").read(), flags=re.S)
        text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
        for match in re.finditer(r"\b(?:WSAAPI|WINAPI|WSPAPI)\s+(\w+)\s*\(([^;{]*)\)([^;{)]*);", text):
            sym = re.search(r"WL_SYM\((\w+)\)", match.group(0))
            names.add("wl_" + sym.group(1) if sym else match.group(1))
    names -= {"WSPStartup", "NSPStartup"}  # the providers', declared for them
    names.discard("select")  # renamed by a macro
    names.add("wl_select")
    return names


def main():
    """Compare and report."""
    nm, library, libc, *headers = sys.argv[1:]
    ours = dynamic(nm, library)
    theirs = dynamic(nm, libc)
    wanted = declared(headers)
    shared = sorted(ours & theirs)
    missing = sorted(wanted - ours)
    extra = sorted(n for n in ours - wanted if n not in ("wl_in6addr_any", "wl_in6addr_loopback", "wl_thread_alert", "wl_port_helper",
                                                           "wl_file_descriptor", "wl_complete_at_once"))
    print(f"{len(ours)} exported, {len(wanted)} declared, {len(theirs)} in libc")
    for title, names in (("also in libc", shared), ("declared, not exported", missing), ("not declared", extra)):
        if names:
            print(f"{title}: {' '.join(names)}")
    if len(wanted) < 110 or len(theirs) < 2000 or "socket" not in theirs:
        print("the check itself found too little to compare")
        return 1
    return 1 if shared or missing or extra else 0


if __name__ == "__main__":
    sys.exit(main())
