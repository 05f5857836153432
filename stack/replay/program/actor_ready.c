#include "actor_ready.h"

#include "stack/clock.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64u

static bool array_grow(void **array, uint32_t from, uint32_t count, size_t size)
{
    char *moved = realloc(*array, count * size);
    if (moved == NULL) {
        return false;
    }
    memset(moved + from * size, 0, (count - from) * size);
    *array = moved;
    return true;
}

static uint32_t room_for(uint32_t room, uint32_t count)
{
    for (room = room == 0 ? ROOM_FIRST : room; room < count;) {
        room *= 2;
    }
    return room;
}

bool actor_ready_room(struct actor_ready *ready, uint32_t count)
{
    if (count <= ready->room) {
        return true;
    }
    const uint32_t room = room_for(ready->room, count);
    if (!array_grow((void **)&ready->hot, ready->room, room, sizeof(*ready->hot)) ||
        !array_grow((void **)&ready->is_hot, ready->room, room, sizeof(*ready->is_hot)) ||
        !array_grow((void **)&ready->due_ns, ready->room, room, sizeof(*ready->due_ns))) {
        return false;
    }
    ready->room = room;
    return true;
}

void actor_ready_free(struct actor_ready *ready)
{
    free(ready->hot);
    free(ready->is_hot);
    free(ready->due_ns);
    free(ready->heap);
}

void actor_ready_now(struct actor_ready *ready, uint32_t number)
{
    if (!ready->is_hot[number]) {
        ready->is_hot[number] = 1;
        ready->hot[ready->hot_count++] = number;
    }
}

/* Of two of the same time the lower number is first. */
static bool before(const struct actor_due *a, const struct actor_due *b)
{
    return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->number < b->number);
}

static void heap_down(struct actor_ready *ready)
{
    struct actor_due *heap = ready->heap;
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < ready->heap_count; child++) {
            least = before(&heap[child], &heap[least]) ? child : least;
        }
        if (least == at) {
            return;
        }
        const struct actor_due moved = heap[at];
        heap[at] = heap[least];
        heap[least] = moved;
        at = least;
    }
}

static void heap_pop(struct actor_ready *ready)
{
    ready->heap[0] = ready->heap[--ready->heap_count];
    heap_down(ready);
}

bool actor_ready_at(struct actor_ready *ready, uint32_t number, uint64_t time_ns)
{
    if (ready->due_ns[number] == time_ns) {
        return true;
    }
    ready->due_ns[number] = time_ns;
    if (time_ns == 0) {
        return true; /* what is in the heap is passed over */
    }
    if (ready->heap_count == ready->heap_room) {
        const uint32_t room = room_for(ready->heap_room, ready->heap_count + 1);
        if (!array_grow((void **)&ready->heap, ready->heap_room, room, sizeof(*ready->heap))) {
            return false;
        }
        ready->heap_room = room;
    }
    uint32_t at = ready->heap_count++;
    const struct actor_due due = {.time_ns = time_ns, .number = number};
    for (; at > 0 && before(&due, &ready->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        ready->heap[at] = ready->heap[(at - 1) / 2];
    }
    ready->heap[at] = due;
    return true;
}

uint64_t actor_ready_next_ns(struct actor_ready *ready)
{
    while (ready->heap_count > 0 && ready->due_ns[ready->heap[0].number] != ready->heap[0].time_ns) {
        heap_pop(ready);
    }
    return ready->heap_count > 0 ? ready->heap[0].time_ns : STK_NEVER;
}

static int number_order(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

uint32_t actor_ready_take(struct actor_ready *ready, uint64_t now_ns, uint32_t *out)
{
    while (actor_ready_next_ns(ready) <= now_ns) {
        const uint32_t number = ready->heap[0].number;
        heap_pop(ready);
        ready->due_ns[number] = 0;
        actor_ready_now(ready, number);
    }
    const uint32_t count = ready->hot_count;
    if (count > 0) {
        memcpy(out, ready->hot, count * sizeof(*out));
        qsort(out, count, sizeof(*out), number_order);
    }
    for (uint32_t i = 0; i < count; i++) {
        ready->is_hot[out[i]] = 0;
    }
    ready->hot_count = 0;
    return count;
}

bool actor_index_make(struct actor_index *index, uint32_t size)
{
    const uint32_t heads = room_for(ROOM_FIRST, size);
    index->heads = calloc(heads, sizeof(*index->heads));
    index->mask = heads - 1;
    return index->heads != NULL;
}

bool actor_index_room(struct actor_index *index, uint32_t count)
{
    if (count <= index->room) {
        return true;
    }
    const uint32_t room = room_for(index->room, count);
    if (!array_grow((void **)&index->next, index->room, room, sizeof(*index->next))) {
        return false;
    }
    index->room = room;
    return true;
}

void actor_index_free(struct actor_index *index)
{
    free(index->heads);
    free(index->next);
}

uint32_t *actor_index_first(struct actor_index *index, uint32_t hash)
{
    return &index->heads[(hash ^ hash >> 16) & index->mask];
}

uint32_t *actor_index_next(struct actor_index *index, const uint32_t *at)
{
    return &index->next[*at - 1];
}

void actor_index_add(struct actor_index *index, uint32_t hash, uint32_t number)
{
    uint32_t *head = actor_index_first(index, hash);
    index->next[number] = *head;
    *head = number + 1;
}
