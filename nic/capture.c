#include "nic/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_priv.h"
#include "file_priv.h"
#include "nic/conf.h"
#include "nic/csum.h"
#include "nic/driver.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

/** A reader of the file sees frames at most this late. */
#define FLUSH_INTERVAL_NS (100 * STK_MS_NS)
/** Bytes of frames that are held back for a burst's notes; then they are written as they are. */
#define HELD_MAX ((size_t)4 << 20)

/** A frame of a burst that may still get a note. */
struct held {
    struct nic_capture_record record; /**< without bytes and note */
    size_t at;                        /**< of its bytes */
    char note[NIC_NOTE_SIZE];
};

struct nic_capture {
    pcap_t *pcap;
    struct nic_capture_file *file;
    uint64_t clock_offset_ns; /**< added to the caller's time */
    uint64_t now_ns;          /**< the caller's, of the last frame */
    uint64_t flushed_ns;
    uint32_t snaplen;
    uint32_t frame_max;
    uint32_t staged_len;
    bool failed;
    bool noting; /**< the file takes notes */
    bool filtered;
    struct bpf_program filter; /**< if filtered */
    char *path;
    char *port;
    char *filter_text;
    uint64_t size; /**< of a file, at most; 0: any */
    uint64_t files;
    uint64_t written; /**< bytes of this file */
    /* Held back: a burst's frames, and what is sent meanwhile. */
    bool holding;
    struct held *held;
    uint32_t held_count;
    uint32_t held_room;
    uint8_t *bytes;
    size_t bytes_used;
    size_t bytes_room;
    struct nic_port_stats seen; /**< the port's counters at the last burst */
    uint32_t burst_count;
    uint32_t burst[NIC_BURST_MAX]; /**< where a burst's frames are in held, and 1; 0: it was filtered out */
    uint8_t frame[];
};

