#include "t_reading.h"

#include <string.h>
#include <windows.h>

typedef BOOL(WINAPI *read_fn)(HANDLE file, LPVOID buf, DWORD size, LPDWORD got, LPOVERLAPPED overlapped);

/* Imported functions are called through these pointers. */
extern const read_fn __real___imp_ReadFile;
extern const read_fn __wrap___imp_ReadFile;

static struct {
    enum t_reading way;
    unsigned calls;
} reads;

void t_reading_set(enum t_reading way)
{
    reads.way = way;
    reads.calls = 0;
}

unsigned t_reading_calls(void)
{
    return reads.calls;
}

static BOOL WINAPI read_file(HANDLE file, LPVOID buf, DWORD size, LPDWORD got, LPOVERLAPPED overlapped)
{
    DWORD most = size;
    reads.calls++;
    switch (reads.way) {
    case T_READ_WELL:
        break;
    case T_READ_BYTES:
    case T_READ_INTERRUPTED:
        most = size > 7 ? 7 : size;
        break;
    case T_READ_ERROR:
        SetLastError(ERROR_CRC);
        return FALSE;
    case T_READ_ERROR_LATER:
        if (reads.calls > 3) {
            SetLastError(ERROR_CRC);
            return FALSE;
        }
        most = size > 10 ? 10 : size;
        break;
    case T_READ_GROWING:
        *got = size > 65536 ? 65536 : size;
        memset(buf, '\n', *got);
        return TRUE;
    }
    return __real___imp_ReadFile(file, buf, most, got, overlapped);
}

const read_fn __wrap___imp_ReadFile = read_file;
