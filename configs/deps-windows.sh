# Third-party libraries for the Windows build, cross-built from Debian's source packages; configs/deps.sh reads this file.
#
#   ${CACHE}/windows/x86_64         inih, Jansson, CMocka, libpcap: include/ and lib/ in common, a stamp for each
#   ${CACHE}/windows/i686           inih, for the 32-bit build that is compared with the 64-bit one
#   ${CACHE}/windows/x86_64-dpdk    DPDK, static libraries
#
# A stamp holds a sum of its recipe below and of the compiler's version, so that a changed recipe builds again. Each
# library appears whole or not at all. Nothing built here is run at build time: Wine has no part in it.
# shellcheck shell=bash

# 32 bit only for comparison; Meson for DPDK, bison and flex for libpcap; Wine to run what is built.
WINDOWS_PACKAGES="gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-i686-win32 meson bison flex wine wine64"
WINDOWS_DIR=$CACHE/windows
# "name architecture suite source-package": what is built, in this order. inih's source is there for trixie only.
WINDOWS_PARTS=(
    "inih x86_64 trixie libinih"
    "inih i686 trixie libinih"
    "jansson x86_64 bookworm jansson"
    "cmocka x86_64 bookworm cmocka"
    "libpcap x86_64 bookworm libpcap"
    "dpdk x86_64 bookworm dpdk"
)
# With mingw-w64's own printf, which knows %zu and %lld in libraries that print.
WINDOWS_CFLAGS="-O2 -D__USE_MINGW_ANSI_STDIO=1"

cross_cc() { printf '%s-w64-mingw32-gcc-win32' "$1"; }

# quiet COMMAND...: its output goes to the log, which is shown if it fails.
quiet() {
    "$@" >>"$LOG" 2>&1 && return 0
    tail -n 60 "$LOG" >&2
    die "failed: $*"
}

# cross_cmake ARCH SOURCE BUILD ARGS...: configures; the caller names the target to build.
cross_cmake() {
    local arch=$1 source=$2 build=$3
    shift 3
    quiet cmake -G Ninja -S "$source" -B "$build" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR="$arch" \
        -DCMAKE_C_COMPILER="$(cross_cc "$arch")" -DCMAKE_RC_COMPILER="$arch-w64-mingw32-windres" \
        -DCMAKE_FIND_ROOT_PATH="/usr/$arch-w64-mingw32" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY -DCMAKE_C_FLAGS="$WINDOWS_CFLAGS" -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_INSTALL_PREFIX=/ -DCMAKE_INSTALL_LIBDIR=lib -Wno-dev "$@"
}

# stage_archive ARCH ARCHIVE STAGE: without the linker directives by which a "dllexport" in a static library would add
# names to the exports of the DLL that links it.
stage_archive() {
    mkdir -p "$3/lib" "$3/include"
    quiet "$1-w64-mingw32-objcopy" --remove-section .drectve "$2" "$3/lib/$(basename "$2")"
}

# The recipes: make_NAME ARCH SOURCE BUILD STAGE, run in a folder of their own.

make_inih() {
    local arch=$1 source=$2 build=$3 stage=$4
    mkdir -p "$build"
    # As Debian's own package, so that one header serves both.
    # shellcheck disable=SC2086  # a list of words is meant
    quiet "$(cross_cc "$arch")" $WINDOWS_CFLAGS -DINI_HANDLER_LINENO=1 -c "$source/ini.c" -o "$build/ini.o"
    quiet "$arch-w64-mingw32-ar" rcs "$build/libinih.a" "$build/ini.o"
    stage_archive "$arch" "$build/libinih.a" "$stage"
    cp "$source/ini.h" "$stage/include/"
}

make_jansson() {
    local arch=$1 source=$2 build=$3 stage=$4
    cross_cmake "$arch" "$source" "$build" -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
    quiet ninja -C "$build" -j "$JOBS" jansson
    stage_archive "$arch" "$build/lib/libjansson.a" "$stage"
    cp "$build"/include/jansson.h "$build"/include/jansson_config.h "$stage/include/"
}

make_cmocka() {
    local arch=$1 source=$2 build=$3 stage=$4
    cross_cmake "$arch" "$source" "$build" -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
    quiet ninja -C "$build" -j "$JOBS" cmocka-static
    mv "$build/src/libcmocka-static.a" "$build/libcmocka.a"
    stage_archive "$arch" "$build/libcmocka.a" "$stage"
    cp "$source/include/cmocka.h" "$source/include/cmocka_pbc.h" "$stage/include/"
}

