#!/bin/bash
# cppcheck over our own C files, results cached in build/cppcheck. Exit status 77: no cppcheck here.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v cppcheck >/dev/null || { echo "cppcheck is missing"; exit 77; }
mkdir -p build/cppcheck
python3 tests/lint/layers.py --list .c | grep -E '^(stack|nic|drivers|wsp|bench)/' >build/cppcheck.files ||
    { echo "no file to check"; exit 1; }
# Headers of lwIP and DPDK are not read: cppcheck needs our own code only, and theirs is slow.
# uninitvar: it takes the address of an out-parameter for a read; the compilers check the same.
exec cppcheck --quiet --std=c11 --platform=unix64 -j "$(nproc)" --cppcheck-build-dir=build/cppcheck \
    --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unmatchedSuppression --suppress=uninitvar \
    -Istack/include -Inic/include -Iwsp/include -D_GNU_SOURCE -D__linux__ \
    --file-list=build/cppcheck.files
