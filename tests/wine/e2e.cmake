# Plain Winsock programs on our DLLs: transfers byte for byte, the programs of the demonstration, ends without cleanup, idle
# cost. The programs know nothing of Winlane and import ws2_32.dll as any other does.
foreach(name e2e_exit e2e_idle e2e_winhttp echo_client echo_server multi_client multi_server)
    if(name MATCHES "^e2e_")
        add_executable(t_pe_${name} ${name}.c)
        target_link_libraries(t_pe_${name} PRIVATE bench_prog)
    else()
        add_executable(t_pe_${name} ${CMAKE_CURRENT_SOURCE_DIR}/../api/programs/${name}.c)
    endif()
    set_target_properties(t_pe_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(t_pe_${name} PRIVATE winlane::warnings ws2::ws2_32)
endforeach()

target_link_options(t_pe_e2e_winhttp PRIVATE -municode)
target_link_libraries(t_pe_e2e_winhttp PRIVATE -lwinhttp)

find_package(Python3 COMPONENTS Interpreter REQUIRED)
# wl_e2e(NAME SCENARIO [LABEL...]): the scenario of e2e_test.py as the test wine_NAME.
function(wl_e2e name scenario)
    add_test(NAME wine_${name} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/e2e_test.py ${scenario}
        ${CMAKE_BINARY_DIR})
    set_tests_properties(wine_${name} PROPERTIES LABELS "wine;${ARGN}" TIMEOUT 240 SKIP_RETURN_CODE 77)
endfunction()
wl_e2e(xfer_wire wire)
wl_e2e(xfer_net_ring net_ring)
wl_e2e(xfer_net_pcap net_pcap root)
wl_e2e(programs programs)
wl_e2e(programs_net_pcap net_programs root)
wl_e2e(exit exit)
wl_e2e(idle idle)

# Short measurements: that they run, that frames crossed, that the records have their keys; never how fast.
add_test(NAME wine_bench COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/bench/wine.py ${CMAKE_BINARY_DIR} --quick
    --repeat 1 --json ${CMAKE_CURRENT_BINARY_DIR}/bench.json)
set_tests_properties(wine_bench PROPERTIES LABELS wine TIMEOUT 120 SKIP_RETURN_CODE 77)
