/*
 * Memory under threads: the chunk pool, a FIFO with recycled chunks, the
 * socket lock. Shared bytes are plain, so that ThreadSanitizer sees a missing
 * edge.
 *
 * Usage: stress_memory chunk|fifo|lock COUNT
 */
#include "t_stress.h"

#include "ipc/fifo.h"
#include "ipc/lock.h"
#include "stack/assert.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4u

struct memory {
    struct stk_region region;
    uint32_t count;
    STK_U32 numbers; /* of threads, given out */
    STK_U32 lock;
    uint64_t guarded[2];
};

/* --- Chunks: whoever took one is its only writer ------------------------------- */

#define HELD_MAX 4u

static void chunk_mark(struct memory *memory, uint32_t index, uint32_t mark)
{
    memcpy(stk_chunk_ptr(&memory->region, index), &mark, sizeof(mark));
    memcpy(stk_chunk_ptr(&memory->region, index) + STK_CHUNK_SIZE - sizeof(mark), &mark, sizeof(mark));
}

static void chunk_check(struct memory *memory, uint32_t index, uint32_t mark)
{
    STK_ASSERT(memcmp(stk_chunk_ptr(&memory->region, index), &mark, sizeof(mark)) == 0);
    STK_ASSERT(memcmp(stk_chunk_ptr(&memory->region, index) + STK_CHUNK_SIZE - sizeof(mark), &mark, sizeof(mark)) == 0);
}

static void *chunk_main(void *arg)
{
    struct memory *memory = arg;
    uint32_t me = atomic_fetch_add(&memory->numbers, 1) + 1;
    uint32_t seed = me;
    uint32_t held[HELD_MAX];
    uint32_t held_count = 0;
    for (uint32_t i = 0; i < memory->count; i++) {
        uint32_t mark = me << 28;
        bool take = held_count == 0 || (held_count < HELD_MAX && (t_random(&seed) & 1) != 0);
        if (take) {
            uint32_t index = stk_chunk_take(&memory->region);
            if (index != STK_CHUNK_NONE) {
                chunk_mark(memory, index, mark | index);
                held[held_count++] = index;
            }
        } else {
            uint32_t pick = t_random(&seed) % held_count;
            uint32_t index = held[pick];
            chunk_check(memory, index, mark | index);
            held[pick] = held[--held_count];
            stk_chunk_give(&memory->region, index);
        }
        if (i % 1024 == 0) {
            t_progress();
        }
    }
    while (held_count > 0) {
        stk_chunk_give(&memory->region, held[--held_count]);
    }
    return NULL;
}

static void chunk_run(struct memory *memory)
{
    pthread_t threads[THREADS];
    /* Fewer than could be held at once: the pool runs empty all the time, and the list stays short. */
    t_region(&memory->region, 1, 6);
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i] = t_thread(chunk_main, memory);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        t_join(threads[i]);
    }
    STK_ASSERT(atomic_load(&memory->region.abi->chunks_used) == 0);
    STK_ASSERT(atomic_load(&memory->region.abi->chunks_failed) > 0);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t index = stk_chunk_take(&memory->region);
        STK_ASSERT(index < 6 && (seen & 1u << index) == 0);
        seen |= 1u << index;
    }
    STK_ASSERT(stk_chunk_take(&memory->region) == STK_CHUNK_NONE);
}

/* --- FIFO: bytes arrive in order, whatever chunks carry them ------------------------ */

#define FIFO_PIECE 9000u

static uint8_t fifo_byte(uint64_t pos)
{
    return (uint8_t)(pos * 37 + pos / 4093);
}

