#!/bin/bash
# Installs what Winlane is built from, by Debian package name (Debian 12), unpacks lwIP 2.2.1 and builds libraries for Windows.
#
#   configs/deps.sh system   Debian packages; root is needed only when one is missing
#   configs/deps.sh lwip     lwIP 2.2.1 from Debian's source package, into the cache
#   configs/deps.sh windows  Debian packages of the Windows build (exit status 77 if they cannot be had) and libraries for it,
#                            cross-built from Debian's source packages, into the cache
#   configs/deps.sh all      all three
#   configs/deps.sh check    says what is missing, changes nothing; exit status 1 if anything is
#   configs/deps.sh debian-uri [FOLDER]  the archive that apt's configuration (/etc/apt) names for Debian 12
#
# The cache is ${WINLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/winlane}; where LWIP_SOURCE_DIR names a tree, that
# one is checked and nothing fetched. The machine's own apt lists and sources stay as they are: source packages are
# fetched by a private list derived from them. JOBS is the number of compilers at a time (all processors).
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

LWIP_VERSION=2.2.1
LWIP_SUITE=trixie
CACHE=$(realpath -m "${WINLANE_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/winlane}")
LWIP_DIR=$CACHE/lwip-$LWIP_VERSION
JOBS=${JOBS:-$(nproc)}

# To build: compilers, CMake, the libraries. dpkg-dev, patch and the keyring: to fetch and patch lwIP.
BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config
    libdpdk-dev libpcap-dev libcmocka-dev libinih-dev libjansson-dev libc-ares-dev libgcrypt20-dev
    dpkg-dev patch xz-utils debian-archive-keyring ca-certificates python3"
# To check: clang (ThreadSanitizer refuses fences in gcc 12), formatter, static checks.
CHECK_PACKAGES="clang-14 libclang-rt-14-dev llvm-14 clang-format-14 clang-tidy-14 cppcheck git"
# To run the demonstration and the tests that talk to the kernel: namespaces, ordinary programs, readers and makers of captures.
PEER_PACKAGES="iproute2 ethtool procps socat iperf3 tcpdump dnsmasq-base tshark python3-scapy"

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# missing_packages NAME...: prints those that are not installed.
missing_packages() {
    local p state
    for p in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$p"
    done
}

apt_get() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq "$@"; }

# install_packages WHAT NAME...: status 1 if one is missing and cannot be installed.
install_packages() {
    local what=$1 missing
    shift
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        say "Debian packages $what: all there"
        return 0
    fi
    say "Debian packages $what missing: $missing"
    if [ "$(id -u)" != 0 ]; then
        say "not root, so they cannot be installed; as root: configs/deps.sh all"
        return 1
    fi
    say "reading the package lists (apt-get update)"
    apt_get update || return 1
    say "installing (apt-get install)"
    # shellcheck disable=SC2086  # a list of words is meant
    apt_get install -y --no-install-recommends $missing >"$LOG" 2>&1 || {
        tail -n 40 "$LOG" >&2
        say "apt-get install failed"
        return 1
    }
    say "installed"
}

install_system() {
    # shellcheck disable=SC2086  # lists of words are meant
    install_packages "to build, check and run" $BUILD_PACKAGES $CHECK_PACKAGES $PEER_PACKAGES || exit 1
}

