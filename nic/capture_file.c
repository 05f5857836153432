#include "capture_priv.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_priv.h"
#include "nic/capture.h"
#include "stack/clock.h"

/** Of a pcap file: its own header, and each record's. */
#define PCAP_HEADER_BYTES 24u
#define PCAP_RECORD_BYTES 16u

/* pcapng: blocks, and options of blocks. */
#define NG_SECTION 0x0a0d0d0au
#define NG_INTERFACE 1u
#define NG_PACKET 6u
#define NG_BYTE_ORDER 0x1a2b3c4du
#define NG_OPT_END 0u
#define NG_OPT_COMMENT 1u
#define NG_IF_NAME 2u
#define NG_IF_TSRESOL 9u
#define NG_IF_FILTER 11u
#define NG_EPB_FLAGS 2u
#define NG_PACKET_FIXED 28u /**< a packet block up to the packet's bytes */
#define NG_TEXT_MAX 1024u
#define NG_HEAD_BYTES (128u + 2 * (NG_TEXT_MAX + 8))

struct nic_capture_file {
    struct pcap_dumper *dumper; /**< pcap; else NULL */
    FILE *ng;                   /**< pcapng; else NULL */
    bool failed;
};

/* --- Blocks. Fields have the machine's byte order, which the section's header tells. --- */

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 3) & ~3u;
}

static uint32_t put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    return sizeof(value);
}

static uint32_t put16(uint8_t *at, uint32_t value)
{
    const uint16_t half = (uint16_t)value;

    memcpy(at, &half, sizeof(half));
    return sizeof(half);
}

/* @return  Its bytes, padded. */
static uint32_t option_put(uint8_t *at, uint32_t code, const void *value, uint32_t len)
{
    (void)put16(at, code);
    (void)put16(at + 2, len);
    memset(at + 4, 0, padded(len));
    if (len > 0)
        memcpy(at + 4, value, len);
    return 4 + padded(len);
}

static uint32_t text_len(const char *text)
{
    const size_t len = text == NULL ? 0 : strlen(text);

    return len < NG_TEXT_MAX ? (uint32_t)len : NG_TEXT_MAX;
}

/* A block begins and ends with its length. */
static uint32_t block_end(uint8_t *block, uint32_t bytes)
{
    (void)put32(block + 4, bytes + 4);
    return bytes + put32(block + bytes, bytes + 4);
}

static uint32_t section_make(uint8_t *out)
{
    uint32_t at = put32(out, NG_SECTION) + 4;

    at += put32(out + at, NG_BYTE_ORDER);
    at += put16(out + at, 1);
    at += put16(out + at, 0);
    memset(out + at, 0xff, 8); /* how long the section is nobody knows yet */
    return block_end(out, at + 8);
}

static uint32_t interface_make(uint8_t *out, const struct nic_capture_head *head)
{
    static const uint8_t nanoseconds = 9;
    const uint32_t filter = text_len(head->filter);
    uint32_t at = put32(out, NG_INTERFACE) + 4;

    at += put16(out + at, DLT_EN10MB);
    at += put16(out + at, 0);
    at += put32(out + at, head->snaplen);
    at += option_put(out + at, NG_IF_NAME, head->port, text_len(head->port));
    at += option_put(out + at, NG_IF_TSRESOL, &nanoseconds, 1);
    if (filter > 0) {
        uint8_t value[NG_TEXT_MAX + 1] = {0}; /* the filter's kind: libpcap's language */

        memcpy(value + 1, head->filter, filter);
        at += option_put(out + at, NG_IF_FILTER, value, filter + 1);
    }
    at += option_put(out + at, NG_OPT_END, NULL, 0);
    return block_end(out, at);
}

/* --- Files --------------------------------------------------------------------------------- */

