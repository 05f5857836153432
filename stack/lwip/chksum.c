#include "stk_lwip_platform.h"

#include <stdbool.h>
#include <string.h>

/* RFC 1071: the sum may be taken in larger words and folded, in the machine's own byte order. */
uint16_t stk_lwip_chksum(const void *data, int len)
{
    const uint8_t *at = data;
    uint64_t sum = 0;
    uint64_t carries = 0;
    for (; len >= 32; len -= 32, at += 32) {
        uint64_t word[4];
        memcpy(word, at, sizeof(word));
        for (int i = 0; i < 4; i++) {
            carries += __builtin_add_overflow(sum, word[i], &sum);
        }
    }
    for (; len >= 8; len -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        carries += __builtin_add_overflow(sum, word, &sum);
    }
    if (len > 0) {
        uint64_t word = 0; /* the rest, padded with zero bytes behind */
        memcpy(&word, at, (size_t)len);
        carries += __builtin_add_overflow(sum, word, &sum);
    }
    uint64_t fold = (sum & 0xffffffffu) + (sum >> 32) + carries;
    fold = (fold & 0xffff) + (fold >> 16 & 0xffff) + (fold >> 32);
    fold = (fold & 0xffff) + (fold >> 16);
    fold = (fold & 0xffff) + (fold >> 16);
    return (uint16_t)fold;
}
