/** @file TransmitFile and TransmitPackets. */
#include "t_ext.h"

#include "t_data_file.h"
#include "wsp_private_abi.h"

#include <stdlib.h>
#include <string.h>

#define SIZE (700u * 1000u) /* of the file: more than the buffers of both ends hold */
#define BAD_HANDLE ((HANDLE)(uintptr_t)0x3ffffff4)

static LPFN_TRANSMITFILE transmit_file;
static LPFN_TRANSMITPACKETS transmit_packets;
static unsigned char content[SIZE];
static unsigned char got[2 * SIZE];

static int start(void **state)
{
    SOCKET s;

    if (t_host_start(state) != 0)
        return -1;
    s = t_socket(AF_INET, SOCK_STREAM);
    transmit_file = (LPFN_TRANSMITFILE)t_ext_get(s, (GUID)WSAID_TRANSMITFILE);
    transmit_packets = (LPFN_TRANSMITPACKETS)t_ext_get(s, (GUID)WSAID_TRANSMITPACKETS);
    t_close(s);
    for (uint32_t i = 0, value = 1; i < SIZE; i++) {
        value = value * 1103515245u + 12345u;
        content[i] = (unsigned char)(value >> 16);
    }
    return 0;
}

#define WILD ((void *)(uintptr_t)16)
#define TX_FAILS(call, code)                      \
    do {                                          \
        assert_false(call);                       \
        assert_int_equal(t_last_error(), (code)); \
    } while (0)

/* One overlapped operation. */
struct op {
    WSAOVERLAPPED ov;
    SOCKET s;
    unsigned completed;
};

static LPOVERLAPPED op_begin(struct op *op, SOCKET s, uint64_t offset)
{
    memset(op, 0, sizeof *op);
    op->ov.Offset = (DWORD)offset;
    op->ov.OffsetHigh = (DWORD)(offset >> 32);
    op->ov.hEvent = t_event_new();
    op->s = s;
    op->completed = t_completions();
    return (LPOVERLAPPED)&op->ov;
}

/* The code of its completion. */
static int op_end(struct op *op, DWORD *bytes)
{
    DWORD moved = 0, flags;
    BOOL ok;

    assert_true(t_event_wait(op->ov.hEvent, 8000));
    ok = t_spi.lpWSPGetOverlappedResult(op->s, &op->ov, &moved, FALSE, &flags, &t_err);
    t_event_free(op->ov.hEvent);
    if (bytes)
        *bytes = moved;
    return ok ? 0 : t_err;
}

static void op_refused(struct op *op)
{
    assert_int_equal(t_completions(), op->completed);
    assert_false(t_event_is_set(op->ov.hEvent));
    t_event_free(op->ov.hEvent);
}

/* It may complete inside the call. */
static void op_started(BOOL done)
{
    if (!done)
        assert_int_equal(t_last_error(), WSA_IO_PENDING);
}

static void take(SOCKET s, size_t bytes)
{
    size_t done = 0;

    assert_true(bytes <= sizeof got);
    while (done < bytes) {
        int part = t_recv(s, got + done, bytes - done);

        assert_true(part > 0);
        done += (size_t)part;
    }
}

static void no_requests(void)
{
    t_sleep_ms(20);
    t_requests_are(0);
}

/* --- TransmitFile ---------------------------------------------------------------- */

