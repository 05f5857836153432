#include "lwip/stk_ep_priv.h"

#include "ipc/urgent.h"
#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#include <string.h>

void stk_ep_urgent_begin(struct stk_ep *ep)
{
    const struct tcp_pcb *pcb = ep->pcb.tcp;
    ep->urgent.rx_seq = pcb->rcv_nxt - (uint32_t)ep->rx_tail;
    ep->urgent.tx_seq = pcb->snd_lbb - (uint32_t)ep->tx_queued;
}

/* --- Sending ---------------------------------------------------------------- */

bool stk_ep_urgent_take(struct stk_ep *ep, uint64_t tail)
{
    const uint64_t end = atomic_load_explicit(&ep->abi->tx_urgent, memory_order_relaxed);
    if (end > tail || end <= ep->tx_acked) { /* ahead of what this look found: the next one; or nonsense */
        return false;
    }
    ep->urgent.tx_end = end;
    tcp_set_flags(ep->pcb.tcp, TF_URGENT);
    /* What cannot leave now, for the window, is announced all the same; any data that leaves takes this back. */
    tcp_ack_now(ep->pcb.tcp);
    return true;
}

static bool urgent_unacked(const struct stk_ep *ep)
{
    return ep->urgent.tx_end > ep->tx_acked;
}

bool stk_ep_urgent_sending(const struct tcp_pcb *pcb)
{
    const struct stk_ep *ep = stk_ep_tcp_of(pcb);
    return ep != NULL && urgent_unacked(ep);
}

void stk_hook_tcp_urgent_out(struct tcp_pcb *pcb, struct tcp_hdr *header)
{
    const struct stk_ep *ep = stk_ep_tcp_of(pcb);
    const u32_t seq = lwip_ntohl(header->seqno);
    TCPH_UNSET_FLAG(header, TCP_URG); /* a segment that is repeated has what it was sent with */
    header->urgp = 0;
    if (ep == NULL || !urgent_unacked(ep)) {
        return;
    }
    const u32_t end = ep->urgent.tx_seq + (u32_t)ep->urgent.tx_end;
    if (!TCP_SEQ_GT(end, seq)) {
        return;
    }
    u32_t pointer = end - seq - (ep->opts.urgent_1122 ? 1 : 0); /* OOB-12 */
    if (pointer > UINT16_MAX) {
        /* Too far for the field. The largest value is no lie while the peer has nothing from there on: what it gets
           before says more. */
        if (!TCP_SEQ_GT(seq + UINT16_MAX, pcb->snd_nxt)) {
            return;
        }
        pointer = UINT16_MAX;
    }
    TCPH_SET_FLAG(header, TCP_URG);
    header->urgp = lwip_htons((u16_t)pointer);
}

/* --- Receiving ----------------------------------------------------------------- */

static void word_publish(struct stk_ep *ep, unsigned flags, uint8_t byte)
{
    ep->urgent.rx_word = stk_urgent_word(ep->urgent.rx_number, flags, byte, ep->urgent.rx_mark);
    atomic_store_explicit(&ep->abi->rx_urgent, ep->urgent.rx_word, memory_order_release);
}

/* Is seq within what RFC 9293 3.10.7.4 lets a segment have? With a closed window only its pointer counts. */
static bool segment_near(const struct tcp_pcb *pcb, u32_t seq, u16_t len)
{
    return TCP_SEQ_LEQ(seq, pcb->rcv_nxt + pcb->rcv_wnd) && TCP_SEQ_GEQ(seq + len + 1, pcb->rcv_nxt);
}

/* The pointer moves to a byte that is not here yet. Those before it that surely were urgent stay known, so that they do
 * not turn up in the stream (OOB-10): a pointer that was only too far for its field is not one of them. */
static void due_add(struct stk_ep *ep, u32_t at, bool sure)
{
    struct stk_ep_urgent *urgent = &ep->urgent;
    if (urgent->due_count > 0 && !urgent->last_sure) {
        urgent->due_count--;
    }
    if (urgent->due_count == STK_EP_URGENT_DUE) {
        memmove(&urgent->due[0], &urgent->due[1], (STK_EP_URGENT_DUE - 1) * sizeof(urgent->due[0]));
        urgent->due_count--;
    }
    urgent->due[urgent->due_count++] = at;
    urgent->last_sure = sure;
    ep->urgent_due = true;
    urgent->rx_number = urgent->rx_number == STK_URGENT_NUMBER_MAX ? 1 : urgent->rx_number + 1;
    urgent->rx_mark = ep->rx_tail + (at - (urgent->rx_seq + (u32_t)ep->rx_tail));
    word_publish(ep, 0, 0); /* a byte that waited is lost: OOB-10 */
}

