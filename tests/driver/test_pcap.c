/* Files in and out: the pcap driver, and the recording that every port can do. */
#include <pcap/pcap.h>
#include <stdlib.h>

#include "nic/capture.h"
#include "nic/csum.h"
#include "t_nic.h"
#include "t_os.h"

static char directory[160];

static const char *path_of(const char *name)
{
    static char path[192];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

/** Open a port; FILE in the keys stands for a file of the test's directory. */
static struct nic_port *open_with(const char *name, const char *driver, const char *keys, const char *file)
{
    const char *at = strstr(keys, "FILE");
    char full[320];

    assert_non_null(at);
    snprintf(full, sizeof(full), "%.*s%s%s", (int)(at - keys), keys, path_of(file), at + 4);
    return t_open_keys(name, driver, full);
}

/** Write a capture of count frames, each a millisecond after the one before; the last one times backwards. */
static void file_make(const char *name, int link_type, uint32_t count, uint32_t len, uint32_t caplen)
{
    pcap_t *pcap = pcap_open_dead_with_tstamp_precision(link_type, 65535, PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, path_of(name));
    static uint8_t frame[2048];

    assert_non_null(dumper);
    for (uint32_t n = 0; n < count; n++) {
        struct pcap_pkthdr header = {.ts = {.tv_sec = 1000, .tv_usec = (int)n * 1000000}, .caplen = caplen, .len = len};

        t_frame_fill(frame, len, n);
        pcap_dump((u_char *)dumper, &header, frame);
    }
    pcap_dump_close(dumper);
    pcap_close(pcap);
}

static uint32_t take(struct nic_port *port, uint64_t now_ns, uint32_t expect_from)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t total = 0, got;

    while ((got = nic_rx_burst(port, bufs, NIC_BURST_MAX, now_ns)) != 0) {
        for (uint32_t i = 0; i < got; i++) {
            assert_int_equal(t_frame_number(bufs[i]), expect_from + total);
            total++;
            nic_buf_free(bufs[i]);
        }
    }
    return total;
}

static void replay__what_was_sent__comes_back(void **state)
{
    struct nic_port *port = open_with("out", "pcap", "tx_file=FILE clock=port", "loop.pcap");
    struct nic_buf *buf;

    (void)state;
    for (uint32_t n = 0; n < 100; n++)
        t_send(port, 60 + n * 10, n, 5 * STK_S_NS + n);
    nic_port_close(port);
    port = open_with("in", "pcap", "rx_file=FILE", "loop.pcap");
    assert_int_equal(nic_port_next_event_ns(port), 0);
    for (uint32_t n = 0; n < 100; n++) {
        static uint8_t want[2048];

        assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 1);
        t_frame_fill(want, 60 + n * 10, n);
        assert_int_equal(buf->pkt_len, 60 + n * 10);
        assert_memory_equal(buf->data, want, buf->pkt_len);
        assert_int_equal(buf->flags, NIC_RX_TSTAMP);
        assert_int_equal(buf->tstamp_ns, 5 * STK_S_NS + n);
        nic_buf_free(buf);
    }
    assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 0);
    assert_true(nic_port_next_event_ns(port) == STK_NEVER);
    assert_int_equal(t_stats(port).rx_frames, 100);
    assert_int_equal(t_in_use(port), 0);
    nic_port_close(port);
}

/* Seconds of a file have 32 bits without a sign, which end in 2106. */
static void replay__times_behind_2038__come_back(void **state)
{
    static const uint64_t times_ns[] = {2147483647 * STK_S_NS + 1, 2147483648 * STK_S_NS,
                                        4294967295 * STK_S_NS + 999999999};
    struct nic_port *port = open_with("out", "pcap", "tx_file=FILE clock=port", "late.pcap");
    struct nic_buf *buf;

    (void)state;
    for (uint32_t n = 0; n < sizeof(times_ns) / sizeof(times_ns[0]); n++)
        t_send(port, 60, n, times_ns[n]);
    nic_port_close(port);
    port = open_with("in", "pcap", "rx_file=FILE", "late.pcap");
    for (uint32_t n = 0; n < sizeof(times_ns) / sizeof(times_ns[0]); n++) {
        assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 1);
        assert_int_equal(buf->tstamp_ns, times_ns[n]);
        nic_buf_free(buf);
    }
    nic_port_close(port);
}

