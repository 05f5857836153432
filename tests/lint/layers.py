#!/usr/bin/env python3
"""Checks the layers and the house rules that a machine can check.

Usage: layers.py [ROOT]            exit status 0: clean; 1: faults, one a line
       layers.py --list SUFFIX...  prints the project's files with these endings

Rules are functions from a tree to faults; layers_selftest.py plants one violation of each.
"""
import os
import re
import subprocess
import sys
from collections import namedtuple

Fault = namedtuple("Fault", "rule path line text")
Source = namedtuple("Source", "path text lines code")

ROOMS = ("stack", "wsp", "drivers", "nic", "bench", "tests", "configs")
PRODUCT = ("stack", "wsp", "drivers", "nic")
TOP_FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CONTRIBUTING.md", "run"}
CODE_SUFFIXES = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt")
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 70
MAX_TEST_FUNCTION_LINES = 100  # tables of rows

# What the rooms below the stack may take from it: errors, assertions, logs, clocks, counters. No protocol, no channel.
BASE_HEADERS = {"stack/err.h", "stack/assert.h", "stack/log.h", "stack/clock.h", "stack/counters.h",
                "stack/tls.h", "stack/printf.h", "stack/fd.h", "stack/process.h", "stack/os_windows.h",
                "stack/tls_windows.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
LWIP = re.compile(r"^(lwip/|netif/|arch/(cc|sys_arch|perf|bpstruct|epstruct)\.h|lwipopts\.h|lwippools\.h)")
DPDK = re.compile(r"^rte_")
# Built from parts, so that this file does not break its own rule.
PLACES = re.compile("|".join((r"(?<![\w.])/wor" + r"k/", r"(?<![\w.])/home/\w", r"(?<![\w.-])/roo" + r"t/",
                              r"\bshare" + r"d/(notes|spec|design|style)", r"\bissue" + r"s show\b")))
HOSTS = re.compile("|".join((r"deb\.debia" + r"n\.org", r"snapshot\.debia" + r"n", r"security\.debia" + r"n\.org",
                             r"archive\.ubunt" + r"u", r"pypi\.or" + r"g", r"npmjs\.or" + r"g", r"crates\.i" + r"o\b",
                             r"proxy\.golan" + r"g", r"docker\.i" + r"o\b")))
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|\b[Ss]tub(s|bed)?\b|\bSTUB\b")
PLATFORM = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(_WIN32|_WIN64|WIN32|__linux__|__MINGW32__)\b")


def room_of(path):
    return path.split("/", 1)[0]


def strip_comments(text):
    """Blanks comments, keeps line numbers; string literals stay."""
    def blank(match):
        found = match.group(0)
        return found if found[0] in "\"'" else re.sub(r"[^\n]", " ", found)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def list_files(root):
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True).stdout
        files = [name for name in out.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        files = []
    if files:
        return [name for name in files if os.path.isfile(os.path.join(root, name))]
    for folder, names, leaves in os.walk(root):
        names[:] = [n for n in names if n not in (".git", "build", "out", "__pycache__")]
        files += [os.path.relpath(os.path.join(folder, leaf), root) for leaf in leaves]
    return sorted(files)


def read_tree(root):
    tree = []
    for path in list_files(root):
        with open(os.path.join(root, path), "rb") as handle:
            text = handle.read().decode("utf-8", "replace")
        code = strip_comments(text) if path.endswith((".c", ".h")) else text
        tree.append(Source(path, text, text.splitlines(), code.splitlines()))
    return tree


def includes(source):
    for number, line in enumerate(source.code, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def sources(tree, *suffixes):
    return (source for source in tree if source.path.endswith(suffixes))


def rule_top_level(tree):
    for source in tree:
        top = room_of(source.path)
        allowed = top in ROOMS if "/" in source.path else top in TOP_FILES
        if not allowed and not top.startswith("."):
            yield Fault("top-level", source.path, 1, "not one of the allowed folders and files")


def lwip_exposing(own):
    """Names ("lwip/x.h") of our headers in stack/lwip that bring in lwIP's, directly or through one another."""
    exposing = set()
    while True:
        more = {name for name, source in own.items() if name not in exposing and
                any((LWIP.match(used) and used not in own) or f"lwip/{os.path.basename(used)}" in exposing
                    for _, used in includes(source))}
        if not more:
            return exposing
        exposing |= more


def rule_lwip_include(tree):
    own = {source.path[len("stack/"):]: source for source in sources(tree, ".h")
           if os.path.dirname(source.path) == "stack/lwip"}
    exposing = lwip_exposing(own)
    for source in sources(tree, ".c", ".h"):
        if source.path.startswith("stack/lwip/") and not source.path.startswith("stack/lwip/include/"):
            continue
        for number, name in includes(source):
            if name in exposing:
                yield Fault("lwip-include", source.path, number, f"{name} brings in lwIP's headers")
            elif LWIP.match(name) and name not in own:
                yield Fault("lwip-include", source.path, number, f"{name}: lwIP stays in stack/lwip")


def rule_dpdk_include(tree):
    for source in sources(tree, ".c", ".h"):
        if not source.path.startswith("drivers/dpdk/"):
            for number, name in includes(source):
                if DPDK.match(name):
                    yield Fault("dpdk-include", source.path, number, f"{name}: DPDK stays in drivers/dpdk")


def rule_dpdk_name(tree):
    for source in sources(tree, ".c", ".h"):
        if room_of(source.path) in PRODUCT and not source.path.startswith("drivers/dpdk/"):
            for number, line in enumerate(source.code, 1):
                if re.search(r"\brte_\w+\s*\(", line):
                    yield Fault("dpdk-name", source.path, number, "a DPDK function outside drivers/dpdk")


def forbidden_room(path, name):
    """Says why a file of this room may not include that header of ours, or None."""
    room = room_of(path)
    target = name.split("/", 1)[0] if "/" in name else ""
    if ".." in name.split("/"):
        reached = os.path.normpath(os.path.join(os.path.dirname(path), name)).split("/")
        return None if reached[:2] == path.split("/")[:2] else "no include by a path that leaves the folder"
    if room == "wsp" and target in ("nic", "drivers", "drv"):
        return "the provider knows the stack API only"
    if room == "stack" and target in ("wsp", "drivers", "drv"):
        return "the stack knows neither provider nor drivers"
    if room in ("nic", "drivers") and target == "wsp":
        return "nothing below the stack knows the provider"
    if room in ("nic", "drivers") and target == "stack" and name not in BASE_HEADERS:
        return "below the stack only its base headers may be used"
    if room == "nic" and target in ("drivers", "drv"):
        return "nic knows drivers by their table only"
    if name.endswith("winsock2.h") and room in ("stack", "nic", "drivers"):
        return "Winsock's vocabulary stays in wsp"
    return None


def rule_room_include(tree):
    for source in sources(tree, ".c", ".h"):
        for number, name in includes(source):
            why = forbidden_room(source.path, name)
            if why:
                yield Fault("room-include", source.path, number, f"{name}: {why}")


def rule_link(tree):
    barred = {"wsp": r"lwip|dpdk|\brte|\bdrv_(?!builtin\b)|nic_core|nic::core", "stack": r"dpdk|\brte|\bdrv_|wsp_|wsp::",
              "nic": r"lwip|dpdk|\brte|\bdrv_(?!builtin\b)|wsp_|stk_core|stk::core"}
    for source in sources(tree, "CMakeLists.txt", ".cmake"):
        room = room_of(source.path)
        pattern = barred.get(room)
        if room == "drivers" and not source.path.startswith("drivers/dpdk/"):
            pattern = r"PkgConfig::DPDK|lwip|wsp_|stk_core|stk::core"
        if not pattern:
            continue
        text = re.sub(r"#[^\n]*", "", source.text)
        for call in re.finditer(r"(target_link_libraries|target_include_directories)\s*\(([^)]*)\)", text):
            found = re.search(pattern, call.group(2), re.I)
            if found:
                yield Fault("link", source.path, text.count("\n", 0, call.start()) + 1,
                            f"{found.group(0)}: not to be linked in {room}")


def rule_abi_header(tree):
    for source in sources(tree, "_abi.h"):
        for number, line in enumerate(source.code, 1):
            if re.search(r"^\s+[\w\s]+\*\s*(const\s+)?\w+(\[\w*\])?\s*;", line):
                yield Fault("abi-pointer", source.path, number, "a shared layout holds no pointer")
            if re.search(r"^\s+(const\s+)?(unsigned|int|long|short|size_t|bool|uintptr_t|intptr_t)\b[\w\s]*"
                         r"(\[\w*\])?\s*;", line):
                yield Fault("abi-width", source.path, number, "a shared layout has fixed-width types only")


def rule_file_length(tree):
    for source in tree:
        if (source.path.endswith(CODE_SUFFIXES) or source.path == "run") and len(source.lines) > MAX_FILE_LINES:
            yield Fault("file-length", source.path, len(source.lines), f"{len(source.lines)} lines; at most {MAX_FILE_LINES}")


def functions(source):
    """Yields (first, last) line numbers of each function body; relies on the format: braces in the first column."""
    start = None
    for number, line in enumerate(source.code, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number
            start = None


def rule_function_length(tree):
    for source in sources(tree, ".c"):
        most = MAX_TEST_FUNCTION_LINES if "test" in source.path else MAX_FUNCTION_LINES
        for first, last in functions(source):
            if last - first - 1 > most:
                yield Fault("function-length", source.path, first, f"{last - first - 1} lines; at most {most}")


def rule_platform(tree):
    for source in sources(tree, ".c"):
        if room_of(source.path) in PRODUCT:
            for first, last in functions(source):
                for number in range(first, last):
                    if PLATFORM.match(source.code[number]):
                        yield Fault("platform", source.path, number + 1, "a platform choice inside a function")


def rule_unfinished(tree):
    # A patch carries lines of lwIP's own as context.
    for source in tree:
        if room_of(source.path) in PRODUCT and not source.path.endswith(".patch"):
            for number, line in enumerate(source.lines, 1):
                found = UNFINISHED.search(line)
                if found:
                    yield Fault("unfinished", source.path, number, f"the word {found.group(0)!r}")


def rule_places(tree):
    for source in tree:
        for number, line in enumerate(source.lines, 1):
            if PLACES.search(line):
                yield Fault("machine-path", source.path, number, line.strip()[:80])
            if HOSTS.search(line):
                yield Fault("registry-host", source.path, number, line.strip()[:80])


def rule_blanks(tree):
    for source in tree:
        if source.path.endswith(CODE_SUFFIXES) or source.path.endswith(".md"):
            for number, line in enumerate(source.lines, 1):
                if line != line.rstrip():
                    yield Fault("trailing-blank", source.path, number, "blanks at the end of the line")


RULES = (rule_top_level, rule_lwip_include, rule_dpdk_include, rule_dpdk_name, rule_room_include, rule_link,
         rule_abi_header, rule_file_length, rule_function_length, rule_platform, rule_unfinished, rule_places, rule_blanks)


def check(root):
    tree = read_tree(root)
    return [fault for rule in RULES for fault in rule(tree)], len(tree)


def main():
    here = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    if sys.argv[1:2] == ["--list"]:
        names = [name for name in list_files(here) if name.endswith(tuple(sys.argv[2:]))]
        print(*names, sep="\n")
        return 0 if names else 1
    root = sys.argv[1] if len(sys.argv) > 1 else here
    faults, count = check(root)
    for fault in faults:
        print(f"{fault.path}:{fault.line}: {fault.rule}: {fault.text}")
    if count == 0:
        print(f"layers: no files found under {root}")
        return 1
    print(f"layers: {count} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
