#!/bin/sh
# Instructions that a tick of the timers, a segment, and an end with a new beginning take beside 1 ... 100,000 connections.
# usage: measure_pcbs.sh PROGRAM, the target measure_pcbs
set -eu
program=$1
instructions() { # CONNECTIONS WHAT COUNT
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 >/dev/null |
        awk '/Collected/ { print $NF }'
}
for conns in 1 1000 100000; do
    for what in tick segment renew; do
        few=$(instructions $conns $what 10)
        many=$(instructions $conns $what 40)
        echo "$conns connections: $(((many - few) / 30)) instructions a $what"
    done
done
