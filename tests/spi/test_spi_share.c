/** @file WSPDuplicateSocket within the process: several descriptors of one socket. */
#include "t_host.h"

#include <stdatomic.h>
#include <string.h>

#define WINDOW ((HWND)(ULONG_PTR)0x1234)
#define FROM FROM_PROTOCOL_INFO

static SOCKET share_open(const WSAPROTOCOL_INFOW *info)
{
    WSAPROTOCOL_INFOW copy = *info;

    return t_spi.lpWSPSocket(FROM, FROM, FROM, &copy, 0, 0, &t_err);
}

static SOCKET share_twin(SOCKET s)
{
    WSAPROTOCOL_INFOW info;
    SOCKET twin;

    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), 0);
    twin = share_open(&info);
    assert_true(twin != INVALID_SOCKET);
    assert_true(twin != s);
    return twin;
}

/* Failing WSPSocket. */
static void share_refused(const WSAPROTOCOL_INFOW *info, INT code)
{
    t_err = 0;
    assert_true(share_open(info) == INVALID_SOCKET);
    assert_int_equal(t_err, code);
}

static void share__token__entry_of_the_socket_and_a_number(void **state)
{
    SOCKET s = t_bound(AF_INET6, SOCK_DGRAM), twin;
    WSAPROTOCOL_INFOW first, second;

    (void)state;
    memset(&first, 0xa5, sizeof first);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &first, &t_err), 0);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &second, &t_err), 0);
    assert_true(first.dwProviderReserved != 0);
    assert_true(first.dwProviderReserved != second.dwProviderReserved);
    assert_int_equal(first.dwCatalogEntryId, t_info(AF_INET6, SOCK_DGRAM)->dwCatalogEntryId);
    first.dwProviderReserved = t_info(AF_INET6, SOCK_DGRAM)->dwProviderReserved;
    assert_memory_equal(&first, t_info(AF_INET6, SOCK_DGRAM), sizeof first);
    twin = share_open(&second);
    assert_true(twin != INVALID_SOCKET);
    t_close(twin);
    t_close(s);
}

static void share__token__serves_once(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), twin;
    WSAPROTOCOL_INFOW info;

    (void)state;
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), 0);
    twin = share_open(&info);
    assert_true(twin != INVALID_SOCKET);
    share_refused(&info, WSAEINVAL);
    t_close(twin);
    t_close(s);
    share_refused(&info, WSAEINVAL);
}

static void share__token_of_nobody__inval(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), twin;
    WSAPROTOCOL_INFOW info, other;

    (void)state;
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), 0);
    other = info;
    other.dwProviderReserved ^= 1;
    share_refused(&other, WSAEINVAL);
    other = *t_info(AF_INET, SOCK_DGRAM); /* another entry's socket */
    other.dwProviderReserved = info.dwProviderReserved;
    share_refused(&other, WSAEINVAL);
    t_handle_fail_next(WSAEMFILE);
    share_refused(&info, WSAEMFILE);
    twin = share_open(&info); /* none of these used it up */
    assert_true(twin != INVALID_SOCKET);
    t_close(s);
    t_close(twin);
}