static void file__head_file_tail__one_behind_the_other(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    TRANSMIT_FILE_BUFFERS buffers = {(LPVOID)(uintptr_t) "HEAD", 4, (LPVOID)(uintptr_t) "TAIL!", 5};
    const DWORD flags[] = {0, TF_USE_SYSTEM_THREAD, TF_USE_KERNEL_APC, TF_WRITE_BEHIND};
    struct op op;
    DWORD bytes;

    (void)state;
    t_data_seek(file, 11);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        /* From 1000 on, to the end; the hint of a size is none of the content's business. */
        op_started(transmit_file(pair.a, file, 0, (DWORD)(i * 100), op_begin(&op, pair.a, 1000), &buffers, flags[i]));
        take(pair.b, SIZE - 1000 + 9);
        assert_memory_equal(got, "HEAD", 4);
        assert_memory_equal(got + 4, content + 1000, SIZE - 1000);
        assert_memory_equal(got + 4 + SIZE - 1000, "TAIL!", 5);
        assert_int_equal(op_end(&op, &bytes), 0);
        assert_int_equal(bytes, SIZE - 1000 + 9); /* TF-15 */
        assert_int_equal(t_completions(), op.completed + 1);
        assert_true(t_data_position(file) == 11); /* TF-21 */
    }
    /* Part of the file only, and no head. */
    buffers.HeadLength = 0;
    op_started(transmit_file(pair.a, file, 10, 0, op_begin(&op, pair.a, 500), &buffers, 0));
    take(pair.b, 15);
    assert_memory_equal(got, content + 500, 10);
    assert_memory_equal(got + 10, "TAIL!", 5);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 15);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void file__none__head_and_tail_only(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    TRANSMIT_FILE_BUFFERS buffers = {(LPVOID)(uintptr_t) "HEAD", 4, (LPVOID)(uintptr_t) "TAIL!", 5};
    TRANSMIT_FILE_BUFFERS empty = {0};
    struct op op;
    DWORD bytes = 99;
    char byte;

    (void)state;
    op_started(transmit_file(pair.a, NULL, 0, 0, op_begin(&op, pair.a, 7), &buffers, 0));
    take(pair.b, 9);
    assert_memory_equal(got, "HEADTAIL!", 9);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 9);
    /* Blocking. */
    assert_true(transmit_file(pair.a, NULL, 0, 0, NULL, &buffers, TF_WRITE_BEHIND));
    take(pair.b, 9);
    assert_memory_equal(got, "HEADTAIL!", 9);
    /* Nothing but the end. */
    op_started(transmit_file(pair.a, NULL, 0, 0, op_begin(&op, pair.a, 0), &empty, TF_DISCONNECT));
    assert_int_equal(t_recv(pair.b, &byte, 1), 0);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 0);
    t_pair_close(&pair);
    no_requests();
}

static void file__refusals__have_their_codes_and_no_completion(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    SOCKET fresh = t_socket(AF_INET, SOCK_STREAM), datagram = t_bound(AF_INET, SOCK_DGRAM);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 100, 0), closed = t_data_open(T_DATA_WRITE_ONLY, content, 1, 0);
    TRANSMIT_FILE_BUFFERS nowhere = {NULL, 4, NULL, 0}, wild = {NULL, 0, WILD, 4};
    struct op op;
    LPOVERLAPPED ov = op_begin(&op, pair.a, 0);

    (void)state;
    TX_FAILS(transmit_file(INVALID_SOCKET, file, 0, 0, ov, NULL, 0), WSAENOTSOCK);
    TX_FAILS(transmit_file(fresh, file, 0, 0, ov, NULL, 0), WSAENOTCONN);
    TX_FAILS(transmit_file(datagram, file, 0, 0, ov, NULL, 0), WSAENOTCONN);
    TX_FAILS(transmit_file(pair.a, BAD_HANDLE, 0, 0, ov, NULL, 0), ERROR_INVALID_HANDLE);
    TX_FAILS(transmit_file(pair.a, BAD_HANDLE, 0, 0, NULL, NULL, 0), ERROR_INVALID_HANDLE);
    TX_FAILS(transmit_file(pair.a, file, 0x7fffffff, 0, ov, NULL, 0), WSAEINVAL);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, NULL, TF_REUSE_SOCKET), WSAEINVAL);
    TX_FAILS(transmit_file(fresh, file, 0, 0, NULL, NULL, TF_REUSE_SOCKET), WSAENOTCONN); /* first of all */
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, NULL, TF_WRITE_BEHIND | TF_DISCONNECT), WSAEINVAL);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, NULL, TF_WRITE_BEHIND | TF_DISCONNECT | TF_REUSE_SOCKET), WSAEINVAL);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, NULL, 0x40), WSAEINVAL);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, &nowhere, 0), WSAEFAULT);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, &wild, 0), WSAEFAULT);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, ov, WILD, 0), WSAEFAULT);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, WILD, NULL, 0), WSAEFAULT);
    op_refused(&op);
    /* What cannot be read is found out by the call (Linux) or by the look at it. */
    if (transmit_file(pair.a, closed, 0, 0, op_begin(&op, pair.a, 0), NULL, 0) || t_last_error() == WSA_IO_PENDING)
        assert_int_equal(op_end(&op, NULL), ERROR_ACCESS_DENIED);
    else {
        assert_int_equal(t_last_error(), ERROR_ACCESS_DENIED);
        op_refused(&op);
    }
    /* The connection is as it was. */
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    take(pair.b, 1);
    t_data_close(closed);
    t_data_close(file);
    t_close(fresh);
    t_close(datagram);
    t_pair_close(&pair);
    no_requests();
}

