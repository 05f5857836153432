#!/bin/sh
# What patch 0001 costs: instructions per received TCP segment of lwIP without it, with a plain global pointer, and
# with the thread-local one; and nanoseconds per segment, best of 5.
# usage: measure_instance.sh PRISTINE_LWIP_TREE
set -eu
pristine=$1
here=$(cd "$(dirname "$0")" && pwd)
lwip=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources="core/def.c core/inet_chksum.c core/init.c core/ip.c core/mem.c core/memp.c core/netif.c core/pbuf.c
core/raw.c core/stats.c core/tcp.c core/tcp_in.c core/tcp_out.c core/timeouts.c core/udp.c core/ipv4/acd.c
core/ipv4/dhcp.c core/ipv4/etharp.c core/ipv4/icmp.c core/ipv4/igmp.c core/ipv4/ip4.c core/ipv4/ip4_addr.c
core/ipv4/ip4_frag.c core/ipv6/ethip6.c core/ipv6/icmp6.c core/ipv6/inet6.c core/ipv6/ip6.c core/ipv6/ip6_addr.c
core/ipv6/ip6_frag.c core/ipv6/mld6.c core/ipv6/nd6.c netif/ethernet.c"

build() { # NAME EXTRA_SOURCE FLAGS...
    name=$1 extra=$2
    shift 2
    mkdir -p "$work/$name"
    cp -r "$pristine/src" "$work/$name/"
    if [ -n "$extra" ]; then
        (cd "$work/$name" && patch -s -p1 --fuzz=0 -i "$lwip/patches/0001-instance.patch")
    fi
    (cd "$work/$name/src" && ${CC:-gcc} -O2 -fPIC -DNDEBUG -w "$@" -I"$here" -Iinclude -I"$lwip/port" \
        "$here/measure_tcp.c" $sources $extra -o "$work/$name/measure")
}

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/$1/measure" "$2" 2>&1 >/dev/null |
        awk '/Collected/ { print $NF }'
}

build pristine ""
build global core/instance.c -DMEASURE_INSTANCE -DLWIP_INSTANCE_STORAGE=
build thread core/instance.c -DMEASURE_INSTANCE
for name in pristine global thread; do
    few=$(instructions $name 1000)
    many=$(instructions $name 3000)
    segments=$(($("$work/$name/measure" 3000) - $("$work/$name/measure" 1000)))
    best=
    for i in 1 2 3 4 5; do
        start=$(date +%s%N)
        "$work/$name/measure" 1000000 >"$work/segments"
        ns=$((($(date +%s%N) - start) * 10 / $(cat "$work/segments")))
        if [ -z "$best" ] || [ $ns -lt $best ]; then best=$ns; fi
    done
    echo "$name: $(((many - few) / segments)) instructions per segment, $((best / 10)).$((best % 10)) ns per segment"
done
