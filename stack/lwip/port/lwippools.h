/*
 * Pools of our own beside lwIP's (memp_std.h includes this): multicast, see stack/lwip/mcast.h. The sizes here are only
 * those of the table; pools.c knows the objects.
 */
LWIP_MEMPOOL(MCAST_IF, 1, 8, "MCAST_IF")
LWIP_MEMPOOL(MCAST_SOURCE, 1, 8, "MCAST_SOURCE")
