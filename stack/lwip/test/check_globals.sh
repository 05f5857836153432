#!/bin/sh
# No mutable symbol may be left in lwIP's objects but the selected instance (patch 0001).
# usage: check_globals.sh LIBRARY [PREFIX-OF-THE-BINUTILS pe]
set -eu
prefix=${2:-}
if [ "${3:-elf}" = pe ]; then
    # Constant tables, of pointers too, are in .rdata: what is in .data or .bss is mutable. Sections are symbols here.
    left=$("${prefix}nm" "$1" | awk '$2 ~ /^[bBdDC]$/ && $3 !~ /^\./ && $3 != "lwip_instance_current" { print $3 }')
    data= tls=
else
    left=$(nm "$1" | awk '$2 ~ /^[bBC]$/ && $3 != "lwip_instance_current" { print $3 }')
    # Initialised data: constant tables of pointers are relocated and then read-only; everything else is mutable.
    data=$(objdump -t "$1" | awk '/[ \t]\.(data|tdata)[^ \t]*[ \t]/ && / O / && !/\.data\.rel\.ro/ { print $NF }')
    tls=$(objdump -t "$1" | awk '$0 ~ /\.tbss/ && $0 ~ / O |TLS/ { print $NF }' | grep -v '^lwip_instance_current$' | grep -v '^\.tbss' || true)
fi
if [ -n "$left$data$tls" ]; then
    echo "mutable globals left in lwIP:" $left $data $tls
    exit 1
fi
"${prefix}nm" "$1" | grep -q lwip_instance_current
