/**
 * @file
 * SHA-256 of streams. Source: FIPS 180-4.
 */
#ifndef STACK_REPLAY_SHA256_H
#define STACK_REPLAY_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_SHA256_BYTES 32
#define STK_SHA256_BLOCK 64
/** Bytes of a digest in hexadecimal digits, with the end of the string. */
#define STK_SHA256_TEXT (2 * STK_SHA256_BYTES + 1)

struct stk_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[STK_SHA256_BLOCK];
};

/** Begin. Context: any thread, as for all of these. */
void stk_sha256_init(struct stk_sha256 *sha);

/** Add len bytes. */
void stk_sha256_add(struct stk_sha256 *sha, const void *data, size_t len);

/** The digest of what was added so far; more may be added after it. */
void stk_sha256_get(const struct stk_sha256 *sha, uint8_t digest[STK_SHA256_BYTES]);

/** A digest as text of STK_SHA256_TEXT bytes. */
void stk_sha256_text(const uint8_t digest[STK_SHA256_BYTES], char *out);

/** Whole blocks, by the processor's own instructions; only if stk_sha256_fast_has. */
void stk_sha256_fast_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

/** Whether this processor has them. */
bool stk_sha256_fast_has(void);

#endif
