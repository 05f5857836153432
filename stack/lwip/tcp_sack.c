/**
 * @file
 * Loss recovery by selective acknowledgements (patch 0032): RFC 2018, RFC 6675 with its limited transmit (RFC 3042), and
 * retransmissions that were lost themselves.
 *
 * Each list of segments is walked by pointers that only move on, so that what an acknowledgement costs is what it tells; one
 * that tells nothing, or lies, costs STEPS_MAX segments at most.
 */
#include "lwip/tcp_sack.h"

#include "lwip/instance_priv.h"
#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#define DUP_THRESH 3u        /* RFC 6675 2 */
#define STEPS_MAX 4096u      /* segments that one acknowledgement may be walked past */
#define ACK_DELAY_US 200000u /* RFC 8985 7.2: how late a peer acknowledges a segment that is alone */
#define MARKS (TF_SEG_SACKED | TF_SEG_LOST | TF_SEG_RESENT | TF_SEG_ORDERED)

static uint32_t seq_of(const struct tcp_seg *seg)
{
    return lwip_ntohl(seg->tcphdr->seqno);
}

static uint32_t end_of(const struct tcp_seg *seg)
{
    return seq_of(seg) + TCP_TCPLEN(seg);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The segment in flight behind one; NULL: the first. */
static struct tcp_seg *after(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    return seg != NULL ? seg->next : pcb->unacked;
}

static bool marked(const struct tcp_seg *seg, u16_t flag)
{
    return (seg->flags & flag) != 0;
}

/* When it went out last, in bytes sent since the scoreboard began; what was sent before that lies in its own order. */
static uint32_t order_of(const struct tcp_seg *seg)
{
    return marked(seg, TF_SEG_ORDERED) ? seg->order : end_of(seg);
}

/* --- The congestion window ---------------------------------------------------------------- */

uint32_t stk_tcp_sack_cwnd(const struct tcp_pcb *pcb)
{
    return (pcb->flags & TF_SACKED) != 0 && !pcb->own.sack.fresh ? pcb->own.sack.cwnd : pcb->cwnd;
}

/* A time-out sets lwIP's. */
static void window_take(struct tcp_pcb *pcb)
{
    pcb->own.sack.cwnd = stk_tcp_sack_cwnd(pcb);
    pcb->own.sack.fresh = 0;
}

/* What of the bytes in flight does not count in RFC 6675's pipe. */
static int64_t not_in_pipe(const struct stk_tcp_sack *sack)
{
    return (int64_t)sack->sacked + sack->lost - sack->resent;
}

static void window_show(struct tcp_pcb *pcb)
{
    const int64_t window = (int64_t)pcb->own.sack.cwnd + not_in_pipe(&pcb->own.sack);
    pcb->cwnd = window <= 0 ? 0u : window > UINT32_MAX ? UINT32_MAX : (uint32_t)window;
}

/* Bytes that were sent and are not known to have left the network. */
static int64_t pipe_of(const struct tcp_pcb *pcb)
{
    uint32_t end = pcb->snd_nxt;
    if (pcb->unsent != NULL && TCP_SEQ_LT(seq_of(pcb->unsent), end)) { /* what a time-out has not repeated yet */
        end = seq_of(pcb->unsent);
    }
    return (int64_t)(uint32_t)(end - pcb->lastack) - not_in_pipe(&pcb->own.sack);
}

/* --- Beginning and end ---------------------------------------------------------------------- */

static void board_begin(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    *sack = (struct stk_tcp_sack){.seen = 1, .cwnd = pcb->cwnd, .newest = pcb->lastack, .dup_acks = sack->dup_acks};
    if ((pcb->flags & TF_INFR) != 0) { /* repeated by duplicate acknowledgements that said nothing else */
        tcp_clear_flags(pcb, TF_INFR);
        sack->recovering = 1;
        sack->recover = pcb->snd_nxt;
        sack->cwnd = pcb->ssthresh;
    }
    tcp_set_flags(pcb, TF_SACKED);
}

static void board_end(struct tcp_pcb *pcb)
{
    /* What is in flight was sent once, in its own order: the next scoreboard counts anew. */
    for (struct tcp_seg *seg = pcb->unacked; seg != NULL && pcb->own.sack.sent_again != 0; seg = seg->next) {
        seg->flags &= (u16_t)~TF_SEG_ORDERED;
    }
    pcb->cwnd = pcb->own.sack.cwnd;
    pcb->own.sack = (struct stk_tcp_sack){.seen = 1};
    tcp_clear_flags(pcb, TF_SACKED);
}

/* A retransmission timer ran out, or the path became narrower, and all goes out again: RFC 2018 8, RFC 6675 5.1. What is told
 * from now on is noted anew. */
void stk_hook_tcp_sack_forget(struct tcp_pcb *pcb)
{
    if (!pcb->own.sack.seen) {
        return;
    }
    for (struct tcp_seg *seg = pcb->unacked; seg != NULL; seg = seg->next) {
        seg->flags &= (u16_t)~MARKS;
    }
    for (struct tcp_seg *seg = pcb->unsent; seg != NULL && TCP_SEQ_LT(seq_of(seg), pcb->snd_nxt); seg = seg->next) {
        seg->flags &= (u16_t)~MARKS;
    }
    pcb->cwnd = stk_tcp_sack_cwnd(pcb);
    pcb->own.sack = (struct stk_tcp_sack){.seen = 1, .fresh = 1, .newest = pcb->lastack};
    pcb->own.probe = (struct stk_tcp_probe){0};
    tcp_set_flags(pcb, TF_SACKED);
}

/* --- What the peer has -------------------------------------------------------------------- */

/* A segment in flight is what the peer has. */
static void note_sacked(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    const uint32_t len = TCP_TCPLEN(seg);
    const uint32_t end = end_of(seg);
    const uint32_t order = order_of(seg);
    if (marked(seg, TF_SEG_LOST)) {
        sack->lost -= len;
    }
    if (marked(seg, TF_SEG_RESENT)) {
        sack->resent -= len;
    }
    seg->flags = (u16_t)((seg->flags & ~MARKS) | TF_SEG_SACKED);
    if (sack->sacked == 0 || TCP_SEQ_GT(end, sack->top)) {
        sack->top = end;
    }
    if (pcb->own.probe.out && end == pcb->own.probe.end) {
        pcb->own.probe.arrived = 1; /* or the first time it was sent; that long after all else it is the same */
    }
    if (TCP_SEQ_GT(order, sack->newest)) {
        sack->newest = order;
    }
    sack->sacked += len;
    if (sack->edge == NULL || TCP_SEQ_GT(seq_of(seg), seq_of(sack->edge))) {
        sack->above_bytes += len;
        sack->above_segments++;
    }
}

/* The stretch that continues at left, or the one to begin a walk to left at. */
static struct stk_tcp_sack_run *run_for(struct stk_tcp_sack *sack, uint32_t left)
{
    struct stk_tcp_sack_run *nearest = NULL;
    for (unsigned i = 0; i < STK_TCP_SACK_RUNS; i++) {
        struct stk_tcp_sack_run *run = &sack->runs[i];
        if (run->last == NULL) {
            continue;
        }
        if (TCP_SEQ_LEQ(run->left, left) && TCP_SEQ_LEQ(left, run->right)) {
            return run;
        }
        if (TCP_SEQ_LT(seq_of(run->last), left) &&
            (nearest == NULL || TCP_SEQ_GT(seq_of(run->last), seq_of(nearest->last)))) {
            nearest = run;
        }
    }
    return nearest;
}

static void run_note(struct stk_tcp_sack *sack, struct stk_tcp_sack_run *run, uint32_t left, struct tcp_seg *last)
{
    const uint32_t right = end_of(last);
    if (run == NULL || TCP_SEQ_GT(left, run->right) || TCP_SEQ_LT(left, run->left)) { /* another one */
        run = &sack->runs[sack->run_next];
        sack->run_next = (uint8_t)((sack->run_next + 1u) % STK_TCP_SACK_RUNS);
        run->left = left;
    }
    run->right = right;
    run->last = last;
}

/* Mark what lies wholly within a block; a part of a segment that the peer has says nothing of the rest. */
static bool block_take(struct tcp_pcb *pcb, uint32_t left, uint32_t right, uint32_t *steps)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    struct stk_tcp_sack_run *run = run_for(sack, left);
    struct tcp_seg *last = run != NULL ? run->last : NULL;
    bool news = false;
    if (run != NULL && TCP_SEQ_LEQ(run->left, left) && TCP_SEQ_LEQ(right, run->right)) {
        return false; /* as before */
    }
    for (struct tcp_seg *seg = after(pcb, last); seg != NULL && TCP_SEQ_LEQ(end_of(seg), right); seg = seg->next) {
        if (*steps == 0) {
            if (!news && last != NULL &&
                (pcb->flags & TF_SACKED) != 0) { /* the next acknowledgement goes on from here */
                run_note(sack, NULL, end_of(last), last);
            }
            return news;
        }
        (*steps)--;
        last = seg;
        if (TCP_SEQ_LT(seq_of(seg), left) || marked(seg, TF_SEG_SACKED)) {
            continue;
        }
        if ((pcb->flags & TF_SACKED) == 0) {
            board_begin(pcb);
        }
        note_sacked(pcb, seg);
        news = true;
    }
    if (last != NULL && TCP_SEQ_GEQ(seq_of(last), left)) {
        run_note(sack, run, left, last);
    }
    return news;
}