static void replay__paced__follows_the_files_times(void **state)
{
    const uint64_t start_ns = 77 * STK_S_NS;
    struct nic_port *port;

    (void)state;
    file_make("paced.pcap", DLT_EN10MB, 5, 60, 60);
    port = open_with("in", "pcap", "rx_file=FILE pace=yes", "paced.pcap");
    assert_int_equal(take(port, start_ns, 0), 1);
    assert_int_equal(nic_port_next_event_ns(port), start_ns + STK_MS_NS);
    assert_int_equal(take(port, start_ns + STK_MS_NS - 1, 1), 0);
    assert_int_equal(take(port, start_ns + STK_MS_NS, 1), 1);
    assert_int_equal(take(port, start_ns + 4 * STK_MS_NS, 2), 3);
    assert_int_equal(take(port, STK_NEVER - 1, 5), 0);
    nic_port_close(port);
}

static void replay__loop__starts_again(void **state)
{
    struct nic_buf *buf;
    struct nic_port *port;

    (void)state;
    file_make("again.pcap", DLT_EN10MB, 3, 60, 60);
    port = open_with("in", "pcap", "rx_file=FILE loop=yes", "again.pcap");
    for (uint32_t n = 0; n < 10; n++) {
        assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 1);
        assert_int_equal(t_frame_number(buf), n % 3);
        nic_buf_free(buf);
    }
    nic_port_close(port);
    file_make("empty.pcap", DLT_EN10MB, 0, 60, 60);
    port = open_with("in", "pcap", "rx_file=FILE loop=yes", "empty.pcap");
    assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 0);
    nic_port_close(port);
}

static void replay__pool_empty__waits_and_loses_nothing(void **state)
{
    struct nic_buf *held[4], *buf;
    struct nic_port *port;
    struct t_conf t;
    char keys[256];

    (void)state;
    file_make("wait.pcap", DLT_EN10MB, 8, 60, 60);
    snprintf(keys, sizeof(keys), "rx_file=%s", path_of("wait.pcap"));
    t_conf(&t, "in", "pcap", keys);
    t.conf.buffers = 4;
    port = t_open(&t.conf);
    assert_int_equal(nic_rx_burst(port, held, 4, 0), 4);
    assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 0);
    for (uint32_t i = 0; i < 4; i++)
        nic_buf_free(held[i]);
    assert_int_equal(take(port, 0, 4), 4);
    nic_port_close(port);
}

static void replay__snapped_long_and_short_frames__are_dropped_and_counted(void **state)
{
    static const struct {
        uint32_t len, caplen;
    } rows[] = {{100, 99}, {100, 0}, {13, 13}, {0, 0}, {1519, 1519}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nic_port *port;
        struct nic_buf *buf;

        print_message("%u of %u bytes\n", rows[i].caplen, rows[i].len);
        file_make("odd.pcap", DLT_EN10MB, 3, rows[i].len, rows[i].caplen);
        port = open_with("in", "pcap", "rx_file=FILE", "odd.pcap");
        assert_int_equal(nic_rx_burst(port, &buf, 1, 0), 0);
        assert_int_equal(t_stats(port).rx_errors, 3);
        assert_int_equal(t_in_use(port), 0);
        nic_port_close(port);
    }
}

static void replay__file_cut_short__gives_what_is_whole(void **state)
{
    struct nic_port *port;

    (void)state;
    file_make("cut.pcap", DLT_EN10MB, 4, 100, 100);
    assert_int_equal(t_file_cut(path_of("cut.pcap"), 24 + 3 * 116 + 50), 0);
    port = open_with("in", "pcap", "rx_file=FILE", "cut.pcap");
    assert_int_equal(take(port, 0, 0), 3);
    assert_int_equal(t_stats(port).rx_errors, 1);
    assert_true(nic_port_next_event_ns(port) == STK_NEVER);
    nic_port_close(port);
}

static void open__bad_files__are_refused_by_name(void **state)
{
    static const struct {
        const char *file;
        int err;
        const char *reason;
    } rows[] = {
        {"absent.pcap", STK_ENOENT, "No such file"},
        {"text.pcap", STK_EINVAL, "unknown file format"},
        {"short.pcap", STK_EINVAL, "truncated"},
        {"raw.pcap", STK_EINVAL, "link type RAW is not Ethernet"},
    };
    FILE *file;

    (void)state;
    file = fopen(path_of("text.pcap"), "w");
    assert_non_null(file);
    fputs("this is a text of some length, and not a capture", file);
    fclose(file);
    file = fopen(path_of("short.pcap"), "w");
    assert_non_null(file);
    fputs("\xd4\xc3\xb2\xa1", file);
    fclose(file);
    file_make("raw.pcap", DLT_RAW, 1, 60, 60);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nic_port *port;
        struct t_conf t;
        static char keys[256], where[256];

        snprintf(keys, sizeof(keys), "rx_file=%s", path_of(rows[i].file));
        snprintf(where, sizeof(where), "t.conf:10: port in: rx_file: %s", directory);
        t_conf(&t, "in", "pcap", keys);
        assert_int_equal(nic_port_open(&t.conf, &port), rows[i].err);
        print_message("%s\n", t.error);
        assert_non_null(strstr(t.error, where));
        assert_non_null(strstr(t.error, rows[i].reason));
    }
}

