#include "stack/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void stk_assert_fail(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "winlane: assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}
