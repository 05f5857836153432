/*
 * WSAPoll. It has no slot in a provider's table: the provider of the sockets is asked for its own (WSAID_WSAPOLL). An
 * array with sockets of several providers is split, and each gets its own part in turn.
 *
 * Source: rules WS2-32, POLL-1 to POLL-24.
 */
#include "ws2_priv.h"

#include <mswsock.h>
#include <stdlib.h>
#include <string.h>

#define MIXED_SLICE_MS 4 /* of an array that several providers share: how long one is waited for before the next */

/* The entries of one provider. */
struct poll_part {
    struct ws2_provider *provider;
    LPFN_WSAPOLL function;
    WSAPOLLFD *entry;
    ULONG *place; /* of each entry in the program's array */
    ULONG count;
};

struct poll_parts {
    struct poll_part part[WS2_PROVIDERS];
    unsigned count;
    bool invalid; /* some entries are nobody's */
};

/* Negative ones are not looked at, in the width of a handle or of the int that a program kept it in. */
static struct ws2_provider *poll_provider(SOCKET s)
{
    if ((intptr_t)s < 0 || s > INT32_MAX) {
        return NULL;
    }
    return ws2_handle_provider(s);
}

/* The provider's function, asked for once. NULL: it has none. */
static LPFN_WSAPOLL poll_function(struct ws2_provider *provider, SOCKET s)
{
    static const GUID wanted = WSAID_WSAPOLL;
    LPFN_WSAPOLL function = atomic_load_explicit(&provider->poll, memory_order_acquire);
    GUID id = wanted;
    DWORD returned = 0;
    int error = 0;
    if (function != NULL) {
        return function;
    }
    if (provider->table.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                                   &returned, NULL, NULL, NULL, &error) == SOCKET_ERROR ||
        returned != sizeof function) {
        return NULL;
    }
    atomic_store_explicit(&provider->poll, function, memory_order_release);
    return function;
}

/* The only provider of the array's sockets; several is set if there are more. NULL: none of them is a socket. */
static struct ws2_provider *poll_single(const WSAPOLLFD *array, ULONG count, SOCKET *s, bool *several)
{
    struct ws2_provider *first = NULL;
    ULONG i;
    *several = false;
    for (i = 0; i < count; i++) {
        struct ws2_provider *provider = poll_provider(array[i].fd);
        if (provider == NULL || provider == first) {
            continue;
        }
        if (first != NULL) {
            *several = true;
            break;
        }
        first = provider;
        *s = array[i].fd;
    }
    return first;
}

static struct poll_part *poll_part_of(struct poll_parts *parts, struct ws2_provider *provider)
{
    unsigned i;
    for (i = 0; i < parts->count; i++) {
        if (parts->part[i].provider == provider) {
            return &parts->part[i];
        }
    }
    if (parts->count == WS2_PROVIDERS) {
        return NULL;
    }
    parts->part[parts->count] = (struct poll_part){.provider = provider};
    return &parts->part[parts->count++];
}

/* Room in every part for all entries: arrays of several providers are rare and small. */
static int poll_part_room(struct poll_part *part, ULONG count, SOCKET s)
{
    if (part->entry != NULL) {
        return 0;
    }
    part->function = poll_function(part->provider, s);
    if (part->function == NULL) {
        return WSAEOPNOTSUPP;
    }
    part->entry = (WSAPOLLFD *)calloc(count, sizeof *part->entry);
    part->place = (ULONG *)calloc(count, sizeof *part->place);
    return part->entry == NULL || part->place == NULL ? WSAENOBUFS : 0;
}

static int poll_split(struct poll_parts *parts, WSAPOLLFD *array, ULONG count)
{
    ULONG i;
    int error = 0;
    for (i = 0; i < count && error == 0; i++) {
        struct ws2_provider *provider = poll_provider(array[i].fd);
        struct poll_part *part = provider == NULL ? NULL : poll_part_of(parts, provider);
        if (part == NULL) {
            array[i].revents = POLLNVAL; /* told, not counted */
            parts->invalid = true;
            continue;
        }
        error = poll_part_room(part, count, array[i].fd);
        if (error == 0) {
            part->entry[part->count] = array[i];
            part->place[part->count++] = i;
        }
    }
    return error;
}

