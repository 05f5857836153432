#include <stdio.h>

#include "nic/capture.h"

FILE *nic_file_open(const char *path, const char *mode)
{
    char with_cloexec[8];

    snprintf(with_cloexec, sizeof(with_cloexec), "%se", mode);
    return fopen(path, with_cloexec);
}
