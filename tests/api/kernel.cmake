# Sockets as kernel handles. api_kernel is a program like api_both, with cases of its own.
find_package(Python3 COMPONENTS Interpreter)
if(TARGET winlane AND Python3_FOUND AND NOT WIN32)
    add_executable(api_kernel both_main.c both.c kernel_groups_linux.c kernel.c kernel_port.c kernel_port_end.c
        kernel_port_wait.c kernel_port_call.c kernel_cancel.c kernel_accept.c kernel_file.c kernel_apc.c
        kernel_recv_linux.c kernel_inside_linux.c kernel_disk.c kernel_service.c kernel_pool.c)
    target_link_libraries(api_kernel PRIVATE ws2::ws2_32 winlane::warnings)
    add_dependencies(api_kernel winlane)
    add_test(NAME api_kernel COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/wine/api_compare.py --native
        --program $<TARGET_FILE:api_kernel> --config ${PROJECT_SOURCE_DIR}/configs/wire-pair.ini
        --differences ${CMAKE_CURRENT_SOURCE_DIR}/kernel_differences_linux.txt --work ${CMAKE_CURRENT_BINARY_DIR}/kernel)
    set_tests_properties(api_kernel PROPERTIES LABELS "api;tsan" TIMEOUT 120)
endif()
if(TARGET winlane AND NOT WIN32)
    foreach(name kernel_echo kernel_storm)
        add_executable(api_${name} ${name}.c)
        target_link_libraries(api_${name} PRIVATE ws2::ws2_32 winlane::warnings)
        add_dependencies(api_${name} winlane)
    endforeach()
    add_test(NAME api_kernel_echo COMMAND api_kernel_echo 127.0.0.1)
    add_test(NAME api_kernel_echo_skip COMMAND api_kernel_echo -s 10.88.0.2)
    add_test(NAME api_kernel_storm COMMAND api_kernel_storm)
    set_tests_properties(api_kernel_echo api_kernel_echo_skip api_kernel_storm PROPERTIES LABELS "api;tsan" TIMEOUT 60
        ENVIRONMENT "WINLANE_CONFIG=${PROJECT_SOURCE_DIR}/configs/wire-pair.ini")
endif()
if(NOT WIN32)
    return()
endif()

wl_test(api_kernel_patch LABELS api SOURCES kernel_patch.c ${PROJECT_SOURCE_DIR}/wsp/ws2_32/src/ws2_patch_windows.c
    LIBS ws2::headers)
target_include_directories(api_kernel_patch PRIVATE ${PROJECT_SOURCE_DIR}/wsp/ws2_32/src)

if(NOT TARGET winlane)
    return()
endif()
set(t_kernel_environment "WINLANE_CONFIG=${PROJECT_SOURCE_DIR}/configs/wire-pair.ini;${t_api_environment}")

# An echo server on a completion port: over the instance's own loopback, and from one instance to the other.
add_executable(kernel_echo kernel_echo.c)
target_link_libraries(kernel_echo PRIVATE ws2::ws2_32 winlane::warnings)
target_link_options(kernel_echo PRIVATE -static)
add_dependencies(kernel_echo t_api_dlls)
foreach(address 127.0.0.1 10.88.0.2)
    add_test(NAME api_kernel_echo_${address} COMMAND kernel_echo ${address})
    add_test(NAME api_kernel_echo_skip_${address} COMMAND kernel_echo -s ${address})
    set_tests_properties(api_kernel_echo_${address} api_kernel_echo_skip_${address} PROPERTIES LABELS "api;wine"
        TIMEOUT 120 SKIP_RETURN_CODE 77 ENVIRONMENT "${t_kernel_environment}")
endforeach()

# Requests that are started, cancelled, closed and reset from many threads.
add_executable(kernel_storm kernel_storm.c)
target_link_libraries(kernel_storm PRIVATE ws2::ws2_32 winlane::warnings)
target_link_options(kernel_storm PRIVATE -static)
add_dependencies(kernel_storm t_api_dlls)
add_test(NAME api_kernel_storm COMMAND kernel_storm)
set_tests_properties(api_kernel_storm PROPERTIES LABELS "api;wine" TIMEOUT 120 SKIP_RETURN_CODE 77
    ENVIRONMENT "${t_kernel_environment}")

add_executable(api_kernel both_main.c both.c kernel_groups_windows.c kernel.c kernel_port.c kernel_port_end.c kernel_port_wait.c
    kernel_port_call.c kernel_cancel.c kernel_accept.c
    kernel_afd_windows.c kernel_pipe_windows.c kernel_file.c kernel_handle_windows.c kernel_pool.c kernel_apc.c kernel_disk.c kernel_service.c kernel_message.c)
target_link_libraries(api_kernel PRIVATE mswsock ws2::ws2_32 winlane::warnings)
target_link_options(api_kernel PRIVATE -static)
add_dependencies(api_kernel t_api_dlls)
if(Python3_FOUND)
    add_test(NAME wine_kernel_compare COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/wine/api_compare.py
        --wine ${PROJECT_SOURCE_DIR}/tests/wine/wine-run.sh --program $<TARGET_FILE:api_kernel>
        --config ${PROJECT_SOURCE_DIR}/configs/wire-pair.ini
        --differences ${CMAKE_CURRENT_SOURCE_DIR}/kernel_differences.txt --work ${CMAKE_CURRENT_BINARY_DIR}/kernel)
    set_tests_properties(wine_kernel_compare PROPERTIES LABELS "api;wine" TIMEOUT 240 SKIP_RETURN_CODE 77)
endif()
