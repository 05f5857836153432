#include "t_message.h"

LPFN_WSARECVMSG t_recv_msg;
LPFN_WSASENDMSG t_send_msg;

static void *function_of(SOCKET s, GUID id)
{
    void *function = NULL;
    DWORD bytes = 0;

    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                                      &bytes, NULL, NULL, NULL, &t_err),
                     0);
    assert_int_equal(bytes, sizeof function);
    return function;
}

int t_message_start(void **state)
{
    GUID recv_id = WSAID_WSARECVMSG, send_id = WSAID_WSASENDMSG;
    SOCKET s;
    void *function;

    if (t_host_start(state) != 0)
        return -1;
    s = t_socket(AF_INET, SOCK_DGRAM);
    function = function_of(s, recv_id);
    memcpy(&t_recv_msg, &function, sizeof function);
    function = function_of(s, send_id);
    memcpy(&t_send_msg, &function, sizeof function);
    t_close(s);
    return 0;
}

void t_box_make(struct t_box *box)
{
    memset(box, 0, sizeof *box);
    box->buffer = (WSABUF){sizeof box->data, box->data};
    box->msg.name = (LPSOCKADDR)&box->name;
    box->msg.namelen = (INT)sizeof box->name;
    box->msg.lpBuffers = &box->buffer;
    box->msg.dwBufferCount = 1;
    box->msg.Control = (WSABUF){sizeof box->control, box->control};
}

WSACMSGHDR *t_control_of(struct t_box *box, int level, int type)
{
    for (WSACMSGHDR *at = WSA_CMSG_FIRSTHDR(&box->msg); at; at = WSA_CMSG_NXTHDR(&box->msg, at))
        if (at->cmsg_level == level && at->cmsg_type == type)
            return at;
    return NULL;
}

/* What a control message carries; the test fails if there is none. */
const void *t_data_of(struct t_box *box, int level, int type)
{
    static const uint8_t none[sizeof(IN6_PKTINFO)];
    WSACMSGHDR *found = t_control_of(box, level, type);

    assert_non_null(found);
    return found ? (const void *)WSA_CMSG_DATA(found) : none; /* the compiler does not know that the test has ended */
}

int t_number_of(struct t_box *box, int level, int type)
{
    WSACMSGHDR *found = t_control_of(box, level, type);
    int value;

    assert_int_equal(found ? found->cmsg_len : 0, WSA_CMSG_LEN(sizeof value));
    memcpy(&value, t_data_of(box, level, type), sizeof value);
    return value;
}

void t_control_add(struct t_box *box, int level, int type, const void *data, size_t size)
{
    WSACMSGHDR *at = (WSACMSGHDR *)(void *)(box->control + box->msg.Control.len);

    at->cmsg_len = WSA_CMSG_LEN(size);
    at->cmsg_level = level;
    at->cmsg_type = type;
    memcpy(WSA_CMSG_DATA(at), data, size);
    box->msg.Control.len += (ULONG)WSA_CMSG_SPACE(size);
}

void t_control_int(struct t_box *box, int level, int type, int value)
{
    t_control_add(box, level, type, &value, sizeof value);
}

/* Send a text to a bound socket with the control messages of a box. */
void t_say(SOCKET s, struct t_box *box, struct sockaddr *to, int to_len, const char *text)
{
    DWORD sent = 0;

    memcpy(&box->name, to, (size_t)to_len);
    box->msg.namelen = to_len;
    box->buffer = (WSABUF){(ULONG)strlen(text), box->data};
    memcpy(box->data, text, strlen(text));
    assert_int_equal(t_send_msg(s, &box->msg, 0, &sent, NULL, NULL), 0);
    assert_int_equal(sent, strlen(text));
}

int t_hear(SOCKET s, struct t_box *box)
{
    DWORD got = 0;

    if (t_recv_msg(s, &box->msg, &got, NULL, NULL) != 0)
        return -1;
    return (int)got;
}
