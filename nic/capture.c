#include "nic/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_priv.h"
#include "nic/conf.h"
#include "nic/csum.h"
#include "nic/driver.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

/** A reader of the file sees frames at most this late. */
#define FLUSH_INTERVAL_NS (100 * STK_MS_NS)

/** Of a pcap file: its own header, and each record's. */
#define FILE_HEADER_BYTES 24u
#define RECORD_HEADER_BYTES 16u

struct nic_capture {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    uint64_t clock_offset_ns; /**< added to the caller's time */
    uint64_t flushed_ns;
    uint32_t snaplen;
    uint32_t frame_max;
    uint32_t staged_len;
    bool failed;
    bool filtered;
    struct bpf_program filter; /**< if filtered */
    char *path;
    uint64_t size; /**< of a file, at most; 0: any */
    uint64_t files;
    uint64_t written; /**< bytes of this file */
    uint8_t frame[];
};

bool nic_capture_key(const char *key)
{
    static const char *const keys[] = {"capture",        "capture_snaplen", "capture_clock",
                                       "capture_filter", "capture_size",    "capture_files"};

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
    if (self->filtered)
        pcap_freecode(&self->filter);
    if (self->pcap != NULL)
        pcap_close(self->pcap);
    free(self->path);
    free(self);
}

int nic_capture_open(const struct nic_port_conf *conf, const char *key, const struct nic_capture_conf *cap,
                     uint32_t frame_max, struct nic_capture **out)
{
    struct nic_capture *self = calloc(1, sizeof(*self) + frame_max);
    char reason[NIC_CAPTURE_REASON_SIZE] = "";
    int err = STK_ENOMEM;

    if (self == NULL)
        return STK_ENOMEM;
    self->frame_max = frame_max;
    self->snaplen = (uint32_t)cap->snaplen;
    self->size = cap->size;
    self->files = cap->files;
    self->written = FILE_HEADER_BYTES;
    self->clock_offset_ns = strcmp(cap->clock, "wall") == 0 ? wall_offset_ns() : 0;
    self->path = strdup(cap->path);
    self->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, (int)cap->snaplen, PCAP_TSTAMP_PRECISION_NANO);
    if (self->pcap != NULL && self->path != NULL)
        err = filter_make(self, conf, cap->filter);
    if (err != 0)
        goto release_self;
    err = STK_EIO;
    self->dumper = nic_capture_file_write(self->pcap, cap->path, reason);
    if (self->dumper == NULL) {
        nic_conf_error(conf, nic_conf_find(conf, key), "%s: %s", cap->path, reason);
        goto release_self;
    }
    *out = self;
    return 0;

release_self:
    release(self);
    return err;
}

void nic_capture_close(struct nic_capture *cap)
{
    if (cap == NULL)
        return;
    if (cap->dumper != NULL)
        pcap_dump_close(cap->dumper);
    release(cap);
}

/** From now on nothing is written any more. */
static void fail(struct nic_capture *cap)
{
    cap->failed = true;
    stk_log(STK_LOG_ERROR, "capture: the file cannot be written any more; recording stops");
}

void nic_capture_flush(struct nic_capture *cap)
{
    if (cap != NULL && !cap->failed && pcap_dump_flush(cap->dumper) != 0)
        fail(cap);
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

/* FILE becomes FILE.1, that FILE.2 and so on; the oldest goes. */
static void rotate(struct nic_capture *cap)
{
    const size_t size = strlen(cap->path) + 8;
    char reason[NIC_CAPTURE_REASON_SIZE] = "";
    char *from = malloc(size), *to = malloc(size);

    pcap_dump_close(cap->dumper);
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
    cap->dumper = nic_capture_file_write(cap->pcap, cap->path, reason);
    cap->written = FILE_HEADER_BYTES;
    if (cap->dumper == NULL)
        fail(cap);
}

void nic_capture_commit(struct nic_capture *cap, uint64_t now_ns)
{
    uint64_t time_ns = now_ns + cap->clock_offset_ns;
    struct pcap_pkthdr header = {
        .caplen = cap->staged_len < cap->snaplen ? cap->staged_len : cap->snaplen,
        .len = cap->staged_len,
    };

    /* libpcap takes nanoseconds in the microseconds field of a nanosecond file. The fields' types are the system's. */
    header.ts.tv_sec = (__typeof__(header.ts.tv_sec))(time_ns / STK_S_NS);
    header.ts.tv_usec = (__typeof__(header.ts.tv_usec))(time_ns % STK_S_NS);
    if (cap->staged_len == 0 || cap->failed)
        return;
    if (cap->filtered && pcap_offline_filter(&cap->filter, &header, cap->frame) == 0)
        return;
    if (cap->size != 0 && cap->written + RECORD_HEADER_BYTES + header.caplen > cap->size)
        rotate(cap);
    if (cap->failed)
        return;
    cap->written += RECORD_HEADER_BYTES + header.caplen;
    pcap_dump((u_char *)cap->dumper, &header, cap->frame);
    if (now_ns - cap->flushed_ns < FLUSH_INTERVAL_NS)
        return;
    cap->flushed_ns = now_ns;
    if (pcap_dump_flush(cap->dumper) != 0)
        fail(cap);
}
