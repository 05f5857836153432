#!/bin/bash
# counters_test.sh BUILD_DIR: the counters of a running program on a signal, and once more at its exit.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
[ -x "$build/bench/rtt" ] || { echo "skipped: this build has no programs (WINLANE_BENCH=OFF?)"; exit 77; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/winlane-counters.XXXXXX")
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
fail() { echo "counters_test: $*"; cat "$folder/err"; exit 1; }
dumps() { grep -c '^nic\.west\.rx_frames [1-9]' "$folder/counters" 2>/dev/null; }

# wait_dumps COUNT: until the file holds that many dumps, five seconds at most.
wait_dumps() {
    local turn
    for turn in $(seq 100); do
        [ "$(dumps)" = "$1" ] && return 0
        sleep 0.05
    done
    fail "$(dumps) dumps after turn $turn, not $1"
}

sed "s|^\[engine\]|&\ncounters_signal = USR2\ncounters_at_exit = yes\ncounters_file = $folder/counters|" \
    "$here/../../configs/wire-pair.ini" >"$folder/ini"
# Idle gaps make it last: 40 ms a round trip.
WINLANE_CONFIG=$folder/ini "$build/bench/rtt" --a 10.88.0.1 --b 10.88.0.2:7000 --count 100 --warmup 0 --gap-us 40000 \
    >"$folder/out" 2>"$folder/err" &
pid=$!
for _ in $(seq 200); do
    grep -q ready "$folder/err" && break
    sleep 0.05
done
sleep 0.5
[ -e "$folder/counters" ] && fail "a dump that nobody asked for"
kill -USR2 "$pid" || fail "the program is gone"
wait_dumps 1
kill -USR2 "$pid" || fail "the program is gone after the first signal"
wait_dumps 2
wait "$pid"
status=$?
pid=
[ $status = 0 ] || fail "the program ended with $status"
wait_dumps 3
for layer in channel nic netif pool engine; do
    grep -q "^$layer\." "$folder/counters" || fail "no counters of layer $layer"
done
grep -vqE '^[a-z]+(\.[A-Za-z0-9_]+)+ [0-9]+$' "$folder/counters" && fail "a line that is not 'layer.object.counter value'"
echo "counters_test: 3 dumps, every layer"
