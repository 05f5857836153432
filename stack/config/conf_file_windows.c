#include "config_priv.h"

#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

/* Reads until the end of the file or until size bytes are there; < 0: it cannot be read. */
static int64_t handle_read_all(HANDLE handle, char *buf, uint32_t size)
{
    uint32_t used = 0;
    while (used < size) {
        DWORD got = 0;
        if (!ReadFile(handle, buf + used, size - used, &got, NULL)) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        used += got;
    }
    return used;
}

/* One byte more than allowed is asked for, so that a file that grows is noticed. */
static int handle_load(HANDLE handle, char **out, size_t *size, const char **why)
{
    LARGE_INTEGER bytes;
    /* Devices and pipes have names in this namespace too. */
    if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileSizeEx(handle, &bytes)) {
        *why = "not a regular file";
        return STK_EIO;
    }
    if (bytes.QuadPart > (LONGLONG)STK_CONF_FILE_MAX) {
        *why = "larger than 1 MiB";
        return STK_EIO;
    }
    char *buf = malloc((size_t)STK_CONF_FILE_MAX + 2);
    if (buf == NULL) {
        *why = "out of memory";
        return STK_ENOMEM;
    }
    const int64_t got = handle_read_all(handle, buf, STK_CONF_FILE_MAX + 1);
    if (got < 0 || got > (int64_t)STK_CONF_FILE_MAX) {
        *why = got < 0 ? "cannot be read" : "larger than 1 MiB";
        free(buf);
        return STK_EIO;
    }
    buf[got] = '\0';
    *out = buf;
    *size = (size_t)got;
    return STK_OK;
}

static bool error_missing(DWORD error)
{
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME ||
           error == ERROR_BAD_NETPATH || error == ERROR_BAD_NET_NAME || error == ERROR_INVALID_DRIVE;
}

/* Paths are in the code page of the environment, from which WINLANE_CONFIG comes. */
int stk_conf_file_read(const char *path, char **out, size_t *size, const char **why)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE handle = CreateFileA(path, GENERIC_READ, share, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        const DWORD error = GetLastError();
        const DWORD attributes = GetFileAttributesA(path);
        if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
            *why = "not a regular file";
            return STK_EIO;
        }
        const bool missing = error_missing(error);
        *why = missing ? "no such file" : error == ERROR_ACCESS_DENIED ? "permission denied" : "cannot be opened";
        return missing ? STK_ENOENT : STK_EIO;
    }
    const int result = handle_load(handle, out, size, why);
    (void)CloseHandle(handle);
    return result;
}

bool stk_conf_file_exists(const char *path)
{
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES || !error_missing(GetLastError());
}

bool stk_conf_file_default(uint32_t number, char *path, size_t size)
{
    if (number == 0) {
        (void)snprintf(path, size, "%s", ".\\winlane.ini");
        return true;
    }
    const char *data = getenv("ProgramData");
    (void)snprintf(path, size, "%s\\winlane\\winlane.ini", data != NULL && data[0] != '\0' ? data : "C:\\ProgramData");
    return number == 1;
}