static void share__bad_arguments__have_their_codes(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    WSAPROTOCOL_INFOW info;

    (void)state;
    memset(&info, 0x5a, sizeof info);
    t_fails(t_spi.lpWSPDuplicateSocket(s, t_process_id(), NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPDuplicateSocket(s, t_process_id() + 1, &info, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPDuplicateSocket(s, 0, &info, &t_err), WSAEINVAL);
    assert_int_equal(info.dwProviderReserved, 0x5a5a5a5a); /* untouched */
    t_close(s);
    t_fails(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), WSAENOTSOCK);
}

/* Rule A.3.19: group and flags are those of the socket. */
static void share__group_and_flags__are_ignored(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    WSAPROTOCOL_INFOW info;
    WSABUF buf;
    DWORD got, flags = 0;
    char byte;
    SOCKET twin;

    (void)state;
    assert_int_equal(t_spi.lpWSPDuplicateSocket(pair.b, t_process_id(), &info, &t_err), 0);
    twin = t_spi.lpWSPSocket(FROM, FROM, FROM, &info, 77, WSA_FLAG_MULTIPOINT_C_ROOT, &t_err);
    assert_true(twin != INVALID_SOCKET);
    buf = (WSABUF){1, &byte};
    t_fails(t_spi.lpWSPRecv(twin, &buf, 1, &got, &flags, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(t_event_wait(ov.hEvent, 5000));
    t_event_free(ov.hEvent);
    t_close(twin);
    t_pair_close(&pair);
}

static void share__two_descriptors__one_socket(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET twin = share_twin(pair.b);
    SOCKADDR_STORAGE one = {0}, two = {0};
    int one_size = sizeof one, two_size = sizeof two;
    char buf[8];

    (void)state;
    assert_int_equal(t_send(pair.a, "abcd", 4), 4);
    assert_int_equal(t_recv(twin, buf, 2), 2); /* the stream is one: each byte once */
    assert_int_equal(t_recv(pair.b, buf + 2, 2), 2);
    assert_memory_equal(buf, "abcd", 4);
    assert_int_equal(t_send(twin, "12", 2), 2);
    assert_int_equal(t_send(pair.b, "34", 2), 2);
    for (int got = 0; got < 4;)
        got += t_recv(pair.a, buf + got, (size_t)(4 - got));
    assert_memory_equal(buf, "1234", 4);
    assert_int_equal(t_option_set(twin, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    assert_int_equal(t_option_get(pair.b, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(t_option_set(pair.b, SOL_SOCKET, SO_RCVTIMEO, 1234), 0);
    assert_int_equal(t_option_get(twin, SOL_SOCKET, SO_RCVTIMEO), 1234);
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    t_fails(t_recv(twin, buf, 1), WSAEWOULDBLOCK);
    assert_int_equal(t_spi.lpWSPGetPeerName(twin, (struct sockaddr *)&one, &one_size, &t_err), 0);
    assert_int_equal(t_spi.lpWSPGetPeerName(pair.b, (struct sockaddr *)&two, &two_size, &t_err), 0);
    assert_memory_equal(&one, &two, sizeof one);
    assert_int_equal(t_spi.lpWSPShutdown(twin, SD_SEND, &t_err), 0);
    t_fails(t_send(pair.b, "x", 1), WSAESHUTDOWN);
    assert_int_equal(t_recv(pair.a, buf, 1), 0);
    t_close(twin);
    t_pair_close(&pair);
}

static void share__closed_one_by_one__the_last_ends_the_connection(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        SOCKET twin = share_twin(pair.b);
        SOCKET first = order ? twin : pair.b, last = order ? pair.b : twin;
        char byte;

        t_close(first);
        t_fails(t_recv(first, &byte, 1), WSAENOTSOCK);
        assert_int_equal(t_nonblocking(pair.a, true), 0);
        t_sleep_ms(20);
        t_fails(t_recv(pair.a, &byte, 1), WSAEWOULDBLOCK); /* no FIN */
        assert_int_equal(t_send(last, "x", 1), 1);
        assert_int_equal(t_nonblocking(pair.a, false), 0);
        assert_int_equal(t_recv(pair.a, &byte, 1), 1);
        t_close(last);
        assert_int_equal(t_recv(pair.a, &byte, 1), 0);
        t_close(pair.a);
        assert_int_equal(t_handles_count(), 0);
    }
}

static void share__source_closed_before_use__token_keeps_the_connection(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAPROTOCOL_INFOW info;
    SOCKET twin;
    char byte;

    (void)state;
    assert_int_equal(t_spi.lpWSPDuplicateSocket(pair.b, t_process_id(), &info, &t_err), 0);
    t_close(pair.b);
    assert_int_equal(t_send(pair.a, "y", 1), 1);
    twin = share_open(&info);
    assert_true(twin != INVALID_SOCKET);
    assert_int_equal(t_recv(twin, &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(t_send(twin, "z", 1), 1);
    assert_int_equal(t_recv(pair.a, &byte, 1), 1);
    t_close(twin);
    assert_int_equal(t_recv(pair.a, &byte, 1), 0);
    t_close(pair.a);
}

static void share__listener__accepts_by_either(void **state)
{
    SOCKET listener = t_listener(AF_INET), twin = share_twin(listener), clients[2], served[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        clients[i] = t_socket(AF_INET, SOCK_STREAM);
        assert_int_equal(
            t_spi.lpWSPConnect(clients[i], t_addr(AF_INET, t_port(twin)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
        served[i] = t_spi.lpWSPAccept(i ? twin : listener, NULL, NULL, NULL, 0, &t_err);
        assert_true(served[i] != INVALID_SOCKET);
        if (i == 0)
            t_close(listener);
    }
    for (int i = 0; i < 2; i++) {
        t_close(clients[i]);
        t_close(served[i]);
    }
    t_close(twin);
}

/* Rules EVT-11, SHR-6, A.3.30, WSPASYNCSELECT-2: the newest registration of any descriptor is the socket's. */
static void share__registered_by_either__the_newest_counts(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET twin = share_twin(pair.b);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    struct t_message message;
    char byte;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(twin, WINDOW, 0x402, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "1", 1), 1);
    assert_true(t_message_take(&message, 5000));
    assert_int_equal(message.message, 0x402);
    assert_int_equal(message.wparam, twin); /* who registered is named */
    assert_false(t_message_take(&message, 30));
    assert_int_equal(t_recv(twin, &byte, 1), 1);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "2", 1), 1);
    assert_true(t_event_wait(event, 5000));
    assert_false(t_message_take(&message, 30));
    memset(&seen, 0, sizeof seen);
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(twin, event, &seen, &t_err), 0); /* the record is one, too */
    assert_int_equal(seen.lNetworkEvents, FD_READ);
    assert_int_equal(t_recv(pair.b, &byte, 1), 1);
    t_close(pair.b); /* the event object is the socket's affair, not the descriptor's */
    assert_int_equal(t_send(pair.a, "3", 1), 1);
    assert_true(t_event_wait(event, 5000));
    t_close(twin);
    t_close(pair.a);
    t_event_free(event);
}

static void share__registrant_closed__no_messages_in_its_name(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET twin = share_twin(pair.b);
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(twin, WINDOW, 0x401, FD_READ, &t_err), 0);
    t_close(twin);
    assert_int_equal(t_send(pair.a, "1", 1), 1);
    assert_false(t_message_take(&message, 60));
    t_pair_close(&pair);
}

/* --- Calls in progress ------------------------------------------------------------- */

struct share_worker {
    struct t_task thread;
    SOCKET s;
    int kind;
    int result;
    INT code;
};

static void *share_blocked(void *arg)
{
    struct share_worker *worker = arg;
    fd_set read = {.fd_count = 1, .fd_array = {worker->s}};
    SOCKET got = INVALID_SOCKET;
    char byte;

    t_err = 0;
    switch (worker->kind) {
    case 0:
        worker->result = t_recv(worker->s, &byte, 1);
        break;
    case 1:
        worker->result = t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err);
        break;
    default:
        got = t_spi.lpWSPAccept(worker->s, NULL, NULL, NULL, 0, &t_err);
        worker->result = got == INVALID_SOCKET ? SOCKET_ERROR : 0;
        if (got != INVALID_SOCKET)
            t_close(got);
        break;
    }
    worker->code = t_err;
    return NULL;
}

static void share__closed_under_blocked_calls__only_its_own_end(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) { /* late: duplicated while the calls block already */
        struct t_pair pair = t_pair_make(AF_INET, 0);
        SOCKET twin = late ? INVALID_SOCKET : share_twin(pair.b);
        SOCKET closed = late ? pair.b : twin;
        struct share_worker workers[2] = {{.s = closed, .kind = 0}, {.s = closed, .kind = 1}}, other = {.kind = 0};

        for (int i = 0; i < 2; i++)
            t_task_start(&workers[i].thread, share_blocked, &workers[i]);
        t_sleep_ms(30);
        if (late)
            twin = share_twin(pair.b);
        other.s = late ? twin : pair.b;
        t_task_start(&other.thread, share_blocked, &other);
        t_sleep_ms(30);
        t_close(closed);
        for (int i = 0; i < 2; i++) {
            t_task_join(&workers[i].thread);
            if (i == 1 && workers[i].result == 1)
                continue; /* select: closed is readable */
            assert_int_equal(workers[i].result, SOCKET_ERROR);
            assert_int_equal(workers[i].code, i == 0 ? WSAEINTR : WSAENOTSOCK); /* not begun when it was closed */
        }
        assert_int_equal(t_send(pair.a, "x", 1), 1);
        t_task_join(&other.thread);
        assert_int_equal(other.result, 1);
        t_close(other.s);
        t_close(pair.a);
    }
}

static void share__closed_under_accept__ends_and_the_listener_lives(void **state)
{
    SOCKET listener = t_listener(AF_INET), twin = share_twin(listener), client = t_socket(AF_INET, SOCK_STREAM), served;
    struct share_worker worker = {.s = twin, .kind = 2};

    (void)state;
    t_task_start(&worker.thread, share_blocked, &worker);
    t_sleep_ms(30);
    t_close(twin);
    t_task_join(&worker.thread);
    assert_int_equal(worker.code, WSAEINTR);
    assert_int_equal(t_spi.lpWSPConnect(client, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err),
                     0);
    served = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(served != INVALID_SOCKET);
    t_close(served);
    t_close(client);
    t_close(listener);
}

struct share_post {
    WSAOVERLAPPED ov;
    char byte;
};

static void share_post_recv(SOCKET s, struct share_post *post)
{
    WSABUF buf = {1, &post->byte};
    DWORD got, flags = 0;

    memset(&post->ov, 0, sizeof post->ov);
    post->ov.hEvent = t_event_new();
    t_fails(t_spi.lpWSPRecv(s, &buf, 1, &got, &flags, &post->ov, NULL, NULL, &t_err), WSA_IO_PENDING);
}

/* Rules SHR-8, SHR-9: all operations are honoured, in order, but those of a descriptor that is closed. */
static void share__requests_of_both__in_order_and_ended_with_their_own(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    SOCKET twin = share_twin(pair.b);
    struct share_post posts[4];
    DWORD got, flags;

    (void)state;
    for (int i = 0; i < 4; i++)
        share_post_recv(i % 2 ? twin : pair.b, &posts[i]);
    assert_int_equal(t_send(pair.a, "AB", 2), 2);
    for (int i = 0; i < 2; i++) {
        assert_true(t_event_wait(posts[i].ov.hEvent, 5000));
        assert_int_equal(posts[i].byte, 'A' + i);
        assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &posts[i].ov, &got, FALSE, &flags, &t_err));
        assert_int_equal(got, 1);
    }
    t_close(pair.b); /* the first one's creator */
    assert_true(t_event_wait(posts[2].ov.hEvent, 5000));
    assert_false(t_spi.lpWSPGetOverlappedResult(twin, &posts[2].ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSA_OPERATION_ABORTED);
    assert_false(t_event_is_set(posts[3].ov.hEvent));
    assert_int_equal(t_send(pair.a, "C", 1), 1);
    assert_true(t_event_wait(posts[3].ov.hEvent, 5000));
    assert_int_equal(posts[3].byte, 'C');
    for (int i = 0; i < 4; i++)
        t_event_free(posts[i].ov.hEvent);
    t_close(twin);
    t_close(pair.a);
    t_requests_are(0);
}

static void share__linger__only_the_last_waits(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct linger linger = {1, 0};
    SOCKET twin = share_twin(pair.b);
    char byte;

    (void)state;
    assert_int_equal(t_spi.lpWSPSetSockOpt(pair.b, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger, &t_err),
                     0);
    t_close(pair.b);
    assert_int_equal(t_send(pair.a, "x", 1), 1); /* no reset */
    assert_int_equal(t_recv(twin, &byte, 1), 1);
    t_close(twin);
    t_fails(t_recv(pair.a, &byte, 1), WSAECONNRESET);
    t_close(pair.a);
}

static void share__cleanup_with_tokens_and_descriptors__nothing_is_left(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    WSAPROTOCOL_INFOW info, stale;

    (void)share_twin(s);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &stale, &t_err), 0);
    s = t_bound(AF_INET, SOCK_DGRAM);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), 0);
    t_close(s); /* only its token keeps it */
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    t_sockets_are(0);
    assert_int_equal(t_handles_count(), 0);
    assert_int_equal(t_host_start(state), 0);
    share_refused(&stale, WSAEINVAL);
    share_refused(&info, WSAEINVAL);
}