/* After a time-out, what the peer has of what is to be repeated is left out. */
static bool block_take_unsent(struct tcp_pcb *pcb, uint32_t left, uint32_t right, uint32_t *steps)
{
    bool news = false;
    const uint32_t last = TCP_SEQ_LT(right, pcb->rto_end) ? right : pcb->rto_end; /* TF_RTO goes when these have gone */
    for (struct tcp_seg *seg = pcb->unsent; seg != NULL && *steps > 0 && TCP_SEQ_LEQ(end_of(seg), last);
         seg = seg->next) {
        (*steps)--;
        if (TCP_SEQ_LT(seq_of(seg), left) || marked(seg, TF_SEG_SACKED)) {
            continue;
        }
        if ((pcb->flags & TF_SACKED) == 0) {
            board_begin(pcb);
        }
        seg->flags |= TF_SEG_SACKED;
        news = true;
    }
    return news;
}

/* RFC 2018 5, and RFC 6675 5.1 for what a time-out queued: reports true if anything is new. */
static bool board_update(struct tcp_pcb *pcb, u32_t ackno, const u32_t *edges, unsigned blocks)
{
    uint32_t steps = STEPS_MAX;
    bool news = false;
    for (unsigned i = 0; i < blocks; i++) {
        const uint32_t left = edges[2 * i];
        const uint32_t right = edges[2 * i + 1];
        if (right == pcb->own.probe.end &&
            TCP_SEQ_LEQ(right, ackno)) { /* RFC 2883: what was sent as a probe was there */
            pcb->own.probe.pending = 0;
        }
        if (TCP_SEQ_GT(left, ackno) && TCP_SEQ_LT(left, right) && TCP_SEQ_LEQ(right, pcb->snd_nxt)) {
            news = block_take(pcb, left, right, &steps) || news;
            if ((pcb->flags & TF_RTO) != 0) {
                news = block_take_unsent(pcb, left, right, &steps) || news;
            }
        }
    }
    return news;
}

