#include "log_priv.h"

FILE *stk_log_file_open(const char *path)
{
    return fopen(path, "ae");
}
