# Copy the parts of a pristine lwIP tree that are built, and apply the patch queue to the copy.
#
# stk_lwip_prepare(PRISTINE TREE): the copy is made again whenever the pristine path, a patch or the series changed.

function(stk_lwip_prepare pristine tree)
    if(NOT EXISTS "${pristine}/src/core/tcp.c")
        message(FATAL_ERROR "No lwIP tree at '${pristine}': run configs/deps.sh, or give -DLWIP_SOURCE_DIR=<lwIP 2.2.1>")
    endif()
    file(READ "${pristine}/src/include/lwip/init.h" init_h)
    if(NOT init_h MATCHES "LWIP_VERSION_MAJOR +2[^0-9]" OR NOT init_h MATCHES "LWIP_VERSION_MINOR +2[^0-9]"
       OR NOT init_h MATCHES "LWIP_VERSION_REVISION +1[^0-9]")
        message(FATAL_ERROR "'${pristine}' is not lwIP 2.2.1")
    endif()

    set(patches "${CMAKE_CURRENT_SOURCE_DIR}/patches")
    set(CMAKE_CONFIGURE_DEPENDS_LIST "${patches}/series" "${CMAKE_CURRENT_SOURCE_DIR}/prepare.cmake")
    file(STRINGS "${patches}/series" series REGEX "^[^#]")
    file(SHA256 "${patches}/series" sum)
    set(stamp "${pristine} ${sum}")
    file(SHA256 "${pristine}/src/core/tcp.c" sum)
    string(APPEND stamp " ${sum}")
    foreach(patch IN LISTS series)
        list(APPEND CMAKE_CONFIGURE_DEPENDS_LIST "${patches}/${patch}")
        file(SHA256 "${patches}/${patch}" sum)
        string(APPEND stamp " ${sum}")
    endforeach()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CONFIGURE_DEPENDS_LIST})

    set(stamp_file "${tree}/stamp")
    if(EXISTS "${stamp_file}")
        file(READ "${stamp_file}" stamp_before)
        if(stamp_before STREQUAL stamp)
            return()
        endif()
    endif()

    find_program(PATCH_PROGRAM patch REQUIRED)
    file(REMOVE_RECURSE "${tree}")
    file(MAKE_DIRECTORY "${tree}")
    foreach(part core include netif)
        file(COPY "${pristine}/src/${part}" DESTINATION "${tree}/src")
    endforeach()
    foreach(patch IN LISTS series)
        execute_process(
            COMMAND "${PATCH_PROGRAM}" -p1 --fuzz=0 --batch --forward --no-backup-if-mismatch -i "${patches}/${patch}"
            WORKING_DIRECTORY "${tree}" RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
        if(NOT result EQUAL 0)
            message(FATAL_ERROR "lwIP patch ${patch} does not apply to '${pristine}':\n${out}")
        endif()
    endforeach()
    file(WRITE "${stamp_file}" "${stamp}")
    message(STATUS "lwIP: ${pristine}, patches: ${series}")
endfunction()