/* --- What is lost --------------------------------------------------------------------------- */

static void mark_lost(struct stk_tcp_sack *sack, struct tcp_seg *seg)
{
    if (!marked(seg, TF_SEG_LOST | TF_SEG_SACKED)) {
        seg->flags |= TF_SEG_LOST;
        sack->lost += TCP_TCPLEN(seg);
    }
}

/* RFC 6675 4, IsLost: the peer has DupThresh segments, or more than DupThresh - 1 full ones, of what is behind it. */
static bool enough_above(const struct tcp_pcb *pcb)
{
    const struct stk_tcp_sack *sack = &pcb->own.sack;
    return sack->above_segments >= DUP_THRESH || sack->above_bytes > (DUP_THRESH - 1) * (uint32_t)pcb->mss;
}

/* Also if it went out again since. */
static void mark_lost_again(struct stk_tcp_sack *sack, struct tcp_seg *seg)
{
    if (marked(seg, TF_SEG_RESENT)) {
        seg->flags &= (u16_t)~TF_SEG_RESENT;
        sack->resent -= TCP_TCPLEN(seg);
    }
    mark_lost(sack, seg);
}

/* What is lost of all up to seg is marked. */
static void edge_pass(struct stk_tcp_sack *sack, struct tcp_seg *seg)
{
    if (marked(seg, TF_SEG_SACKED)) {
        sack->above_bytes -= TCP_TCPLEN(seg);
        sack->above_segments--;
    } else {
        mark_lost(sack, seg);
    }
    sack->edge = seg;
}

