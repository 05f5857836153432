#include "replay/sha256.h"

bool stk_sha256_fast_has(void)
{
    return false;
}

void stk_sha256_fast_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    (void)state, (void)data, (void)blocks; /* nobody calls it */
}
