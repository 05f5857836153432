#!/bin/bash
# Runs a PE program under Wine: CMake's CMAKE_CROSSCOMPILING_EMULATOR.
#
#   tests/wine/wine-run.sh PROGRAM.exe [ARGUMENT...]
#
# Its output goes to a file and from there to standard output, its exit code (77 too) becomes this script's. The prefix is
# $WINLANE_WINEPREFIX; without that, one of its own in the program's build folder, whose wineserver ends when it was idle for
# a minute.
#   WINLANE_WINE_TIMEOUT    seconds after which the program and its children are ended: exit code 124 (default 600)
#   WINLANE_WINE_OVERRIDES  further DLL overrides, such as ws2_32=n,b
#   WINLANE_WINEDEBUG       Wine's debug channels instead of silence
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wine/env.sh
. "$here/env.sh"

[ $# -ge 1 ] || { sed -n '4p' "$0"; exit 2; }
wine_there || { echo "skipped: no 64-bit Wine on this machine (packages wine and wine64)"; exit 77; }

# build_folder PROGRAM: the folder of CMakeCache.txt above it, or the program's own.
build_folder() {
    local folder
    folder=$(cd "$(dirname "$1")" && pwd) || exit 1
    while [ "$folder" != / ]; do
        [ ! -e "$folder/CMakeCache.txt" ] || { echo "$folder"; return; }
        folder=$(dirname "$folder")
    done
    dirname "$(realpath "$1")"
}

# What this run started carries this in its environment, however Wine reparents it; Wine's services do not.
WINLANE_WINE_RUN=$$-$(date +%s%N)
kill_run() {
    local file pids=()
    for file in /proc/[0-9]*/environ; do
        if grep -qzxF "WINLANE_WINE_RUN=$WINLANE_WINE_RUN" "$file" 2>/dev/null; then
            file=${file#/proc/}
            [ "${file%/environ}" = "$watcher" ] || pids+=("${file%/environ}")
        fi
    done
    [ "${#pids[@]}" -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
}

show() {
    cat "$scratch/out"
    [ ! -s "$scratch/err" ] || cat "$scratch/err" >&2
    rm -rf "$scratch"
}

stopped() {
    kill_run
    show
    exit "$1"
}

prefix=${WINLANE_WINEPREFIX:-}
linger=
if [ -z "$prefix" ]; then
    prefix=$(build_folder "$1")/wineprefix
    linger=60
fi
if ! wine_server_runs "$prefix"; then
    "$here/prefix.sh" start "$prefix" $linger </dev/null || exit 1
fi
wine_environment "$(realpath "$prefix")"

watcher=
scratch=$(mktemp -d)
out=$scratch/out err=$scratch/out
# Two files only where the caller tells the two streams apart.
[ /proc/self/fd/1 -ef /proc/self/fd/2 ] || err=$scratch/err
trap 'stopped 143' TERM
trap 'stopped 130' INT
trap 'stopped 129' HUP

export WINLANE_WINE_RUN
limit=${WINLANE_WINE_TIMEOUT:-600}
began=$SECONDS
(
    wine_close_others
    exec timeout -k 5 "$limit" "$WINE_PROGRAM" "$@" </dev/null >>"$out" 2>>"$err"
) &
watcher=$!
wait "$watcher"
status=$?
if [ "$status" = 124 ] || [ "$status" = 137 ]; then
    kill_run
    # A program may end with these codes by itself; SECONDS counts whole ones.
    [ $((SECONDS - began + 1)) -lt "$limit" ] || echo "wine-run: ended after $limit s" >>"$out"
elif [ "$status" != 0 ] && [ ! -s "$out" ] && [ ! -s "$err" ]; then
    echo "wine-run: exit code $status without a word" >&2
fi
show
exit "$status"
