/**
 * @file
 * A region: the memory that both sides of a channel see, and this process's
 * view of it. Counts and places are copied once, checked, and used from the
 * view; what the shared header says later does not matter.
 *
 * Owner: who created the region destroys it. The view may be read by any
 * thread; it is constant but for the fields named as the stack's.
 */
#ifndef STACK_IPC_REGION_H
#define STACK_IPC_REGION_H

#include "ipc/channel_abi.h"

#include <stdbool.h>

#define STK_REGION_SOCKS_MAX (1u << 20)
#define STK_REGION_CHUNKS_MAX (1u << 26)

/** What a region is made of. */
struct stk_region_conf {
    uint32_t socks_count;       /**< 1..STK_REGION_SOCKS_MAX */
    uint64_t chunk_bytes_total; /**< FIFO memory; rounded down to whole chunks, at least one */
    uint32_t rcvbuf_bytes;      /**< defaults for new sockets */
    uint32_t sndbuf_bytes;
    int32_t app_spin_us; /**< -1 endless, -2 adaptive */
};

/** This process's view. */
struct stk_region {
    struct stk_region_abi *abi;
    struct stk_ring_abi *rings; /**< STK_RINGS_MAX */
    struct stk_sock_abi *socks; /**< socks_count */
    STK_U32 *events;            /**< events_mask + 1 */
    STK_U32 *chunk_next;        /**< chunks_count */
    uint8_t *chunks;            /**< chunks_count of STK_CHUNK_SIZE */
    uint32_t socks_count;
    uint32_t chunks_count;
    uint32_t events_mask;
    int32_t app_spin_us;
    size_t bytes;
    intptr_t bell_fd;   /**< stack, in process: what stk_bell_fd_open gave; -1: none */
    uint32_t bell_seen; /**< stack: stack_bell at stk_bell_sleep_begin */
    uint32_t bell_kind; /**< stack: enum stk_bell_kind of the sleep in progress */
};

/**
 * Make a region in private memory, zeroed and reserved lazily: what is never
 * used is never touched. It is not inherited by children of fork.
 *
 * @param out  Filled on success; ended by stk_region_destroy. Untouched on failure.
 * @return     0, or:
 * @retval STK_EINVAL  a count out of range.
 * @retval STK_ENOMEM  no address space.
 *
 * Context: any thread.
 */
int stk_region_create(const struct stk_region_conf *conf, struct stk_region *out);

/** Unmap a region that stk_region_create made; a zeroed view is fine. */
void stk_region_destroy(struct stk_region *region);

/**
 * Make a view of a region that somebody else mapped or made. Everything in it
 * is taken as hostile.
 *
 * @param base   bytes of memory, aligned to STK_ABI_LINE; borrowed while the view is used.
 * @param out    Filled on success, untouched on failure.
 * @return       0, or:
 * @retval STK_EPROTO  not a region, another version, or places outside of it.
 *
 * Context: any thread.
 */
int stk_region_open_view(void *base, size_t bytes, struct stk_region *out);

/**
 * Prepare a socket slot's FIFO tables for its first use (untouched memory is
 * zero, which is a valid chunk index). The slot must be free.
 *
 * @param sock  Index, < socks_count.
 *
 * Context: the stack.
 */
void stk_region_sock_init(struct stk_region *region, uint32_t sock);

/** Map bytes of zeroed private memory, not inherited by children; NULL: none. One file per platform. */
void *stk_region_map(size_t bytes);

/** Unmap what stk_region_map gave. */
void stk_region_unmap(void *base, size_t bytes);

#endif
