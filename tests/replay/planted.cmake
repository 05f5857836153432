# A stack with a bug: the command, with lwIP's tcp_in.c in which one line is another. For one test only, which finds it with a
# capture of the corpus and makes that small.
set(planted_source "${PROJECT_BINARY_DIR}/stack/lwip/lwip/src/core/tcp_in.c")
set(planted_copy "${CMAKE_CURRENT_BINARY_DIR}/planted_tcp_in.c")
add_custom_command(OUTPUT "${planted_copy}"
    COMMAND ${CMAKE_COMMAND} -DFROM=${planted_source} -DTO=${planted_copy} -P "${CMAKE_CURRENT_SOURCE_DIR}/plant.cmake"
    DEPENDS "${planted_source}" "${CMAKE_CURRENT_SOURCE_DIR}/plant.cmake" VERBATIM)
add_library(planted_tcp_in OBJECT "${planted_copy}")
target_include_directories(planted_tcp_in SYSTEM PRIVATE $<TARGET_PROPERTY:lwip_core,INTERFACE_SYSTEM_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:lwip_core,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(planted_tcp_in PRIVATE stk::headers)
if(WINLANE_SANITIZE)
    target_compile_options(planted_tcp_in PRIVATE -fno-sanitize=shift) # as lwip_core
endif()
# The object comes before the archive, whose tcp_in.c is then left where it is.
add_executable(winlane_planted $<TARGET_OBJECTS:planted_tcp_in> "${PROJECT_SOURCE_DIR}/stack/replay/program/main.c")
target_link_libraries(winlane_planted PRIVATE stk::replay_case winlane::warnings)
