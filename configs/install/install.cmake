# What `cmake --install` lays down: the two libraries, the command winlane, the Winsock headers, a CMake package and two pkg-config files.
# libws2_32 looks for libwinlane beside itself, so both stay in one folder.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(wl_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/winlane")
install(TARGETS winlane ws2_32 ws2_headers EXPORT winlane-targets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET winlane_command)
    install(PROGRAMS $<TARGET_FILE:winlane_command> DESTINATION "${CMAKE_INSTALL_BINDIR}"
        RENAME winlane${CMAKE_EXECUTABLE_SUFFIX})
endif()
install(DIRECTORY wsp/ws2_32/include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/winlane" FILES_MATCHING PATTERN "*.h")
if(WL_OS STREQUAL "linux")
    install(DIRECTORY "${CMAKE_BINARY_DIR}/wsp/ws2_32/spelled/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/winlane")
endif()
install(EXPORT winlane-targets NAMESPACE winlane:: DESTINATION "${wl_package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/winlane-config.cmake.in"
    "${CMAKE_BINARY_DIR}/package/winlane-config.cmake" INSTALL_DESTINATION "${wl_package_dir}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/package/winlane-config-version.cmake"
    VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/package/winlane-config.cmake"
    "${CMAKE_BINARY_DIR}/package/winlane-config-version.cmake" DESTINATION "${wl_package_dir}")

# pkg-config: the flags that a program needs are those of the headers' target.
get_target_property(wl_ws2_options ws2_headers INTERFACE_COMPILE_OPTIONS)
get_target_property(wl_ws2_definitions ws2_headers INTERFACE_COMPILE_DEFINITIONS)
set(WL_WS2_CFLAGS "")
foreach(option IN LISTS wl_ws2_options)
    if(option)
        string(APPEND WL_WS2_CFLAGS " ${option}")
    endif()
endforeach()
foreach(definition IN LISTS wl_ws2_definitions)
    if(definition)
        string(APPEND WL_WS2_CFLAGS " -D${definition}")
    endif()
endforeach()
# Relative to the file, so that `cmake --install --prefix` may choose another place.
file(RELATIVE_PATH WL_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" WL_PC_PREFIX "${WL_PC_PREFIX}")
foreach(file ws2_32 winlane)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/${file}.pc.in" "${CMAKE_BINARY_DIR}/package/${file}.pc" @ONLY)
    install(FILES "${CMAKE_BINARY_DIR}/package/${file}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