# Prints the URI of the entry for Debian 12's main section in the apt configuration folder $1, from one-line lists or
# deb822 files.
debian_uri() {
    local apt=$1 files=() f
    for f in "$apt/sources.list" "$apt"/sources.list.d/*.list "$apt"/sources.list.d/*.sources; do
        [ -r "$f" ] && files+=("$f")
    done
    [ "${#files[@]}" -gt 0 ] || return 1
    awk '
        function suite_ok(s) { return s == "bookworm" || s == "stable" || s == "oldstable" }
        function offer(uri) { sub(/\/+$/, "", uri); if (uri != "" && !found) { found = 1; print uri } }
        function flush_stanza(   n, i, w, hit, main) {
            if (f["types"] ~ /(^| )deb( |$)/ && tolower(f["enabled"]) !~ /^(no|false|0|off|without|disable)$/) {
                n = split(f["suites"], w, /[ \t]+/); hit = 0
                for (i = 1; i <= n; i++) if (suite_ok(w[i])) hit = 1
                n = split(f["components"], w, /[ \t]+/); main = 0
                for (i = 1; i <= n; i++) if (w[i] == "main") main = 1
                if (hit && main && split(f["uris"], w, /[ \t]+/) > 0) offer(w[1])
            }
            delete f; key = ""
        }
        FNR == 1 { flush_stanza(); deb822 = FILENAME ~ /\.sources$/ }
        /^[ \t]*#/ { next }
        deb822 && /^[ \t]*$/ { flush_stanza(); next }
        deb822 && /^[ \t]/ { sub(/^[ \t]+/, ""); f[key] = f[key] (f[key] == "" ? "" : " ") $0; next }
        deb822 {
            key = tolower(substr($0, 1, index($0, ":") - 1)); v = substr($0, index($0, ":") + 1)
            gsub(/^[ \t]+|[ \t\r]+$/, "", v); f[key] = v; next
        }
        $1 == "deb" {
            line = $0; sub(/\[[^]]*\]/, "", line); n = split(line, w, /[ \t]+/)
            for (i = 4; i <= n; i++) if (w[i] == "main" && suite_ok(w[3])) offer(w[2])
        }
        END { flush_stanza() }' "${files[@]}"
}

lwip_tree_ok() {
    local init=$1/src/include/lwip/init.h major minor revision
    [ -r "$init" ] || return 1
    major=$(awk '$2 == "LWIP_VERSION_MAJOR" { print $3; exit }' "$init")
    minor=$(awk '$2 == "LWIP_VERSION_MINOR" { print $3; exit }' "$init")
    revision=$(awk '$2 == "LWIP_VERSION_REVISION" { print $3; exit }' "$init")
    [ "$major.$minor.$revision" = "$LWIP_VERSION" ]
}

# A private folder in the cache, removed at the end; what is made there is moved into place when it is whole.
take_work() {
    [ -n "$WORK" ] || WORK=$(mktemp -d "$CACHE/.fetch.XXXXXX")
}

# fetch_source PACKAGE SUITE: the source package, unpacked in $WORK/src/PACKAGE with Debian's patches of it applied.
fetch_source() {
    local package=$1 suite=$2 uri dsc keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed="" apt=$WORK/apt-$2
    [ ! -d "$WORK/src/$package" ] || return 0
    uri=$(debian_uri /etc/apt || true)
    [ -n "$uri" ] || die "no entry for Debian 12's main section in this machine's apt sources: $package cannot be fetched"
    [ -r "$keyring" ] && signed=" [signed-by=$keyring]"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$apt/src" "$WORK/src"
    local opts=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts"
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "Acquire::Languages=none")
    # The private folder may be closed to apt's own download user.
    [ "$(id -u)" = 0 ] && opts+=(-o "APT::Sandbox::User=root")
    if [ ! -s "$apt/sources.list" ]; then
        say "reading the source list of suite $suite (private list)"
        printf 'deb-src%s %s %s main\n' "$signed" "$uri" "$suite" >"$apt/sources.list"
        apt_get "${opts[@]}" update
    fi
    say "$package: fetching the source package"
    (cd "$apt/src" && apt_get "${opts[@]}" --download-only --only-source source "$package/$suite")
    dsc=$(find "$apt/src" -name "${package}_*.dsc" | head -n 1)
    [ -n "$dsc" ] || die "$package: the source package did not arrive"
    say "$package: unpacking $(basename "$dsc")"
    dpkg-source --no-check -x "$dsc" "$WORK/src/$package" >"$LOG" 2>&1 || {
        cat "$LOG" >&2
        die "$package: dpkg-source failed"
    }
}

install_lwip() {
    if [ -n "${LWIP_SOURCE_DIR:-}" ]; then
        lwip_tree_ok "$LWIP_SOURCE_DIR" || die "LWIP_SOURCE_DIR=$LWIP_SOURCE_DIR holds no lwIP $LWIP_VERSION"
        say "lwIP $LWIP_VERSION: in $LWIP_SOURCE_DIR, as LWIP_SOURCE_DIR says"
        return 0
    fi
    if lwip_tree_ok "$LWIP_DIR"; then
        say "lwIP $LWIP_VERSION: in $LWIP_DIR"
        return 0
    fi
    command -v dpkg-source >/dev/null || die "dpkg-source is missing; as root: configs/deps.sh system"
    mkdir -p "$CACHE" || die "the cache folder $CACHE cannot be made; WINLANE_CACHE names another"
    exec 9>"$CACHE/.lwip.lock"
    flock -n 9 || { say "lwIP: another run is fetching it; waiting"; flock 9; }
    if lwip_tree_ok "$LWIP_DIR"; then
        return 0
    fi
    take_work
    fetch_source lwip "$LWIP_SUITE"
    lwip_tree_ok "$WORK/src/lwip" || die "lwIP: the package is not version $LWIP_VERSION; \
give CMake -DLWIP_SOURCE_DIR=<an lwIP $LWIP_VERSION tree> instead"
    # A tree of another version or a torn one gives way; the new one appears whole or not at all.
    rm -rf "$LWIP_DIR"
    mv -T "$WORK/src/lwip" "$LWIP_DIR"
    say "lwIP $LWIP_VERSION: now in $LWIP_DIR"
}

check_all() {
    local missing status=0
    # shellcheck disable=SC2086  # lists of words are meant
    missing=$(missing_packages $BUILD_PACKAGES $CHECK_PACKAGES $PEER_PACKAGES $WINDOWS_PACKAGES)
    [ -z "$missing" ] || { say "Debian packages missing: $missing"; status=1; }
    lwip_tree_ok "${LWIP_SOURCE_DIR:-$LWIP_DIR}" || { say "lwIP $LWIP_VERSION is not in ${LWIP_SOURCE_DIR:-$LWIP_DIR}"; status=1; }
    check_windows || status=1
    [ $status = 1 ] || say "all there"
    return $status
}

# shellcheck source=configs/deps-windows.sh
. "$(dirname "$0")/deps-windows.sh"

WORK=""
LOG=$(mktemp)
trap 'rm -rf "$LOG" ${WORK:+"$WORK"}' EXIT

case "${1:-}" in
    system) install_system ;;
    lwip) install_lwip ;;
    windows) install_windows ;;
    all) install_system; install_lwip; install_windows ;;
    check) check_all ;;
    debian-uri) debian_uri "${2:-/etc/apt}" ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
