#!/bin/bash
# The demonstration: run-demo.sh BUILD_DIR [--no-root] [--quick] [--capture FILE]; see demo.py.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: run-demo.sh BUILD_DIR [--no-root] [--quick] [--capture FILE]" >&2; exit 2; }
need=(python3)
root=yes
for word in "$@"; do [ "$word" = --no-root ] && root=no; done
if [ $root = yes ]; then
    [ "$(id -u)" = 0 ] || { echo "run-demo.sh: namespaces and packet sockets need root; --no-root uses the in-memory wire" >&2; exit 1; }
    need+=(ip ss ethtool taskset chrt socat tcpdump)
fi
for tool in "${need[@]}"; do
    command -v "$tool" >/dev/null || { echo "run-demo.sh: $tool is missing; configs/deps.sh system installs it" >&2; exit 1; }
done
exec python3 "$here/demo.py" "$@"
