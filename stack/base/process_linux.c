#include "stack/process.h"

bool stk_process_ending(void)
{
    return false;
}