static void file__no_structure__from_the_position_which_follows(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 3000, 0);

    (void)state;
    t_data_seek(file, 100);
    assert_true(transmit_file(pair.a, file, 900, 0, NULL, NULL, 0));
    assert_true(t_data_position(file) == 1000);
    take(pair.b, 900);
    assert_memory_equal(got, content + 100, 900);
    /* A nonblocking socket waits all the same; what is beyond the end is not there (TF-7). */
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    assert_true(transmit_file(pair.a, file, 5000, 0, NULL, NULL, 0));
    assert_true(t_data_position(file) == 3000);
    take(pair.b, 2000);
    assert_memory_equal(got, content + 1000, 2000);
    assert_true(transmit_file(pair.a, file, 0, 0, NULL, NULL, 0)); /* nothing is left */
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void file__beyond_the_end__what_there_is(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 3000, 0);
    TRANSMIT_FILE_BUFFERS buffers = {NULL, 0, (LPVOID)(uintptr_t) "TAIL!", 5};
    struct op op;
    DWORD bytes;

    (void)state;
    op_started(transmit_file(pair.a, file, 9000, 0, op_begin(&op, pair.a, 2990), &buffers, 0));
    take(pair.b, 15);
    assert_memory_equal(got, content + 2990, 10);
    assert_memory_equal(got + 10, "TAIL!", 5);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 15);
    op_started(transmit_file(pair.a, file, 10, 0, op_begin(&op, pair.a, 3000), &buffers, 0));
    take(pair.b, 5);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 5);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void file__opened_in_any_way_and_far_offsets__content(void **state)
{
    const enum t_data_kind kinds[] = {T_DATA_PLAIN, T_DATA_OVERLAPPED, T_DATA_UNBUFFERED};
    const uint64_t far_away = ((uint64_t)5 << 30) + 4097;
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct op op;
    DWORD bytes;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        HANDLE file = t_data_open(kinds[i], content, 5000, far_away);

        op_started(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, far_away - 3), NULL, 0));
        take(pair.b, 5003);
        assert_memory_equal(got, "\0\0\0", 3);
        assert_memory_equal(got + 3, content, 5000);
        assert_int_equal(op_end(&op, &bytes), 0);
        assert_int_equal(bytes, 5003);
        t_data_close(file);
    }
    t_pair_close(&pair);
    no_requests();
}

static void file__made_shorter_meanwhile__what_there_is(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 10, (uint64_t)64 << 20);
    struct op op;
    unsigned mebibytes;
    DWORD bytes;

    (void)state;
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, 0), WSA_IO_PENDING);
    mebibytes = t_data_cut(file, (uint64_t)32 << 20) ? 32 : 64; /* well behind the window */
    for (unsigned i = 0; i < mebibytes; i++)
        take(pair.b, 1u << 20);
    if (mebibytes == 64)
        take(pair.b, 10);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, (mebibytes << 20) + (mebibytes == 64 ? 10 : 0));
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

/* What was looked at last is gone, too: the process goes on. */
static void file__emptied_meanwhile__what_was_sent_before(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 10, (uint64_t)16 << 20);
    struct op op;
    DWORD bytes, received = 0;
    bool cut;
    int part;

    (void)state;
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, TF_DISCONNECT), WSA_IO_PENDING);
    cut = t_data_cut(file, 0);
    while ((part = t_recv(pair.b, got, sizeof got)) > 0)
        received += (DWORD)part;
    assert_int_equal(part, 0);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, received);
    assert_int_equal(received < ((DWORD)16 << 20), cut);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

/* --- The end of the connection ------------------------------------------------------- */

