#!/usr/bin/env python3
"""The provider as a shared object exports WSPStartup and nothing else.

usage: so_exports.py NM LIBWINLANE
"""
import subprocess
import sys


def main():
    """Compare and report."""
    nm, library = sys.argv[1:]
    text = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    # The name of a symbol version stands among the symbols, absolute: it is not one.
    names = [line.split()[-1].split("@")[0] for line in text.splitlines() if line.split()[-2] != "A"]
    print(f"exported: {' '.join(names)}")
    return 0 if names == ["WSPStartup"] else 1


if __name__ == "__main__":
    sys.exit(main())