/* --- Races --------------------------------------------------------------------------- */

#define RACE_THREADS 8
#define RACE_ROUNDS 150

static SOCKET race_base;
static _Atomic unsigned race_left;

/* Duplicate, use the copy, close it. */
static void *race_twins(void *arg)
{
    struct share_worker *worker = arg;
    char block[16] = "0123456789abcde";

    for (int i = 0; i < RACE_ROUNDS; i++) {
        SOCKET twin = share_twin(race_base);

        if (worker->kind % 2 == 0 && t_send(twin, block, sizeof block) == (int)sizeof block)
            worker->result += (int)sizeof block;
        if (t_option_get(twin, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
            worker->code = t_err;
        t_close(twin);
    }
    return NULL;
}

static void *race_drain(void *arg)
{
    struct share_worker *worker = arg;
    char block[512];
    int got;

    while ((got = t_recv(worker->s, block, sizeof block)) > 0)
        worker->result += got;
    worker->code = got < 0 ? t_err : 0;
    return NULL;
}

static void share__eight_threads_duplicate_and_close__every_byte_arrives(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct share_worker workers[RACE_THREADS], reader = {.s = pair.a};
    int sent = 0;

    (void)state;
    race_base = pair.b;
    t_task_start(&reader.thread, race_drain, &reader);
    for (int i = 0; i < RACE_THREADS; i++) {
        workers[i] = (struct share_worker){.kind = i};
        t_task_start(&workers[i].thread, race_twins, &workers[i]);
    }
    for (int i = 0; i < RACE_THREADS; i++) {
        t_task_join(&workers[i].thread);
        assert_int_equal(workers[i].code, 0);
        sent += workers[i].result;
    }
    assert_int_equal(sent, RACE_THREADS / 2 * RACE_ROUNDS * 16);
    assert_int_equal(t_handles_count(), 2);
    t_close(pair.b);
    t_task_join(&reader.thread);
    assert_int_equal(reader.code, 0);
    assert_int_equal(reader.result, sent);
    t_close(pair.a);
}

/* What a call may say while its descriptor is being closed. */
static bool race_code(INT code)
{
    return code == WSAEINTR || code == WSAENOTSOCK || code == WSAECONNABORTED || code == WSAENOTCONN || code == 0;
}

static void *race_use(void *arg)
{
    struct share_worker *worker = arg;
    fd_set read;
    char byte;

    do {
        read = (fd_set){.fd_count = 1, .fd_array = {worker->s}};
        t_err = 0;
        worker->result = worker->kind % 2 ? t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err)
                                          : t_recv(worker->s, &byte, 1);
    } while (worker->result > 0);
    worker->code = t_err;
    return NULL;
}

/* Each thread ends with its own descriptor, whoever closes first. */
static void share__descriptors_closed_at_once_under_calls__all_end(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        struct share_worker workers[RACE_THREADS];

        for (int i = 0; i < RACE_THREADS; i++) {
            workers[i] = (struct share_worker){.s = i == 0 ? pair.b : share_twin(pair.b), .kind = i};
            t_task_start(&workers[i].thread, race_use, &workers[i]);
        }
        t_sleep_ms((unsigned)round % 3);
        for (int i = RACE_THREADS; i-- > 0;)
            t_close(workers[(i + round) % RACE_THREADS].s);
        for (int i = 0; i < RACE_THREADS; i++) {
            t_task_join(&workers[i].thread);
            if (!race_code(workers[i].code))
                fail_msg("round %d, thread %d: code %d", round, i, workers[i].code);
        }
        t_close(pair.a);
        assert_int_equal(t_handles_count(), 0);
    }
}

