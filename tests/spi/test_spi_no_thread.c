/** @file The system gives no thread: what needs one fails with its code, and works when there are some again. START-14. */
#include "t_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* The linker puts this in the place of pthread_create for everything that is linked into the program. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

static atomic_bool refuse;
static atomic_uint refused;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg)
{
    if (atomic_load(&refuse)) {
        atomic_fetch_add(&refused, 1);
        return EAGAIN;
    }
    return __real_pthread_create(thread, attributes, start, arg);
}

/* The provider's own thread is started by the first need of it: network events, or a request that is not finished at once. */
static void no_thread__dispatcher__nobufs_until_there_is_one(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAEVENT event = t_event_new();
    WSAOVERLAPPED overlapped;
    char room[4];
    WSABUF buffer = {sizeof room, room};
    DWORD flags = 0;

    (void)state;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = event;
    atomic_store(&refuse, true);
    t_fails(t_spi.lpWSPEventSelect(pair.a, event, FD_READ, &t_err), WSAENOBUFS);
    t_fails(t_spi.lpWSPRecv(pair.a, &buffer, 1, NULL, &flags, &overlapped, NULL, NULL, &t_err), WSAENOBUFS);
    assert_int_equal(atomic_load(&refused), 2);
    atomic_store(&refuse, false);
    assert_int_equal(t_send(pair.b, "ab", 2), 2);
    assert_int_equal(t_recv(pair.a, room, sizeof room), 2); /* the socket works, and is still a blocking one */
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.b, "cd", 2), 2);
    assert_true(t_event_wait(event, 5000));
    t_pair_close(&pair);
    t_event_free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_thread__dispatcher__nobufs_until_there_is_one),
    };

    return cmocka_run_group_tests_name("spi_no_thread", tests, t_host_start, t_host_stop);
}
