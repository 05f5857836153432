/*
 * Names of files, Linux: paths as programs write them, DeleteFile, attributes, names for temporary files.
 */
#include "ws2_file_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** A path as Linux takes it. @return false with the last error: ERROR_PATH_NOT_FOUND, ERROR_FILENAME_EXCED_RANGE. */
bool ws2_file_path(char *out, size_t bytes, const char *path)
{
    size_t i;
    if (path == NULL || path[0] == '\0') {
        return ws2_file_fail(ERROR_PATH_NOT_FOUND);
    }
    for (i = 0; path[i] != '\0'; i++) {
        if (i + 1 >= bytes) {
            return ws2_file_fail(ERROR_FILENAME_EXCED_RANGE);
        }
        out[i] = path[i] == '\\' ? '/' : path[i];
    }
    out[i] = '\0';
    return true;
}

/** As ws2_file_path, of a wide path. */
bool ws2_file_path_wide(char *out, size_t bytes, const WCHAR *path)
{
    if (path == NULL) {
        return ws2_file_fail(ERROR_PATH_NOT_FOUND);
    }
    if (ws2_utf8_from_utf16(path, out, bytes) >= bytes) {
        return ws2_file_fail(ERROR_FILENAME_EXCED_RANGE);
    }
    return ws2_file_path(out, bytes, out);
}

static BOOL path_delete(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return ws2_file_fail(ERROR_ACCESS_DENIED);
    }
    return unlink(path) == 0 ? TRUE : ws2_file_fail(ws2_file_error(errno));
}

/** Delete a file's name; who has it open keeps it. @return FALSE with ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED and kin. */
BOOL WINAPI DeleteFileA(LPCSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    return ws2_file_path(local, sizeof local, path) && path_delete(local);
}

/** As DeleteFileA. */
BOOL WINAPI DeleteFileW(LPCWSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    return ws2_file_path_wide(local, sizeof local, path) && path_delete(local);
}

static DWORD path_attributes(const char *path)
{
    struct stat info;
    DWORD attributes;
    if (stat(path, &info) != 0) {
        SetLastError(ws2_file_error(errno));
        return INVALID_FILE_ATTRIBUTES;
    }
    attributes = (S_ISDIR(info.st_mode) ? FILE_ATTRIBUTE_DIRECTORY : 0) |
                 ((info.st_mode & 0222) == 0 ? FILE_ATTRIBUTE_READONLY : 0);
    return attributes == 0 ? FILE_ATTRIBUTE_NORMAL : attributes;
}

/** Whether a file is there, a folder, or read-only. @return INVALID_FILE_ATTRIBUTES with ERROR_FILE_NOT_FOUND and kin. */
DWORD WINAPI GetFileAttributesA(LPCSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    return ws2_file_path(local, sizeof local, path) ? path_attributes(local) : INVALID_FILE_ATTRIBUTES;
}

/** As GetFileAttributesA. */
DWORD WINAPI GetFileAttributesW(LPCWSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    return ws2_file_path_wide(local, sizeof local, path) ? path_attributes(local) : INVALID_FILE_ATTRIBUTES;
}

/* TMPDIR, else /tmp; ends in a slash. */
static size_t temp_path(char *out, size_t bytes)
{
    const char *folder = getenv("TMPDIR");
    int length;
    if (folder == NULL || folder[0] == '\0') {
        folder = "/tmp";
    }
    length = snprintf(out, bytes, "%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/");
    return length < 0 || (size_t)length >= bytes ? 0 : (size_t)length;
}

/** The folder of temporary files. @return Characters without the end; with it, if it does not fit; 0: none. */
DWORD WINAPI GetTempPathA(DWORD chars, LPSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    size_t length = temp_path(local, sizeof local);
    if (length + 1 > chars || path == NULL) {
        return (DWORD)length + 1;
    }
    memcpy(path, local, length + 1);
    return (DWORD)length;
}

/** As GetTempPathA. */
DWORD WINAPI GetTempPathW(DWORD chars, LPWSTR path)
{
    char local[WS2_FILE_PATH_BYTES];
    WCHAR wide[MAX_PATH];
    size_t length;
    if (temp_path(local, sizeof local) == 0) {
        return 0;
    }
    length = ws2_utf16_from_utf8(local, wide, MAX_PATH);
    if (length >= MAX_PATH || length + 1 > chars || path == NULL) {
        return (DWORD)length + 1;
    }
    memcpy(path, wide, (length + 1) * sizeof *wide);
    return (DWORD)length;
}

/**
 * A name for a temporary file.
 *
 * @param prefix  Up to three characters of it are used; may be NULL.
 * @param number  Nonzero: it is used, and nothing is made. 0: a number is found whose file is not there, and it is made.
 * @param path    Room for MAX_PATH characters.
 * @return        The number, or 0 with ERROR_DIRECTORY, ERROR_BUFFER_OVERFLOW or ERROR_ACCESS_DENIED and kin.
 */
UINT WINAPI GetTempFileNameA(LPCSTR folder, LPCSTR prefix, UINT number, LPSTR path)
{
    char local[MAX_PATH];
    char name[MAX_PATH];
    bool fresh = number == 0;
    unsigned tries;
    if (folder == NULL || path == NULL) {
        return (UINT)ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    if (!ws2_file_path(local, sizeof local, folder)) {
        return 0;
    }
    for (tries = 0; tries < 0xffff; tries++) {
        unsigned low = fresh ? (unsigned)(GetTickCount64() + tries) & 0xffffu : number & 0xffffu;
        const char *between = local[strlen(local) - 1] == '/' ? "" : "/";
        int length = snprintf(name, sizeof name, "%s%s%.3s%x.tmp", local, between, prefix == NULL ? "" : prefix,
                              low == 0 ? 1 : low);
        int fd;
        if (length < 0 || (size_t)length >= sizeof name) {
            return (UINT)ws2_file_fail(ERROR_BUFFER_OVERFLOW);
        }
        fd = fresh ? open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600) : -1;
        if (fd >= 0) {
            (void)close(fd);
        } else if (fresh && errno == EEXIST) {
            continue;
        } else if (fresh) {
            return (UINT)ws2_file_fail(errno == ENOENT || errno == ENOTDIR ? ERROR_DIRECTORY : ws2_file_error(errno));
        }
        memcpy(path, name, (size_t)length + 1);
        return low == 0 ? 1 : low;
    }
    return (UINT)ws2_file_fail(ERROR_FILE_EXISTS);
}

/** As GetTempFileNameA. */
UINT WINAPI GetTempFileNameW(LPCWSTR folder, LPCWSTR prefix, UINT number, LPWSTR path)
{
    char narrow[MAX_PATH];
    char start[16] = "";
    char name[MAX_PATH];
    UINT found;
    if (folder == NULL || path == NULL || ws2_utf8_from_utf16(folder, narrow, sizeof narrow) >= sizeof narrow) {
        return (UINT)ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    if (prefix != NULL) {
        (void)ws2_utf8_from_utf16(prefix, start, sizeof start); /* the first three characters count */
    }
    found = GetTempFileNameA(narrow, start, number, name);
    if (found != 0) {
        (void)ws2_utf16_from_utf8(name, path, MAX_PATH);
    }
    return found;
}
