#!/bin/bash
# fuzz.sh PROGRAM FOUND SEEDS SECONDS [MORE...]: runs a fuzzer from the seeds (MORE: folders of them, options); what it finds new stays in FOUND, for the next run too.
# An input that ends the program is FOUND/crash-*, and its bytes are shown.
set -u
program=$1 found=$2 seeds=$3 seconds=$4
shift 4
mkdir -p "$found/corpus"
"$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$found/" \
    "$found/corpus" "$seeds" "$@" >"$found/log" 2>&1
status=$?
grep -E '^stat::(number_of_executed_units|average_exec_per_sec|new_units_added|peak_rss_mb)|INITED|Done' "$found/log"
[ "$status" -eq 0 ] && exit 0
tail -n 60 "$found/log"
exit "$status"
