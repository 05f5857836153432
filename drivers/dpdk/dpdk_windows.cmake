# DPDK for Windows as the target that pkg-config gives elsewhere: configs/deps.sh built it, static, from Debian's source.
option(WINLANE_PLACEHOLDER_SHIM "Let EAL start under a Wine without placeholder memory (8.0); for builds for tests" ${WINLANE_TESTS})

# wl_rte(OUT NAME...): full names of DPDK's archives.
function(wl_rte out)
    set(found "")
    foreach(name IN LISTS ARGN)
        set(file "${WL_WINDOWS_DPDK}/lib/librte_${name}.a")
        if(NOT EXISTS "${file}")
            message(FATAL_ERROR "${file} is missing. Run `configs/deps.sh windows`.")
        endif()
        list(APPEND found "${file}")
    endforeach()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Drivers make themselves known by constructors that nobody refers to: they are linked whole.
wl_rte(wl_rte_drivers bus_vdev mempool_ring net_null net_ring net_pcap)
wl_rte(wl_rte_libraries ethdev mempool mbuf net ring kvargs meter telemetry eal)
list(JOIN wl_rte_drivers "," wl_rte_drivers)
list(JOIN wl_rte_libraries "," wl_rte_libraries)

# What net_pcap calls comes behind it in the link.
add_library(drv_dpdk_wpcap STATIC wpcap_windows.c)
target_link_libraries(drv_dpdk_wpcap PRIVATE PkgConfig::PCAP winlane::warnings)

add_library(PkgConfig::DPDK INTERFACE IMPORTED GLOBAL)
set_target_properties(PkgConfig::DPDK PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${WL_WINDOWS_DPDK}/include"
    INTERFACE_COMPILE_OPTIONS "SHELL:-include rte_config.h;-march=corei7"
    # Each group is one word, which CMake neither takes apart nor repeats.
    INTERFACE_LINK_LIBRARIES "-Wl,--whole-archive,${wl_rte_drivers},--no-whole-archive;drv_dpdk_wpcap;\
-Wl,--start-group,${wl_rte_libraries},--end-group;-liphlpapi;-ldbghelp;-lsetupapi;-ladvapi32;-lws2_32")
