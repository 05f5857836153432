/*
 * What the kernel cases share.
 */
#include "kernel.h"

HANDLE t_port_make(struct t_run *t)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (port == NULL || t->object_count == T_OBJECTS_MAX) {
        t_note(t, __FILE__, __LINE__, "no port: %u", (unsigned)GetLastError());
        return NULL;
    }
    t->objects[t->object_count++] = port;
    return port;
}

struct t_packet t_packet_take(HANDLE port, DWORD ms)
{
    struct t_packet packet = {FALSE, 0, 0xdead, 0xdead, (LPOVERLAPPED)(uintptr_t)0xdead};
    packet.ok = GetQueuedCompletionStatus(port, &packet.bytes, &packet.key, &packet.overlapped, ms);
    packet.error = packet.ok ? 0 : GetLastError();
    return packet;
}

int t_post_recv(SOCKET s, struct t_post *post, ULONG len, HANDLE event)
{
    memset(post, 0, sizeof *post);
    post->overlapped.hEvent = event;
    post->buffer.buf = post->data;
    post->buffer.len = len;
    return WSARecv(s, &post->buffer, 1, &post->bytes, &post->flags, &post->overlapped, NULL) == 0 ? 0
                                                                                                  : WSAGetLastError();
}

bool t_port_pair(struct t_run *t, SOCKET ends[2], HANDLE *port)
{
    *port = t_port_make(t);
    if (*port == NULL || !t_pair(t, AF_INET, ends)) {
        return false;
    }
    if (CreateIoCompletionPort((HANDLE)ends[0], *port, 42, 0) != *port) {
        t_note(t, __FILE__, __LINE__, "the socket cannot be associated: %u", (unsigned)GetLastError());
        return false;
    }
    return true;
}

void t_reset(struct t_run *t, SOCKET s)
{
    T_OK(t_set_linger(s, 1, 0));
    T_OK(t_close(t, s));
}
