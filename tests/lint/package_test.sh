#!/bin/bash
# package_test.sh BUILD_DIR SOURCE_DIR: installs into a scratch prefix, then builds and runs a Winsock program against it, by
# pkg-config and by the CMake package, as a user of the installed product would.
set -euo pipefail
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log" 2>&1 || { cat "$scratch/install.log"; exit 1; }
cat >"$scratch/program.c" <<'C'
#include <winsock2.h>
#include <stdio.h>

int main(void)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || data.wVersion != MAKEWORD(2, 2) || sizeof(L'x') != 2) {
        return 1;
    }
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (s == INVALID_SOCKET) {
        fprintf(stderr, "socket: %d\n", WSAGetLastError());
        return 2;
    }
    return closesocket(s) != 0 || WSACleanup() != 0 ? 3 : 0;
}
C
cat >"$scratch/CMakeLists.txt" <<'C'
cmake_minimum_required(VERSION 3.21)
project(program C)
find_package(winlane REQUIRED)
add_executable(by_cmake program.c)
target_link_libraries(by_cmake winlane::ws2_32)
C

pkgconfig=$(dirname "$(find "$scratch/prefix" -name ws2_32.pc)")
libdir=$(dirname "$(find "$scratch/prefix" -name libws2_32.so)")
# The words of pkg-config's answer are meant to be split.
# shellcheck disable=SC2046
gcc -Wall -Werror "$scratch/program.c" $(PKG_CONFIG_PATH=$pkgconfig pkg-config --cflags --libs ws2_32) \
    -Wl,-rpath,"$libdir" -o "$scratch/by_pkgconfig"
{
    cmake -S "$scratch" -B "$scratch/build" -DCMAKE_C_COMPILER=gcc -DCMAKE_PREFIX_PATH="$scratch/prefix"
    cmake --build "$scratch/build"
} >"$scratch/cmake.log" 2>&1 || { cat "$scratch/cmake.log"; exit 1; }
export WINLANE_CONFIG=$source/configs/wire-pair.ini
"$scratch/by_pkgconfig"
echo "by pkg-config: runs"
"$scratch/build/by_cmake"
echo "by CMake package: runs"
