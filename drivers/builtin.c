#include "drv/replay.h"
#include "drv/wire.h"
#include "nic/driver.h"
#include "nic/feed.h"
#ifdef WINLANE_HAS_PCAP
#include "drv/pcap.h"
#endif
#ifdef WINLANE_HAS_DPDK
#include "drv/dpdk.h"
#endif

const struct nic_driver *const nic_builtin_drivers[] = {
    &drv_wire, &drv_replay, &nic_feed_driver,
#ifdef WINLANE_HAS_PCAP
    &drv_pcap,
#endif
#ifdef WINLANE_HAS_DPDK
    &drv_dpdk,
#endif
    NULL,
};
