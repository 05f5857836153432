# What prefix.sh and wine-run.sh have in common: which Wine, and the environment of everything that runs under it.
# shellcheck shell=bash

wine_say() { printf 'wine: %s\n' "$*" >&2; }

# Debian keeps the real programs here; its wrappers in /usr/bin complain that there is no 32-bit Wine.
WINE_PROGRAM=/usr/lib/wine/wine64
WINE_SERVER=/usr/lib/wine/wineserver64
if [ ! -x "$WINE_PROGRAM" ]; then
    WINE_PROGRAM=$(command -v wine64 || true)
    WINE_SERVER=$(command -v wineserver || true)
fi

wine_there() { [ -x "$WINE_PROGRAM" ] && [ -x "$WINE_SERVER" ]; }

# wine_environment FOLDER: headless, quiet, of that prefix. WINLANE_WINE_OVERRIDES adds to the DLL overrides ("ws2_32=n,b"),
# WINLANE_WINEDEBUG replaces Wine's silence by its channels.
wine_environment() {
    export WINEPREFIX=$1 WINEARCH=win64 WINELOADER=$WINE_PROGRAM WINESERVER=$WINE_SERVER
    export WINEDEBUG=${WINLANE_WINEDEBUG:--all}
    export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe,winedbg.exe=d${WINLANE_WINE_OVERRIDES:+;$WINLANE_WINE_OVERRIDES}"
    unset DISPLAY WAYLAND_DISPLAY
}

# Whoever waits for the end of a pipe that the caller holds would wait for wineserver, which outlives the program: nothing
# started from here on inherits more than the three standard streams.
wine_close_others() {
    local fd
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        # 255 is the script itself, which no child gets.
        if [ "$fd" -gt 2 ] && [ "$fd" != 255 ]; then
            eval "exec $fd>&-"
        fi
    done
}

# wine_server_runs FOLDER: tells whether the server that prefix.sh started there is alive.
wine_server_runs() {
    local pid
    pid=$(cat "$1/.server.pid" 2>/dev/null) || return 1
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$(basename "$WINE_SERVER")" ]
}
