#include "t_os.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

const char t_null_file_key[] = "tx_file=NUL";

bool t_folder_make(char *path, size_t size)
{
    char folder[MAX_PATH];

    if (GetTempPathA(sizeof(folder), folder) == 0)
        return false;
    snprintf(path, size, "%st_driver_%lu", folder, (unsigned long)GetCurrentProcessId());
    if (CreateDirectoryA(path, NULL))
        return true;
    printf("%s: error %lu\n", path, (unsigned long)GetLastError());
    return false;
}

int t_folder_remove(const char *path)
{
    char pattern[MAX_PATH + 2], file[2 * MAX_PATH + 2];
    WIN32_FIND_DATAA entry;
    HANDLE search;

    snprintf(pattern, sizeof(pattern), "%s\\*", path);
    search = FindFirstFileA(pattern, &entry);
    if (search == INVALID_HANDLE_VALUE)
        return -1;
    do {
        snprintf(file, sizeof(file), "%s\\%s", path, entry.cFileName);
        if (entry.cFileName[0] != '.' && !DeleteFileA(file))
            printf("%s: error %lu\n", file, (unsigned long)GetLastError());
    } while (FindNextFileA(search, &entry));
    FindClose(search);
    return RemoveDirectoryA(path) ? 0 : -1;
}

int t_file_cut(const char *path, uint32_t bytes)
{
    int fd = _open(path, _O_WRONLY | _O_BINARY);
    int err = fd < 0 ? -1 : _chsize(fd, (long)bytes);

    if (fd >= 0)
        _close(fd);
    return err;
}

void t_sleep_us(uint32_t us)
{
    Sleep((us + 999) / 1000);
}

bool t_handle_ready(intptr_t handle, uint32_t ms)
{
    return WaitForSingleObject((HANDLE)handle, ms) == WAIT_OBJECT_0;
}

bool t_file_inherited(FILE *file)
{
    DWORD flags = HANDLE_FLAG_INHERIT;

    return !GetHandleInformation((HANDLE)_get_osfhandle(_fileno(file)), &flags) || (flags & HANDLE_FLAG_INHERIT) != 0;
}

bool t_is_root(void)
{
    /* Whoever starts this under Wine made the interfaces beforehand, and says so. */
    return getenv("T_DRIVER_VETH") != NULL;
}
