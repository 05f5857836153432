#!/bin/bash
# A WINEPREFIX of one's own: 64 bit, Windows 10, without a display, touching nothing in the home folder.
#
#   tests/wine/prefix.sh make FOLDER             makes it; does nothing where it is already made by this script and this Wine
#   tests/wine/prefix.sh start FOLDER [SECONDS]  makes it and starts its wineserver, which stays until stopped, or until it
#                                                was idle for so long
#   tests/wine/prefix.sh stop FOLDER             ends everything that runs in it
#   tests/wine/prefix.sh check                   status 77 and the reason if there is no Wine
#
# Making one takes Wine 6 to 10 s; a template in build/wine is made once and copied from then on. A prefix must not be
# copied by hand: Debian's Wine keeps the name of its server's socket in it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wine/env.sh
. "$here/env.sh"
template=$here/../../build/wine/template

fail() { wine_say "$*"; exit 1; }

# bounded SECONDS LOG COMMAND...: nothing of Wine's may hang a run, nor write into a pipe.
bounded() {
    local seconds=$1 log=$2
    shift 2
    timeout -k 5 "$seconds" "$@" >>"$log" 2>&1 </dev/null 9>&-
}

# Reads the settings that differ from a new prefix's own.
settings() {
    cat <<'REG'
REGEDIT4

[HKEY_CURRENT_USER\Software\Wine\Drivers]
"Graphics"="null"

[HKEY_CURRENT_USER\Software\Wine\DllOverrides]
"mscoree"=""
"mshtml"=""
"winemenubuilder.exe"=""
"winedbg.exe"=""

[HKEY_CURRENT_USER\Software\Wine\WineDbg]
"ShowCrashDialog"=dword:00000000
REG
}

# Links into the home folder become folders of the prefix.
cut_home_links() {
    local link
    find "$1/drive_c/users" -type l | while IFS= read -r link; do
        rm "$link" && mkdir "$link"
    done
}

# end_server FOLDER: and everything that runs in the prefix; Debian's Wine leaves its socket's folder behind, named in the
# prefix.
end_server() {
    local sockets
    timeout -k 5 30 "$WINE_SERVER" -k </dev/null >/dev/null 2>&1 9>&-
    timeout -k 5 30 "$WINE_SERVER" -w </dev/null >/dev/null 2>&1 9>&-
    sockets=$(cat "$1/wineserver" 2>/dev/null)
    [[ $sockets != wine-?????? ]] || rm -rf "${TMPDIR:-/tmp}/$sockets"
    rm -f "$1/wineserver" "$1/.server.pid"
}

# make_fresh FOLDER: by Wine itself, in a folder beside it that is renamed when all is well.
make_fresh() {
    local folder=$1 new=$1.new.$$ log=$1.log.$$ status=1
    rm -rf "$new"
    mkdir -p "$new"
    (
        HOME=$new/home
        export HOME
        mkdir "$HOME"
        wine_environment "$new"
        bounded 120 "$log" "$WINE_SERVER" -p60
        settings >"$new/settings.reg"
        bounded 180 "$log" "$WINE_PROGRAM" wineboot -i &&
            bounded 60 "$log" "$WINE_PROGRAM" regedit /S "$new/settings.reg" &&
            bounded 60 "$log" "$WINE_PROGRAM" winecfg -v win10 &&
            bounded 60 "$log" "$WINE_PROGRAM" cmd /c ver
        status=$?
        end_server "$new"
        exit $status
    )
    status=$?
    if [ $status != 0 ] || ! grep -q 'Version 10\.\|Windows 10\.' "$log" || [ ! -s "$new/user.reg" ]; then
        tail -n 20 "$log" >&2
        rm -rf "$new" "$log"
        return 1
    fi
    cut_home_links "$new"
    rm -rf "${new:?}/home" "$log"
    identity >"$new/.identity"
    rm -rf "$folder"
    mv -T "$new" "$folder"
}

# Two prefixes with this in common are alike.
identity() {
    declare -f settings make_fresh cut_home_links | sha256sum | cut -c1-32
    "$WINE_PROGRAM" --version 2>/dev/null
}

made() { [ -r "$1/.identity" ] && [ "$(cat "$1/.identity")" = "$(identity)" ]; }

# copy_template FOLDER: the DLLs, 700 MB that nobody writes to, are linked where the file system allows it.
copy_template() {
    local folder=$1 new=$1.new.$$ item
    rm -rf "$new"
    mkdir -p "$new/drive_c" || return 1
    for item in "$template"/.[!.]* "$template"/*; do
        [ "${item##*/}" = drive_c ] || cp -a "$item" "$new/" || return 1
    done
    for item in "$template"/drive_c/*; do
        if [ "${item##*/}" != windows ] || ! cp -al "$item" "$new/drive_c/" 2>/dev/null; then
            rm -rf "$new/drive_c/${item##*/}"
            cp -a "$item" "$new/drive_c/" || return 1
        fi
    done
    rm -rf "$folder"
    mv -T "$new" "$folder"
}

make_prefix() {
    local folder=$1
    mkdir -p "$(dirname "$folder")" "$(dirname "$template")" || exit 1
    folder=$(realpath -m "$folder")
    made "$folder" && return 0
    ! wine_server_runs "$folder" || stop_server "$folder"
    [ ! -e "$folder" ] || [ -d "$folder/dosdevices" ] || [ -z "$(ls -A "$folder")" ] || fail "$folder is something else"
    (
        flock 9
        made "$template" || { wine_say "making a prefix (once)"; make_fresh "$template"; }
    ) 9>"$template.lock" || fail "wineboot failed"
    copy_template "$folder" || fail "$folder could not be made"
}

# start_server FOLDER [SECONDS]: with it come Wine's own services, so that no test is their parent.
start_server() {
    local folder=$1 linger=${2:-}
    wine_server_runs "$folder" && return 0
    make_prefix "$folder"
    wine_environment "$(realpath "$folder")"
    (
        flock 9
        wine_server_runs "$folder" && exit 0
        rm -f "$folder/.server.pid"
        "$WINE_SERVER" -p"$linger" </dev/null >"$folder/server.log" 2>&1 9>&-
        # The server is a child of nobody; who owns this prefix's is in its environment.
        for pid in $(pgrep -x -U "$(id -u)" "$(basename "$WINE_SERVER" | cut -c1-15)"); do
            grep -qzxF "WINEPREFIX=$WINEPREFIX" "/proc/$pid/environ" 2>/dev/null && echo "$pid" >"$folder/.server.pid"
        done
        [ -s "$folder/.server.pid" ] || exit 1
        bounded 60 "$folder/server.log" "$WINE_PROGRAM" cmd /c exit 0 9>&-
    ) 9>"$folder/.server.lock" || { cat "$folder/server.log" >&2; fail "the wineserver of $folder did not start"; }
}

stop_server() {
    [ -d "$1/dosdevices" ] || return 0
    wine_environment "$(realpath "$1")"
    end_server "$(realpath "$1")"
}

wine_there || { echo "skipped: no 64-bit Wine on this machine (packages wine and wine64)"; exit 77; }
command=${1:-} folder=${2:-}
wine_close_others
case $command in
    check) exit 0 ;;
    make | start | stop) [ -n "$folder" ] || fail "which folder?" ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
case $command in
    make) make_prefix "$folder" ;;
    start) start_server "$folder" "${3:-}" ;;
    stop) stop_server "$folder" ;;
esac
