#!/bin/bash
# Measurements: run-bench.sh BUILD_DIR [rtt|udp|rio-cost|stream|crr] [--json FILE] [--repeat N] [--quick]; see bench.py.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: run-bench.sh BUILD_DIR [rtt|udp|rio-cost|stream|crr] [--json FILE] [--repeat N] [--quick]" >&2; exit 2; }
for tool in python3 taskset; do
    command -v "$tool" >/dev/null || { echo "run-bench.sh: $tool is missing; configs/deps.sh system installs it" >&2; exit 1; }
done
exec python3 "$here/bench.py" "$@"
