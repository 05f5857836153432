/** @file Registered I/O of the provider under test. */
#include "t_rio.h"

#include <string.h>

RIO_EXTENSION_FUNCTION_TABLE t_rio;
char *t_rio_region;
RIO_BUFFERID t_rio_id;

int t_rio_table(SOCKET s, const void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *returned)
{
    return t_spi.lpWSPIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, (void *)(uintptr_t)in, in_bytes, out,
                            out_bytes, returned, NULL, NULL, NULL, &t_err);
}

void t_rio_functions(void)
{
    static const GUID id = WSAID_MULTIPLE_RIO;
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    DWORD returned = 0;

    assert_int_equal(t_rio_table(s, &id, sizeof id, &t_rio, sizeof t_rio, &returned), 0);
    t_close(s);
}

int t_rio_start(void **state)
{
    if (t_host_start(state) != 0)
        return -1;
    t_rio_functions();
    t_rio_region = t_pages_new(T_RIO_REGION);
    t_rio_id = t_rio.RIORegisterBuffer(t_rio_region, T_RIO_REGION);
    return t_rio_id == RIO_INVALID_BUFFERID ? -1 : 0;
}

int t_rio_stop(void **state)
{
    int result;

    t_rio.RIODeregisterBuffer(t_rio_id);
    result = t_host_stop(state);
    t_pages_free(t_rio_region, T_RIO_REGION);
    return result;
}

int t_rio_fresh(void **state)
{
    (void)state;
    memset(t_rio_region, 0, T_RIO_REGION);
    return 0;
}

RIO_BUF t_rio_slice(ULONG offset, ULONG length)
{
    return (RIO_BUF){.BufferId = t_rio_id, .Offset = offset, .Length = length};
}

SOCKET t_rio_socket(int af, int type)
{
    return t_socket_flags(af, type, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
}

SOCKET t_rio_bound(int af)
{
    SOCKET s = t_rio_socket(af, SOCK_DGRAM);

    assert_int_equal(t_spi.lpWSPBind(s, t_addr(af, 0), t_addr_size(af), &t_err), 0);
    return s;
}

RIO_CQ t_rio_cq(DWORD size)
{
    RIO_CQ queue = t_rio.RIOCreateCompletionQueue(size, NULL);

    assert_true(queue != RIO_INVALID_CQ);
    return queue;
}

RIO_RQ t_rio_rq(SOCKET s, ULONG receives, ULONG sends, RIO_CQ queue, uintptr_t context)
{
    RIO_RQ made = t_rio.RIOCreateRequestQueue(s, receives, 1, sends, 1, queue, queue, (PVOID)context);

    assert_true(made != RIO_INVALID_RQ);
    return made;
}

void t_rio_take(RIO_CQ queue, RIORESULT *results, ULONG count)
{
    uint64_t until = t_now_ms() + 5000;
    ULONG taken = 0;

    while (taken < count) {
        ULONG got = t_rio.RIODequeueCompletion(queue, results + taken, count - taken);

        assert_true(got <= count - taken);
        taken += got;
        if (got == 0) {
            assert_true(t_now_ms() < until);
            t_sleep_ms(1);
        }
    }
}

void t_rio_expect(RIO_CQ queue, uintptr_t context, LONG status, ULONG bytes)
{
    RIORESULT result;

    memset(&result, 0xa5, sizeof result);
    t_rio_take(queue, &result, 1);
    assert_int_equal(result.RequestContext, context);
    assert_int_equal(result.Status, status);
    assert_int_equal(result.BytesTransferred, bytes);
}

void t_rio_quiet(RIO_CQ queue)
{
    RIORESULT result;

    t_sleep_ms(20);
    assert_int_equal(t_rio.RIODequeueCompletion(queue, &result, 1), 0);
}

RIO_BUF t_rio_name(ULONG offset, const struct sockaddr *name)
{
    memcpy(t_rio_region + offset, name, (size_t)t_addr_size(name->sa_family));
    return t_rio_slice(offset, sizeof(SOCKADDR_INET));
}