struct nic_capture_file *nic_capture_file_ng(const char *path, const struct nic_capture_head *head, char *reason,
                                             uint64_t *bytes)
{
    static const char no_room[] = "no room for its beginning";
    struct nic_capture_file *self = calloc(1, sizeof(*self));
    uint8_t *block = malloc(NG_HEAD_BYTES);
    uint32_t len = 0;

    if (self != NULL && block != NULL)
        self->ng = nic_file_create(path, reason);
    if (self != NULL && self->ng != NULL) {
        len = section_make(block);
        len += interface_make(block + len, head);
        self->failed = fwrite(block, 1, len, self->ng) != len || fflush(self->ng) != 0;
        if (self->failed)
            (void)snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", no_room);
    }
    free(block);
    *bytes = len;
    if (self != NULL && self->ng != NULL && !self->failed)
        return self;
    nic_capture_file_close(self);
    return NULL;
}

struct nic_capture_file *nic_capture_file_pcap(struct pcap *pcap, const char *path, char *reason, uint64_t *bytes)
{
    struct nic_capture_file *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    *bytes = PCAP_HEADER_BYTES;
    self->dumper = nic_capture_file_write(pcap, path, reason);
    if (self->dumper != NULL)
        return self;
    free(self);
    return NULL;
}

static uint32_t note_bytes(const struct nic_capture_record *record)
{
    const uint32_t len = text_len(record->note);

    return len > 0 ? 4 + padded(len) : 0;
}

uint64_t nic_capture_file_size(const struct nic_capture_file *file, const struct nic_capture_record *record)
{
    if (file->dumper != NULL)
        return PCAP_RECORD_BYTES + (uint64_t)record->caplen;
    /* The direction and the end of the options take 8 and 4, the block's length behind them 4. */
    return NG_PACKET_FIXED + (uint64_t)padded(record->caplen) + note_bytes(record) + 8 + 4 + 4;
}

static void pcap_put(struct nic_capture_file *file, const struct nic_capture_record *record)
{
    struct pcap_pkthdr header = {.caplen = record->caplen, .len = record->len};

    /* libpcap takes nanoseconds in the microseconds field of a nanosecond file. The fields' types are the system's. */
    header.ts.tv_sec = (__typeof__(header.ts.tv_sec))(record->time_ns / STK_S_NS);
    header.ts.tv_usec = (__typeof__(header.ts.tv_usec))(record->time_ns % STK_S_NS);
    pcap_dump((u_char *)file->dumper, &header, record->bytes);
}

static void ng_put(struct nic_capture_file *file, const struct nic_capture_record *record)
{
    const uint32_t total = (uint32_t)nic_capture_file_size(file, record);
    uint8_t head[NG_PACKET_FIXED];
    uint8_t tail[3 + 8 + NG_TEXT_MAX + 8 + 4 + 4] = {0};
    uint8_t direction[4];
    uint32_t at = put32(head, NG_PACKET);

    at += put32(head + at, total);
    at += put32(head + at, 0); /* the one interface */
    at += put32(head + at, (uint32_t)(record->time_ns >> 32));
    at += put32(head + at, (uint32_t)record->time_ns);
    at += put32(head + at, record->caplen);
    (void)put32(head + at, record->len);
    at = padded(record->caplen) - record->caplen;
    (void)put32(direction, record->out ? 2 : 1);
    at += option_put(tail + at, NG_EPB_FLAGS, direction, 4);
    if (note_bytes(record) > 0)
        at += option_put(tail + at, NG_OPT_COMMENT, record->note, text_len(record->note));
    at += option_put(tail + at, NG_OPT_END, NULL, 0);
    at += put32(tail + at, total);
    if (fwrite(head, 1, sizeof(head), file->ng) != sizeof(head) ||
        fwrite(record->bytes, 1, record->caplen, file->ng) != record->caplen || fwrite(tail, 1, at, file->ng) != at)
        file->failed = true;
}

void nic_capture_file_put(struct nic_capture_file *file, const struct nic_capture_record *record)
{
    if (file->dumper != NULL)
        pcap_put(file, record);
    else if (!file->failed)
        ng_put(file, record);
}

bool nic_capture_file_flush(struct nic_capture_file *file)
{
    if (file->dumper != NULL)
        return pcap_dump_flush(file->dumper) == 0;
    return !file->failed && fflush(file->ng) == 0;
}

void nic_capture_file_close(struct nic_capture_file *file)
{
    if (file == NULL)
        return;
    if (file->dumper != NULL)
        pcap_dump_close(file->dumper);
    if (file->ng != NULL)
        (void)fclose(file->ng);
    free(file);
}
