/** @file Files to send, Windows. */
#include "t_data_file.h"

#include <stdio.h>
#include <stdlib.h>

static void must(int holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "t_data_file: %s, error %lu\n", what, (unsigned long)GetLastError());
    abort();
}

static DWORD open_flags(enum t_data_kind kind)
{
    if (kind == T_DATA_OVERLAPPED)
        return FILE_FLAG_OVERLAPPED;
    return kind == T_DATA_UNBUFFERED ? FILE_FLAG_NO_BUFFERING | FILE_FLAG_OVERLAPPED : 0;
}

HANDLE t_data_open(enum t_data_kind kind, const void *bytes, size_t count, uint64_t at)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    const LARGE_INTEGER to = {.QuadPart = (LONGLONG)at};
    char folder[MAX_PATH], path[MAX_PATH];
    HANDLE made, file;
    DWORD written = 0, used;

    must(GetTempPathA(sizeof folder, folder) != 0 && GetTempFileNameA(folder, "wsd", 0, path) != 0, "no name");
    made = CreateFileA(path, GENERIC_WRITE, share, NULL, OPEN_EXISTING, 0, NULL);
    must(made != INVALID_HANDLE_VALUE, "not made");
    (void)DeviceIoControl(made, 0x900c4 /* FSCTL_SET_SPARSE */, NULL, 0, NULL, 0, &used, NULL);
    must(SetFilePointerEx(made, to, NULL, FILE_BEGIN), "no seek");
    must(WriteFile(made, bytes, (DWORD)count, &written, NULL) && written == count, "not written");
    file = CreateFileA(path, kind == T_DATA_WRITE_ONLY ? GENERIC_WRITE : GENERIC_READ | GENERIC_WRITE, share, NULL,
                       OPEN_EXISTING, open_flags(kind) | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    must(file != INVALID_HANDLE_VALUE, "not opened");
    (void)CloseHandle(made);
    return file;
}

void t_data_close(HANDLE file)
{
    must(CloseHandle(file), "not closed");
}

uint64_t t_data_position(HANDLE file)
{
    const LARGE_INTEGER none = {.QuadPart = 0};
    LARGE_INTEGER at;

    must(SetFilePointerEx(file, none, &at, FILE_CURRENT), "no position");
    return (uint64_t)at.QuadPart;
}

void t_data_seek(HANDLE file, uint64_t at)
{
    const LARGE_INTEGER to = {.QuadPart = (LONGLONG)at};

    must(SetFilePointerEx(file, to, NULL, FILE_BEGIN), "no seek");
}

bool t_data_cut(HANDLE file, uint64_t bytes)
{
    bool cut;

    t_data_seek(file, bytes);
    cut = SetEndOfFile(file);
    must(cut || GetLastError() == ERROR_USER_MAPPED_FILE, "not cut");
    return cut;
}