static WSAPROTOCOL_INFOW race_info;

static void *race_claim(void *arg)
{
    struct share_worker *worker = arg;

    worker->s = share_open(&race_info);
    worker->code = worker->s == INVALID_SOCKET ? t_err : 0;
    atomic_fetch_sub(&race_left, 1);
    return NULL;
}

/* One token, many that want it, and the source being closed. */
static void share__many_want_one_token__one_gets_it(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct share_worker workers[4];
        SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
        int won = 0;

        assert_int_equal(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &race_info, &t_err), 0);
        atomic_store(&race_left, 4);
        for (int i = 0; i < 4; i++)
            t_task_start(&workers[i].thread, race_claim, &workers[i]);
        t_close(s);
        for (int i = 0; i < 4; i++) {
            t_task_join(&workers[i].thread);
            if (workers[i].code == 0) {
                won++;
                t_close(workers[i].s);
            } else {
                assert_int_equal(workers[i].code, WSAEINVAL);
            }
        }
        assert_int_equal(won, 1);
        assert_int_equal(atomic_load(&race_left), 0);
        assert_int_equal(t_handles_count(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share__token__entry_of_the_socket_and_a_number),
        cmocka_unit_test(share__token__serves_once),
        cmocka_unit_test(share__token_of_nobody__inval),
        cmocka_unit_test(share__bad_arguments__have_their_codes),
        cmocka_unit_test(share__group_and_flags__are_ignored),
        cmocka_unit_test(share__two_descriptors__one_socket),
        cmocka_unit_test(share__closed_one_by_one__the_last_ends_the_connection),
        cmocka_unit_test(share__source_closed_before_use__token_keeps_the_connection),
        cmocka_unit_test(share__listener__accepts_by_either),
        cmocka_unit_test(share__registered_by_either__the_newest_counts),
        cmocka_unit_test(share__registrant_closed__no_messages_in_its_name),
        cmocka_unit_test(share__closed_under_blocked_calls__only_its_own_end),
        cmocka_unit_test(share__closed_under_accept__ends_and_the_listener_lives),
        cmocka_unit_test(share__requests_of_both__in_order_and_ended_with_their_own),
        cmocka_unit_test(share__linger__only_the_last_waits),
        cmocka_unit_test(share__cleanup_with_tokens_and_descriptors__nothing_is_left),
        cmocka_unit_test(share__eight_threads_duplicate_and_close__every_byte_arrives),
        cmocka_unit_test(share__descriptors_closed_at_once_under_calls__all_end),
        cmocka_unit_test(share__many_want_one_token__one_gets_it),
    };

    return cmocka_run_group_tests_name("spi_share", tests, t_host_start, t_host_stop);
}
