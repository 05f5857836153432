#!/bin/bash
# Runs a PE test program on a veth pair that its net_pcap ports reach through Wine's wpcap.dll, which is the native libpcap.
#
#   tests/driver/net_pcap.sh PROGRAM.exe [ARGUMENT...]
#
# The pair t_nic0, t_nic1 (MTU 9000) and t_nic2 (MTU 1000) are in a network namespace of this run, and so is a wineserver of
# its own: a wineserver sees the interfaces of the namespace that it was started in. The program may unplug t_nic0: it makes
# a file `down` or `up` in the folder T_DRIVER_VETH, which is removed when that is done. Needs root; ends with 77 without it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wine=$here/../wine

if [ "${T_DRIVER_VETH:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "skipped: needs root for a network namespace"; exit 77; }
    "$wine/prefix.sh" check || exit $?
    unshare -n true 2>/dev/null || { echo "skipped: no network namespace here"; exit 77; }
    T_DRIVER_VETH=inside exec unshare -n "$0" "$@"
fi

interfaces() {
    ip link set lo up &&
        ip link add t_nic0 mtu 9000 type veth peer name t_nic1 mtu 9000 &&
        ip link add t_nic2 mtu 1000 type veth peer name t_nic3 || return 1
    # The kernel must not speak on them by itself.
    for name in t_nic0 t_nic1; do
        echo 1 >"/proc/sys/net/ipv6/conf/$name/disable_ipv6" && ip link set "$name" up || return 1
    done
}

interfaces || { echo "skipped: no veth pair here"; exit 77; }
# plug FOLDER: does what the program asks for, until its folder is gone.
plug() {
    local wanted
    while [ -d "$1" ]; do
        for wanted in up down; do
            [ ! -e "$1/$wanted" ] || { ip link set t_nic0 "$wanted" && rm -f "$1/$wanted"; }
        done
        sleep 0.02
    done
}

scratch=$(mktemp -d)
export WINLANE_WINEPREFIX=$scratch/prefix
trap '"$wine/prefix.sh" stop "$WINLANE_WINEPREFIX"; rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT HUP
"$wine/prefix.sh" start "$WINLANE_WINEPREFIX" || exit 1
export T_DRIVER_VETH=$scratch/veth
mkdir "$T_DRIVER_VETH"
plug "$T_DRIVER_VETH" </dev/null >/dev/null 2>&1 &
"$wine/wine-run.sh" "$@"
