/**
 * @file
 * SipHash-2-4: a keyed hash for initial sequence numbers (RFC 6528) and port choice (RFC 6056).
 */
#ifndef STK_LWIP_SIPHASH_H
#define STK_LWIP_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define STK_SIPHASH_KEY_SIZE 16

/** 64-bit keyed hash of len bytes. Context: any. */
uint64_t stk_siphash(const uint8_t key[STK_SIPHASH_KEY_SIZE], const void *data, size_t len);

#endif