# Files only (PCAP_TYPE=null): live capture is Npcap's or Wine's own wpcap.dll, loaded at run time.
make_libpcap() {
    local arch=$1 source=$2 build=$3 stage=$4
    cross_cmake "$arch" "$source" "$build" -DPCAP_TYPE=null -DBUILD_SHARED_LIBS=ON -DDISABLE_DBUS=ON -DDISABLE_RDMA=ON \
        -DDISABLE_DPDK=ON -DDISABLE_BLUETOOTH=ON -DBUILD_WITH_LIBNL=OFF -DENABLE_REMOTE=OFF
    quiet ninja -C "$build" -j "$JOBS" pcap_static
    stage_archive "$arch" "$(find "$build" -name libpcap.a)" "$stage"
    mkdir -p "$stage/include/pcap"
    cp "$source"/pcap.h "$source"/pcap-bpf.h "$source"/pcap-namedb.h "$stage/include/"
    cp "$source"/pcap/*.h "$stage/include/pcap/"
}

# The compilers by their full names; corei7 is DPDK's least x86 (SSE 4.2); no exe_wrapper, by which Meson would start Wine
# in the home folder.
dpdk_cross_file() {
    local arch=$1 lib=$2
    cat <<END
[binaries]
c = '$(cross_cc "$arch")'
ar = '$arch-w64-mingw32-ar'
ld = '$arch-w64-mingw32-ld'
strip = '$arch-w64-mingw32-strip'
objdump = '$arch-w64-mingw32-objdump'

[built-in options]
c_args = ['-I$WINDOWS_DIR/$arch/include']
c_link_args = ['-L$lib']

[host_machine]
system = 'windows'
cpu_family = '$arch'
cpu = 'corei7'
endian = 'little'
END
}

# DPDK's virtual devices only. Its guards against net_null and net_ring on Windows are deleted; later versions have none.
make_dpdk() {
    local arch=$1 source=$2 build=$3 stage=$4 part
    for part in null ring; do
        sed -i '/^if is_windows$/,/^endif$/d' "$source/drivers/net/$part/meson.build"
    done
    # What net_pcap calls is declared by libpcap's headers and found at run time; DPDK's own build wants an import library.
    mkdir -p "$build/wpcap"
    {
        echo "LIBRARY wpcap.dll"
        echo EXPORTS
        "$arch-w64-mingw32-nm" -g --defined-only "$WINDOWS_DIR/$arch/lib/libpcap.a" | awk '$2 == "T" { print $3 }'
    } >"$build/wpcap/wpcap.def"
    quiet "$arch-w64-mingw32-dlltool" -d "$build/wpcap/wpcap.def" -l "$build/wpcap/libwpcap.a"
    dpdk_cross_file "$arch" "$build/wpcap" >"$build/cross.ini"
    quiet meson setup "$build/out" "$source" --cross-file "$build/cross.ini" --prefix=/ --libdir=lib \
        --buildtype=release --default-library=static --wrap-mode=nofallback \
        -Dplatform=generic -Dtests=false -Ddisable_apps='*' -Ddeveloper_mode=disabled \
        -Denable_drivers=net/null,net/ring,net/pcap,mempool/ring,mempool/stack,bus/vdev \
        -Ddisable_libs=bitratestats,cfgfile,flow_classify,gpudev,gro,gso,kni,jobstats,latencystats,metrics,node,pdump,pipeline,port,power,table,vhost
    say "DPDK: compiling"
    quiet env DESTDIR="$build/root" ninja -C "$build/out" -j "$JOBS" install
    for part in net_null net_ring net_pcap mempool_ring mempool_stack bus_vdev eal ethdev; do
        [ -s "$build/root/lib/librte_$part.a" ] || die "DPDK: librte_$part.a was not built"
    done
    mkdir -p "$stage/lib" "$stage/include"
    cp -a "$build/root/include/." "$stage/include/"
    find "$build/root/lib" -name 'librte_*.a' ! -name '*.dll.a' -exec mv -t "$stage/lib" {} +
    rename_wpcap "$arch" "$stage/lib"
}

# rename_wpcap ARCH FOLDER: net_pcap's calls of libpcap become calls of wl_wpcap_*, which the driver binds to wpcap.dll when
# that is there; the static libpcap in the same DLL keeps its own names. pcap-symbols.txt lists "pcap_x wl_wpcap_x".
rename_wpcap() {
    local arch=$1 lib=$2
    "$arch-w64-mingw32-nm" -u "$lib/librte_net_pcap.a" | awk '$1 == "U" { print $2 }' | sed 's/^__imp_//' | grep '^pcap_' |
        sort -u | sed 's/^pcap_\(.*\)/& wl_wpcap_\1/' >"$lib/pcap-symbols.txt" || true
    [ -s "$lib/pcap-symbols.txt" ] || die "DPDK: net_pcap refers to no function of libpcap"
    sed 'p; s/^\(\S*\) \(\S*\)$/__imp_\1 __imp_\2/' "$lib/pcap-symbols.txt" >"$WORK/redefine.txt"
    quiet "$arch-w64-mingw32-objcopy" --redefine-syms="$WORK/redefine.txt" "$lib/librte_net_pcap.a"
}

# windows_recipe NAME ARCH: what a stamp holds for this recipe and compiler.
windows_recipe() {
    local helpers="quiet cross_cmake stage_archive cross_cc"
    [ "$1" = dpdk ] && helpers="$helpers dpdk_cross_file rename_wpcap make_libpcap"
    # shellcheck disable=SC2086  # a list of words is meant
    {
        declare -f "make_$1" $helpers
        printf '%s\n' "$2" "$WINDOWS_CFLAGS" "${WINDOWS_PARTS[@]}"
        "$(cross_cc "$2")" -dumpfullversion 2>/dev/null || echo none
    } | sha256sum | cut -c1-32
}

windows_stamp() {
    case $1 in
        dpdk) printf '%s/%s-dpdk/.dpdk.stamp' "$WINDOWS_DIR" "$2" ;;
        *) printf '%s/%s/.%s.stamp' "$WINDOWS_DIR" "$2" "$1" ;;
    esac
}

windows_part_ok() {
    local stamp
    stamp=$(windows_stamp "$1" "$2")
    [ -r "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$(windows_recipe "$1" "$2")" ]
}

# publish NAME ARCH STAGE: DPDK's folder is replaced as a whole; the others share one, where the stamp goes first and
# comes last.
publish() {
    local name=$1 arch=$2 stage=$3 stamp file to
    stamp=$(windows_stamp "$name" "$arch")
    if [ "$name" = dpdk ]; then
        mv "$WORK/stamp" "$stage/$(basename "$stamp")"
        rm -rf "$(dirname "$stamp")"
        mv -T "$stage" "$(dirname "$stamp")"
        return
    fi
    rm -f "$stamp"
    while IFS= read -r file; do
        to=$WINDOWS_DIR/$arch/$file
        mkdir -p "$(dirname "$to")"
        mv -f "$stage/$file" "$to"
    done < <(cd "$stage" && find . -type f)
    mv -f "$WORK/stamp" "$stamp"
}

install_windows_part() {
    local name=$1 arch=$2 suite=$3 package=$4 version began=$SECONDS
    if windows_part_ok "$name" "$arch"; then
        return 0
    fi
    exec 8>"$WINDOWS_DIR/.$name-$arch.lock"
    flock -n 8 || { say "$name: another run is building it; waiting"; flock 8; }
    if ! windows_part_ok "$name" "$arch"; then
        take_work
        : >"$LOG"
        fetch_source "$package" "$suite"
        version=$(dpkg-parsechangelog -l "$WORK/src/$package/debian/changelog" -S Version)
        say "$name $version for Windows ($arch): building"
        rm -rf "$WORK/stage"
        # Some packages leave files in the folder that they are configured from.
        (cd "$WORK" && "make_$name" "$arch" "$WORK/src/$package" "$WORK/build-$name-$arch" "$WORK/stage")
        printf '%s\n%s %s\n' "$(windows_recipe "$name" "$arch")" "$package" "$version" >"$WORK/stamp"
        publish "$name" "$arch" "$WORK/stage"
        rm -rf "$WORK/build-$name-$arch"
        say "$name $version for Windows ($arch): done in $((SECONDS - began)) s"
    fi
    exec 8>&-
}

install_windows() {
    local part words
    # shellcheck disable=SC2086  # a list of words is meant
    install_packages "of the Windows build" $WINDOWS_PACKAGES || exit 77
    command -v dpkg-source >/dev/null || die "dpkg-source is missing; as root: configs/deps.sh system"
    mkdir -p "$WINDOWS_DIR" || die "the cache folder $WINDOWS_DIR cannot be made; WINLANE_CACHE names another"
    for part in "${WINDOWS_PARTS[@]}"; do
        read -r -a words <<<"$part"
        install_windows_part "${words[@]}"
    done
    say "libraries for Windows: in $WINDOWS_DIR"
}

# Says which libraries for Windows are missing or of another recipe; status 1 if any is.
check_windows() {
    local part name arch rest status=0
    for part in "${WINDOWS_PARTS[@]}"; do
        read -r name arch rest <<<"$part"
        windows_part_ok "$name" "$arch" || { say "$name for Windows ($arch) is not in $WINDOWS_DIR; configs/deps.sh windows"; status=1; }
    done
    return $status
}
