/* Multicast filters: a list of sources goes and comes in a chunk of the region. */
#include "core/client_priv.h"

#include "ipc/chunk.h"
#include "stack/err.h"

#include <string.h>

static int filter_call(struct stk_sock *sock, uint32_t op, const struct stk_mcast_filter *filter, uint32_t chunk,
                       struct stk_rep_abi *rep)
{
    struct stk_sub_abi sub = {.op = op};
    const struct stk_mcast_filter_abi given = {.group = filter->group,
                                               .if_index = filter->if_index,
                                               .mode = filter->mode,
                                               .count = filter->count,
                                               .chunk = chunk};
    memcpy(sub.data, &given, sizeof(given));
    return stk_client_sock_call(sock, &sub, rep);
}

int stk_sock_mcast_filter_set(struct stk_sock *sock, const struct stk_mcast_filter *filter,
                              const uint8_t (*sources)[16])
{
    struct stk_region *region = sock->client->region;
    struct stk_rep_abi rep;
    if (filter->count > STK_MCAST_SOURCES_MAX) {
        return STK_ENOMEM;
    }
    if (filter->count == 0) {
        return filter_call(sock, STK_SUB_MCAST_SET, filter, STK_CHUNK_NONE, &rep);
    }
    const uint32_t chunk = stk_chunk_take(region);
    if (chunk == STK_CHUNK_NONE) {
        return STK_ENOMEM;
    }
    memcpy(stk_chunk_ptr(region, chunk), sources, filter->count * sizeof(*sources));
    const int result = filter_call(sock, STK_SUB_MCAST_SET, filter, chunk, &rep);
    stk_chunk_give(region, chunk);
    return result;
}

int stk_sock_mcast_filter_get(struct stk_sock *sock, struct stk_mcast_filter *filter, uint8_t (*sources)[16])
{
    struct stk_region *region = sock->client->region;
    struct stk_rep_abi rep;
    struct stk_mcast_filter asked = *filter;
    asked.count = asked.count < STK_MCAST_SOURCES_MAX ? asked.count : STK_MCAST_SOURCES_MAX;
    const uint32_t chunk = asked.count > 0 ? stk_chunk_take(region) : STK_CHUNK_NONE;
    if (asked.count > 0 && chunk == STK_CHUNK_NONE) {
        return STK_ENOMEM;
    }
    const int result = filter_call(sock, STK_SUB_MCAST_GET, &asked, chunk, &rep);
    if (result == STK_OK) {
        filter->mode = rep.arg[0];
        filter->count = rep.arg[1];
        const uint32_t got = rep.arg[1] < asked.count ? rep.arg[1] : asked.count;
        if (got > 0) {
            memcpy(sources, stk_chunk_ptr(region, chunk), got * sizeof(*sources));
        }
    }
    if (chunk != STK_CHUNK_NONE) {
        stk_chunk_give(region, chunk);
    }
    return result;
}
