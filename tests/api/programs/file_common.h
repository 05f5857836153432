/*
 * What file_server.c and file_client.c share: the form of requests and responses, SHA-256.
 *
 * Request: REQUEST_BYTES of text, "GET offset length how", padded with blanks. Response: a head of HEAD_BYTES, "OK length", the
 * bytes of the file, a tail of TAIL_BYTES.
 */
#ifndef FILE_COMMON_H
#define FILE_COMMON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_BYTES 64
#define HEAD_BYTES 32
#define TAIL_BYTES 16
#define TAIL_TEXT "-- end of it --\n"
#define FAR_AWAY ((uint64_t)5 << 30) /* where the second copy of the content is */

/* How a response is sent; HOW_REUSE is added for a connection that the server ends and recycles. */
enum how { HOW_PLAIN, HOW_OVERLAPPED, HOW_ASSOCIATED, HOW_PACKETS, HOW_HEAD_ONLY, HOW_CANCEL, HOWS };
#define HOW_REUSE 8

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

static uint32_t sha256_turn(uint32_t value, int bits)
{
    return value >> bits | value << (32 - bits);
}

static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static void sha256_block(struct sha256 *sha, const unsigned char *at)
{
    uint32_t w[64], v[8];
    int i;
    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 | (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3];
    for (; i < 64; i++) {
        uint32_t a = sha256_turn(w[i - 15], 7) ^ sha256_turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = sha256_turn(w[i - 2], 17) ^ sha256_turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, sha->state, sizeof v);
    for (i = 0; i < 64; i++) {
        uint32_t e = sha256_turn(v[4], 6) ^ sha256_turn(v[4], 11) ^ sha256_turn(v[4], 25);
        uint32_t one = v[7] + e + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_k[i] + w[i];
        uint32_t a = sha256_turn(v[0], 2) ^ sha256_turn(v[0], 13) ^ sha256_turn(v[0], 22);
        uint32_t two = a + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }
    for (i = 0; i < 8; i++)
        sha->state[i] += v[i];
}

static inline void sha256_begin(struct sha256 *sha)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, start, sizeof start);
    sha->bytes = 0;
}

static inline void sha256_add(struct sha256 *sha, const void *from, size_t count)
{
    const unsigned char *at = from;
    while (count > 0) {
        size_t held = (size_t)(sha->bytes % 64), part = 64 - held < count ? 64 - held : count;
        if (held == 0 && count >= 64) {
            sha256_block(sha, at);
            part = 64;
        } else {
            memcpy(sha->block + held, at, part);
            if (held + part == 64)
                sha256_block(sha, sha->block);
        }
        sha->bytes += part;
        at += part;
        count -= part;
    }
}

static inline void sha256_end(struct sha256 *sha, char text[65])
{
    uint64_t bits = sha->bytes * 8;
    unsigned char last[8];
    int i;
    sha256_add(sha, "\x80", 1);
    while (sha->bytes % 64 != 56)
        sha256_add(sha, "", 1);
    for (i = 0; i < 8; i++)
        last[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(sha, last, 8);
    for (i = 0; i < 8; i++)
        snprintf(text + 8 * i, 9, "%08x", (unsigned)sha->state[i]);
}

#endif
