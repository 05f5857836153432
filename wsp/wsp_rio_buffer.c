/** @file Registered memory. */
#include "wsp_error.h"
#include "wsp_rio_priv.h"
#include "wsp_upcall.h"

struct wsp_rio_slots wsp_rio_buffers = {.kind = WSP_RIO_BUFFER, .size = sizeof(struct wsp_rio_buffer)};

static int buffer_register(char *data, DWORD bytes, uintptr_t *id)
{
    struct stk_client *client;
    struct wsp_rio_buffer *buffer;
    enum wsp_memory may;
    int code, err;

    if (!wsp_rio_runs())
        return WSANOTINITIALISED;
    if (bytes == 0)
        return WSAEINVAL; /* RIOX-15 */
    may = wsp_memory_access(data, bytes);
    if (may == WSP_MEMORY_NONE)
        return WSAEFAULT; /* RIOX-16 */
    code = wsp_provider_client(&client);
    if (code != 0)
        return code;
    buffer = (struct wsp_rio_buffer *)wsp_rio_slot_take(&wsp_rio_buffers);
    if (!buffer)
        return WSAENOBUFS;
    err = stk_rio_mem_add(client, data, bytes, &buffer->mem);
    if (err != STK_OK) {
        wsp_rio_slot_give(&wsp_rio_buffers, &buffer->slot);
        return wsp_error_of(WSP_OP_ANY, err);
    }
    buffer->base = data;
    buffer->bytes = bytes;
    buffer->writable = may == WSP_MEMORY_WRITE; /* RIOX-20 */
    *id = wsp_rio_slot_handle(&wsp_rio_buffers, &buffer->slot);
    wsp_rio_slot_open(&buffer->slot, *id);
    return 0;
}

/**
 * RIORegisterBuffer.
 *
 * @param data  bytes of the application's, which stay readable until the memory is deregistered and no request uses it.
 * @return      The id, or RIO_INVALID_BUFFERID with the last error WSAEINVAL (no bytes), WSAEFAULT (not all readable),
 *              WSAENOBUFS, WSANOTINITIALISED.
 *
 * Context: any thread. System calls. Source: rules RIOX-14 to RIOX-20, RIOX-32.
 */
RIO_BUFFERID PASCAL wsp_rio_register_buffer(PCHAR data, DWORD bytes)
{
    uintptr_t id = 0;
    int code = buffer_register(data, bytes, &id);

    if (code == 0)
        return (RIO_BUFFERID)id;
    wsp_upcall_last_error(code);
    return RIO_INVALID_BUFFERID;
}

/* Nobody is in the middle of a request that looked the memory up. */
static bool buffer_quiet(void)
{
    uint32_t made = atomic_load(&wsp_rio_rqs.made);
    bool quiet = true;

    if (atomic_load(&wsp_rio_rqs.taken) == 0)
        return true;
    wsp_fence_all();
    for (uint32_t i = 0; i < made; i++)
        if (!wsp_rio_wait_out(&((struct wsp_rio_rq *)wsp_rio_slot_at(&wsp_rio_rqs, i))->inside))
            quiet = false;
    return quiet;
}

/**
 * RIODeregisterBuffer. Requests that use the memory go on; the stack lets go of it when the last of them was dequeued.
 *
 * @param id  What is no id of this process is ignored.
 *
 * Context: any thread. Source: rules RIOX-28, RIOX-29, RIOX-32.
 */
void PASCAL wsp_rio_deregister_buffer(RIO_BUFFERID id)
{
    struct wsp_rio_buffer *buffer = wsp_rio_buffer_find(id);

    if (!buffer || atomic_load(&wsp_provider.state) == WSP_FORKED || !wsp_rio_slot_close(&buffer->slot, (uintptr_t)id))
        return;
    if (!buffer_quiet())
        return; /* a thread ended in the middle of a call with it: it is never free again */
    stk_rio_mem_remove(buffer->mem);
    wsp_rio_slot_give(&wsp_rio_buffers, &buffer->slot);
}
