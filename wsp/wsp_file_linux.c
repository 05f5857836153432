/** @file Files that are sent, Linux: descriptors of our own behind the handles of the DLL that loaded us. */
#include "wsp_file.h"
#include "wsp_upcall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int wsp_file_open(struct wsp_file *file, HANDLE handle)
{
    wsp_file_fn descriptor = atomic_load_explicit(&wsp_upcalls.file, memory_order_relaxed);
    int32_t fd = -1;
    uint32_t code = descriptor ? descriptor((uint64_t)(uintptr_t)handle, &fd) : (uint32_t)ERROR_NOT_SUPPORTED;

    if (code != 0)
        return (int)code;
    *file = (struct wsp_file){.handle = fd, .open = true};
    return 0;
}

void wsp_file_close(struct wsp_file *file)
{
    if (file->open)
        (void)close((int)file->handle);
    *file = (struct wsp_file){0};
}

uint64_t wsp_file_size(const struct wsp_file *file)
{
    struct stat info;

    return fstat((int)file->handle, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

uint64_t wsp_file_position(const struct wsp_file *file)
{
    off_t at = lseek((int)file->handle, 0, SEEK_CUR);

    return at < 0 ? 0 : (uint64_t)at;
}

void wsp_file_seek(const struct wsp_file *file, uint64_t position)
{
    (void)lseek((int)file->handle, (off_t)position, SEEK_SET);
}

int wsp_window_open(struct wsp_window *window, struct wsp_file *file, uint64_t offset, size_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = wsp_file_size(file);
    size_t before = (size_t)(offset & (page - 1));
    void *at;

    *window = (struct wsp_window){0};
    if (offset >= size)
        return 0;
    if (bytes > size - offset)
        bytes = (size_t)(size - offset);
    /* Populated at once: the bytes are all wanted now, and a fault each page costs more than their copy. */
    at = mmap(NULL, before + bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, (int)file->handle, (off_t)(offset - before));
    if (at == MAP_FAILED)
        return errno == ENOMEM || errno == EAGAIN ? WSAENOBUFS : WSAEINVAL;
    *window = (struct wsp_window){.at = at, .bytes = before + bytes, .data = (const char *)at + before, .size = bytes};
    return 0;
}

void wsp_window_close(struct wsp_window *window)
{
    if (window->at)
        (void)munmap(window->at, window->bytes);
    *window = (struct wsp_window){0};
}
