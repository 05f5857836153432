#include "lwip/time_wait.h"

#include "instance_priv.h"

#include "stack/clock.h"
#include "stack/err.h"

#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
/* A replaced connection's last sequence number is passed by more than a window without scaling. */
#define ISN_STEP 65537u
#define OPTION_TIMESTAMP 8u
#define OPTION_TIMESTAMP_LEN 10u

struct stk_time_wait {
    ip_addr_t local_ip;
    ip_addr_t remote_ip;
    uint64_t end_ns;
    uint32_t hash_next;
    uint32_t port_next;
    uint32_t older;
    uint32_t newer; /* also: the next free one */
    uint32_t bucket;
    uint32_t rcv_nxt;
    uint32_t snd_nxt;
    uint32_t ts_recent;
    uint32_t window;
    uint16_t local_port;
    uint16_t remote_port;
    uint8_t ttl;
    uint8_t tos;
    uint8_t rcv_scale;
    uint8_t netif_idx;
    bool timestamps;
};

/* --- Life ---------------------------------------------------------------- */

int stk_time_wait_init(struct stk_time_wait_table *table, uint32_t limit)
{
    uint32_t buckets = 64;
    while (buckets < limit)
        buckets *= 2;
    memset(table, 0, sizeof(*table));
    table->records = calloc(limit, sizeof(*table->records));
    table->buckets = calloc(buckets, sizeof(*table->buckets)); /* record + 1; 0: none */
    table->ports = calloc(buckets, sizeof(*table->ports));
    if (table->records == NULL || table->buckets == NULL || table->ports == NULL) {
        stk_time_wait_fini(table);
        return STK_ENOMEM;
    }
    table->mask = buckets - 1;
    table->limit = limit;
    table->free = NONE;
    table->oldest = NONE;
    table->newest = NONE;
    return STK_OK;
}

void stk_time_wait_fini(struct stk_time_wait_table *table)
{
    free(table->ports);
    free(table->buckets);
    free(table->records);
    table->ports = NULL;
    table->buckets = NULL;
    table->records = NULL;
}

/* --- Records -------------------------------------------------------------- */

static struct stk_time_wait_table *table_selected(void)
{
    return &stk_inst_selected()->time_wait;
}

static void age_remove(struct stk_time_wait_table *table, const struct stk_time_wait *record)
{
    if (record->older != NONE)
        table->records[record->older].newer = record->newer;
    else
        table->oldest = record->newer;
    if (record->newer != NONE)
        table->records[record->newer].older = record->older;
    else
        table->newest = record->older;
}

/* All wait equally long: who begins last ends last. */
static void age_add(struct stk_time_wait_table *table, uint32_t index)
{
    const struct stk_inst *inst = stk_inst_selected();
    struct stk_time_wait *record = &table->records[index];
    record->end_ns = inst->ops->now_ns(inst->ctx) + 2 * (uint64_t)inst->limits.tcp_msl_ms * STK_MS_NS;
    record->newer = NONE;
    record->older = table->newest;
    if (table->newest != NONE)
        table->records[table->newest].newer = index;
    else
        table->oldest = index;
    table->newest = index;
}

static void record_end(struct stk_time_wait_table *table, uint32_t index)
{
    struct stk_time_wait *record = &table->records[index];
    uint32_t *at = &table->buckets[record->bucket];
    while (*at != index + 1)
        at = &table->records[*at - 1].hash_next;
    *at = record->hash_next;
    at = &table->ports[record->local_port & table->mask];
    while (*at != index + 1)
        at = &table->records[*at - 1].port_next;
    *at = record->port_next;
    age_remove(table, record);
    stk_hook_tcp_port(record->local_port, -1);
    record->newer = table->free;
    table->free = index;
    table->used--;
}

static uint32_t record_take(struct stk_time_wait_table *table)
{
    if (table->free == NONE && table->fresh == table->limit) {
        table->reclaimed++;
        record_end(table, table->oldest);
    }
    uint32_t index = table->free;
    if (index != NONE)
        table->free = table->records[index].newer;
    else
        index = table->fresh++;
    table->used++;
    if (table->used > table->high_water)
        table->high_water = table->used;
    return index;
}

