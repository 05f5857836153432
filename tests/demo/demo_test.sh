#!/bin/bash
# demo_test.sh veth|memory|bench|bench-replay BUILD_DIR: the demonstration or the benchmarks in short. Exit status 77: not possible here.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bench=$here/../../bench
kind=$1 build=$2
skip() { echo "skipped: $*"; exit 77; }

[ -x "$build/bench/http_client" ] || skip "this build has no programs (WINLANE_BENCH=OFF?)"
if [ "$kind" = veth ] || [ "$kind" = bench ]; then
    [ "$(id -u)" = 0 ] || skip "namespaces and packet sockets need root"
    for tool in ip ss ethtool taskset chrt socat tcpdump; do
        command -v "$tool" >/dev/null || skip "$tool is missing"
    done
    probe=wlprobe-$$
    ip netns add "$probe" 2>/dev/null || skip "no network namespace can be made here"
    ip netns del "$probe"
fi
case $kind in
    veth)
        capture=$(mktemp "${TMPDIR:-/tmp}/winlane-demo.XXXXXX.pcap")
        trap 'rm -f "$capture"' EXIT
        "$bench/demo/run-demo.sh" "$build" --quick --no-figures --capture "$capture"
        ;;
    memory) "$bench/demo/run-demo.sh" "$build" --quick --no-root --no-figures ;;
    bench)
        json=$(mktemp "${TMPDIR:-/tmp}/winlane-bench.XXXXXX.json")
        trap 'rm -f "$json"' EXIT
        "$bench/run-bench.sh" "$build" --quick --repeat 1 --json "$json" || exit
        python3 "$here/records_check.py" "$json"
        ;;
    bench-replay)
        json=$(mktemp "${TMPDIR:-/tmp}/winlane-bench.XXXXXX.json")
        trap 'rm -f "$json"' EXIT
        "$bench/replay.py" "$build" --quick --repeat 1 --json "$json" || exit
        python3 "$here/records_check.py" "$json" replay
        ;;
    *) echo "usage: demo_test.sh veth|memory|bench|bench-replay BUILD_DIR" >&2; exit 2 ;;
esac
