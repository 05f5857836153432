#include "nic/reader.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "nic/capture.h"
#include "stack/clock.h"
#include "stack/err.h"

#define ETH_BYTES 14u
#define SLL_BYTES 16u
#define SLL2_BYTES 20u
#define FAMILY_BYTES 4u
#define ARPHRD_ETHER 1u
#define SLL_OUTGOING 4u
#define TYPE_IP4 0x0800u
#define TYPE_IP6 0x86ddu

/** How the packets of a file become frames. */
enum link_kind { LINK_ETHERNET, LINK_COOKED, LINK_COOKED2, LINK_RAW, LINK_FAMILY };

struct nic_reader {
    pcap_t *pcap;
    enum link_kind kind;
    uint64_t count;
    uint64_t latest_ns;
    bool ended;
    char link_type[32];
    char reason[NIC_READER_REASON_SIZE];
    uint8_t frame[NIC_READER_PACKET_MAX + ETH_BYTES];
    char buffer[NIC_CAPTURE_READ_BYTES]; /**< libpcap's file's */
};

static const struct {
    int dlt;
    enum link_kind kind;
} links[] = {
    {DLT_EN10MB, LINK_ETHERNET}, {DLT_LINUX_SLL, LINK_COOKED}, {DLT_LINUX_SLL2, LINK_COOKED2}, {DLT_RAW, LINK_RAW},
    {DLT_IPV4, LINK_RAW},        {DLT_IPV6, LINK_RAW},         {DLT_NULL, LINK_FAMILY},        {DLT_LOOP, LINK_FAMILY},
};

static int link_find(struct nic_reader *reader, char *reason)
{
    const int dlt = pcap_datalink(reader->pcap);
    const char *name = pcap_datalink_val_to_name(dlt);

    snprintf(reader->link_type, sizeof(reader->link_type), "%.30s", name == NULL ? "unknown" : name);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (links[i].dlt == dlt) {
            reader->kind = links[i].kind;
            return 0;
        }
    }
    snprintf(reason, NIC_READER_REASON_SIZE,
             "link type %s (%d) is not one of EN10MB, LINUX_SLL, LINUX_SLL2, RAW, IPV4, IPV6, NULL, LOOP",
             reader->link_type, dlt);
    return STK_EINVAL;
}

static int reader_start(struct nic_reader *reader, struct nic_reader **out, char *reason)
{
    int err = link_find(reader, reason);

    if (err == 0) {
        *out = reader;
        return 0;
    }
    pcap_close(reader->pcap);
    free(reader);
    return err;
}

int nic_reader_open(const char *path, struct nic_reader **out, char *reason)
{
    struct nic_reader *reader = calloc(1, sizeof(*reader));
    char why[NIC_CAPTURE_REASON_SIZE] = "";

    *out = NULL;
    if (reader == NULL)
        return STK_ENOMEM;
    errno = 0;
    reader->pcap = nic_capture_file_read(path, reader->buffer, why);
    if (reader->pcap == NULL) {
        int err = errno == ENOENT ? STK_ENOENT : STK_EINVAL;

        snprintf(reason, NIC_READER_REASON_SIZE, "%s", why);
        free(reader);
        return err;
    }
    return reader_start(reader, out, reason);
}