/* The peer has what was sent as a probe, two round trips after all else. */
static void losses_before_probe(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    struct stk_tcp_probe *probe = &pcb->own.probe;
    if (!probe->arrived) {
        return;
    }
    for (struct tcp_seg *seg = pcb->unacked; seg != NULL && TCP_SEQ_LT(end_of(seg), probe->end); seg = seg->next) {
        if (sack->edge == NULL || TCP_SEQ_GT(seq_of(seg), seq_of(sack->edge))) {
            edge_pass(sack, seg);
        }
        if (!marked(seg, TF_SEG_SACKED) && TCP_SEQ_LT(order_of(seg), probe->order)) {
            mark_lost_again(sack, seg);
        }
    }
    sack->looked = NULL;
    *probe = (struct stk_tcp_probe){0};
}

static void losses_find(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    struct tcp_seg *seg = after(pcb, sack->edge);
    for (; seg != NULL && enough_above(pcb); seg = seg->next) {
        edge_pass(sack, seg);
    }
    losses_before_probe(pcb);
    /* The first one went out again, and the peer has what was sent that much later: it was lost again. */
    struct tcp_seg *first = pcb->unacked;
    if (first != NULL && marked(first, TF_SEG_RESENT) &&
        TCP_SEQ_GT(sack->newest, order_of(first) + (DUP_THRESH - 1) * (uint32_t)pcb->mss)) {
        mark_lost_again(sack, first);
    }
}

/* RFC 6675 5 (4). */
static void recovery_begin(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    /* Output waits for the end of a burst of frames: what is in flight may be less than the window for a moment. */
    const uint32_t flight = least(pcb->unsent != NULL ? pcb->snd_wnd : pcb->snd_nxt - pcb->lastack, sack->cwnd);
    mark_lost(sack, pcb->unacked);
    sack->recovering = 1;
    sack->first = 1;
    sack->rescued = 0;
    sack->recover = pcb->snd_nxt;
    pcb->ssthresh = LWIP_MAX(flight / 2u, 2u * (uint32_t)pcb->mss);
    sack->cwnd = pcb->ssthresh;
    pcb->bytes_acked = 0;
    pcb->own.fast_resends++;
}

