#!/bin/sh
# A DLL exports exactly the names given.
# usage: check_exports.sh OBJDUMP DLL NAME...
set -eu
objdump=$1 dll=$2
shift 2
found=$("$objdump" -p "$dll" | awk '/^\[Ordinal\/Name Pointer\] Table/ { on = 1; next } on && !/^\t\[/ { exit } on { print $NF }' | sort)
wanted=$(printf '%s\n' "$@" | sort)
[ -n "$found" ] || { echo "$dll: no export table that this script can read"; exit 1; }
[ "$found" = "$wanted" ] || { echo "$dll exports:" $found; echo "wanted:" $wanted; exit 1; }
