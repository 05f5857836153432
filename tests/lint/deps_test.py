#!/usr/bin/env python3
"""What configs/deps.sh does without a network: which archive it derives from apt's files, which libraries for Windows it takes
for present, how one appears in the cache and, where the cross compiler is there, what is changed in an archive."""
import os
import shutil
import subprocess
import sys
import tempfile

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "configs")
SCRIPT = os.path.join(CONFIGS, "deps.sh")
DEB822 = "Types: {types}\nURIs: {uris}\nSuites: {suites}\nComponents: {components}\n{more}"


def stanza(types="deb", uris="http://m.example/debian", suites="bookworm bookworm-updates", components="main", more=""):
    return DEB822.format(types=types, uris=uris, suites=suites, components=components, more=more)


# name, {file: content}, expected URI or "" for none
ROWS = (
    ("one-line", {"sources.list": "deb http://a.example/debian bookworm main\n"}, "http://a.example/debian"),
    ("one-line, slash", {"sources.list": "deb http://a.example/debian/ bookworm main\n"}, "http://a.example/debian"),
    ("one-line, options", {"sources.list": "deb [arch=amd64 signed-by=/k] https://a.example/d bookworm contrib main\n"},
     "https://a.example/d"),
    ("one-line, commented out", {"sources.list": "# deb http://a.example/debian bookworm main\n"}, ""),
    ("one-line, security only", {"sources.list": "deb http://a.example/s bookworm-security main\n"}, ""),
    ("one-line, no main", {"sources.list": "deb http://a.example/s bookworm contrib\n"}, ""),
    ("sources only", {"sources.list": "deb-src http://a.example/debian bookworm main\n"}, ""),
    ("list in parts", {"sources.list": "\n", "sources.list.d/x.list": "deb http://b.example/d bookworm main\n"},
     "http://b.example/d"),
    ("another vendor first", {"sources.list": "deb http://v.example/apt bookworm-vendor main\n"
                              "deb http://b.example/d bookworm main\n"}, "http://b.example/d"),
    ("deb822", {"sources.list.d/x.sources": stanza()}, "http://m.example/debian"),
    ("deb822, second stanza", {"sources.list.d/x.sources": stanza(suites="bookworm-security", uris="http://s.example/s")
                               + "\n" + stanza()}, "http://m.example/debian"),
    ("deb822, folded fields", {"sources.list.d/x.sources": stanza(uris="\n http://m.example/debian\n http://n.example/d",
                                                                  suites="\n bookworm-updates\n bookworm")},
     "http://m.example/debian"),
    ("deb822, comment inside", {"sources.list.d/x.sources": "# http://c.example\n" + stanza(more="# Enabled: no\n")},
     "http://m.example/debian"),
    ("deb822, disabled", {"sources.list.d/x.sources": stanza(more="Enabled: no\n")}, ""),
    ("deb822, source type only", {"sources.list.d/x.sources": stanza(types="deb-src")}, ""),
    ("deb822, both types", {"sources.list.d/x.sources": stanza(types="deb deb-src")}, "http://m.example/debian"),
    ("disabled file", {"sources.list.d/x.sources.save": stanza()}, ""),
    ("nothing", {}, ""),
)


def derive(files):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "sources.list.d"))
        for name, content in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
                handle.write(content)
        return subprocess.run([SCRIPT, "debian-uri", folder], capture_output=True, text=True).stdout.strip()


# The shell functions alone, as deps.sh reads them, with a cache of their own.
PRELUDE = """set -euo pipefail
CACHE=$1 WORK=$1/work LOG=$1/log JOBS=1
mkdir -p "$WORK"
say() { printf '%s\\n' "$*" >&2; }
die() { say "$*"; exit 1; }
. "$2/deps-windows.sh"
"""


def shell(cache, text):
    return subprocess.run(["bash", "-c", PRELUDE + text, "deps", cache, CONFIGS], capture_output=True, text=True)


def case_check_names_every_part(cache):
    env = dict(os.environ, WINLANE_CACHE=cache)
    said = subprocess.run([SCRIPT, "check"], capture_output=True, text=True, env=env)
    for part in ("inih for Windows (x86_64)", "inih for Windows (i686)", "jansson", "cmocka", "libpcap", "dpdk", "lwIP"):
        assert part in said.stderr, f"{part} is missing, check does not say so: {said.stderr}"
    assert said.returncode == 1, "check of an empty cache succeeded"


def case_stamp_is_of_recipe(cache):
    made = shell(cache, """mkdir -p "$WINDOWS_DIR/x86_64"
        windows_part_ok inih x86_64 && echo "without a stamp"
        windows_recipe inih x86_64 >"$(windows_stamp inih x86_64)"
        windows_part_ok inih x86_64 || echo "with its stamp"
        windows_part_ok inih i686 && echo "of the other architecture"
        windows_part_ok jansson x86_64 && echo "of another library"
        WINDOWS_CFLAGS=-O1
        windows_part_ok inih x86_64 && echo "other flags"
        WINDOWS_CFLAGS=
        make_inih() { echo another recipe; }
        windows_part_ok inih x86_64 && echo "another recipe"
        true""")
    assert made.returncode == 0 and made.stdout == "", f"judged wrongly: {made.stdout}{made.stderr}"