static void file__disconnect__the_end_follows_the_data(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    struct op op;
    DWORD bytes;
    char byte;

    (void)state;
    op_started(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, TF_DISCONNECT));
    take(pair.b, SIZE);
    assert_memory_equal(got, content, SIZE);
    assert_int_equal(t_recv(pair.b, &byte, 1), 0);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, SIZE);
    t_fails(t_send(pair.a, "x", 1), WSAESHUTDOWN);
    assert_int_equal(t_send(pair.b, "back", 4), 4); /* the other direction is as it was */
    take(pair.a, 4);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void file__reuse__the_handle_begins_anew(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    LPFN_ACCEPTEX accept_ex = (LPFN_ACCEPTEX)t_ext_get(s, (GUID)WSAID_ACCEPTEX);
    const DWORD part = sizeof(SOCKADDR_STORAGE) + 16;
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 5000, 0);
    char addresses[2 * (sizeof(SOCKADDR_STORAGE) + 16)], byte;
    struct op op;
    DWORD bytes;

    (void)state;
    for (int i = 0; i < 4; i++) {
        TX_FAILS(accept_ex(listener, s, addresses, 0, part, part, NULL, op_begin(&op, listener, 0)), WSA_IO_PENDING);
        client = t_socket(AF_INET, SOCK_STREAM);
        assert_int_equal(t_spi.lpWSPConnect(client, t_addr(AF_INET, t_port(listener)), t_addr_size(AF_INET), NULL, NULL,
                                            NULL, NULL, &t_err),
                         0);
        assert_int_equal(op_end(&op, NULL), 0);
        op_started(transmit_file(s, file, 0, 0, op_begin(&op, s, 0), NULL, TF_DISCONNECT | TF_REUSE_SOCKET));
        take(client, 5000);
        assert_memory_equal(got, content, 5000);
        assert_int_equal(t_recv(client, &byte, 1), 0);
        t_sleep_ms(5);
        assert_false(t_event_is_set(op.ov.hEvent)); /* the peer's end is awaited too */
        t_close(client);
        assert_int_equal(op_end(&op, &bytes), 0);
        assert_int_equal(bytes, 5000);
    }
    t_data_close(file);
    t_close(s);
    t_close(listener);
    no_requests();
}

/* Take everything to the end, then close. */
static void *until_the_end(void *socket)
{
    SOCKET s = *(const SOCKET *)socket;
    char bytes[512];

    while (t_recv(s, bytes, sizeof bytes) > 0)
        ;
    t_close(s);
    return NULL;
}

/* B.21: a socket that connected stays bound, and connects again. */
static void file__reuse_and_no_structure__still_bound(void **state)
{
    SOCKET listener = t_listener(AF_INET), second = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM), peer;
    LPFN_CONNECTEX connect_ex = (LPFN_CONNECTEX)t_ext_get(s, (GUID)WSAID_CONNECTEX);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 5000, 0);
    uint16_t port = t_port(s);
    struct t_task task;
    struct op op;

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET to = i == 0 ? listener : second;

        TX_FAILS(connect_ex(s, t_addr(AF_INET, t_port(to)), t_addr_size(AF_INET), NULL, 0, NULL, op_begin(&op, s, 0)),
                 WSA_IO_PENDING);
        assert_int_equal(op_end(&op, NULL), 0);
        peer = t_spi.lpWSPAccept(to, NULL, NULL, NULL, 0, &t_err);
        t_task_start(&task, until_the_end, &peer);
        t_data_seek(file, 0);
        assert_true(transmit_file(s, file, 0, 0, NULL, NULL, TF_DISCONNECT | TF_REUSE_SOCKET));
        t_task_join(&task);
        assert_int_equal(t_port(s), port);
    }
    t_data_close(file);
    t_close(s);
    t_close(second);
    t_close(listener);
    no_requests();
}

static void file__no_write_behind__complete_when_acknowledged(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    struct op op;

    (void)state;
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, 0), WSA_IO_PENDING);
    t_sleep_ms(30);
    assert_false(t_event_is_set(op.ov.hEvent));
    take(pair.b, SIZE);
    assert_int_equal(op_end(&op, NULL), 0);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

/* --- Beside other sends --------------------------------------------------------------- */

