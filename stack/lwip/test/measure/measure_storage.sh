#!/bin/sh
# Where the selected instance is kept on Windows, and what each choice costs; under Wine.
# usage: measure_storage.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
x86_64-w64-mingw32-gcc-win32 -O2 -static -D_WIN32_WINNT=0x0A00 -I"$root/stack/include" "$here/measure_storage_windows.c" \
    "$root/stack/base/tls_windows.c" -o "$work/measure.exe"
"$root/tests/wine/wine-run.sh" "$work/measure.exe"
