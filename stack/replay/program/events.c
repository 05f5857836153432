#include "actor.h"

#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool room_make(struct stk_events *events, size_t more)
{
    if (events->len + more < events->room) {
        return true;
    }
    const size_t room = (events->len + more) * 2 + 256;
    char *moved = realloc(events->text, room);
    if (moved == NULL) {
        return false;
    }
    events->text = moved;
    events->room = room;
    return true;
}

void stk_event_note(struct stk_events *events, const char *word, uint32_t conn, int64_t number)
{
    char line[96];
    const bool data = strcmp(word, "data") == 0;
    if (data && events->last_conn == conn) { /* how the stream was cut into reads is nobody's business */
        events->last_bytes += (uint64_t)number;
        events->len = events->last_at;
    } else {
        events->last_bytes = (uint64_t)number;
        events->last_at = events->len;
    }
    events->last_conn = data ? conn : 0;
    if (number < 0) {
        (void)snprintf(line, sizeof(line), "%s %u\n", word, (unsigned)conn);
    } else {
        (void)snprintf(line, sizeof(line), "%s %u %llu\n", word, (unsigned)conn,
                       (unsigned long long)(data ? events->last_bytes : (uint64_t)number));
    }
    const size_t len = strlen(line);
    if (room_make(events, len + 1)) {
        memcpy(events->text + events->len, line, len + 1);
        events->len += len;
    }
}

int stk_actor_wsae(int err)
{
    switch (err) {
    case STK_ECONNRESET:
        return 10054;
    case STK_ECONNABORTED:
        return 10053;
    case STK_ETIMEDOUT:
        return 10060;
    case STK_ECONNREFUSED:
        return 10061;
    case STK_ENETDOWN:
        return 10050;
    case STK_ENETUNREACH:
        return 10051;
    case STK_ENETRESET:
        return 10052;
    case STK_EHOSTUNREACH:
        return 10065;
    case STK_EADDRINUSE:
        return 10048;
    case STK_EADDRNOTAVAIL:
        return 10049;
    default:
        return 10022;
    }
}

struct stk_actor_stream *stk_actor_stream(struct stk_actor_result *result, uint64_t number)
{
    if (number == 0 || number > STK_ACTOR_CONNS_MAX) {
        return NULL;
    }
    if (number > result->streams_room) {
        const uint32_t room = number < 32 ? 64 : (uint32_t)number * 2;
        struct stk_actor_stream *moved = realloc(result->streams, room * sizeof(*moved));
        if (moved == NULL) {
            return NULL;
        }
        memset(moved + result->streams_room, 0, (room - result->streams_room) * sizeof(*moved));
        result->streams = moved;
        result->streams_room = room;
    }
    result->streams_count = number > result->streams_count ? (uint32_t)number : result->streams_count;
    return &result->streams[number - 1];
}

void stk_actor_result_free(struct stk_actor_result *result)
{
    free(result->events.text);
    free(result->streams);
    result->streams = NULL;
    result->streams_count = result->streams_room = 0;
    memset(&result->events, 0, sizeof(result->events));
}
