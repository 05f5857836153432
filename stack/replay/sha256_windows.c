#include "replay/sha256.h"

#include <string.h>
#include <windows.h>

#include <bcrypt.h>

/* CNG takes lengths of 32 bits. */
#define PART_MAX (1u << 30)

static BCRYPT_ALG_HANDLE algorithm;

/* Kept until the process ends: making it is what costs. */
static BOOL CALLBACK algorithm_open(PINIT_ONCE once, PVOID context, PVOID *out)
{
    (void)once, (void)context, (void)out;
    return BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0) == 0;
}

struct stk_sha256 *stk_sha256_begin(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    BCRYPT_HASH_HANDLE handle;

    if (!InitOnceExecuteOnce(&once, algorithm_open, NULL, NULL) ||
        BCryptCreateHash(algorithm, &handle, NULL, 0, NULL, 0, 0) != 0)
        return NULL;
    return (struct stk_sha256 *)handle;
}

void stk_sha256_add(struct stk_sha256 *sha, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len != 0) {
        const ULONG part = len < PART_MAX ? (ULONG)len : PART_MAX;
        (void)BCryptHashData(sha, (PUCHAR)(uintptr_t)at, part, 0); /* fails for a handle that is none */
        at += part;
        len -= part;
    }
}

void stk_sha256_end(struct stk_sha256 *sha, uint8_t digest[STK_SHA256_BYTES])
{
    if (digest != NULL)
        memset(digest, 0, STK_SHA256_BYTES);
    if (sha == NULL)
        return;
    if (digest != NULL)
        (void)BCryptFinishHash(sha, digest, STK_SHA256_BYTES, 0);
    (void)BCryptDestroyHash(sha);
}
