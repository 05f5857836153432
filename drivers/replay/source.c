#include "nic/conf.h"
#include "replay_priv.h"
#include "stack/err.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

static int filter_make(struct replay_source *source, const struct nic_port_conf *conf, const char *text)
{
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, NIC_READER_PACKET_MAX);
    int err = 0;

    source->filter = calloc(1, sizeof(*source->filter));
    if (dead == NULL || source->filter == NULL) {
        err = STK_ENOMEM;
    } else if (pcap_compile(dead, source->filter, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        err = nic_conf_error(conf, nic_conf_find(conf, "filter"), "%s", pcap_geterr(dead));
    }
    if (err != 0) {
        free(source->filter);
        source->filter = NULL;
    }
    if (dead != NULL)
        pcap_close(dead);
    return err;
}

static void piece_lost(void *context, uint64_t number, const char *why)
{
    struct replay_source *source = context;

    replay_report_gap(source->report, number, "%s", why);
}

int replay_source_open(struct replay_source *source, const struct nic_port_conf *conf, const struct replay_conf *keys)
{
    char reason[NIC_READER_REASON_SIZE] = "";
    int err;

    source->rewrite = &keys->rewrite;
    source->checksum = keys->checksum;
    err = nic_reader_open(keys->file, &source->reader, reason);
    if (err != 0) {
        source->reader = NULL;
        if (err != STK_ENOMEM)
            nic_conf_error(conf, nic_conf_find(conf, "file"), "%s: %s", keys->file, reason);
        return err;
    }
    /* Conversations need the order of time; frames that are played as recorded keep the file's. */
    err = nic_order_make(source->reader, keys->mode == REPLAY_MODE_TCP ? NIC_ORDER_WINDOW_NS : 0, &source->order);
    const struct nic_pieces_conf pieces = {.lost = piece_lost, .context = source};
    if (err == 0 && keys->mode == REPLAY_MODE_TCP)
        err = nic_pieces_make(&pieces, &source->pieces);
    if (err == 0 && keys->filter != NULL && source->filter == NULL)
        err = filter_make(source, conf, keys->filter);
    if (err != 0)
        replay_source_close(source);
    return err;
}

void replay_source_close(struct replay_source *source)
{
    if (source->filter != NULL) {
        pcap_freecode(source->filter);
        free(source->filter);
        source->filter = NULL;
    }
    nic_pieces_free(source->pieces);
    nic_order_free(source->order);
    nic_reader_close(source->reader);
    source->pieces = NULL;
    source->order = NULL;
    source->reader = NULL;
}

static bool filter_takes(const struct replay_source *source, const struct nic_packet *packet)
{
    const struct pcap_pkthdr header = {.caplen = packet->len, .len = packet->full_len};

    return source->filter == NULL || pcap_offline_filter(source->filter, &header, packet->frame) != 0;
}

static void checksum_settle(struct replay_source *source)
{
    struct replay_view view;

    if (source->checksum == REPLAY_CHECKSUM_VERIFY || !replay_view_read(source->frame, source->len, &view))
        return;
    const enum replay_sum sum = replay_sum_look(source->frame, &view);
    if (sum == REPLAY_SUM_PARTIAL || (source->checksum == REPLAY_CHECKSUM_IGNORE && sum == REPLAY_SUM_BAD)) {
        replay_sums_fill(source->frame, &view);
        source->report->rebuilt++;
    }
}

/* Clocks that jump by years would take as long as the years' timers. */
static uint64_t time_of(struct replay_source *source, uint64_t time_ns)
{
    if (source->timed && time_ns > source->last_ns && time_ns - source->last_ns > REPLAY_SILENCE_NS) {
        source->skip_ns += time_ns - source->last_ns - REPLAY_SILENCE_NS;
        source->report->silences++;
    }
    source->last_ns = source->timed && time_ns < source->last_ns ? source->last_ns : time_ns;
    source->timed = true;
    return time_ns > source->skip_ns ? time_ns - source->skip_ns : 0;
}

static bool packet_take(struct replay_source *source, const struct nic_packet *packet)
{
    if ((packet->flags & NIC_PACKET_SNAPPED) != 0) {
        replay_report_gap(source->report, packet->number, "has %u of %u bytes (snapshot length)", (unsigned)packet->len,
                          (unsigned)packet->full_len);
        return false;
    }
    if (packet->len < NIC_FRAME_MIN || packet->len > REPLAY_FRAME_MAX) {
        replay_report_gap(source->report, packet->number, "is a frame of %u bytes", (unsigned)packet->len);
        return false;
    }
    source->number = packet->number;
    source->time_ns = time_of(source, packet->time_ns);
    source->len = packet->len;
    memcpy(source->frame, packet->frame, packet->len);
    checksum_settle(source);
    replay_rewrite_apply(source->rewrite, source->frame, &source->len);
    return true;
}

bool replay_source_next(struct replay_source *source)
{
    struct nic_packet packet;
    int result = 0;

    while (source->reader != NULL && (result = nic_order_next(source->order, &packet)) == 1) {
        source->report->packets_read++;
        const bool wanted = filter_takes(source, &packet);
        const enum nic_pieces_result piece = source->pieces != NULL ? nic_pieces_take(source->pieces, &packet, wanted)
                                                                    : NIC_PIECES_PASSED;
        if (piece == NIC_PIECES_HELD)
            continue;
        if ((piece == NIC_PIECES_WHOLE ? filter_takes(source, &packet) : wanted) && packet_take(source, &packet))
            return true;
    }
    if (source->pieces != NULL)
        nic_pieces_end(source->pieces);
    if (source->reader != NULL && result < 0)
        (void)snprintf(source->report->ended, sizeof(source->report->ended), "%s", nic_order_reason(source->order));
    return false;
}