static uint32_t record_find(const struct stk_time_wait_table *table, const ip_addr_t *local_ip, uint16_t local_port,
                            const ip_addr_t *remote_ip, uint16_t remote_port)
{
    if (table->used == 0)
        return NONE;
    const uint32_t bucket = (uint32_t)stk_pcb_conn_hash(local_ip, local_port, remote_ip, remote_port) & table->mask;
    for (uint32_t at = table->buckets[bucket]; at != 0; at = table->records[at - 1].hash_next) {
        const struct stk_time_wait *record = &table->records[at - 1];
        if (record->remote_port == remote_port && record->local_port == local_port &&
            ip_addr_eq(&record->remote_ip, remote_ip) && ip_addr_eq(&record->local_ip, local_ip))
            return at - 1;
    }
    return NONE;
}

bool stk_time_wait_has(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip, uint16_t remote_port)
{
    return record_find(table_selected(), local_ip, local_port, remote_ip, remote_port) != NONE;
}

bool stk_time_wait_on_port(const ip_addr_t *local_ip, uint16_t local_port)
{
    const struct stk_time_wait_table *table = table_selected();
    if (table->used == 0)
        return false;
    for (uint32_t at = table->ports[local_port & table->mask]; at != 0; at = table->records[at - 1].port_next) {
        const struct stk_time_wait *record = &table->records[at - 1];
        if (record->local_port == local_port && ip_addr_eq(&record->local_ip, local_ip))
            return true;
    }
    return false;
}

static void record_fill(struct stk_time_wait *record, const struct tcp_pcb *pcb)
{
    ip_addr_copy(record->local_ip, pcb->local_ip);
    ip_addr_copy(record->remote_ip, pcb->remote_ip);
    record->local_port = pcb->local_port;
    record->remote_port = pcb->remote_port;
    record->rcv_nxt = pcb->rcv_nxt;
    record->snd_nxt = pcb->snd_nxt;
    record->ts_recent = pcb->ts_recent;
    record->timestamps = (pcb->flags & TF_TIMESTAMP) != 0;
    record->window = pcb->rcv_ann_wnd;
    record->rcv_scale = (pcb->flags & TF_WND_SCALE) != 0 ? pcb->rcv_scale : 0;
    record->ttl = pcb->ttl;
    record->tos = pcb->tos;
    record->netif_idx = pcb->netif_idx;
}

void stk_hook_tcp_time_wait(struct tcp_pcb *pcb)
{
    struct stk_time_wait_table *table = table_selected();
    if (pcb->refused_data != NULL)
        return; /* the application has not taken all of it: the PCB stays, see stk_hook_tcp_time_wait_tmr */
    const uint32_t index = record_take(table);
    struct stk_time_wait *record = &table->records[index];
    record_fill(record, pcb);
    record->bucket = (uint32_t)stk_pcb_conn_hash(&record->local_ip, record->local_port, &record->remote_ip,
                                                 record->remote_port) &
                     table->mask;
    record->hash_next = table->buckets[record->bucket];
    table->buckets[record->bucket] = index + 1;
    uint32_t *head = &table->ports[record->local_port & table->mask];
    record->port_next = *head;
    *head = index + 1;
    age_add(table, index);
    stk_hook_tcp_port(record->local_port, 1);
    tcp_abandon(pcb, 0); /* in this state: freed, and nothing is sent */
}

void stk_hook_tcp_time_wait_tmr(void)
{
    struct tcp_pcb *next = NULL;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (pcb->refused_data == NULL || tcp_process_refused_data(pcb) == ERR_OK)
            stk_hook_tcp_time_wait(pcb);
    }
}

void stk_time_wait_run(uint64_t now_ns)
{
    struct stk_time_wait_table *table = table_selected();
    while (table->used != 0 && table->records[table->oldest].end_ns <= now_ns)
        record_end(table, table->oldest);
}

uint64_t stk_time_wait_next(const struct stk_inst *inst)
{
    const struct stk_time_wait_table *table = &inst->time_wait;
    return table->used == 0 ? STK_NEVER : table->records[table->oldest].end_ns;
}

/* --- Segments ---------------------------------------------------------------- */

