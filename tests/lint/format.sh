#!/bin/bash
# format.sh check|fix: clang-format 14 over the tracked C files. Exit status 77: no formatter here.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format-14 >/dev/null || { echo "clang-format-14 is missing"; exit 77; }
mapfile -t files < <(python3 tests/lint/layers.py --list .c .h)
[ -n "${files[0]:-}" ] || { echo "no C file found"; exit 1; }
case "${1:-}" in
    check) printf '%s\0' "${files[@]}" | xargs -0 -r -n 16 -P "$(nproc)" clang-format-14 --dry-run -Werror --ferror-limit=1 --style=file ;;
    fix) printf '%s\0' "${files[@]}" | xargs -0 -r -n 16 -P "$(nproc)" clang-format-14 -i --style=file ;;
    *) echo "usage: format.sh check|fix" >&2; exit 2 ;;
esac
