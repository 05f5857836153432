#include "replay/sha256.h"

#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* FIPS 180-4 6.2.2, steps 1 to 4; a to h are v[0] to v[7]. */
static void block_add(uint32_t state[8], const uint8_t *at)
{
    uint32_t w[64], v[8];

    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)at[4 * t] << 24 | (uint32_t)at[4 * t + 1] << 16 | (uint32_t)at[4 * t + 2] << 8 | at[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        const uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    memcpy(v, state, sizeof(v));
    for (int t = 0; t < 64; t++) {
        const uint32_t sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        const uint32_t t1 = v[7] + sum1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t];
        const uint32_t sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        const uint32_t t2 = sum0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(&v[1], &v[0], 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void blocks_add(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    if (blocks == 0)
        return;
    if (stk_sha256_fast_has()) {
        stk_sha256_fast_blocks(state, data, blocks);
        return;
    }
    for (; blocks != 0; blocks--, data += STK_SHA256_BLOCK)
        block_add(state, data);
}

void stk_sha256_init(struct stk_sha256 *sha)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, start, sizeof(start));
    sha->bytes = 0;
}

void stk_sha256_add(struct stk_sha256 *sha, const void *data, size_t len)
{
    const uint8_t *at = data;
    const size_t have = (size_t)(sha->bytes % STK_SHA256_BLOCK);

    if (len == 0)
        return;
    sha->bytes += len;
    if (have != 0) {
        const size_t take = len < STK_SHA256_BLOCK - have ? len : STK_SHA256_BLOCK - have;
        memcpy(sha->block + have, at, take);
        if (have + take < STK_SHA256_BLOCK)
            return;
        blocks_add(sha->state, sha->block, 1);
        at += take;
        len -= take;
    }
    blocks_add(sha->state, at, len / STK_SHA256_BLOCK);
    memcpy(sha->block, at + len / STK_SHA256_BLOCK * STK_SHA256_BLOCK, len % STK_SHA256_BLOCK);
}

void stk_sha256_get(const struct stk_sha256 *sha, uint8_t digest[STK_SHA256_BYTES])
{
    struct stk_sha256 last = *sha;
    const size_t have = (size_t)(sha->bytes % STK_SHA256_BLOCK);
    uint8_t pad[2 * STK_SHA256_BLOCK] = {0};
    const size_t total = have < 56 ? STK_SHA256_BLOCK : 2 * STK_SHA256_BLOCK;

    memcpy(pad, sha->block, have);
    pad[have] = 0x80;
    for (size_t i = 0; i < 8; i++)
        pad[total - 1 - i] = (uint8_t)(sha->bytes * 8 >> (8 * i));
    blocks_add(last.state, pad, total / STK_SHA256_BLOCK);
    for (size_t i = 0; i < STK_SHA256_BYTES; i++)
        digest[i] = (uint8_t)(last.state[i / 4] >> (24 - 8 * (i % 4)));
}

void stk_sha256_text(const uint8_t digest[STK_SHA256_BYTES], char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < STK_SHA256_BYTES; i++) {
        *out++ = digits[digest[i] >> 4];
        *out++ = digits[digest[i] & 15];
    }
    *out = '\0';
}
