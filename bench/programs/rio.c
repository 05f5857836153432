#include "rio.h"

#include <stdio.h>
#include <string.h>

int bench_rio_table(const char *program, SOCKET s, RIO_EXTENSION_FUNCTION_TABLE *table)
{
    GUID id = WSAID_MULTIPLE_RIO;
    DWORD bytes = 0;

    memset(table, 0, sizeof(*table));
    if (WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &id, (DWORD)sizeof(id), table, (DWORD)sizeof(*table),
                 &bytes, NULL, NULL) != 0) {
        (void)bench_fail(program, "registered I/O");
        return -1;
    }
    return 0;
}
