#!/usr/bin/env python3
"""That api_compare.py fails when it must: a program is played that prints what a row of the table says.

The overrides that the comparison sets for Wine tell the played program which side it is.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Says for each case what $REFERENCE or $OURS holds: NAME=ok, NAME=no, NAME=skip, NAME=die, NAME=late; "elsewhere" first: on a DLL that is not ours.
PLAYED = r"""#!/bin/bash
program=$1; shift
words=$OURS provider='Winlane Tcpip [TCP/IP]' after=
case "${WINLANE_WINE_OVERRIDES:-}" in *=b) words=$REFERENCE provider='TCP/IP' ;; esac
while [ $# -gt 0 ]; do
    case $1 in --out) out=$2 ;; --after) after=$2 ;; esac
    shift 2
done
case $words in elsewhere*) provider='TCP/IP' words=${words#elsewhere} ;; esac
echo "# provider $provider" >>"$out"
for word in $words; do
    name=${word%=*}
    if [ -n "$after" ]; then [ "$name" != "$after" ] || after=; continue; fi
    echo "# run $name" >>"$out"
    case ${word#*=} in
        ok) echo "ok $name" >>"$out" ;;
        no) echo "not ok $name: wrong" >>"$out" ;;
        skip) echo "ok $name # SKIP not here" >>"$out" ;;
        die) exit 5 ;;
        stop) exit 0 ;;
        late) echo "ok $name" >>"$out"; code=5 ;;
    esac
done
echo "1..1" >>"$out"
exit "${code:-0}"
"""

# Name, reference, ours, list, is it a failure of the run, words that the output must hold.
ROWS = [
    ("all pass", "a=ok b=ok", "a=ok b=ok", "", 0, "as listed"),
    ("ours fails", "a=ok b=ok", "a=ok b=no", "", 1, "FAULT b: not passed on ours"),
    ("ours fails and a row says so", "a=ok b=ok", "a=ok b=no", "b | ours | why", 0, "known: ours: why"),
    ("ours leaves out", "a=ok", "a=skip", "", 1, "FAULT a: not passed on ours"),
    ("a row is stale", "a=ok", "a=ok", "a | ours | why", 1, "ours does not pass it, but ours does"),
    ("a row names nothing", "a=ok", "a=ok", "c | ours | why", 1, "there is no such case"),
    ("the reference alone fails", "a=no", "a=ok", "", 0, "1 failed"),
    ("a row of the reference is stale", "a=ok", "a=ok", "a | reference | why", 0, "does not pass a, but it does"),
    ("a row with a star", "a1=no a2=ok", "a1=ok a2=ok", "a* | reference | why", 0, "known: reference: why"),
    ("both fail", "a=no", "a=no", "", 1, "FAULT a: not passed on ours"),
    ("both fail and a row says so", "a=no", "a=no", "a | both | why", 0, "as listed"),
    ("a row says both and the reference passes", "a=ok", "a=no", "a | both | why", 1, "but the reference passes it"),
    ("a row says ours and the reference fails", "a=no", "a=no", "a | ours | why", 1, "does not pass it either"),
    ("a case ends the process", "a=ok b=ok", "a=die b=ok", "", 1, "ends the process (exit code 5)"),
    ("what follows it is run", "a=ok b=ok", "a=die b=ok", "a | ours | why", 0, "1 passed, 1 failed"),
    ("ours crashes as it ends", "a=ok", "a=late", "", 1, "FAULT ours: its end: exit code 5"),
    ("the reference crashes as it ends", "a=late", "a=ok", "", 0, "reference: its end: exit code 5"),
    ("ours ends early", "a=ok b=ok", "a=stop b=ok", "a | ours | why", 0, "1 passed, 1 failed"),
    ("ours runs on another DLL", "a=ok", "elsewhere a=ok", "", 1, "ran on the provider 'TCP/IP'"),
    ("a list without reasons", "a=ok", "a=no", "a | ours |", 1, "not CASE"),
]


def run_row(folder, reference, ours, rows):
    program = folder / "played"
    program.write_text("")
    wine = folder / "wine"
    wine.write_text(PLAYED)
    wine.chmod(0o755)
    (folder / "list").write_text(rows + "\n")
    environment = dict(os.environ, REFERENCE=reference, OURS=ours)
    return subprocess.run([sys.executable, str(HERE / "api_compare.py"), "--wine", str(wine), "--program", str(program), "--config",
                           "x.ini", "--differences", str(folder / "list"), "--work", str(folder / "work")], env=environment,
                          capture_output=True, text=True, timeout=60, check=False)


def main():
    faults = 0
    for name, reference, ours, rows, code, words in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            run = run_row(pathlib.Path(folder), reference, ours, rows)
        if run.returncode != code or words not in run.stdout + run.stderr:
            faults += 1
            print(f"{name}: exit code {run.returncode}, not {code}, or without '{words}':\n{run.stdout}{run.stderr}")
    print(f"{len(ROWS)} rows, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
