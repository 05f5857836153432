# The rules that programs depend on most, on a wire, and what is to be seen on it.
set(T_PRIORITY_CAPTURE ${CMAKE_CURRENT_BINARY_DIR}/priority.pcap)
configure_file(priority.ini.in priority.ini @ONLY)
t_api_test(api_priority LABELS api LIBS t_api
    SOURCES test_priority.c test_priority_connect.c test_priority_events.c test_priority_data.c test_priority_names.c
    test_priority_extended.c t_wire.c)
add_dependencies(api_priority winlane)
set_tests_properties(api_priority PROPERTIES TIMEOUT 120 FIXTURES_SETUP api_priority
    ENVIRONMENT "WINLANE_CONFIG=${CMAKE_CURRENT_BINARY_DIR}/priority.ini;${t_api_environment}")
wl_test(api_priority_wire LABELS api SOURCES test_priority_wire.c LIBS PkgConfig::PCAP ARGS ${T_PRIORITY_CAPTURE})
set_tests_properties(api_priority_wire PROPERTIES FIXTURES_REQUIRED api_priority)