/* lwIP's own acknowledgement, of a PCB that lives as long as the call. */
static void record_answer(struct stk_time_wait_table *table, const struct stk_time_wait *record)
{
    struct tcp_pcb pcb;
    memset(&pcb, 0, sizeof(pcb));
    ip_addr_copy(pcb.local_ip, record->local_ip);
    ip_addr_copy(pcb.remote_ip, record->remote_ip);
    pcb.local_port = record->local_port;
    pcb.remote_port = record->remote_port;
    pcb.state = TIME_WAIT;
    pcb.rcv_nxt = record->rcv_nxt;
    pcb.snd_nxt = record->snd_nxt;
    pcb.lastack = record->snd_nxt; /* all is acknowledged: the number lies in the window, whatever that was */
    pcb.rcv_wnd = record->window;
    pcb.rcv_ann_wnd = record->window;
    pcb.rcv_scale = record->rcv_scale;
    pcb.ts_recent = record->ts_recent;
    pcb.flags = record->timestamps ? TF_TIMESTAMP | TF_WND_SCALE : TF_WND_SCALE;
    pcb.ttl = record->ttl;
    pcb.tos = record->tos;
    pcb.netif_idx = record->netif_idx;
    pcb.mss = 536; /* nothing is sent that it matters for */
    table->answered++;
    (void)tcp_send_empty_ack(&pcb);
}

static uint8_t option_byte(const struct stk_tcp_segment *seg, uint32_t at)
{
    return at < seg->options_len ? seg->options[at] : seg->options_more[at - seg->options_len];
}

/* RFC 7323 3.2. The options may be cut between two buffers. */
static bool segment_timestamp(const struct stk_tcp_segment *seg, uint32_t *value)
{
    uint32_t at = 0;
    while (at < seg->options_total) {
        const uint8_t kind = option_byte(seg, at);
        if (kind == 0)
            return false;
        if (kind == 1) {
            at++;
            continue;
        }
        const uint32_t len = at + 1 < seg->options_total ? option_byte(seg, at + 1) : 0;
        if (len < 2 || at + len > seg->options_total)
            return false;
        if (kind == OPTION_TIMESTAMP && len == OPTION_TIMESTAMP_LEN) {
            *value = 0;
            for (uint32_t i = 0; i < 4; i++)
                *value = *value << 8 | option_byte(seg, at + 2 + i);
            return true;
        }
        at += len;
    }
    return false;
}

/* RFC 6191 2: may a SYN begin a new connection here? */
static bool syn_replaces(const struct stk_time_wait *record, const struct stk_tcp_segment *seg)
{
    uint32_t value = 0;
    const bool timestamp = segment_timestamp(seg, &value);
    const bool sequence = TCP_SEQ_GT(seg->seqno, record->rcv_nxt - 1);
    if (!record->timestamps)
        return timestamp || sequence;
    if (!timestamp || value == record->ts_recent)
        return sequence;
    return TCP_SEQ_GT(value, record->ts_recent);
}

int stk_hook_tcp_time_wait_input(const struct stk_tcp_segment *seg)
{
    struct stk_time_wait_table *table = table_selected();
    const uint32_t index = record_find(table, ip_current_dest_addr(), seg->local_port, ip_current_src_addr(),
                                       seg->remote_port);
    if (index == NONE)
        return 0;
    struct stk_time_wait *record = &table->records[index];
    if ((seg->flags & TCP_RST) != 0)
        return 1; /* RFC 1337 3 */
    if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && syn_replaces(record, seg) &&
        stk_hook_tcp_find_listener(seg->local_port) != NULL) {
        struct stk_inst *inst = stk_inst_selected();
        inst->replaced = (struct stk_replaced){.valid = true,
                                               .local_port = record->local_port,
                                               .remote_port = record->remote_port,
                                               .isn_min = record->snd_nxt + ISN_STEP};
        ip_addr_copy(inst->replaced.remote_ip, record->remote_ip);
        table->replaced++;
        record_end(table, index);
        return 0;
    }
    if ((seg->flags & TCP_FIN) != 0 && seg->seqno + seg->len == record->rcv_nxt) { /* the last one again */
        age_remove(table, record);
        age_add(table, index);
    }
    /* RFC 9293 3.10.7.4: what has a length, and what is out of the window, is acknowledged. */
    if (seg->len > 0 || seg->seqno != record->rcv_nxt)
        record_answer(table, record);
    return 1;
}

uint32_t stk_time_wait_isn(uint32_t isn, uint16_t local_port, const ip_addr_t *remote_ip, uint16_t remote_port)
{
    struct stk_replaced *replaced = &stk_inst_selected()->replaced;
    if (!replaced->valid || replaced->local_port != local_port || replaced->remote_port != remote_port ||
        !ip_addr_eq(&replaced->remote_ip, remote_ip))
        return isn;
    replaced->valid = false;
    return TCP_SEQ_LT(isn, replaced->isn_min) ? replaced->isn_min : isn;
}
