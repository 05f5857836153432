/** @file Files that are sent, Linux: descriptors of our own behind the handles of the DLL that loaded us. */
#include "wsp_file.h"
#include "wsp_upcall.h"

#include "wsp_os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES 65536u /* the longest datagram, and small enough to stay in a cache between both copies */
#define WINDOWS_KEPT 256u

/* A window's memory while nobody has it. */
struct window_room {
    struct window_room *next;
};

struct window_pool {
    struct wsp_mutex lock;
    struct window_room *free;
    uint32_t count;
};

static struct window_pool window_pool;

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

static void *window_take(void)
{
    struct window_room *room;

    wsp_mutex_lock(&window_pool.lock);
    room = window_pool.free;
    if (room) {
        window_pool.free = room->next;
        window_pool.count--;
    }
    wsp_mutex_unlock(&window_pool.lock);
    return room ? room : malloc(WINDOW_BYTES);
}

static void window_give(void *at)
{
    struct window_room *room = at;

    wsp_mutex_lock(&window_pool.lock);
    if (window_pool.count < WINDOWS_KEPT) {
        room->next = window_pool.free;
        window_pool.free = room;
        window_pool.count++;
        room = NULL;
    }
    wsp_mutex_unlock(&window_pool.lock);
    free(room);
}

/* Read as much as there is. @return  0, or a code: nothing could be read. */
static int window_read(struct wsp_window *window, int fd, uint64_t offset)
{
    while (window->size < window->bytes) {
        ssize_t part = pread(fd, (char *)window->at + window->size, window->bytes - window->size,
                             (off_t)(offset + window->size));

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0 && window->size == 0)
            return errno == ENOMEM ? WSAENOBUFS : WSAEINVAL;
        if (part <= 0) /* its end, or what the next window will be told */
            return 0;
        window->size += (size_t)part;
    }
    return 0;
}

int wsp_window_open(struct wsp_window *window, struct wsp_file *file, uint64_t offset, size_t bytes)
{
    void *at = window_take();
    int code;

    *window = (struct wsp_window){0};
    if (!at)
        return WSAENOBUFS;
    *window = (struct wsp_window){.at = at, .bytes = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES, .data = at};
    code = window_read(window, (int)file->handle, offset);
    if (code != 0 || window->size == 0)
        wsp_window_close(window);
    return code;
}

void wsp_window_close(struct wsp_window *window)
{
    if (window->at)
        window_give(window->at);
    *window = (struct wsp_window){0};
}