static void board_judge(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    const struct tcp_seg *first = pcb->unacked;
    sack->unsure_done = 0;
    losses_find(pcb);
    /* RFC 6675 5.1: what a time-out left to be repeated is no new loss. */
    if (!sack->recovering && (pcb->flags & TF_RTO) == 0 && first != NULL && !marked(first, TF_SEG_SACKED) &&
        (marked(first, TF_SEG_LOST) || sack->dup_acks >= DUP_THRESH)) {
        recovery_begin(pcb);
    }
    if (sack->sacked + sack->lost + sack->resent == 0 && !sack->recovering && !pcb->own.probe.pending &&
        (pcb->flags & TF_RTO) == 0) {
        board_end(pcb);
    } else {
        window_show(pcb);
    }
}

/* --- Acknowledgements --------------------------------------------------------------------- */

void stk_hook_tcp_sack_in(struct tcp_pcb *pcb, u32_t ackno, const u32_t *edges, unsigned blocks)
{
    if ((pcb->flags & TF_SACK) == 0 || pcb->state < ESTABLISHED ||
        !TCP_SEQ_BETWEEN(ackno, pcb->lastack, pcb->snd_nxt)) {
        return;
    }
    pcb->own.sack.seen = 1;
    if ((pcb->flags & TF_SACKED) != 0) {
        window_take(pcb);
    }
    const bool news = board_update(pcb, ackno, edges, blocks);
    if (ackno == pcb->lastack && (pcb->flags & TF_SACKED) != 0) {
        pcb->own.sack.dup_acks = (uint8_t)(pcb->own.sack.dup_acks + (news && pcb->own.sack.dup_acks < UINT8_MAX));
        board_judge(pcb);
    }
}

/* What an acknowledgement takes off the list is about to be freed. */
static void leave(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    const uint32_t len = TCP_TCPLEN(seg);
    const bool above = sack->edge == NULL || TCP_SEQ_GT(seq_of(seg), seq_of(sack->edge));
    if (marked(seg, TF_SEG_SACKED)) {
        sack->sacked -= len;
        sack->above_bytes -= above ? len : 0;
        sack->above_segments -= above;
    } else if (TCP_SEQ_GT(order_of(seg), sack->newest)) {
        sack->newest = order_of(seg);
    }
    sack->lost -= marked(seg, TF_SEG_LOST) ? len : 0;
    sack->resent -= marked(seg, TF_SEG_RESENT) ? len : 0;
}

/* RFC 8985 7.4: what was sent as a probe may have made good a loss that nobody heard of. */
static void probe_acked(struct tcp_pcb *pcb, u32_t ackno)
{
    struct stk_tcp_probe *probe = &pcb->own.probe;
    struct stk_tcp_sack *sack = &pcb->own.sack;
    if (!probe->pending || TCP_SEQ_LEQ(ackno, probe->end)) {
        return;
    }
    probe->pending = 0;
    if (!sack->recovering) {
        pcb->ssthresh = LWIP_MAX(sack->cwnd / 2u, 2u * (uint32_t)pcb->mss);
        sack->cwnd = pcb->ssthresh;
    }
}

void stk_hook_tcp_sack_acked(struct tcp_pcb *pcb, u32_t ackno)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    window_take(pcb);
    probe_acked(pcb, ackno);
    pcb->cwnd = sack->cwnd;
    sack->dup_acks = 0;
    for (const struct tcp_seg *seg = pcb->unacked; seg != NULL && TCP_SEQ_LEQ(end_of(seg), ackno); seg = seg->next) {
        leave(pcb, seg);
    }
    for (unsigned i = 0; i < STK_TCP_SACK_RUNS; i++) {
        if (sack->runs[i].last != NULL && TCP_SEQ_LEQ(end_of(sack->runs[i].last), ackno)) {
            sack->runs[i].last = NULL;
        }
    }
    if (sack->edge != NULL && TCP_SEQ_LEQ(end_of(sack->edge), ackno)) {
        sack->edge = NULL;
    }
    if (sack->looked != NULL && TCP_SEQ_LEQ(end_of(sack->looked), ackno)) {
        sack->looked = NULL;
    }
    if (sack->recovering) {
        pcb->rttest = 0; /* it was held up by what was lost */
    }
}

