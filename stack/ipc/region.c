#include "ipc/region.h"

#include "stack/err.h"

#include <string.h>

#define REGION_PAGE 4096u

/** The constant lines of the header, copied. */
struct region_plan {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t region_bytes;
    uint64_t rings_offset;
    uint64_t socks_offset;
    uint64_t events_offset;
    uint64_t next_offset;
    uint64_t chunks_offset;
    uint32_t socks_count;
    uint32_t chunks_count;
    uint32_t events_slots;
    uint32_t rcvbuf_bytes;
    uint32_t sndbuf_bytes;
    int32_t app_spin_us;
};

_Static_assert(offsetof(struct region_plan, socks_count) == offsetof(struct stk_region_abi, socks_count), "layout");
_Static_assert(offsetof(struct region_plan, app_spin_us) == offsetof(struct stk_region_abi, app_spin_us), "layout");

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint32_t pow2_at_least(uint32_t value)
{
    uint32_t found = 1;
    while (found < value) {
        found *= 2;
    }
    return found;
}

/** The places of everything, for the counts in the plan. */
static void region_lay_out(struct region_plan *plan)
{
    uint64_t at = round_up(sizeof(struct stk_region_abi), STK_ABI_LINE);
    plan->rings_offset = at;
    at += (uint64_t)STK_RINGS_MAX * sizeof(struct stk_ring_abi);
    plan->socks_offset = at;
    at += (uint64_t)plan->socks_count * sizeof(struct stk_sock_abi);
    plan->events_offset = at;
    at += round_up((uint64_t)plan->events_slots * sizeof(uint32_t), STK_ABI_LINE);
    plan->next_offset = at;
    at += (uint64_t)plan->chunks_count * sizeof(uint32_t);
    at = round_up(at, REGION_PAGE);
    plan->chunks_offset = at;
    plan->region_bytes = at + (uint64_t)plan->chunks_count * STK_CHUNK_SIZE;
}

int stk_region_create(const struct stk_region_conf *conf, struct stk_region *out)
{
    uint64_t chunks = conf->chunk_bytes_total / STK_CHUNK_SIZE;
    if (conf->socks_count == 0 || conf->socks_count > STK_REGION_SOCKS_MAX || chunks == 0 ||
        chunks > STK_REGION_CHUNKS_MAX) {
        return STK_EINVAL;
    }
    struct region_plan plan = {
        .magic = STK_ABI_MAGIC,
        .version = STK_ABI_VERSION,
        .header_bytes = sizeof(struct stk_region_abi),
        .socks_count = conf->socks_count,
        .chunks_count = (uint32_t)chunks,
        .events_slots = pow2_at_least(conf->socks_count + STK_RIO_CQS_MAX),
        .rcvbuf_bytes = conf->rcvbuf_bytes,
        .sndbuf_bytes = conf->sndbuf_bytes,
        .app_spin_us = conf->app_spin_us,
    };
    region_lay_out(&plan);
    if (plan.region_bytes > SIZE_MAX) {
        return STK_ENOMEM;
    }
    size_t bytes = (size_t)plan.region_bytes;
    struct stk_region_abi *head = stk_region_map(bytes);
    if (head == NULL) {
        return STK_ENOMEM;
    }
    memcpy(head, &plan, sizeof(plan));
    atomic_store_explicit(&head->waiters_free, UINT64_MAX, memory_order_release);
    int result = stk_region_open_view(head, bytes, out);
    if (result != STK_OK) {
        stk_region_unmap(head, bytes);
    }
    return result;
}

void stk_region_destroy(struct stk_region *region)
{
    if (region->abi != NULL) {
        stk_region_unmap(region->abi, region->bytes);
    }
    memset(region, 0, sizeof(*region));
    region->bell_fd = -1;
}

/** Does [offset, offset + count * size) lie in the region behind its header, aligned? */
static bool place_fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t align, uint64_t bytes)
{
    /* count is 32 bits wide and size small: the product cannot wrap. */
    return offset % align == 0 && offset >= sizeof(struct stk_region_abi) && offset <= bytes &&
           count * size <= bytes - offset;
}

static bool plan_valid(const struct region_plan *head, size_t bytes)
{
    if (head->magic != STK_ABI_MAGIC || head->version != STK_ABI_VERSION ||
        head->header_bytes != sizeof(struct stk_region_abi) || head->region_bytes != bytes) {
        return false;
    }
    if (head->socks_count == 0 || head->socks_count > STK_REGION_SOCKS_MAX || head->chunks_count == 0 ||
        head->chunks_count > STK_REGION_CHUNKS_MAX) {
        return false;
    }
    if (head->events_slots < head->socks_count + STK_RIO_CQS_MAX ||
        (head->events_slots & (head->events_slots - 1)) != 0) {
        return false;
    }
    return place_fits(head->rings_offset, STK_RINGS_MAX, sizeof(struct stk_ring_abi), STK_ABI_LINE, bytes) &&
           place_fits(head->socks_offset, head->socks_count, sizeof(struct stk_sock_abi), STK_ABI_LINE, bytes) &&
           place_fits(head->events_offset, head->events_slots, sizeof(uint32_t), STK_ABI_LINE, bytes) &&
           place_fits(head->next_offset, head->chunks_count, sizeof(uint32_t), sizeof(uint32_t), bytes) &&
           place_fits(head->chunks_offset, head->chunks_count, STK_CHUNK_SIZE, REGION_PAGE, bytes);
}

int stk_region_open_view(void *base, size_t bytes, struct stk_region *out)
{
    if (base == NULL || (uintptr_t)base % STK_ABI_LINE != 0 || bytes < sizeof(struct stk_region_abi)) {
        return STK_EPROTO;
    }
    struct region_plan head;
    /* Copied once: the fence keeps the compiler from reading the region again. */
    memcpy(&head, base, sizeof(head));
    atomic_signal_fence(memory_order_seq_cst);
    if (!plan_valid(&head, bytes)) {
        return STK_EPROTO;
    }
    uint8_t *start = base;
    memset(out, 0, sizeof(*out));
    out->abi = base;
    out->rings = (void *)(start + head.rings_offset);
    out->socks = (void *)(start + head.socks_offset);
    out->events = (void *)(start + head.events_offset);
    out->chunk_next = (void *)(start + head.next_offset);
    out->chunks = start + head.chunks_offset;
    out->socks_count = head.socks_count;
    out->chunks_count = head.chunks_count;
    out->events_mask = head.events_slots - 1;
    out->app_spin_us = head.app_spin_us;
    out->bytes = bytes;
    out->bell_fd = -1;
    return STK_OK;
}

void stk_region_sock_init(struct stk_region *region, uint32_t sock)
{
    struct stk_sock_abi *slot = &region->socks[sock];
    for (uint32_t i = 0; i < STK_FIFO_SLOTS; i++) {
        atomic_store_explicit(&slot->rx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
        atomic_store_explicit(&slot->tx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
    }
}
