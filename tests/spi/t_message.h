/**
 * @file
 * Messages with control data: WSARecvMsg and WSASendMsg by pointer, a box for each. Included by the tests that use them.
 */
#ifndef T_MESSAGE_H
#define T_MESSAGE_H

#include "t_host.h"

#include <mswsock.h>
#include <string.h>

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wsign-conversion" /* in the SDK's macros of control messages */
#endif
#ifndef IP_RECVTTL
#define IP_RECVTTL 21
#endif
#ifndef IP_RECVTOS
#define IP_RECVTOS 40
#endif
#ifndef IP_ECN
#define IP_ECN 50
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS 39
#endif
#ifndef IPV6_RECVTCLASS
#define IPV6_RECVTCLASS 40
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif

/** The two functions, after t_message_start. */
extern LPFN_WSARECVMSG t_recv_msg;
extern LPFN_WSASENDMSG t_send_msg;

/** t_host_start, then the functions; setup function of a group. */
int t_message_start(void **state);

/** A message with one buffer and room for control data. */
struct t_box {
    WSAMSG msg;
    WSABUF buffer;
    SOCKADDR_STORAGE name;
    char data[64];
    _Alignas(8) char control[256];
};

void t_box_make(struct t_box *box);

/** A control message of a received box, or NULL. */
WSACMSGHDR *t_control_of(struct t_box *box, int level, int type);

/** What a control message carries; the test fails if there is none. */
const void *t_data_of(struct t_box *box, int level, int type);
int t_number_of(struct t_box *box, int level, int type);

/** Add to what a box is sent with. */
void t_control_add(struct t_box *box, int level, int type, const void *data, size_t size);
void t_control_int(struct t_box *box, int level, int type, int value);

/** Send a text to a bound socket with the control messages of a box. */
void t_say(SOCKET s, struct t_box *box, struct sockaddr *to, int to_len, const char *text);

/** Receive into a box: bytes, or -1. */
int t_hear(SOCKET s, struct t_box *box);

/** A failing call of one of the two functions. */
#define T_MSG_FAILS(call, code)                        \
    do {                                               \
        assert_int_equal((call), SOCKET_ERROR);        \
        assert_int_equal((int)t_last_error(), (code)); \
    } while (0)

#endif
