/** @file Memory on Linux: the process's own map, and membarrier. */
#include "wsp_memory.h"

#include "wsp_os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_POPULATE_WRITE 23 /* MADV_POPULATE_WRITE, from Linux 5.14 on */

_Atomic bool wsp_fence_full = true;

void wsp_fence_setup(void)
{
    static _Atomic bool done;

    if (atomic_exchange(&done, true))
        return;
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0)
        atomic_store(&wsp_fence_full, false);
}

void wsp_fence_all(void)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load(&wsp_fence_full))
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/* A line of the map is being read. */
struct map_reader {
    int fd;
    ssize_t have;
    ssize_t at;
    char bytes[1024];
};

static int map_char(struct map_reader *map)
{
    if (map->at == map->have) {
        map->at = 0;
        map->have = read(map->fd, map->bytes, sizeof map->bytes);
        if (map->have <= 0) {
            map->have = 0;
            return -1;
        }
    }
    return (unsigned char)map->bytes[map->at++];
}

/* A number up to a separator, which is taken too. */
static bool map_number(struct map_reader *map, uintptr_t *out)
{
    int c = map_char(map);
    uintptr_t value = 0;

    for (; (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); c = map_char(map))
        value = value << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    *out = value;
    return c == '-' || c == ' ';
}

/* The next mapping; false: no more. */
static bool map_next(struct map_reader *map, uintptr_t *from, uintptr_t *to, enum wsp_memory *may)
{
    int read_right, write_right, c;

    if (!map_number(map, from) || !map_number(map, to))
        return false;
    read_right = map_char(map);
    write_right = map_char(map);
    *may = read_right != 'r' ? WSP_MEMORY_NONE : write_right == 'w' ? WSP_MEMORY_WRITE : WSP_MEMORY_READ;
    do
        c = map_char(map);
    while (c >= 0 && c != '\n');
    return true;
}

/* The short way: the kernel makes all of the pages writable, which they will be pinned as anyway. */
static bool memory_populates(uintptr_t first, uintptr_t last)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = first & ~(page - 1);
    int before = errno;
    bool done = madvise((void *)begin, (last | (page - 1)) - begin + 1, MEMORY_POPULATE_WRITE) == 0;

    errno = before;
    return done;
}

enum wsp_memory wsp_memory_access(const void *at, size_t bytes)
{
    uintptr_t next = (uintptr_t)at; /* looked at up to here */
    uintptr_t last = next + bytes - 1;
    enum wsp_memory least = WSP_MEMORY_WRITE, may = WSP_MEMORY_NONE;
    struct map_reader map = {.at = 0};
    uintptr_t from, to;

    if (!at || last < next)
        return WSP_MEMORY_NONE;
    if (memory_populates(next, last))
        return WSP_MEMORY_WRITE;
    map.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (map.fd < 0)
        return wsp_os_readable(at, bytes) ? WSP_MEMORY_WRITE : WSP_MEMORY_NONE;
    while (next <= last && map_next(&map, &from, &to, &may)) {
        if (to <= next)
            continue;
        if (from > next || may == WSP_MEMORY_NONE)
            break; /* the map is sorted: there is a hole */
        if (may < least)
            least = may;
        next = to;
    }
    (void)close(map.fd);
    return next > last ? least : WSP_MEMORY_NONE;
}
