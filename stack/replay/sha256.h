/**
 * @file
 * SHA-256 of streams, by the platform's library: libgcrypt on Linux, CNG on
 * Windows. Source: FIPS 180-4.
 */
#ifndef STACK_REPLAY_SHA256_H
#define STACK_REPLAY_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define STK_SHA256_BYTES 32
/** Bytes of a digest in hexadecimal digits, with the end of the string. */
#define STK_SHA256_TEXT (2 * STK_SHA256_BYTES + 1)

/** A digest that is being made. */
struct stk_sha256;

/**
 * Begin.
 *
 * @return  To be ended by stk_sha256_end; NULL: no memory, or the system refuses (FIPS mode with a broken library).
 *
 * Context: any thread, as for all of these; one at a time for each digest. Allocates.
 */
struct stk_sha256 *stk_sha256_begin(void);

/** Add len bytes. */
void stk_sha256_add(struct stk_sha256 *sha, const void *data, size_t len);

/**
 * End.
 *
 * @param sha     Taken; NULL is fine.
 * @param digest  Filled, with zeros if sha is NULL; NULL: nobody wants it.
 */
void stk_sha256_end(struct stk_sha256 *sha, uint8_t digest[STK_SHA256_BYTES]);

/** A digest as text of STK_SHA256_TEXT bytes. */
void stk_sha256_text(const uint8_t digest[STK_SHA256_BYTES], char *out);

#endif
