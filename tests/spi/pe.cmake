# What winlane.dll shows and asks for, in both widths, and the layouts that its two compilers and Linux' make.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(WINLANE_MINGW32_DIR "${CMAKE_BINARY_DIR}/../mingw32" CACHE PATH "The build tree of preset mingw32, for comparison")
set(pe_dll64 --objdump x86_64-w64-mingw32-objdump --dll $<TARGET_FILE:winlane>)
set(pe_dll32 --objdump32 i686-w64-mingw32-objdump --dll32 ${WINLANE_MINGW32_DIR}/lib/winlane.dll)
set(pe_intended --export WSPStartup --import KERNEL32.dll --import msvcrt.dll)

# pe_test(NAME SCRIPT ARGS...)
function(pe_test name script)
    add_test(NAME ${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS "spi;wine" TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

pe_test(pe_dll pe_dll.py check ${pe_dll64} --machine pei-x86-64 ${pe_intended})
pe_test(pe_dll_32 pe_dll.py check --objdump i686-w64-mingw32-objdump --dll ${WINLANE_MINGW32_DIR}/lib/winlane.dll
    --machine pei-i386 ${pe_intended})
pe_test(pe_dll_same pe_dll.py same ${pe_dll64} ${pe_dll32})
# WSPStartup takes 76 bytes on 32 bits: four words and the table of 15 upcalls, by value.
pe_test(pe_dll_stdcall pe_dll.py stdcall ${pe_dll32} --function WSPStartup --bytes 76)
# What libpcap and DPDK ask for, Winsock included, which under Wine is ours: by name, and of no further DLL.
if(WINLANE_DPDK)
    pe_test(pe_stack_dll pe_dll.py check --objdump x86_64-w64-mingw32-objdump --dll $<TARGET_FILE:winlane_stack>
        --machine pei-x86-64 --export winlane_stack_ops --import ADVAPI32.dll --import dbghelp.dll --import IPHLPAPI.DLL
        --import KERNEL32.dll --import msvcrt.dll --import SETUPAPI.dll --import WS2_32.dll)
endif()
pe_test(pe_dll_selftest pe_dll.py selftest --objdump x86_64-w64-mingw32-objdump --cc ${CMAKE_C_COMPILER})
pe_test(pe_layout pe_layout.py ${PROJECT_SOURCE_DIR} gcc x86_64-w64-mingw32-gcc-win32 i686-w64-mingw32-gcc-win32)
pe_test(pe_layout_selftest pe_layout.py --selftest)
