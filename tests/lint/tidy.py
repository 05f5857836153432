#!/usr/bin/env python3
"""Runs clang-tidy 14 over our own files of a compilation database.

Usage: tidy.py BUILD_DIR

A file is checked again only when it, a header of ours, or the check list changed; stamps lie in BUILD_DIR/tidy.
Exit status 77: no clang-tidy here.
"""
import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess
import sys

import layers

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ROOMS = ("stack", "wsp", "drivers", "nic", "bench")
TOOL = "clang-tidy-14"


def own_files(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as handle:
        entries = json.load(handle)
    found = {os.path.realpath(os.path.join(entry["directory"], entry["file"])): entry["command"] for entry in entries}
    return {path: command for path, command in found.items()
            if os.path.relpath(path, ROOT).split(os.sep)[0] in ROOMS and os.sep + "test" + os.sep not in path}


def digest(paths):
    state = hashlib.sha256()
    for path in sorted(paths):
        with open(path, "rb") as handle:
            state.update(path.encode() + b"\0" + handle.read() + b"\0")
    return state


def common_digest():
    headers = [os.path.join(ROOT, name) for name in layers.list_files(ROOT) if name.endswith(".h")]
    return digest(headers + [os.path.join(ROOT, ".clang-tidy")])


def check(path, build):
    # The database is gcc's: flags that clang does not know are no finding of ours.
    result = subprocess.run([TOOL, "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option",
                             "--extra-arg=-Wno-error", path], capture_output=True, text=True)
    return path, result.returncode, result.stdout + (result.stderr if result.returncode else "")


def main():
    build = os.path.abspath(sys.argv[1])
    if not shutil.which(TOOL):
        print(f"{TOOL} is missing")
        return 77
    stamps = os.path.join(build, "tidy")
    os.makedirs(stamps, exist_ok=True)
    files = own_files(build)
    if not files:
        print("tidy: no file of ours in the compilation database")
        return 1
    common = common_digest()
    pending = {}
    for path, command in files.items():
        state = common.copy()
        state.update(command.encode())
        state.update(digest([path]).digest())
        stamp = os.path.join(stamps, state.hexdigest())
        if not os.path.exists(stamp):
            pending[path] = stamp
    print(f"tidy: {len(files)} files, {len(pending)} to check", flush=True)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for path, status, output in pool.map(lambda name: check(name, build), pending):
            if status:
                bad += 1
                print(output, flush=True)
            else:
                with open(pending[path], "w", encoding="utf-8"):
                    pass
    print(f"tidy: {bad} files with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
