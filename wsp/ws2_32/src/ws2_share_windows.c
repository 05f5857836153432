/*
 * Several handles of one socket, Windows: DuplicateHandle within the process.
 *
 * A provider knows a socket by one handle, the one that it made. A copy has a slot of its own with the same provider and
 * context, so every call on it reaches the same socket; ports and modes are the socket's. Closing a handle while others
 * are open only drops it. The provider's own handle then stays in the table, because completions and messages still name
 * it, but has no provider any more: calls on it find no socket. The last handle to go closes the socket.
 */
#include "ws2_handle_priv.h"
#include "ws2_port_windows.h"

static SRWLOCK share_lock = SRWLOCK_INIT;

/**
 * Make a copy of a socket's pipe handle another handle of the socket.
 *
 * @param slot  The socket's, pinned.
 * @param copy  What DuplicateHandle made of it.
 * @return      false: memory is short, or the value cannot be had; then Winsock does not know the copy.
 *
 * Context: any thread.
 */
bool ws2_share_adopt(struct ws2_slot *slot, HANDLE copy)
{
    struct ws2_port_state *state = ws2_port_state_make(slot);
    struct ws2_slot *other = state == NULL ? NULL : ws2_handle_begin(ws2_slot_adopt(copy), WS2_KIND_SOCKET);
    if (other == NULL) {
        return false;
    }
    atomic_fetch_add_explicit(&state->refs, 1, memory_order_relaxed);
    other->object = state;
    other->entry_id = slot->entry_id;
    atomic_store_explicit(&other->context, atomic_load_explicit(&slot->context, memory_order_acquire),
                          memory_order_relaxed);
    atomic_store_explicit(&other->provider, atomic_load_explicit(&slot->provider, memory_order_acquire),
                          memory_order_relaxed);
    AcquireSRWLockExclusive(&share_lock);
    state->handles++;
    ReleaseSRWLockExclusive(&share_lock);
    ws2_handle_publish(other);
    return true;
}

/**
 * Whether a handle is one that the program closed and the provider still speaks of.
 *
 * Context: any thread; two loads for what is no socket.
 */
bool ws2_share_is_hidden(HANDLE handle)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_SOCKET);
    bool hidden;
    if (slot == NULL) {
        return false;
    }
    hidden = atomic_load_explicit(&slot->provider, memory_order_acquire) == NULL;
    ws2_handle_unpin(slot);
    return hidden;
}

/* Let calls on the provider's own handle, which the program has closed, find the provider, or not. */
static void share_show(SOCKET known, struct ws2_provider *provider)
{
    struct ws2_slot *slot = ws2_handle_pin(known, WS2_KIND_SOCKET);
    if (slot != NULL) {
        atomic_store_explicit(&slot->provider, provider, memory_order_release);
        ws2_handle_unpin(slot);
    }
}

enum ws2_share ws2_share_closing(SOCKET s, SOCKET *known)
{
    struct ws2_slot *slot = ws2_handle_pin(s, WS2_KIND_SOCKET);
    struct ws2_port_state *state = slot == NULL
                                       ? NULL
                                       : (struct ws2_port_state *)__atomic_load_n(&slot->object, __ATOMIC_ACQUIRE);
    enum ws2_share share = WS2_SHARE_NONE;
    *known = s;
    if (state != NULL) {
        AcquireSRWLockExclusive(&share_lock);
        if (state->handles > 1) {
            state->handles--;
            share = WS2_SHARE_DROPPED;
            if (s == state->known) {
                atomic_store_explicit(&slot->provider, NULL, memory_order_release);
            }
        } else if (s != state->known) {
            share = WS2_SHARE_COPY;
            *known = state->known;
            share_show(*known, atomic_load_explicit(&slot->provider, memory_order_acquire));
        }
        ReleaseSRWLockExclusive(&share_lock);
        if (share == WS2_SHARE_DROPPED && s != state->known) {
            (void)ws2_handle_close(s, WS2_KIND_SOCKET);
        }
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    return share;
}

void ws2_share_closed(SOCKET s, SOCKET known, bool done)
{
    if (done) {
        (void)ws2_handle_close(s, WS2_KIND_SOCKET);
    } else {
        share_show(known, NULL);
    }
}