static void file__many_and_sends_between__in_the_order_of_posting(void **state)
{
    enum { ROUNDS = 8, PART = 60000 };
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_OVERLAPPED, content, SIZE, 0);
    TRANSMIT_FILE_BUFFERS buffers = {(LPVOID)(uintptr_t) "<", 1, (LPVOID)(uintptr_t) ">", 1};
    WSABUF buffer = {.len = PART, .buf = (CHAR *)content};
    struct op files[ROUNDS], sends[ROUNDS];
    DWORD bytes, sent;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        op_started(transmit_file(pair.a, file, PART, 0, op_begin(&files[i], pair.a, (uint64_t)i * 1000), &buffers, 0));
        op_begin(&sends[i], pair.a, 0);
        if (t_spi.lpWSPSend(pair.a, &buffer, 1, &sent, 0, &sends[i].ov, NULL, NULL, &t_err) != 0)
            assert_int_equal(t_err, WSA_IO_PENDING);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        take(pair.b, 2 * PART + 2);
        assert_int_equal(got[0], '<');
        assert_memory_equal(got + 1, content + i * 1000, PART);
        assert_int_equal(got[PART + 1], '>');
        assert_memory_equal(got + PART + 2, content, PART);
    }
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(op_end(&files[i], &bytes), 0);
        assert_int_equal(bytes, PART + 2);
        assert_int_equal(op_end(&sends[i], &bytes), 0);
        assert_int_equal(bytes, PART);
    }
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void file__cancelled__aborted(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    struct op first, second;
    struct wsp_cancel_abi in = {.scope = WSP_CANCEL_ONE};
    uint32_t taken = 0;
    DWORD returned;

    (void)state;
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&first, pair.a, 0), NULL, 0), WSA_IO_PENDING);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&second, pair.a, 0), NULL, TF_DISCONNECT | TF_REUSE_SOCKET),
             WSA_IO_PENDING);
    in.overlapped = (uintptr_t)&second.ov;
    assert_int_equal(t_spi.lpWSPIoctl(pair.a, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL,
                                      NULL, NULL, &t_err),
                     0);
    assert_int_equal(taken, 1);
    assert_int_equal(op_end(&second, NULL), WSA_OPERATION_ABORTED);
    take(pair.b, SIZE); /* the first one is whole */
    assert_memory_equal(got, content, SIZE);
    assert_int_equal(op_end(&first, NULL), 0);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&first, pair.a, 0), NULL, 0), WSA_IO_PENDING);
    t_close(pair.a);
    assert_true(t_event_wait(first.ov.hEvent, 5000));
    t_event_free(first.ov.hEvent);
    t_close(pair.b);
    t_data_close(file);
    no_requests();
}

static void file__peer_resets_midway__reset(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    const LINGER hard = {1, 0};
    struct op op;

    (void)state;
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, 0), WSA_IO_PENDING);
    assert_int_equal(t_spi.lpWSPSetSockOpt(pair.b, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard, &t_err), 0);
    t_close(pair.b);
    assert_int_equal(op_end(&op, NULL), WSAECONNRESET);
    TX_FAILS(transmit_file(pair.a, file, 0, 0, op_begin(&op, pair.a, 0), NULL, 0), WSAECONNRESET);
    op_refused(&op);
    t_close(pair.a);
    t_data_close(file);
    no_requests();
}

/* --- TransmitPackets ---------------------------------------------------------------------- */

static TRANSMIT_PACKETS_ELEMENT memory(const char *text, ULONG flags)
{
    TRANSMIT_PACKETS_ELEMENT element = {.dwElFlags = TP_ELEMENT_MEMORY | flags, .cLength = (ULONG)strlen(text)};

    element.pBuffer = (PVOID)(uintptr_t)text;
    return element;
}

static TRANSMIT_PACKETS_ELEMENT part(HANDLE file, int64_t offset, ULONG bytes, ULONG flags)
{
    TRANSMIT_PACKETS_ELEMENT element = {.dwElFlags = flags, .cLength = bytes};

    element.nFileOffset.QuadPart = offset;
    element.hFile = file;
    return element;
}

static void packets__stream__pieces_one_behind_the_other(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, 3000, 0);
    TRANSMIT_PACKETS_ELEMENT pieces[6];
    struct op op;
    DWORD bytes;

    (void)state;
    t_data_seek(file, 500);
    pieces[0] = memory("one", 0);
    pieces[1] = part(file, 100, 50, TP_ELEMENT_FILE);
    pieces[2] = memory("", TP_ELEMENT_EOP);
    pieces[3] = part(file, -1, 20, TP_ELEMENT_FILE | TP_ELEMENT_EOP);
    pieces[4] = part(file, -1, 20, 0); /* neither: a file; the position has followed */
    pieces[5] = memory("end", TP_ELEMENT_EOP);
    op_started(transmit_packets(pair.a, pieces, 6, 7, op_begin(&op, pair.a, 999), 0));
    take(pair.b, 96);
    assert_memory_equal(got, "one", 3);
    assert_memory_equal(got + 3, content + 100, 50);
    assert_memory_equal(got + 53, content + 500, 40);
    assert_memory_equal(got + 93, "end", 3);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 96);
    assert_true(t_data_position(file) == 540);
    /* TP-3: the whole file. Blocking. */
    pieces[0] = part(file, 0, 0, TP_ELEMENT_FILE);
    assert_true(transmit_packets(pair.a, pieces, 1, 0, NULL, 0));
    take(pair.b, 3000);
    assert_memory_equal(got, content, 3000);
    assert_true(t_data_position(file) == 540);
    t_data_close(file);
    t_pair_close(&pair);
    no_requests();
}

