/*
 * When each conversation is looked at next: at its time, or at once because something of it came. A conversation that is
 * looked at goes as far as it can, so that nothing but its time, what is heard of it and the end of its predecessor
 * changes what it would do; all others can be let alone.
 */
#include "stack/clock.h"
#include "stack/err.h"
#include "talk_priv.h"

#include <stdlib.h>

/* Timers are in the order of their times, what is ready in that of conversations. */
static bool goes_first(const struct replay_talk *talk, enum replay_queue queue, uint32_t a, uint32_t b)
{
    const uint64_t a_ns = talk->convs[a].wake_ns, b_ns = talk->convs[b].wake_ns;

    return queue == REPLAY_QUEUE_TIMER && a_ns != b_ns ? a_ns < b_ns : a < b;
}

static void place(struct replay_talk *talk, enum replay_queue queue, uint32_t at, uint32_t conv)
{
    talk->queue[queue].convs[at] = conv;
    talk->convs[conv].queue_at = at;
}

/* Moves a conversation from a hole at this place to where it belongs. */
static void settle(struct replay_talk *talk, enum replay_queue queue, uint32_t at, uint32_t conv)
{
    struct replay_heap *heap = &talk->queue[queue];

    for (; at > 0 && goes_first(talk, queue, conv, heap->convs[(at - 1) / 2]); at = (at - 1) / 2)
        place(talk, queue, at, heap->convs[(at - 1) / 2]);
    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && goes_first(talk, queue, heap->convs[child + 1], heap->convs[child]))
            child++;
        if (!goes_first(talk, queue, heap->convs[child], conv))
            break;
        place(talk, queue, at, heap->convs[child]);
    }
    place(talk, queue, at, conv);
}

static void enter(struct replay_talk *talk, enum replay_queue queue, struct replay_talk_conv *conv)
{
    conv->queue = queue;
    settle(talk, queue, talk->queue[queue].count++, conv->number - 1);
}

void replay_schedule_never(struct replay_talk *talk, struct replay_talk_conv *conv)
{
    struct replay_heap *heap = &talk->queue[conv->queue];
    const uint32_t at = conv->queue_at;

    talk->waiting -= conv->awaits ? 1 : 0;
    talk->future -= conv->queue == REPLAY_QUEUE_TIMER && !conv->awaits ? 1 : 0;
    conv->awaits = false;
    if (conv->queue == REPLAY_QUEUE_NONE)
        return;
    conv->queue = REPLAY_QUEUE_NONE;
    if (at != --heap->count)
        settle(talk, (enum replay_queue)(heap - talk->queue), at, heap->convs[heap->count]);
}

void replay_schedule_ready(struct replay_talk *talk, struct replay_talk_conv *conv)
{
    if (conv->queue == REPLAY_QUEUE_READY)
        return;
    replay_schedule_never(talk, conv);
    enter(talk, REPLAY_QUEUE_READY, conv);
}

void replay_schedule_at(struct replay_talk *talk, struct replay_talk_conv *conv, uint64_t wake_ns, bool awaits)
{
    replay_schedule_never(talk, conv);
    conv->awaits = awaits;
    conv->wake_ns = wake_ns;
    talk->waiting += awaits ? 1 : 0;
    if (wake_ns == STK_NEVER)
        return;
    talk->future += awaits ? 0 : 1;
    enter(talk, REPLAY_QUEUE_TIMER, conv);
}

struct replay_talk_conv *replay_schedule_next(struct replay_talk *talk, uint64_t now_ns)
{
    const struct replay_heap *timers = &talk->queue[REPLAY_QUEUE_TIMER];
    const struct replay_heap *ready = &talk->queue[REPLAY_QUEUE_READY];

    while (timers->count > 0 && talk->convs[timers->convs[0]].wake_ns <= now_ns)
        replay_schedule_ready(talk, &talk->convs[timers->convs[0]]);
    return ready->count > 0 ? &talk->convs[ready->convs[0]] : NULL;
}

uint64_t replay_schedule_due_ns(const struct replay_talk *talk)
{
    const struct replay_heap *timers = &talk->queue[REPLAY_QUEUE_TIMER];

    if (talk->queue[REPLAY_QUEUE_READY].count > 0)
        return 0;
    return timers->count > 0 ? talk->convs[timers->convs[0]].wake_ns : STK_NEVER;
}

int replay_schedule_open(struct replay_talk *talk)
{
    for (int i = REPLAY_QUEUE_TIMER; i <= REPLAY_QUEUE_READY; i++) {
        talk->queue[i].convs = calloc((size_t)talk->convs_count + 1, sizeof(*talk->queue[i].convs));
        if (talk->queue[i].convs == NULL)
            return STK_ENOMEM;
    }
    return 0;
}

void replay_schedule_close(struct replay_talk *talk)
{
    for (int i = REPLAY_QUEUE_TIMER; i <= REPLAY_QUEUE_READY; i++)
        free(talk->queue[i].convs);
}