static void file__opened__is_not_inherited(void **state)
{
    char reason[NIC_CAPTURE_REASON_SIZE];
    pcap_dumper_t *dumper;
    pcap_t *pcap;

    (void)state;
    file_make("mine.pcap", DLT_EN10MB, 1, 60, 60);
    pcap = nic_capture_file_read(path_of("mine.pcap"), NULL, reason);
    assert_non_null(pcap);
    assert_false(t_file_inherited(pcap_file(pcap)));
    dumper = nic_capture_file_write(pcap, path_of("copy.pcap"), reason);
    assert_non_null(dumper);
    assert_false(t_file_inherited(pcap_dump_file(dumper)));
    pcap_dump_close(dumper);
    pcap_close(pcap);
}

/** An IPv4/UDP frame that leaves both checksums to the port. */
static struct nic_buf *offloaded(struct nic_port *port)
{
    static const uint8_t bytes[45] = {2,  0, 0,  0, 0, 2, 2, 0,  0,  0,  0,    1,    8,   0,   0x45,
                                      0,  0, 31, 0, 1, 0, 0, 64, 17, 0,  0,    10,   0,   0,   1,
                                      10, 0, 0,  2, 0, 1, 0, 2,  0,  11, 0x14, 0x1f, 'a', 'b', 'c'};
    struct nic_buf *buf = t_frame_must(port, 0, 0);

    memcpy(buf->data, bytes, sizeof(bytes));
    buf->len = buf->pkt_len = sizeof(bytes);
    buf->flags = NIC_TX_IP4 | NIC_TX_IP4_CSUM | NIC_TX_UDP_CSUM;
    buf->l2_len = 14;
    buf->l3_len = 20;
    return buf;
}