void stk_hook_tcp_sack_acked_end(struct tcp_pcb *pcb, u32_t ackno)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    if (!sack->recovering) {
        sack->cwnd = pcb->cwnd; /* RFC 5681 */
    } else {
        pcb->bytes_acked = 0;
        sack->recovering = TCP_SEQ_LT(ackno, sack->recover);
    }
    board_judge(pcb);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* RFC 6675 4, NextSeg (1): the first one that is lost and did not go out again. */
static struct tcp_seg *next_lost(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    struct tcp_seg *first = pcb->unacked;
    if (first != NULL && marked(first, TF_SEG_LOST) && !marked(first, TF_SEG_RESENT)) {
        return first;
    }
    while (sack->edge != NULL && sack->looked != sack->edge) {
        struct tcp_seg *seg = after(pcb, sack->looked);
        if (seg == NULL) {
            return NULL;
        }
        if (marked(seg, TF_SEG_LOST) && !marked(seg, TF_SEG_RESENT)) {
            return seg;
        }
        sack->looked = seg;
    }
    return NULL;
}

/* NextSeg (3) and (4), when there is nothing new to send: one that the peer does not have below one that it has; and once the
 * very last one. */
static struct tcp_seg *next_unsure(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    struct tcp_seg *seg = after(pcb, sack->edge);
    struct tcp_seg *last = NULL;
    if (!sack->recovering || sack->unsure_done) {
        return NULL;
    }
    for (; seg != NULL; seg = seg->next) {
        if (!marked(seg, TF_SEG_SACKED)) {
            if (!marked(seg, TF_SEG_RESENT) && sack->sacked != 0 && TCP_SEQ_LEQ(end_of(seg), sack->top)) {
                return seg;
            }
            last = seg;
        }
    }
    sack->unsure_done = 1; /* until an acknowledgement tells more */
    if (last == NULL || marked(last, TF_SEG_RESENT) || sack->rescued) {
        return NULL;
    }
    sack->rescued = 1;
    return last;
}

static void note_resent(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    sack->sent_again += TCP_TCPLEN(seg);
    sack->resent += marked(seg, TF_SEG_RESENT) ? 0 : TCP_TCPLEN(seg);
    seg->order = pcb->snd_nxt + sack->sent_again;
    seg->flags |= TF_SEG_RESENT | TF_SEG_ORDERED;
}

static bool resend(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    if (tcp_resend_segment(pcb, seg) != ERR_OK) {
        return false; /* the next acknowledgement, or the timer, tries again */
    }
    if (seg == pcb->unacked) {
        pcb->rtime = 0;
    }
    note_resent(pcb, seg);
    sack->first = 0;
    return true;
}

static bool nothing_new(const struct tcp_pcb *pcb)
{
    return pcb->unsent == NULL || seq_of(pcb->unsent) - pcb->lastack + pcb->unsent->len > pcb->snd_wnd;
}

/* What stands first in the queue may be what the peer has: it is in flight then, behind tail. */
static struct tcp_seg *sacked_skip(struct tcp_pcb *pcb, struct tcp_seg *tail)
{
    while (pcb->unsent != NULL && marked(pcb->unsent, TF_SEG_SACKED)) {
        struct tcp_seg *seg = pcb->unsent;
        seg->flags &= (u16_t)~MARKS;
        if (TCP_SEQ_GT(end_of(seg), pcb->snd_nxt)) { /* more was written to it since */
            break;
        }
        pcb->unsent = seg->next;
        seg->next = NULL;
        if (tail != NULL) {
            tail->next = seg;
        } else {
            pcb->unacked = seg;
        }
        tail = seg;
        note_sacked(pcb, seg);
        pcb->persist_backoff = 0; /* the retransmission timer is for what is in flight */
        pcb->rtime = pcb->rtime < 0 ? 0 : pcb->rtime;
    }
    return tail;
}

