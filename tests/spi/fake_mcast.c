#include "fake_priv.h"

#include "stack/err.h"

#include <string.h>

/* Counts, one for what is taken in and one for what is kept out; the real stack knows the table of conflicts. */
int fake_mcast_source(struct stk_sock *sock, enum stk_opt opt, const void *value, size_t len)
{
    const bool block = opt == STK_OPT_MCAST_BLOCK || opt == STK_OPT_MCAST_UNBLOCK;
    const bool more = opt == STK_OPT_MCAST_JOIN_SOURCE || opt == STK_OPT_MCAST_BLOCK;
    int32_t *count = &sock->opts[block ? STK_OPT_MCAST_BLOCK : STK_OPT_MCAST_JOIN_SOURCE];

    (void)value;
    if (len != sizeof(struct stk_mcast_source_req) || (!more && *count == 0))
        return STK_EINVAL;
    *count += more ? 1 : -1;
    return STK_OK;
}

int stk_sock_mcast_filter_set(struct stk_sock *sock, const struct stk_mcast_filter *filter,
                              const uint8_t (*sources)[16])
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPT_SET);
    if (err == 0) {
        sock->filter = *filter;
        memcpy(sock->filter_sources, sources, filter->count * sizeof(*sources));
    }
    fake_unlock();
    return err;
}

int stk_sock_mcast_filter_get(struct stk_sock *sock, struct stk_mcast_filter *filter, uint8_t (*sources)[16])
{
    const uint32_t room = filter->count;
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPT_GET);
    if (err == 0 && memcmp(sock->filter.group.ip, filter->group.ip, sizeof(filter->group.ip)) != 0)
        err = STK_EADDRNOTAVAIL;
    if (err == 0) {
        filter->mode = sock->filter.mode;
        filter->count = sock->filter.count;
        memcpy(sources, sock->filter_sources, (filter->count < room ? filter->count : room) * sizeof(*sources));
    }
    fake_unlock();
    return err;
}