static void capture__both_directions__with_checksums_and_snaplen(void **state)
{
    struct nic_port *a = open_with("a", "wire", "link=cap offload=on capture=FILE capture_clock=port", "cap.pcap");
    struct nic_port *b = open_with("b", "wire", "link=cap capture=FILE capture_snaplen=64", "cap2.pcap");
    char reason[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    struct nic_buf *buf = offloaded(a);
    pcap_t *pcap;

    (void)state;
    assert_int_equal(nic_tx_burst(a, &buf, 1, 1000), 1);
    t_send(b, 1000, 9, 2000);
    assert_int_equal(nic_rx_burst(a, &buf, 1, 3000), 1);
    nic_buf_free(buf);
    assert_int_equal(nic_rx_burst(b, &buf, 1, 3000), 1);
    nic_buf_free(buf);
    nic_port_close(a);
    nic_port_close(b);

    pcap = pcap_open_offline_with_tstamp_precision(path_of("cap.pcap"), PCAP_TSTAMP_PRECISION_NANO, reason);
    assert_non_null(pcap);
    assert_int_equal(pcap_next_ex(pcap, &header, &frame), 1);
    assert_int_equal(header->ts.tv_usec, 1000);
    assert_int_equal(header->len, 45);
    assert_int_equal(nic_csum_rx_flags(frame, 45), NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD);
    assert_int_equal(pcap_next_ex(pcap, &header, &frame), 1);
    assert_int_equal(header->ts.tv_usec, 3000);
    assert_int_equal(header->caplen, 1000);
    assert_int_equal(pcap_next_ex(pcap, &header, &frame), PCAP_ERROR_BREAK);
    pcap_close(pcap);

    pcap = pcap_open_offline(path_of("cap2.pcap"), reason);
    assert_non_null(pcap);
    assert_int_equal(pcap_next_ex(pcap, &header, &frame), 1);
    assert_int_equal(header->len, 1000);
    assert_int_equal(header->caplen, 64);
    assert_true(header->ts.tv_sec > 1600000000);
    pcap_close(pcap);
}

static int remove_all(void **state)
{
    (void)state;
    return t_folder_remove(directory);
}

/* How many records does a capture have, and how long is its longest? */
static uint32_t records_of(const char *name, uint32_t *longest)
{
    char reason[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    uint32_t count = 0;
    pcap_t *pcap = pcap_open_offline(path_of(name), reason);

    *longest = 0;
    if (pcap == NULL)
        return 0;
    while (pcap_next_ex(pcap, &header, &frame) == 1) {
        count++;
        *longest = header->len > *longest ? header->len : *longest;
    }
    pcap_close(pcap);
    return count;
}

static void capture__filter_and_size__choose_frames_and_begin_new_files(void **state)
{
    struct nic_port *a = open_with("a", "wire", "link=rot capture=FILE capture_filter=len<=600", "few.pcap");
    struct nic_port *b = open_with("b", "wire", "link=rot capture=FILE capture_size=4096 capture_files=3", "rot.pcap");
    struct nic_buf *buf;
    uint32_t longest;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        t_send(b, i % 2 == 0 ? 500 : 1000, 9, 1000 * (i + 1));
        assert_int_equal(nic_rx_burst(a, &buf, 1, 1000 * (i + 1)), 1);
        nic_buf_free(buf);
    }
    nic_port_close(a);
    nic_port_close(b);
    assert_int_equal(records_of("few.pcap", &longest), 10);
    assert_int_equal(longest, 500);
    /* 5 in the first file; then 4 in each: 24 + 2 * (16 + 1000) + 2 * (16 + 500), and no room for the next 1000. */
    assert_int_equal(records_of("rot.pcap", &longest), 3);
    assert_int_equal(records_of("rot.pcap.1", &longest), 4);
    assert_int_equal(records_of("rot.pcap.2", &longest), 4);
    assert_int_equal(records_of("rot.pcap.3", &longest), 0);
}

/** What a packet block of a pcapng file says. */
struct ng_packet {
    uint32_t caplen;
    uint32_t len;
    uint32_t direction; /**< 1: received, 2: sent */
    char note[NIC_NOTE_SIZE];
};

static uint32_t word_at(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static void ng_options(const uint8_t *at, const uint8_t *end, struct ng_packet *packet)
{
    while (at + 4 <= end && word_at(at) != 0) {
        const uint32_t code = word_at(at) & 0xffff, len = word_at(at) >> 16;

        if (code == 1) {
            assert_in_range(len, 1, sizeof(packet->note) - 1);
            memcpy(packet->note, at + 4, len);
            packet->note[len] = '\0';
        } else {
            assert_int_equal(code, 2);
            packet->direction = word_at(at + 4);
        }
        at += 4 + ((len + 3) & ~3u);
    }
    assert_ptr_equal(at + 4, end);
}

/** The packet blocks of a file, which has to be whole: each length twice, the interface before packets. */
static uint32_t ng_read(const char *name, struct ng_packet *packets, uint32_t room)
{
    static uint8_t bytes[65536];
    FILE *file = fopen(path_of(name), "rb");
    size_t size, at = 0;
    uint32_t count = 0;

    if (file == NULL)
        return 0;
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    while (at < size) {
        const uint8_t *block = bytes + at;
        const uint32_t len = word_at(block + 4);

        assert_true(len % 4 == 0 && len >= 12 && len <= size - at);
        assert_int_equal(word_at(block + len - 4), len);
        assert_int_equal(word_at(block), at == 0 ? 0x0a0d0d0au : at == 28 ? 1 : 6);
        if (word_at(block) == 6) {
            assert_true(count < room);
            packets[count] = (struct ng_packet){.caplen = word_at(block + 20), .len = word_at(block + 24)};
            ng_options(block + 28 + ((packets[count].caplen + 3) & ~3u), block + len - 4, &packets[count]);
            count++;
        }
        at += len;
    }
    return count;
}

static void capture__pcapng__has_directions_and_the_reasons_of_drops(void **state)
{
    struct nic_port *a = open_with("a", "wire", "link=ng capture=FILE capture_snaplen=70 capture_filter=len!=61",
                                   "n.pcapng");
    struct nic_port *b = open_with("b", "wire", "link=ng capture=FILE", "n.pcap");
    struct nic_buf *bufs[NIC_BURST_MAX], *buf;
    static struct ng_packet packets[8];
    uint32_t longest;

    (void)state;
    assert_true(nic_port_noting(a));
    assert_false(nic_port_noting(b));
    assert_null(nic_tx_lost_room(b, 60));
    for (uint32_t i = 0; i < 4; i++)
        t_send(b, 60 + i, i, 1000);
    assert_int_equal(nic_rx_burst(a, bufs, NIC_BURST_MAX, 2000), 4);
    nic_rx_note(a, 1, "of a frame that is filtered out");
    nic_rx_note(a, 0, "dropped: one");
    t_send(a, 64, 9, 3000); /* an answer while the burst is being taken */
    nic_rx_note(a, 2, "dropped: two");
    nic_rx_note(a, 2, "three");
    nic_rx_note(a, 4, "of no frame");
    nic_rx_settle(a);
    nic_rx_note(a, 0, "too late");
    memset(nic_tx_lost_room(a, 80), 0, 80);
    nic_tx_lost(a, 4000, "not sent: by nobody");
    assert_null(nic_tx_lost_room(a, 100000));
    for (uint32_t i = 0; i < 4; i++)
        nic_buf_free(bufs[i]);
    t_send(b, 65, 9, 5000);
    assert_int_equal(nic_rx_burst(a, &buf, 1, 6000), 1);
    nic_buf_free(buf); /* nobody says that all is said: closing writes it */
    nic_port_close(a);
    nic_port_close(b);

    assert_int_equal(ng_read("n.pcapng", packets, 8), 6);
    static const struct ng_packet rows[6] = {
        {60, 60, 1, "dropped: one"},
        {62, 62, 1, "dropped: two; three"},
        {63, 63, 1, ""},
        {64, 64, 2, ""},
        {70, 80, 2, "not sent: by nobody"},
        {65, 65, 1, ""},
    };
    for (uint32_t i = 0; i < 6; i++) {
        print_message("record %u\n", i);
        assert_int_equal(packets[i].caplen, rows[i].caplen);
        assert_int_equal(packets[i].len, rows[i].len);
        assert_int_equal(packets[i].direction, rows[i].direction);
        assert_string_equal(packets[i].note, rows[i].note);
    }
    assert_int_equal(records_of("n.pcapng", &longest), 6); /* libpcap reads it, too */
    assert_int_equal(longest, 80);
}

static void capture__pcapng__tells_what_the_port_dropped_and_rotates(void **state)
{
    struct nic_port *a = open_with("a", "wire", "link=drop capture=FILE capture_format=pcapng capture_size=4096", "d");
    struct nic_port *b = t_open_keys("b", "wire", "link=drop");
    static struct ng_packet packets[8];
    struct nic_buf *buf;

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        if (i == 1) { /* torn: too short for the receiver */
            t_send(b, 9, 0, 1000 * (i + 1));
            assert_int_equal(nic_rx_burst(a, &buf, 1, 1000 * (i + 1)), 0);
        }
        t_send(b, 1001, i, 1000 * (i + 1));
        assert_int_equal(nic_rx_burst(a, &buf, 1, 1000 * (i + 1)), 1);
        nic_rx_settle(a);
        nic_buf_free(buf);
    }
    nic_port_close(a);
    nic_port_close(b);
    assert_int_equal(ng_read("d.1", packets, 8), 3);
    assert_string_equal(packets[0].note, "");
    assert_string_equal(packets[1].note, "1 dropped before this one: nic rx_errors");
    assert_string_equal(packets[2].note, "");
    assert_int_equal(ng_read("d", packets, 8), 2);
    assert_int_equal(ng_read("d.2", packets, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay__what_was_sent__comes_back),
        cmocka_unit_test(replay__times_behind_2038__come_back),
        cmocka_unit_test(replay__paced__follows_the_files_times),
        cmocka_unit_test(replay__loop__starts_again),
        cmocka_unit_test(replay__pool_empty__waits_and_loses_nothing),
        cmocka_unit_test(replay__snapped_long_and_short_frames__are_dropped_and_counted),
        cmocka_unit_test(replay__file_cut_short__gives_what_is_whole),
        cmocka_unit_test(open__bad_files__are_refused_by_name),
        cmocka_unit_test(file__opened__is_not_inherited),
        cmocka_unit_test(capture__both_directions__with_checksums_and_snaplen),
        cmocka_unit_test(capture__filter_and_size__choose_frames_and_begin_new_files),
        cmocka_unit_test(capture__pcapng__has_directions_and_the_reasons_of_drops),
        cmocka_unit_test(capture__pcapng__tells_what_the_port_dropped_and_rotates),
    };

    if (!t_folder_make(directory, sizeof(directory)))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_all);
}