static void packets__none__only_what_the_flags_say(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct op op;
    DWORD bytes = 99;
    char byte;

    (void)state;
    op_started(transmit_packets(pair.a, NULL, 0, 0, op_begin(&op, pair.a, 0), 0));
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 0);
    op_started(transmit_packets(pair.a, NULL, 0, 0, op_begin(&op, pair.a, 0), TP_DISCONNECT | TP_REUSE_SOCKET));
    assert_int_equal(t_recv(pair.b, &byte, 1), 0);
    t_close(pair.b);
    assert_int_equal(op_end(&op, &bytes), 0);
    t_fails(t_send(pair.a, "x", 1), WSAENOTCONN); /* it is as before it was connected */
    t_close(pair.a);
    no_requests();
}

static void packets__refusals__have_their_codes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    SOCKET fresh = t_socket(AF_INET, SOCK_STREAM), datagram = t_bound(AF_INET, SOCK_DGRAM);
    TRANSMIT_PACKETS_ELEMENT good = memory("x", 0), both = memory("x", TP_ELEMENT_FILE), odd = memory("x", 8);
    TRANSMIT_PACKETS_ELEMENT bad = part(BAD_HANDLE, 0, 0, TP_ELEMENT_FILE), nowhere = memory("x", 0);
    struct op op;
    LPOVERLAPPED ov = op_begin(&op, pair.a, 0);

    (void)state;
    nowhere.pBuffer = NULL;
    TX_FAILS(transmit_packets(INVALID_SOCKET, &good, 1, 0, ov, 0), WSAENOTSOCK);
    TX_FAILS(transmit_packets(fresh, &good, 1, 0, ov, 0), WSAENOTCONN);
    TX_FAILS(transmit_packets(datagram, &good, 1, 0, ov, 0), WSAENOTCONN);
    TX_FAILS(transmit_packets(datagram, &good, 1, 0, ov, TP_DISCONNECT), WSAEINVAL);
    TX_FAILS(transmit_packets(pair.a, &both, 1, 0, ov, 0), WSAEINVAL);
    TX_FAILS(transmit_packets(pair.a, &odd, 1, 0, ov, 0), WSAEINVAL);
    TX_FAILS(transmit_packets(pair.a, &bad, 1, 0, ov, 0), ERROR_INVALID_HANDLE);
    TX_FAILS(transmit_packets(pair.a, &nowhere, 1, 0, ov, 0), WSAEFAULT);
    TX_FAILS(transmit_packets(pair.a, NULL, 1, 0, ov, 0), WSAEFAULT);
    TX_FAILS(transmit_packets(pair.a, WILD, 1, 0, ov, 0), WSAEFAULT);
    nowhere.pBuffer = WILD;
    TX_FAILS(transmit_packets(pair.a, &nowhere, 1, 0, ov, 0), WSAEFAULT);
    TX_FAILS(transmit_packets(pair.a, &good, 1, 0, ov, TP_REUSE_SOCKET), WSAEINVAL);
    op_refused(&op);
    t_close(fresh);
    t_close(datagram);
    t_pair_close(&pair);
    no_requests();
}

static void expect_datagram(SOCKET s, const void *bytes, size_t count)
{
    int length = t_recv(s, got, sizeof got);

    assert_int_equal(length, count);
    assert_memory_equal(got, bytes, count);
}

