#include "pcap_out.h"

#include "nic/reader.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <errno.h>
#include <string.h>

static void put32(uint8_t *at, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

FILE *stk_pcap_out_begin(const char *path)
{
    uint8_t head[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0};
    FILE *file = fopen(path, "wb");
    put32(head + 16, NIC_READER_PACKET_MAX);
    put32(head + 20, 1);
    if (file != NULL && fwrite(head, sizeof(head), 1, file) != 1) {
        (void)fclose(file);
        return NULL;
    }
    return file;
}

bool stk_pcap_out_put(FILE *file, uint64_t time_ns, const uint8_t *frame, uint32_t len, uint32_t full_len)
{
    uint8_t head[16];
    put32(head, (uint32_t)(time_ns / STK_S_NS));
    put32(head + 4, (uint32_t)(time_ns % STK_S_NS));
    put32(head + 8, len);
    put32(head + 12, full_len);
    return fwrite(head, sizeof(head), 1, file) == 1 && (len == 0 || fwrite(frame, len, 1, file) == 1);
}

static bool bytes_copy(FILE *in, const char *to)
{
    static char block[8192];
    size_t got;
    FILE *out = fopen(to, "wb");
    bool good = out != NULL;
    while (good && (got = fread(block, 1, sizeof(block), in)) > 0) {
        good = fwrite(block, 1, got, out) == got;
    }
    return (out == NULL || fclose(out) == 0) && good;
}

static bool packets_copy(struct nic_reader *reader, const char *to)
{
    struct nic_packet packet;
    FILE *out = stk_pcap_out_begin(to);
    bool good = out != NULL;
    int result = 1;
    while (good && (result = nic_reader_next(reader, &packet)) == 1) {
        good = stk_pcap_out_put(out, packet.time_ns, packet.frame, packet.len, packet.full_len);
    }
    return (out == NULL || fclose(out) == 0) && good && result == 0;
}

static const char *ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot : "";
}

bool stk_pcap_out_copy(const char *from, const char *to)
{
    bool good = false;
    if (strcmp(ending(from), ending(to)) == 0) {
        FILE *in = fopen(from, "rb");
        good = in != NULL && bytes_copy(in, to);
        if (in != NULL) {
            (void)fclose(in);
        }
        return good;
    }
    struct nic_reader *reader = NULL;
    char reason[NIC_READER_REASON_SIZE];
    if (nic_reader_open(from, &reader, reason) != STK_OK) {
        errno = ENOENT;
        return false;
    }
    good = packets_copy(reader, to);
    nic_reader_close(reader);
    return good;
}
