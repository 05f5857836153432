/** @file Files that are sent, Windows: sections of the kernel's. */
#include "wsp_file.h"

static HANDLE file_handle(const struct wsp_file *file)
{
    return (HANDLE)file->handle;
}

int wsp_file_open(struct wsp_file *file, HANDLE handle)
{
    HANDLE own = NULL;
    DWORD before = GetLastError(), type = GetFileType(handle);

    SetLastError(before);
    if (type == FILE_TYPE_UNKNOWN ||
        !DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &own, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
        SetLastError(before);
        return ERROR_INVALID_HANDLE;
    }
    *file = (struct wsp_file){.handle = (intptr_t)own, .open = true};
    return 0;
}

void wsp_file_close(struct wsp_file *file)
{
    if (file->mapping)
        (void)CloseHandle((HANDLE)file->mapping);
    if (file->open)
        (void)CloseHandle(file_handle(file));
    *file = (struct wsp_file){0};
}

uint64_t wsp_file_size(const struct wsp_file *file)
{
    LARGE_INTEGER size;

    return GetFileSizeEx(file_handle(file), &size) && size.QuadPart > 0 ? (uint64_t)size.QuadPart : 0;
}

uint64_t wsp_file_position(const struct wsp_file *file)
{
    LARGE_INTEGER none = {.QuadPart = 0}, at;

    return SetFilePointerEx(file_handle(file), none, &at, FILE_CURRENT) ? (uint64_t)at.QuadPart : 0;
}

void wsp_file_seek(const struct wsp_file *file, uint64_t position)
{
    LARGE_INTEGER to = {.QuadPart = (LONGLONG)position};

    (void)SetFilePointerEx(file_handle(file), to, NULL, FILE_BEGIN);
}

static int window_error(void)
{
    DWORD code = GetLastError();

    if (code == ERROR_ACCESS_DENIED)
        return ERROR_ACCESS_DENIED;
    return code == ERROR_NOT_ENOUGH_MEMORY || code == ERROR_COMMITMENT_LIMIT ? WSAENOBUFS : WSAEINVAL;
}

int wsp_window_open(struct wsp_window *window, struct wsp_file *file, uint64_t offset, size_t bytes)
{
    DWORD before = GetLastError();
    uint64_t size = wsp_file_size(file), start;
    SYSTEM_INFO system;
    HANDLE section;
    void *at = NULL;
    int code = 0;

    *window = (struct wsp_window){0};
    if (offset >= size)
        return 0;
    if (bytes > size - offset)
        bytes = (size_t)(size - offset);
    GetSystemInfo(&system);
    start = offset - offset % system.dwAllocationGranularity;
    bytes += (size_t)(offset - start);
    if (!file->mapping) {
        section = CreateFileMappingW(file_handle(file), NULL, PAGE_READONLY, 0, 0, NULL);
        file->mapping = (intptr_t)section;
    }
    if (file->mapping)
        at = MapViewOfFile((HANDLE)file->mapping, FILE_MAP_READ, (DWORD)(start >> 32), (DWORD)start, bytes);
    if (!at)
        code = window_error();
    else
        *window = (struct wsp_window){.at = at,
                                      .bytes = bytes,
                                      .data = (const char *)at + (offset - start),
                                      .size = bytes - (size_t)(offset - start)};
    SetLastError(before);
    return code;
}

void wsp_window_close(struct wsp_window *window)
{
    if (window->at)
        (void)UnmapViewOfFile(window->at);
    *window = (struct wsp_window){0};
}