def case_publish_replaces(cache):
    made = shell(cache, """mkdir -p "$WORK/stage/include/pcap" "$WINDOWS_DIR/x86_64/include" "$WORK/whole/lib"
        echo old >"$WINDOWS_DIR/x86_64/include/other.h"
        echo old >"$WINDOWS_DIR/x86_64/include/a.h"
        echo new | tee "$WORK/stage/include/a.h" "$WORK/stage/include/pcap/b.h" >/dev/null
        echo stamp >"$WORK/stamp"
        publish libpcap x86_64 "$WORK/stage"
        cd "$WINDOWS_DIR/x86_64"
        cat include/a.h include/pcap/b.h include/other.h .libpcap.stamp
        mkdir -p "$WINDOWS_DIR/x86_64-dpdk"
        echo old >"$WINDOWS_DIR/x86_64-dpdk/gone"
        echo dpdk >"$WORK/stamp"
        publish dpdk x86_64 "$WORK/whole"
        cat "$WINDOWS_DIR/x86_64-dpdk/.dpdk.stamp"
        ls "$WINDOWS_DIR/x86_64-dpdk" """)
    assert made.stdout.split() == ["new", "new", "old", "stamp", "dpdk", "lib"], f"published: {made.stdout}{made.stderr}"


def case_failure_shows_log(cache):
    made = shell(cache, """quiet echo fine
        quiet bash -c 'echo the reason; exit 3'
        echo "went on" """)
    assert made.returncode == 1 and made.stdout == "", f"a failed step did not end the run: {made.stdout}"
    assert "the reason" in made.stderr, f"the log is not shown: {made.stderr}"


def case_archive_exports_nothing(cache):
    made = shell(cache, """cd "$WORK"
        echo '__declspec(dllexport) int wl_probe(void) { return 1; }' >probe.c
        $(cross_cc x86_64) -c probe.c -o probe.o
        x86_64-w64-mingw32-ar rcs libprobe.a probe.o
        x86_64-w64-mingw32-objdump -s -j .drectve libprobe.a | grep -c export
        stage_archive x86_64 "$WORK/libprobe.a" "$WORK/stage"
        x86_64-w64-mingw32-nm "$WORK/stage/lib/libprobe.a" | grep -c ' T wl_probe'
        x86_64-w64-mingw32-objdump -h "$WORK/stage/lib/libprobe.a" | grep drectve || echo none""")
    assert made.stdout.split() == ["1", "1", "none"], f"archive: {made.stdout}{made.stderr}"


def case_wpcap_renamed(cache):
    made = shell(cache, """cd "$WORK"
        cat >probe.c <<'C'
__declspec(dllimport) int pcap_imported(void);
int pcap_called(void);
static __attribute__((noinline)) int pcap_own(void) { return pcap_called(); }
int eth_dev_pcap_probe(void) { return pcap_own() + pcap_imported(); }
C
        $(cross_cc x86_64) -O1 -c probe.c -o probe.o
        x86_64-w64-mingw32-ar rcs librte_net_pcap.a probe.o
        rename_wpcap x86_64 "$WORK"
        cat pcap-symbols.txt
        x86_64-w64-mingw32-nm -u librte_net_pcap.a | awk '$1 == "U" { print $2 }' | sort""")
    assert made.stdout.split("\n")[:4] == ["pcap_called wl_wpcap_called", "pcap_imported wl_wpcap_imported",
                                           "__imp_wl_wpcap_imported", "wl_wpcap_called"], f"{made.stdout}{made.stderr}"


CASES = (case_check_names_every_part, case_stamp_is_of_recipe, case_publish_replaces, case_failure_shows_log)
CROSS_CASES = (case_archive_exports_nothing, case_wpcap_renamed)


def run_cases():
    wrong = 0
    cases = CASES
    if shutil.which("x86_64-w64-mingw32-gcc-win32"):
        cases += CROSS_CASES
    else:
        print("deps_test: no cross compiler here: what is changed in archives was not tested")
    for case in cases:
        with tempfile.TemporaryDirectory() as cache:
            try:
                case(cache)
            except AssertionError as error:
                print(f"{case.__name__}: {error}")
                wrong += 1
    return len(cases), wrong


def main():
    wrong = 0
    for name, files, expected in ROWS:
        got = derive(files)
        if got != expected:
            print(f"{name}: expected {expected!r}, got {got!r}")
            wrong += 1
    cases, cases_wrong = run_cases()
    wrong += cases_wrong
    print(f"deps_test: {len(ROWS)} rows and {cases} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
