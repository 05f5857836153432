# Windows, 32 bit: built and compared, never run (Debian's amd64 has no 32-bit Wine).
set(WL_WINDOWS_ARCH i686)
include(${CMAKE_CURRENT_LIST_DIR}/mingw.cmake)