void nic_reader_close(struct nic_reader *reader)
{
    if (reader == NULL)
        return;
    pcap_close(reader->pcap);
    free(reader);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static int refuse(struct nic_reader *reader, const char *why)
{
    snprintf(reader->reason, sizeof(reader->reason), "packet %llu: %.256s", (unsigned long long)reader->count, why);
    reader->ended = true;
    return STK_EPROTO;
}

/* Addresses of a link that has none. A group's packet keeps its group's address (RFC 1112 6.4, RFC 2464 7). */
static void made_addresses(uint8_t *frame, const uint8_t *ip, uint32_t len, uint32_t type)
{
    static const uint8_t to[6] = {0x02, 0, 0, 0, 0, 0x02}, from[6] = {0x02, 0, 0, 0, 0, 0x01};

    memcpy(frame, to, sizeof(to));
    memcpy(frame + 6, from, sizeof(from));
    if (type == TYPE_IP4 && len >= 20 && ip[16] >= 224 && ip[16] < 240) {
        const uint8_t group[6] = {0x01, 0x00, 0x5e, (uint8_t)(ip[17] & 0x7f), ip[18], ip[19]};

        memcpy(frame, group, sizeof(group));
    } else if (type == TYPE_IP4 && len >= 20 && memcmp(ip + 16, "\xff\xff\xff\xff", 4) == 0) {
        memset(frame, 0xff, 6);
    } else if (type == TYPE_IP6 && len >= 40 && ip[24] == 0xff) {
        frame[0] = frame[1] = 0x33;
        memcpy(frame + 2, ip + 36, 4);
    }
}

/**
 * Put an Ethernet header in place of a link header.
 *
 * @param skip  Bytes of the link header, all of which are there.
 * @param type  EtherType.
 * @param mac   The sender's address, 6 bytes, or NULL.
 */
static void frame_make(struct nic_reader *reader, struct nic_packet *packet, uint32_t skip, uint32_t type,
                       const uint8_t *mac)
{
    const uint8_t *payload = packet->frame + skip;
    uint32_t len = packet->len - skip;

    made_addresses(reader->frame, payload, len, type);
    if (mac != NULL)
        memcpy(reader->frame + 6, mac, 6);
    put16(reader->frame + 12, type);
    memcpy(reader->frame + ETH_BYTES, payload, len);
    packet->frame = reader->frame;
    packet->len = len + ETH_BYTES;
    packet->full_len = packet->full_len - skip + ETH_BYTES;
    packet->flags |= NIC_PACKET_MADE_L2;
}

/* Linux cooked: version 1 has its protocol at 14, version 2 at 0. */
static const char *cooked_frame(struct nic_reader *reader, struct nic_packet *packet, bool second)
{
    const uint32_t skip = second ? SLL2_BYTES : SLL_BYTES;
    const uint8_t *at = packet->frame;
    uint32_t kind, hardware, mac_len;

    if (packet->len < skip)
        return "shorter than its Linux cooked header";
    kind = second ? at[10] : get16(at);
    hardware = get16(at + (second ? 8 : 2));
    mac_len = second ? at[11] : get16(at + 4);
    if (kind == SLL_OUTGOING)
        packet->flags |= NIC_PACKET_OUTGOING;
    frame_make(reader, packet, skip, get16(at + (second ? 0 : 14)),
               hardware == ARPHRD_ETHER && mac_len == 6 ? at + (second ? 12 : 6) : NULL);
    return NULL;
}

static const char *raw_frame(struct nic_reader *reader, struct nic_packet *packet, uint32_t skip)
{
    uint32_t version;

    if (packet->len < skip + 1)
        return skip == 0 ? "empty" : "shorter than its address family";
    version = packet->frame[skip] >> 4;
    if (version != 4 && version != 6)
        return "neither IPv4 nor IPv6 on a link without other protocols";
    frame_make(reader, packet, skip, version == 4 ? TYPE_IP4 : TYPE_IP6, NULL);
    return NULL;
}

/* The family's number is the capturing system's, in its byte order (NULL) or network order (LOOP): the packet tells better. */
static const char *family_frame(struct nic_reader *reader, struct nic_packet *packet)
{
    const uint8_t *at = packet->frame;

    if (packet->len < FAMILY_BYTES + 1)
        return "shorter than its address family";
    if (at[FAMILY_BYTES] >> 4 == 4 || at[FAMILY_BYTES] >> 4 == 6)
        return raw_frame(reader, packet, FAMILY_BYTES);
    frame_make(reader, packet, FAMILY_BYTES, 0xffff, NULL); /* another protocol: carried, and nobody's */
    return NULL;
}

static const char *frame_normalise(struct nic_reader *reader, struct nic_packet *packet)
{
    switch (reader->kind) {
    case LINK_COOKED:
        return cooked_frame(reader, packet, false);
    case LINK_COOKED2:
        return cooked_frame(reader, packet, true);
    case LINK_RAW:
        return raw_frame(reader, packet, 0);
    case LINK_FAMILY:
        return family_frame(reader, packet);
    case LINK_ETHERNET:
        break;
    }
    return packet->len < ETH_BYTES ? "shorter than an Ethernet header" : NULL;
}

static uint64_t time_ns(const struct pcap_pkthdr *header)
{
    /* libpcap takes the file's seconds, 32 bits without a sign, for negative from 2038 on. */
    uint64_t seconds = header->ts.tv_sec < 0 ? (uint32_t)header->ts.tv_sec : (uint64_t)header->ts.tv_sec;

    /* A file opened with nanosecond precision has nanoseconds in tv_usec. */
    return seconds * STK_S_NS + (uint64_t)header->ts.tv_usec;
}

int nic_reader_next(struct nic_reader *reader, struct nic_packet *out)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    const char *why;
    int result;

    if (reader->ended)
        return reader->reason[0] != '\0' ? STK_EPROTO : 0;
    result = pcap_next_ex(reader->pcap, &header, &bytes);
    if (result == PCAP_ERROR_BREAK) {
        reader->ended = true;
        return 0;
    }
    reader->count++;
    if (result != 1)
        return refuse(reader, pcap_geterr(reader->pcap));
    if (header->caplen > NIC_READER_PACKET_MAX)
        return refuse(reader, "longer than any frame");
    if (header->ts.tv_usec < 0 || header->ts.tv_usec >= (long)STK_S_NS)
        return refuse(reader, "its time has more than a second's fraction");
    *out = (struct nic_packet){
        .number = reader->count,
        .time_ns = time_ns(header),
        .frame = bytes,
        .len = header->caplen,
        .full_len = header->len > header->caplen ? header->len : header->caplen,
    };
    if (out->full_len > NIC_READER_PACKET_MAX)
        out->full_len = NIC_READER_PACKET_MAX; /* a damaged length, and nothing more than that is known of the packet */
    why = frame_normalise(reader, out);
    if (why != NULL)
        return refuse(reader, why);
    if (out->len < out->full_len)
        out->flags |= NIC_PACKET_SNAPPED;
    if (out->time_ns < reader->latest_ns)
        out->flags |= NIC_PACKET_BACKWARDS;
    else
        reader->latest_ns = out->time_ns;
    return 1;
}

const char *nic_reader_reason(const struct nic_reader *reader)
{
    return reader->reason;
}

const char *nic_reader_link_type(const struct nic_reader *reader)
{
    return reader->link_type;
}

int nic_reader_open_stream(FILE *stream, struct nic_reader **out, char *reason)
{
    struct nic_reader *reader = calloc(1, sizeof(*reader));
    char why[PCAP_ERRBUF_SIZE] = "";

    *out = NULL;
    if (reader == NULL) {
        fclose(stream);
        return STK_ENOMEM;
    }
    reader->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (reader->pcap == NULL) {
        snprintf(reason, NIC_READER_REASON_SIZE, "%s", why);
        fclose(stream);
        free(reader);
        return STK_EINVAL;
    }
    return reader_start(reader, out, reason);
}