static void *fifo_producer(void *arg)
{
    struct memory *memory = arg;
    struct stk_sock_abi *sock = &memory->region.socks[0];
    uint64_t total = (uint64_t)memory->count * 1024;
    uint64_t tail = 0;
    uint32_t seed = 7;
    uint32_t turns = 0;
    static uint8_t piece[FIFO_PIECE];
    while (tail < total) {
        uint64_t len = 1 + t_random(&seed) % FIFO_PIECE;
        len = len < total - tail ? len : total - tail;
        uint64_t head = atomic_load_explicit(&sock->rx_head, memory_order_acquire); /* edge F */
        uint64_t room = STK_FIFO_MAX - (tail - head);
        len = len < room ? len : room;
        for (uint64_t i = 0; i < len; i++) {
            piece[i] = fifo_byte(tail + i);
        }
        uint64_t done = stk_fifo_write(&memory->region, sock->rx_slots, tail, piece, len);
        tail += done;
        atomic_store_explicit(&sock->rx_tail, tail, memory_order_release); /* edge E */
        if (done < len || len == 0) {
            t_wait_turn(&turns); /* no room, or no chunk */
        }
        if (tail == head && (t_random(&seed) & 7) == 0) {
            (void)stk_fifo_idle_give(&memory->region, sock->rx_slots, tail);
        }
    }
    return NULL;
}

static void fifo_consume(struct memory *memory)
{
    struct stk_sock_abi *sock = &memory->region.socks[0];
    uint64_t total = (uint64_t)memory->count * 1024;
    uint64_t head = 0;
    uint32_t seed = 8;
    uint32_t turns = 0;
    static uint8_t piece[FIFO_PIECE];
    while (head < total) {
        uint64_t queued = atomic_load_explicit(&sock->rx_tail, memory_order_acquire) - head; /* edge E */
        uint64_t len = 1 + t_random(&seed) % FIFO_PIECE;
        len = len < queued ? len : queued;
        if (len == 0) {
            t_wait_turn(&turns);
            continue;
        }
        STK_ASSERT(stk_fifo_read(&memory->region, sock->rx_slots, head, piece, len));
        for (uint64_t i = 0; i < len; i++) {
            STK_ASSERT(piece[i] == fifo_byte(head + i));
        }
        stk_fifo_release(&memory->region, sock->rx_slots, head, head + len);
        head += len;
        atomic_store_explicit(&sock->rx_head, head, memory_order_release); /* edge F */
        t_progress();
    }
}

static void fifo_run(struct memory *memory)
{
    /* Three chunks for everything: each is used again and again. */
    t_region(&memory->region, 1, 3);
    pthread_t producer = t_thread(fifo_producer, memory);
    fifo_consume(memory);
    t_join(producer);
    struct stk_sock_abi *sock = &memory->region.socks[0];
    stk_fifo_reset(&memory->region, sock->rx_slots, atomic_load(&sock->rx_head), atomic_load(&sock->rx_tail));
    STK_ASSERT(atomic_load(&memory->region.abi->chunks_used) == 0);
}

/* --- Lock ------------------------------------------------------------------------------ */

static void *lock_main(void *arg)
{
    struct memory *memory = arg;
    for (uint32_t i = 0; i < memory->count; i++) {
        if (i % 4 == 0) {
            while (!stk_lock_try(&memory->lock)) {
                (void)sched_yield();
            }
        } else {
            stk_lock_take(&memory->lock);
        }
        STK_ASSERT(memory->guarded[0] == memory->guarded[1]);
        memory->guarded[0]++;
        if (i % 64 == 0) {
            (void)sched_yield(); /* held across a switch: others go to sleep */
            t_progress();
        }
        memory->guarded[1]++;
        stk_lock_give(&memory->lock);
    }
    return NULL;
}

static void lock_run(struct memory *memory)
{
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i] = t_thread(lock_main, memory);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        t_join(threads[i]);
    }
    STK_ASSERT(memory->guarded[0] == (uint64_t)THREADS * memory->count);
    STK_ASSERT(atomic_load(&memory->lock) == 0);
}

int main(int argc, char **argv)
{
    static struct memory memory;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: %s chunk|fifo|lock COUNT\n", argv[0]);
        return 2;
    }
    memory.count = (uint32_t)strtoul(argv[2], NULL, 10);
    STK_ASSERT(memory.count > 0);
    t_watch(argv[1], 20);
    if (strcmp(argv[1], "chunk") == 0) {
        chunk_run(&memory);
    } else if (strcmp(argv[1], "fifo") == 0) {
        fifo_run(&memory);
    } else {
        lock_run(&memory);
    }
    t_watch_end();
    if (memory.region.abi != NULL) {
        stk_region_destroy(&memory.region);
    }
    return 0;
}
