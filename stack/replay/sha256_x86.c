#include "replay/sha256.h"

#include <cpuid.h>
#include <immintrin.h>

bool stk_sha256_fast_has(void)
{
    static _Atomic int known; /* 0: not asked yet; a second asker finds the same */
    unsigned a, b, c, d, b7;

    if (known == 0) {
        const bool base = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSSE3) != 0 && (c & bit_SSE4_1) != 0;
        known = base && __get_cpuid_count(7, 0, &a, &b7, &c, &d) != 0 && (b7 & bit_SHA) != 0 ? 1 : -1;
    }
    return known == 1;
}

static const uint32_t k[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/*
 * The instructions want the state as ABEF and CDGH. Each round of the loop below is four of the standard's; the schedule of
 * w[t] for four t at a time is kept in a ring of four vectors.
 */
__attribute__((target("sha,sse4.1,ssse3"))) void stk_sha256_fast_blocks(uint32_t state[8], const uint8_t *data,
                                                                        size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i *const out = (__m128i *)(void *)state;
    const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(out), 0xb1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(out + 1), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

    for (; blocks != 0; blocks--, data += STK_SHA256_BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];

        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i)), swap);
#pragma GCC unroll 16
        for (int round = 0; round < 16; round++) {
            if (round >= 4) {
                const __m128i w7 = _mm_alignr_epi8(w[(round + 3) & 3], w[(round + 2) & 3], 4);
                const __m128i part = _mm_add_epi32(_mm_sha256msg1_epu32(w[round & 3], w[(round + 1) & 3]), w7);
                w[round & 3] = _mm_sha256msg2_epu32(part, w[(round + 3) & 3]);
            }
            const __m128i wk = _mm_add_epi32(w[round & 3],
                                             _mm_load_si128((const __m128i *)(const void *)&k[4 * round]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(out, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(out + 1, _mm_alignr_epi8(dchg, feba, 8));
}
