#include "replay/sha256.h"

void stk_sha256_text(const uint8_t digest[STK_SHA256_BYTES], char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < STK_SHA256_BYTES; i++) {
        *out++ = digits[digest[i] >> 4];
        *out++ = digits[digest[i] & 15];
    }
    *out = '\0';
}
