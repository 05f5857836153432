/*
 * What lwIP's sources call in Winlane, and nothing else: included into every one of them, so it includes no lwIP header.
 * Everything here acts on the selected instance and is called on the thread that selected it.
 */
#ifndef STK_LWIP_PLATFORM_H
#define STK_LWIP_PLATFORM_H

#include "stack/printf.h"

#include <stddef.h>
#include <stdint.h>

struct tcp_pcb;

/** Internet checksum of len bytes, folded, not complemented, in the order of memory (RFC 1071). */
uint16_t stk_lwip_chksum(const void *data, int len);

/** 32 random bits from the selected instance's random operation. */
uint32_t stk_lwip_random(void);

/** Swallow one diagnostic of lwIP into the log at debug level. */
void stk_lwip_diag(const char *format, ...) STK_PRINTF(1, 2);

/** A broken invariant inside lwIP; does not return. */
void stk_lwip_assert_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/** Allocate from the selected instance's slab; NULL when its limit is reached. */
void *stk_slab_malloc(size_t size_bytes);

/** As stk_slab_malloc, zeroed. */
void *stk_slab_calloc(size_t count, size_t size_bytes);

/** Give back to the selected instance's slab. */
void stk_slab_free(void *mem);

/** The selected instance's maximum segment lifetime, ms. */
uint32_t stk_lwip_tcp_msl_ms(void);
uint32_t stk_lwip_tcp_ooseq_rtos(void);

/** Bytes by which a connection's window must have grown before an update is sent at once (RFC 9293 3.8.6.2.2). */
uint32_t stk_lwip_wnd_update_threshold(const struct tcp_pcb *pcb);

#endif
