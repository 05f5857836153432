# The API tests that run against any ws2_32. For Windows api_both.exe stands beside our DLLs; tests/wine/api_compare.py runs it
# there and, copied away from them, on Wine's own ws2_32, the reference. On Linux: on ours.
set(t_both_sources both_main.c both_groups.c both.c both_start.c both_socket.c both_bind.c both_listen.c both_connect.c
    both_stream.c both_close.c both_udp.c both_mcast.c both_select.c both_events.c both_overlapped.c both_option.c both_ioctl.c
    both_text.c both_names.c both_ipv6.c both_threads.c both_urgent.c both_window.c both_message.c
    both_alert.c both_conditional.c both_poll.c both_share.c both_storm.c)
find_package(Python3 COMPONENTS Interpreter)
if(NOT TARGET winlane OR NOT Python3_FOUND)
    wl_left_out(api_both "Python 3 judges it and is not here")
    return()
endif()
set(t_compare ${PROJECT_SOURCE_DIR}/tests/wine/api_compare.py)
set(t_differences ${PROJECT_SOURCE_DIR}/tests/wine/api_differences.txt)

add_executable(api_both ${t_both_sources})
target_link_libraries(api_both PRIVATE winlane::warnings)
if(WIN32)
    # The import library is the system's: the program takes whatever ws2_32 it finds.
    target_link_libraries(api_both PRIVATE ws2::ws2_32 user32)
    target_link_options(api_both PRIVATE -static)
    set_target_properties(api_both PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${t_api_folder}")
    add_dependencies(api_both t_api_dlls)
    add_test(NAME wine_api_compare COMMAND ${Python3_EXECUTABLE} ${t_compare} --wine ${PROJECT_SOURCE_DIR}/tests/wine/wine-run.sh
        --program $<TARGET_FILE:api_both> --config ${PROJECT_SOURCE_DIR}/configs/wire-pair.ini
        --differences ${t_differences} --work ${CMAKE_CURRENT_BINARY_DIR}/both)
    set_tests_properties(wine_api_compare PROPERTIES LABELS "api;wine" TIMEOUT 240 SKIP_RETURN_CODE 77)
else()
    target_link_libraries(api_both PRIVATE ws2::ws2_32)
    add_dependencies(api_both winlane)
    add_test(NAME api_both COMMAND ${Python3_EXECUTABLE} ${t_compare} --native --program $<TARGET_FILE:api_both>
        --config ${PROJECT_SOURCE_DIR}/configs/wire-pair.ini --differences ${t_differences}
        --work ${CMAKE_CURRENT_BINARY_DIR}/both)
    set_tests_properties(api_both PROPERTIES LABELS "api;tsan" TIMEOUT 240)
    add_test(NAME api_compare_self COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/wine/api_compare_test.py)
    set_tests_properties(api_compare_self PROPERTIES LABELS "api;noasan" TIMEOUT 120)
endif()
