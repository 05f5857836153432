/** @file Calls on many sockets at once. */
#include "wsp_many.h"

#include "wsp_share.h"

#include "stack/process.h"

#include <stdlib.h>

#define MEMBER_BYTES (sizeof(struct stk_wait_item) + sizeof(struct wsp_socket *) + sizeof(SOCKET) + sizeof(uint32_t))

/* The memory of the thread's last call serves again. A blocking hook may make such calls inside of one. */
bool wsp_many_begin(struct wsp_many *many, size_t total)
{
    struct wsp_thread *thread = wsp_thread_get();
    size_t bytes = total * MEMBER_BYTES;
    void *grown;

    *many = (struct wsp_many){.total = total};
    if (!thread || total > SIZE_MAX / MEMBER_BYTES)
        return false;
    many->memory = thread->select_memory;
    many->bytes = thread->select_bytes;
    thread->select_memory = NULL;
    thread->select_bytes = 0;
    if (many->bytes < bytes) {
        grown = realloc(many->memory, bytes);
        if (!grown)
            return false;
        many->memory = grown;
        many->bytes = bytes;
    }
    many->items = many->memory;
    many->socks = (struct wsp_socket **)(void *)(many->items + total);
    many->handles = (SOCKET *)(void *)(many->socks + total);
    many->at = (uint32_t *)(void *)(many->handles + total);
    return true;
}

int wsp_many_add(struct wsp_many *many, SOCKET s, uint32_t at, uint32_t wanted)
{
    int code = 0;
    struct wsp_socket *sock = wsp_socket_get(s, &code);

    if (!sock)
        return code;
    many->items[many->count] = (struct stk_wait_item){.sock = sock->stk, .wanted = wanted};
    many->socks[many->count] = sock;
    many->handles[many->count] = s;
    many->at[many->count++] = at;
    return 0;
}

/* A deferred connection is one that accept would take (WSPSELECT-4); the stack does not know of it. */
static int many_deferred(struct wsp_many *many)
{
    int found = 0;

    for (size_t i = 0; i < many->count; i++) {
        struct wsp_socket *sock = many->socks[i];

        if (!(many->items[i].wanted & STK_READY_ACCEPT) || !atomic_load(&sock->listening))
            continue;
        wsp_mutex_lock(&sock->lock);
        if (sock->deferred) {
            many->items[i].ready |= STK_READY_ACCEPT;
            found++;
        }
        wsp_mutex_unlock(&sock->lock);
    }
    return found;
}

int wsp_many_look(struct wsp_many *many, int *found)
{
    struct wsp_wait look;
    int code;

    wsp_wait_begin(&look, 0);
    look.deadline_ns = 0;
    code = wsp_wait_items(&look, many->items, many->count, 0, found);
    if (code == 0)
        *found += many_deferred(many);
    return code;
}

bool wsp_many_is_gone(const struct wsp_many *many, size_t member)
{
    const struct wsp_socket *sock = many->socks[member];

    return wsp_socket_closing(sock) || wsp_share_is_gone(sock, many->handles[member]);
}

static bool many_any_gone(const struct wsp_many *many)
{
    for (size_t i = 0; i < many->count; i++)
        if (wsp_many_is_gone(many, i))
            return true;
    return false;
}

/* A member may go on with another socket of the stack, which ends a wait: the wait is for that one then. false: none does. */
static bool many_renewed(struct wsp_many *many)
{
    bool any = false;

    for (size_t i = 0; i < many->count; i++) {
        struct stk_sock *now = many->socks[i]->stk;

        if (many->items[i].sock == now)
            continue;
        many->items[i].sock = now;
        wsp_socket_reap(many->socks[i], STK_CLOSE_GRACEFUL, 1); /* nobody else may come by for long */
        any = true;
    }
    return any;
}

int wsp_many_wait(struct wsp_many *many, struct wsp_wait *wait, int *found)
{
    struct wsp_share_wait node;
    const _Atomic uint32_t *before = wait->wake;
    int code = WSAENOTSOCK;

    *found = 0;
    /* A handle may be one of several of its socket, or become so while we wait: closing it ends the wait. */
    wsp_share_wait_begin(&node, many->handles, many->count);
    wait->wake = &node.wake; // cppcheck-suppress autoVariables; taken back below
    while (code == WSAENOTSOCK && !many_any_gone(many)) {
        code = wsp_wait_items(wait, many->items, many->count, many->socks[0]->catalog_id, found);
        if (!many_renewed(many))
            break;
    }
    wsp_share_wait_end(&node);
    wait->wake = before;
    if (code == WSAEINTR && atomic_load(&node.wake) != 0 && many_any_gone(many))
        code = WSAENOTSOCK;
    return code;
}

void wsp_many_end(struct wsp_many *many)
{
    struct wsp_thread *thread = wsp_thread_peek();

    for (size_t i = 0; i < many->count; i++)
        wsp_socket_put(many->socks[i]);
    if (thread && !thread->select_memory) {
        thread->select_memory = many->memory;
        thread->select_bytes = many->bytes;
    } else {
        free(many->memory);
    }
}

/* --- Wild pointers ------------------------------------------------------------- */

bool wsp_memory_readable(const void *at, size_t bytes)
{
    struct wsp_thread *thread = wsp_thread_get();
    struct wsp_range *range;

    for (unsigned i = 0; thread && i < WSP_RANGES; i++)
        if (thread->ranges[i].at == at && thread->ranges[i].bytes >= bytes)
            return true;
    if (!wsp_os_readable(at, bytes))
        return false;
    if (thread) {
        range = &thread->ranges[thread->range_next++ % WSP_RANGES];
        *range = (struct wsp_range){.at = at, .bytes = bytes};
    }
    return true;
}

bool wsp_memory_ends_readable(const void *at, uint64_t bytes)
{
    uintptr_t first = (uintptr_t)at;

    if (bytes == 0)
        return true;
    return bytes - 1 <= UINTPTR_MAX - first && wsp_memory_readable(at, 1) &&
           wsp_memory_readable((const char *)at + (size_t)(bytes - 1), 1);
}
