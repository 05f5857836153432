#!/bin/bash
# runner_test.sh PROBE.exe: what wine-run.sh promises to whoever runs a test through it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
probe=$1
wrong=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset WINLANE_WINE_TIMEOUT

# row NAME EXPECTED GOT
row() {
    [ "$2" = "$3" ] && return 0
    printf '%s: expected %s, got %s\n' "$1" "$2" "$3"
    wrong=$((wrong + 1))
}

run() { "$here/wine-run.sh" "$probe" "$@" >"$scratch/out" 2>"$scratch/err"; }
# This test's own children that still live, by the command line that Wine gives them.
probes_alive() { pgrep -fc "$(basename "$probe")\"? sleep mark$$" || true; }

"$here/prefix.sh" check || exit 77
for code in 0 1 3 77 124; do
    run exit "$code"
    row "exit code" "$code" $?
    row "exit code $code is not taken for a run out of time" "" "$(grep 'ended after' "$scratch/out")"
done
run crash
row "crash, low byte of 0xC0000005" 5 $?
run window
row "a window without a display" 0 $?
run version
row "Windows 10" 0 $?

run streams
row "standard output" "to out" "$(tr -d '\r' <"$scratch/out")"
row "standard error" "to err" "$(tr -d '\r' <"$scratch/err")"
# A pipe must reach its end though wineserver lives on: timeout gives 124 if it does not.
row "through one pipe" "to err to out" \
    "$(timeout 30 bash -c '"$@" 2>&1 | sort' pipe "$here/wine-run.sh" "$probe" streams | tr -d '\r' | xargs)"

WINLANE_WINE_TIMEOUT=3 run spawn "mark$$"
row "out of time" 124 $?
row "what it printed before" "spawned" "$(head -n 1 "$scratch/out" | tr -d '\r')"
row "its child is gone" 0 "$(probes_alive)"

"$here/wine-run.sh" "$probe" spawn "mark$$" >"$scratch/out" 2>&1 &
runner=$!
for _ in $(seq 100); do
    [ "$(probes_alive)" = 0 ] || break
    sleep 0.1
done
row "the child that is to be ended" 1 "$(probes_alive)"
kill -TERM "$runner"
wait "$runner"
row "terminated" 143 $?
row "its child is gone, too" 0 "$(probes_alive)"

echo "runner_test: $wrong wrong"
[ "$wrong" = 0 ]