bool nic_capture_key(const char *key)
{
    static const char *const keys[] = {"capture",      "capture_snaplen", "capture_clock", "capture_filter",
                                       "capture_size", "capture_files",   "capture_format"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

int nic_capture_conf_parse(const struct nic_port_conf *conf, struct nic_capture_conf *out)
{
    static const struct nic_conf_key keys[] = {
        {"capture", NIC_CONF_STRING, offsetof(struct nic_capture_conf, path), 0, 0, NULL},
        {"capture_snaplen", NIC_CONF_SIZE, offsetof(struct nic_capture_conf, snaplen), 64, 262144, NULL},
        {"capture_clock", NIC_CONF_STRING, offsetof(struct nic_capture_conf, clock), 0, 0, "wall|port"},
        {"capture_filter", NIC_CONF_STRING, offsetof(struct nic_capture_conf, filter), 0, 0, NULL},
        {"capture_size", NIC_CONF_SIZE, offsetof(struct nic_capture_conf, size), 4096, 0, NULL},
        {"capture_files", NIC_CONF_INT, offsetof(struct nic_capture_conf, files), 1, 1000, NULL},
        {"capture_format", NIC_CONF_STRING, offsetof(struct nic_capture_conf, format), 0, 0, "pcap|pcapng"},
    };
    int err;

    *out = (struct nic_capture_conf){.snaplen = 262144, .clock = "wall", .files = 10};
    err = nic_conf_parse(conf, keys, sizeof(keys) / sizeof(keys[0]), out);
    if (err == 0 && out->path == NULL && conf->args_count != 0)
        err = nic_conf_error(conf, &conf->args[0], "without a capture file (key capture)");
    return err;
}

static uint64_t wall_offset_ns(void)
{
    uint64_t wall_ns = nic_wall_ns();

    return wall_ns == 0 ? 0 : wall_ns - stk_clock_ns();
}

_Static_assert(NIC_CAPTURE_REASON_SIZE >= PCAP_ERRBUF_SIZE, "libpcap writes its reason there");

static int filter_make(struct nic_capture *self, const struct nic_port_conf *conf, const char *text)
{
    if (text == NULL)
        return 0;
    if (pcap_compile(self->pcap, &self->filter, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return nic_conf_error(conf, nic_conf_find(conf, "capture_filter"), "%s", pcap_geterr(self->pcap));
    self->filtered = true;
    return 0;
}

static void release(struct nic_capture *self)
{
    nic_capture_file_close(self->file);
    if (self->filtered)
        pcap_freecode(&self->filter);
    if (self->pcap != NULL)
        pcap_close(self->pcap);
    free(self->held);
    free(self->bytes);
    free(self->path);
    free(self->port);
    free(self->filter_text);
    free(self);
}

static bool file_begin(struct nic_capture *self, char *reason)
{
    const struct nic_capture_head head = {.port = self->port, .filter = self->filter_text, .snaplen = self->snaplen};

    self->file = self->noting ? nic_capture_file_ng(self->path, &head, reason, &self->written)
                              : nic_capture_file_pcap(self->pcap, self->path, reason, &self->written);
    return self->file != NULL;
}

/* The name says the format where the key does not. */
static bool format_notes(const struct nic_capture_conf *cap)
{
    const size_t len = strlen(cap->path);

    if (cap->format != NULL)
        return strcmp(cap->format, "pcapng") == 0;
    return len > 7 && strcmp(cap->path + len - 7, ".pcapng") == 0;
}

static bool texts_keep(struct nic_capture *self, const struct nic_port_conf *conf, const struct nic_capture_conf *cap)
{
    self->path = strdup(cap->path);
    self->port = strdup(conf->name);
    self->filter_text = cap->filter == NULL ? NULL : strdup(cap->filter);
    return self->path != NULL && self->port != NULL && (cap->filter == NULL || self->filter_text != NULL);
}

int nic_capture_open(const struct nic_port_conf *conf, const char *key, const struct nic_capture_conf *cap,
                     uint32_t frame_max, struct nic_capture **out)
{
    struct nic_capture *self = calloc(1, sizeof(*self) + frame_max);
    char reason[NIC_CAPTURE_REASON_SIZE] = "no memory";
    int err = STK_ENOMEM;

    if (self == NULL)
        return STK_ENOMEM;
    self->frame_max = frame_max;
    self->snaplen = (uint32_t)cap->snaplen;
    self->size = cap->size;
    self->files = cap->files;
    self->noting = format_notes(cap);
    self->clock_offset_ns = strcmp(cap->clock, "wall") == 0 ? wall_offset_ns() : 0;
    self->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, (int)cap->snaplen, PCAP_TSTAMP_PRECISION_NANO);
    if (self->pcap != NULL && texts_keep(self, conf, cap))
        err = filter_make(self, conf, cap->filter);
    if (err != 0)
        goto release_self;
    if (!file_begin(self, reason)) {
        err = STK_EIO;
        nic_conf_error(conf, nic_conf_find(conf, key), "%s: %s", cap->path, reason);
        goto release_self;
    }
    *out = self;
    return 0;

release_self:
    release(self);
    return err;
}

/** From now on nothing is written any more. */
static void fail(struct nic_capture *cap)
{
    cap->failed = true;
    stk_log(STK_LOG_ERROR, "capture: the file cannot be written any more; recording stops");
}

bool nic_capture_flush(struct nic_capture *cap)
{
    if (cap == NULL)
        return true;
    nic_capture_settle(cap);
    if (!cap->failed && !nic_capture_file_flush(cap->file))
        fail(cap);
    return !cap->failed;
}

void nic_capture_close(struct nic_capture *cap)
{
    if (cap == NULL)
        return;
    (void)nic_capture_flush(cap); /* which says if it cannot be written */
    release(cap);
}

void nic_capture_stage(struct nic_capture *cap, const struct nic_buf *frame)
{
    uint64_t bytes = 0;

    for (const struct nic_buf *seg = frame; seg != NULL; seg = seg->next)
        bytes += seg->len;
    cap->staged_len = 0;
    if (bytes > cap->frame_max)
        return; /* the driver will refuse it */
    nic_frame_copy(frame, cap->frame);
    cap->staged_len = (uint32_t)bytes;
    nic_csum_tx_fill(cap->frame, cap->staged_len, frame);
}

uint8_t *nic_capture_stage_room(struct nic_capture *cap, uint32_t len)
{
    cap->staged_len = len <= cap->frame_max ? len : 0;
    return cap->staged_len != 0 ? cap->frame : NULL;
}

/* FILE becomes FILE.1, that FILE.2 and so on; the oldest goes. */
static void rotate(struct nic_capture *cap)
{
    const size_t size = strlen(cap->path) + 8;
    char reason[NIC_CAPTURE_REASON_SIZE] = "";
    char *from = malloc(size), *to = malloc(size);

    nic_capture_file_close(cap->file);
    for (uint64_t i = cap->files; i-- > 1 && from != NULL && to != NULL;) {
        if (i == 1)
            (void)snprintf(from, size, "%s", cap->path);
        else
            (void)snprintf(from, size, "%s.%u", cap->path, (unsigned)(i - 1));
        (void)snprintf(to, size, "%s.%u", cap->path, (unsigned)i);
        (void)remove(to); /* Windows renames over nothing */
        (void)rename(from, to);
    }
    free(from);
    free(to);
    if (!file_begin(cap, reason))
        fail(cap);
}

static void record_write(struct nic_capture *cap, const struct nic_capture_record *record)
{
    const uint64_t bytes = nic_capture_file_size(cap->file, record);

    if (cap->size != 0 && cap->written + bytes > cap->size)
        rotate(cap);
    if (cap->failed)
        return;
    cap->written += bytes;
    nic_capture_file_put(cap->file, record);
}

static void written(struct nic_capture *cap)
{
    if (cap->failed || cap->now_ns - cap->flushed_ns < FLUSH_INTERVAL_NS)
        return;
    cap->flushed_ns = cap->now_ns;
    if (!nic_capture_file_flush(cap->file))
        fail(cap);
}

static bool held_room(struct nic_capture *cap, uint32_t bytes)
{
    if (cap->held_count == cap->held_room) {
        const uint32_t more = cap->held_room == 0 ? 2 * NIC_BURST_MAX : cap->held_room * 2;
        struct held *moved = realloc(cap->held, more * sizeof(*moved));

        if (moved == NULL)
            return false;
        cap->held = moved;
        cap->held_room = more;
    }
    if (cap->bytes_used + bytes > cap->bytes_room) {
        const size_t more = cap->bytes_room * 2 + bytes + 65536;
        uint8_t *moved = more > HELD_MAX ? NULL : realloc(cap->bytes, more);

        if (moved == NULL)
            return false;
        cap->bytes = moved;
        cap->bytes_room = more;
    }
    return true;
}

/* @return  false: there is no room; it is written at once. */
static bool record_hold(struct nic_capture *cap, const struct nic_capture_record *record)
{
    if (!cap->holding)
        return false;
    if (!held_room(cap, record->caplen)) {
        nic_capture_settle(cap);
        return false;
    }
    struct held *held = &cap->held[cap->held_count++];
    held->record = *record;
    held->at = cap->bytes_used;
    (void)snprintf(held->note, sizeof(held->note), "%s", record->note);
    memcpy(cap->bytes + held->at, record->bytes, record->caplen);
    cap->bytes_used += record->caplen;
    return true;
}

/* @return  It is recorded, not filtered out. */
static bool commit(struct nic_capture *cap, uint64_t now_ns, bool out, const char *note)
{
    struct nic_capture_record record = {
        .bytes = cap->frame,
        .caplen = cap->staged_len < cap->snaplen ? cap->staged_len : cap->snaplen,
        .len = cap->staged_len,
        .time_ns = now_ns + cap->clock_offset_ns,
        .out = out,
        .note = note,
    };
    const struct pcap_pkthdr header = {.caplen = record.len, .len = record.len};

    cap->now_ns = now_ns;
    if (cap->staged_len == 0 || cap->failed ||
        (cap->filtered && pcap_offline_filter(&cap->filter, &header, cap->frame) == 0))
        return false;
    if (record_hold(cap, &record))
        return true;
    record_write(cap, &record);
    written(cap);
    return true;
}

void nic_capture_commit(struct nic_capture *cap, uint64_t now_ns, bool out, const char *note)
{
    (void)commit(cap, now_ns, out, note);
}

bool nic_capture_noting(const struct nic_capture *cap)
{
    return cap->noting;
}

struct nic_port_stats *nic_capture_seen(struct nic_capture *cap)
{
    return &cap->seen;
}

void nic_capture_burst_begin(struct nic_capture *cap)
{
    nic_capture_settle(cap);
    cap->holding = cap->noting;
}

void nic_capture_burst_add(struct nic_capture *cap, uint64_t now_ns, const char *note)
{
    const bool kept = commit(cap, now_ns, false, note);

    if (cap->holding && cap->burst_count < NIC_BURST_MAX)
        cap->burst[cap->burst_count++] = kept ? cap->held_count : 0;
}

void nic_capture_note(struct nic_capture *cap, uint32_t index, const char *note)
{
    if (index >= cap->burst_count || cap->burst[index] == 0)
        return;
    struct held *held = &cap->held[cap->burst[index] - 1];
    const size_t used = strlen(held->note);

    (void)snprintf(held->note + used, sizeof(held->note) - used, "%s%s", used > 0 ? "; " : "", note);
}

void nic_capture_settle(struct nic_capture *cap)
{
    for (uint32_t i = 0; i < cap->held_count; i++) {
        struct held *held = &cap->held[i];

        held->record.bytes = cap->bytes + held->at;
        held->record.note = held->note;
        if (!cap->failed)
            record_write(cap, &held->record);
    }
    if (cap->held_count > 0)
        written(cap);
    cap->held_count = 0;
    cap->bytes_used = 0;
    cap->burst_count = 0;
    cap->holding = false;
}