void stk_hook_tcp_sack_output(struct tcp_pcb *pcb)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    bool room = true;
    window_take(pcb);
    if (pcb->unsent != NULL && marked(pcb->unsent, TF_SEG_SACKED)) {
        struct tcp_seg *tail = pcb->unacked;
        while (tail != NULL && tail->next != NULL) {
            tail = tail->next;
        }
        (void)sacked_skip(pcb, tail);
    }
    struct tcp_seg *seg = next_lost(pcb);
    while (seg != NULL && room) {
        room = (sack->first != 0 || pipe_of(pcb) + TCP_TCPLEN(seg) <= (int64_t)sack->cwnd) && resend(pcb, seg);
        seg = room ? next_lost(pcb) : seg;
    }
    while (room && nothing_new(pcb) && pipe_of(pcb) + pcb->mss <= (int64_t)sack->cwnd) {
        seg = next_unsure(pcb);
        room = seg != NULL && resend(pcb, seg);
    }
    window_show(pcb);
}

struct tcp_seg *stk_hook_tcp_sack_sent(struct tcp_pcb *pcb, struct tcp_seg *sent, struct tcp_seg *tail)
{
    struct stk_tcp_sack *sack = &pcb->own.sack;
    if ((pcb->flags & TF_RTO) != 0 && TCP_SEQ_LEQ(end_of(sent), pcb->rto_end)) { /* repeated, and in flight once */
        note_resent(pcb, sent);
        mark_lost(sack, sent);
    } else {
        sent->order = end_of(sent) + sack->sent_again;
        sent->flags |= TF_SEG_ORDERED;
    }
    tail = sacked_skip(pcb, tail);
    window_show(pcb);
    return tail;
}

/* --- Probes ------------------------------------------------------------------------------------ */

/*
 * RFC 8985 7: an acknowledgement was lost, or the end of what was sent. The last segment is sent again, not a new one: a peer
 * answers what it has at once. In recovery, where the RFC has other timers, the first that is missing is.
 */
static void probe_send(struct tcp_pcb *pcb)
{
    struct stk_tcp_probe *probe = &pcb->own.probe;
    struct tcp_seg *seg = pcb->unacked;
    if ((pcb->flags & TF_SACKED) == 0) {
        board_begin(pcb);
    }
    window_take(pcb);
    const bool last = !pcb->own.sack.recovering && pcb->own.sack.lost == 0;
    while (last && seg->next != NULL) {
        seg = seg->next;
    }
    if (marked(seg, TF_SEG_SACKED)) {
        seg = pcb->unacked;
    }
    if (!marked(seg, TF_SEG_SACKED) && resend(pcb, seg)) {
        probe->out = 1;
        probe->pending = seg->next == NULL;
        probe->end = end_of(seg);
        probe->order = seg->order;
    }
    window_show(pcb);
}

void stk_hook_tcp_sack_tick(struct tcp_pcb *pcb)
{
    struct stk_tcp_probe *probe = &pcb->own.probe;
    const struct stk_tcp_sack *sack = &pcb->own.sack;
    const uint32_t sent = pcb->snd_nxt + sack->sent_again;
    const bool heard = probe->una != pcb->lastack || probe->sacked != sack->sacked;
    if (heard || probe->sent != sent) {
        probe->out = heard ? 0 : probe->out;
        probe->una = pcb->lastack;
        probe->sacked = sack->sacked;
        probe->sent = sent;
        probe->ticks = 0;
        return;
    }
    probe->ticks = (uint8_t)least(probe->ticks + 1u, UINT8_MAX);
    const uint64_t late_us = pcb->unacked->next == NULL ? ACK_DELAY_US : 0;
    if (!probe->out && pcb->own.rtt_us != 0 && pcb->nrtx == 0 && pcb->state >= ESTABLISHED &&
        probe->ticks * (uint64_t)TCP_TMR_INTERVAL * 1000u >= 2u * (uint64_t)pcb->own.rtt_us + late_us) {
        probe_send(pcb);
    }
}