/* Ask one provider about its entries. @return What it says: entries with something to tell, or SOCKET_ERROR. */
static int poll_part_ask(const struct poll_part *part, WSAPOLLFD *array, int timeout_ms)
{
    int told = part->function(part->entry, part->count, timeout_ms);
    ULONG i;
    for (i = 0; i < part->count && told != SOCKET_ERROR; i++) {
        array[part->place[i]].revents = part->entry[i].revents;
    }
    return told;
}

/* Once round all providers. @param wait_ms  For the first of them; the others are looked at only. */
static int poll_round(struct poll_parts *parts, WSAPOLLFD *array, unsigned first, int wait_ms)
{
    int told = 0;
    unsigned i;
    for (i = 0; i < parts->count; i++) {
        int more = poll_part_ask(&parts->part[(first + i) % parts->count], array, i == 0 && told == 0 ? wait_ms : 0);
        if (more == SOCKET_ERROR) {
            return SOCKET_ERROR;
        }
        told += more;
    }
    return told;
}

static int poll_mixed_run(struct poll_parts *parts, WSAPOLLFD *array, int timeout_ms)
{
    ULONGLONG end = GetTickCount64() + (ULONGLONG)(timeout_ms < 0 ? 0 : timeout_ms);
    unsigned round = 0;
    int told = poll_round(parts, array, 0, 0);
    while (told == 0 && !parts->invalid) {
        ULONGLONG now = GetTickCount64();
        ULONGLONG left = timeout_ms < 0 ? MIXED_SLICE_MS : now < end ? end - now : 0;
        if (left == 0) {
            break;
        }
        told = poll_round(parts, array, round++, left < MIXED_SLICE_MS ? (int)left : MIXED_SLICE_MS);
    }
    return told;
}

/* POLL-23. */
static int poll_mixed(WSAPOLLFD *array, ULONG count, int timeout_ms)
{
    struct poll_parts parts = {.count = 0};
    int error = poll_split(&parts, array, count);
    int told = error == 0 ? poll_mixed_run(&parts, array, timeout_ms) : ws2_fail(error);
    DWORD last = GetLastError();
    unsigned i;
    for (i = 0; i < parts.count; i++) {
        free(parts.part[i].entry);
        free(parts.part[i].place);
    }
    SetLastError(last);
    return told;
}

static int poll_none(WSAPOLLFD *array, ULONG count)
{
    ULONG i;
    for (i = 0; i < count; i++) {
        array[i].revents = POLLNVAL;
    }
    return ws2_fail(WSAENOTSOCK);
}

/**
 * Wait until one of the sockets is ready.
 *
 * @param timeout_ms  Negative: for ever.
 * @return            Members with something in revents, 0 after the time, or SOCKET_ERROR with WSANOTINITIALISED,
 *                    WSAEINVAL (no members), WSAENOTSOCK (none of them is a socket), WSAEFAULT (the array cannot be read),
 *                    WSAEOPNOTSUPP (the provider has no such function), WSAENOBUFS, or what that function says.
 *
 * Context: any thread; blocks.
 */
int WSAAPI WSAPoll(WSAPOLLFD array[], ULONG count, INT timeout_ms)
{
    struct ws2_provider *provider;
    LPFN_WSAPOLL function;
    SOCKET s = INVALID_SOCKET;
    bool several;
    int told;
    if (!ws2_started() || ws2_busy()) {
        return ws2_fail(ws2_started() ? WSAEINPROGRESS : WSANOTINITIALISED);
    }
    if (count == 0) {
        return ws2_fail(WSAEINVAL);
    }
    if (array == NULL || !ws2_memory_readable(array, (size_t)count * sizeof *array)) {
        return ws2_fail(WSAEFAULT);
    }
    provider = poll_single(array, count, &s, &several);
    if (provider == NULL) {
        return poll_none(array, count);
    }
    if (several) {
        return poll_mixed(array, count, timeout_ms);
    }
    function = poll_function(provider, s);
    if (function == NULL) {
        return ws2_fail(WSAEOPNOTSUPP);
    }
    told = function(array, count, timeout_ms);
    if (told != SOCKET_ERROR) {
        SetLastError(0);
    }
    return told;
}