void stk_hook_tcp_urgent_in(struct tcp_pcb *pcb, u32_t seq, u16_t pointer, u16_t len)
{
    struct stk_ep *ep = stk_ep_tcp_of(pcb);
    if (ep == NULL || ep->phase == STK_EP_CLOSING || ep->rx_shut || !segment_near(pcb, seq, len) ||
        (pcb->state != ESTABLISHED && pcb->state != FIN_WAIT_1 && pcb->state != FIN_WAIT_2)) {
        return;
    }
    struct stk_ep_urgent *urgent = &ep->urgent;
    /* OOB-12. 0 of the other convention is the segment's first byte in both. */
    const u32_t at = seq + pointer - (!ep->opts.urgent_1122 && pointer > 0 ? 1 : 0);
    if (TCP_SEQ_LT(at, pcb->rcv_nxt)) {
        return; /* told of before, or too late */
    }
    const bool sure = at - seq < len;
    if (urgent->due_count > 0) {
        const u32_t last = urgent->due[urgent->due_count - 1];
        urgent->last_sure = urgent->last_sure || (sure && at == last) || TCP_SEQ_LT(last, pcb->rcv_nxt);
        if (!TCP_SEQ_GT(at, last)) {
            return; /* the same once more; the pointer does not go back */
        }
    }
    due_add(ep, at, sure);
}

/* Bytes of a chain to a position of the FIFO. */
static bool part_store(struct stk_ep *ep, const struct pbuf *p, uint32_t offset, uint32_t len, uint64_t at)
{
    for (; p != NULL && len > 0; p = p->next) {
        if (offset >= p->len) {
            offset -= p->len;
            continue;
        }
        const uint32_t piece = p->len - offset < len ? p->len - offset : len;
        if (stk_fifo_write(ep->table->region, ep->abi->rx_slots, at, (const uint8_t *)p->payload + offset, piece) !=
            piece) {
            return false;
        }
        at += piece;
        len -= piece;
        offset = 0;
    }
    return len == 0;
}

/* The last urgent byte that is due came. */
static void due_arrived(struct stk_ep *ep, uint64_t mark, uint8_t byte)
{
    ep->urgent.rx_mark = mark;
    word_publish(ep, STK_URGENT_THERE | (ep->opts.oobinline ? (unsigned)STK_URGENT_IN_STREAM : 0u), byte);
}

bool stk_ep_urgent_store(struct stk_ep *ep, const struct pbuf *p)
{
    struct stk_ep_urgent *urgent = &ep->urgent;
    const u32_t next = urgent->rx_seq + (u32_t)ep->rx_tail;
    const bool in_line = ep->opts.oobinline;
    uint64_t at = ep->rx_tail;
    uint64_t mark = at;
    uint32_t offset = 0;
    uint32_t passed = 0;
    uint8_t byte = 0;
    for (; passed < urgent->due_count && urgent->due[passed] - next < p->tot_len; passed++) {
        const uint32_t here = urgent->due[passed] - next;
        if (!part_store(ep, p, offset, here - offset, at)) {
            return false;
        }
        at += here - offset;
        mark = at;
        byte = pbuf_get_at(p, (u16_t)here);
        offset = in_line ? here : here + 1;
    }
    if (!part_store(ep, p, offset, p->tot_len - offset, at)) {
        return false;
    }
    at += p->tot_len - offset;
    const uint32_t taken = p->tot_len - (uint32_t)(at - ep->rx_tail);
    urgent->due_count -= passed;
    memmove(&urgent->due[0], &urgent->due[passed], urgent->due_count * sizeof(urgent->due[0]));
    ep->urgent_due = urgent->due_count > 0;
    urgent->rx_seq += taken;
    ep->rx_tail = at;
    if (passed > 0 && urgent->due_count == 0) {
        due_arrived(ep, mark, byte);
    }
    /* Edge E; behind the word, so that who sees the bytes behind the mark sees the mark. */
    atomic_store_explicit(&ep->abi->rx_tail, at, memory_order_release);
    if (taken > 0) { /* it takes no room */
        tcp_recved(ep->pcb.tcp, (u16_t)taken);
    }
    return true;
}

/* --- Options ---------------------------------------------------------------------- */

/* A byte that waits beside the stream goes with the option: it is not lost by setting it. */
static void oobinline_turn(struct stk_ep *ep, bool on)
{
    const uint64_t word = ep->urgent.rx_word;
    unsigned flags = stk_urgent_flags(word);
    if (!stk_urgent_waits(ep->abi, word)) {
        return;
    }
    if (on) { /* where the reader is, if it is beyond the mark */
        const uint64_t head = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
        if (head > ep->urgent.rx_mark && head <= ep->rx_tail) {
            ep->urgent.rx_mark = head;
        }
        flags |= STK_URGENT_TURNED;
    } else {
        flags &= ~(unsigned)STK_URGENT_TURNED;
    }
    word_publish(ep, flags, stk_urgent_byte(word));
}

int stk_ep_urgent_opt_set(struct stk_ep *ep, uint32_t opt, bool on)
{
    if (opt == STK_OPT_OOBINLINE) {
        if (ep->opts.oobinline != on) {
            ep->opts.oobinline = on;
            stk_ep_state_set(ep, on ? STK_ST_OOBINLINE : 0u, on ? 0u : STK_ST_OOBINLINE);
            oobinline_turn(ep, on);
            stk_ep_notify(ep);
        }
        return STK_OK;
    }
    if (on == ep->opts.urgent_1122) {
        return STK_OK;
    }
    const uint64_t sent = atomic_load_explicit(&ep->abi->tx_tail, memory_order_relaxed);
    if (ep->opts.urgent_set || (!ep->listening && (sent != 0 || ep->rx_tail != 0 || ep->urgent.rx_number != 0))) {
        return STK_EINVAL; /* X25: one change, and before data flows */
    }
    ep->opts.urgent_1122 = on;
    ep->opts.urgent_set = true;
    return STK_OK;
}