static void packets__datagrams__ended_by_marks_or_by_their_size(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    HANDLE file = t_data_open(T_DATA_PLAIN, content, SIZE, 0);
    TRANSMIT_PACKETS_ELEMENT pieces[5];
    struct op op;
    DWORD bytes;

    (void)state;
    assert_int_equal(
        t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(b)), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err), 0);
    /* TP-6 */
    pieces[0] = memory("one", TP_ELEMENT_EOP);
    pieces[1] = memory("two", 0);
    pieces[2] = part(file, 100, 2000, TP_ELEMENT_FILE);
    pieces[3] = memory("end", TP_ELEMENT_EOP);
    pieces[4] = memory("rest", 0);
    op_started(transmit_packets(a, pieces, 5, UINT32_MAX, op_begin(&op, a, 0), 0));
    expect_datagram(b, "one", 3);
    assert_int_equal(t_recv(b, got, sizeof got), 2006);
    assert_memory_equal(got, "two", 3);
    assert_memory_equal(got + 3, content + 100, 2000);
    assert_memory_equal(got + 2003, "end", 3);
    expect_datagram(b, "rest", 4);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 3 + 2006 + 4);
    /* TP-7 */
    t_data_seek(file, 40);
    pieces[0] = part(file, -1, 1250, 0);
    op_started(transmit_packets(a, pieces, 1, 500, op_begin(&op, a, 0), 0));
    expect_datagram(b, content + 40, 500);
    expect_datagram(b, content + 540, 500);
    expect_datagram(b, content + 1040, 250);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 1250);
    assert_true(t_data_position(file) == 1290);
    /* TP-4: each goes on behind the one before, inside a datagram too. */
    t_data_seek(file, 40);
    pieces[0] = part(file, -1, 300, 0);
    pieces[1] = part(file, 100, 50, 0);
    pieces[2] = part(file, -1, 200, TP_ELEMENT_FILE);
    op_started(transmit_packets(a, pieces, 3, UINT32_MAX, op_begin(&op, a, 0), 0));
    assert_int_equal(t_recv(b, got, sizeof got), 550);
    assert_memory_equal(got, content + 40, 300);
    assert_memory_equal(got + 300, content + 100, 50);
    assert_memory_equal(got + 350, content + 340, 200);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_true(t_data_position(file) == 540);
    /* TP-5: ours to choose. */
    pieces[0] = part(file, 0, 3000, 0);
    op_started(transmit_packets(a, pieces, 1, 0, op_begin(&op, a, 0), 0));
    expect_datagram(b, content, 1472);
    expect_datagram(b, content + 1472, 1472);
    expect_datagram(b, content + 2944, 56);
    assert_int_equal(op_end(&op, &bytes), 0);
    /* Too long for one. */
    pieces[0] = memory("first", TP_ELEMENT_EOP);
    pieces[1] = part(file, 0, 65508, TP_ELEMENT_FILE | TP_ELEMENT_EOP);
    if (!transmit_packets(a, pieces, 2, UINT32_MAX, op_begin(&op, a, 0), 0) && t_last_error() == WSAEMSGSIZE)
        t_event_free(op.ov.hEvent);
    else
        assert_int_equal(op_end(&op, NULL), WSAEMSGSIZE);
    expect_datagram(b, "first", 5);
    t_data_close(file);
    t_close(a);
    t_close(b);
    no_requests();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file__head_file_tail__one_behind_the_other),
        cmocka_unit_test(file__none__head_and_tail_only),
        cmocka_unit_test(file__refusals__have_their_codes_and_no_completion),
        cmocka_unit_test(file__no_structure__from_the_position_which_follows),
        cmocka_unit_test(file__beyond_the_end__what_there_is),
        cmocka_unit_test(file__opened_in_any_way_and_far_offsets__content),
        cmocka_unit_test(file__made_shorter_meanwhile__what_there_is),
        cmocka_unit_test(file__emptied_meanwhile__what_was_sent_before),
        cmocka_unit_test(file__disconnect__the_end_follows_the_data),
        cmocka_unit_test(file__reuse__the_handle_begins_anew),
        cmocka_unit_test(file__reuse_and_no_structure__still_bound),
        cmocka_unit_test(file__no_write_behind__complete_when_acknowledged),
        cmocka_unit_test(file__many_and_sends_between__in_the_order_of_posting),
        cmocka_unit_test(file__cancelled__aborted),
        cmocka_unit_test(file__peer_resets_midway__reset),
        cmocka_unit_test(packets__stream__pieces_one_behind_the_other),
        cmocka_unit_test(packets__none__only_what_the_flags_say),
        cmocka_unit_test(packets__refusals__have_their_codes),
        cmocka_unit_test(packets__datagrams__ended_by_marks_or_by_their_size),
    };

    return cmocka_run_group_tests(tests, start, t_host_stop);
}
