/* Winlane's options with lwIP's own pools and libc's heap, so that lwIP can be measured with and without patch 0001. */
#include "../../port/lwipopts.h"

#undef LWIP_HOOK_FILENAME
#undef LWIP_HOOK_TCP_ISN
#undef LWIP_HOOK_IP4_ROUTE_SRC
#undef LWIP_HOOK_IP6_ROUTE
#undef LWIP_HOOK_ETHARP_GET_GW
#undef LWIP_HOOK_ND6_GET_GW
#undef LWIP_HOOK_VLAN_SET
#undef LWIP_HOOK_VLAN_CHECK
#undef MEM_CUSTOM_ALLOCATOR
#undef MEM_CUSTOM_MALLOC
#undef MEM_CUSTOM_CALLOC
#undef MEM_CUSTOM_FREE
#undef MEM_SIZE
#undef TCP_WND_UPDATE_THRESHOLD
#undef TCP_MSL
#undef IP_REASS_MAX_PBUFS
#undef MEMP_STATS
#define MEMP_STATS 0
#define MEM_LIBC_MALLOC 1
#define MEM_SIZE 1000000
#define TCP_WND_UPDATE_THRESHOLD (2 * 1460)
#define TCP_MSL 15000UL
#define IP_REASS_MAX_PBUFS 64
#define MEMP_NUM_TCP_SEG 4096
#define MEMP_NUM_PBUF 1024
