/** @file The table of functions of registered I/O. */
#include "wsp_rio_priv.h"

static const RIO_EXTENSION_FUNCTION_TABLE rio_table = {
    .cbSize = sizeof(RIO_EXTENSION_FUNCTION_TABLE),
    .RIOReceive = wsp_rio_receive,
    .RIOReceiveEx = wsp_rio_receive_ex,
    .RIOSend = wsp_rio_send,
    .RIOSendEx = wsp_rio_send_ex,
    .RIOCloseCompletionQueue = wsp_rio_close_cq,
    .RIOCreateCompletionQueue = wsp_rio_create_cq,
    .RIOCreateRequestQueue = wsp_rio_create_rq,
    .RIODequeueCompletion = wsp_rio_dequeue,
    .RIODeregisterBuffer = wsp_rio_deregister_buffer,
    .RIONotify = wsp_rio_notify,
    .RIORegisterBuffer = wsp_rio_register_buffer,
    .RIOResizeCompletionQueue = wsp_rio_resize_cq,
    .RIOResizeRequestQueue = wsp_rio_resize_rq,
};

int wsp_rio_table_get(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    static const GUID id = WSAID_MULTIPLE_RIO;

    (void)sock; /* RIOX-5, RIOX-6: any socket */
    if (!call->in)
        return WSAEFAULT;
    if (call->in_bytes != sizeof id || memcmp(call->in, &id, sizeof id) != 0)
        return WSAEINVAL; /* RIOX-4 */
    if (!call->out || call->out_bytes < sizeof rio_table)
        return WSAEFAULT; /* RIOX-3 */
    wsp_fence_setup();
    return wsp_ioctl_put(call, &rio_table, sizeof rio_table);
}

void wsp_rio_forget(void)
{
    for (uint32_t i = 0; i < atomic_load(&wsp_rio_cqs.made); i++)
        wsp_rio_close_cq((RIO_CQ)atomic_load(&wsp_rio_slot_at(&wsp_rio_cqs, i)->handle));
    for (uint32_t i = 0; i < atomic_load(&wsp_rio_buffers.made); i++)
        wsp_rio_deregister_buffer((RIO_BUFFERID)atomic_load(&wsp_rio_slot_at(&wsp_rio_buffers, i)->handle));
}
