/* Case files: what is accepted, and what is refused with file, line and key. */
#include "case.h"

#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct t_row {
    const char *text;
    const char *error; /* NULL: accepted */
};

static void case__bad_lines__name_file_line_and_key(void **state)
{
    static const struct t_row rows[] = {
        {"capture = a.pcap\n", "x/t.case:1: capture: stands before the first [section]"},
        {"[case]\n[other]\n", "x/t.case:2: sections are [case] and [expect]"},
        {"[case\n", "x/t.case:1: sections are [case] and [expect]"},
        {"[case]\nnonsense\n", "x/t.case:2: neither [section] nor KEY = VALUE"},
        {"[case]\n\n# note\ncaptur = a\n", "x/t.case:4: captur: unknown key"},
        {"[case]\ngolden = a\n", "x/t.case:2: golden: unknown key"},
        {"[case]\ncapture =\n", "x/t.case:2: capture: no value"},
        {"[case]\nmode = fast\n", "x/t.case:2: mode: it is tcp, recorded or receive"},
        {"[case]\nplay = both\n", "x/t.case:2: play: it is client or server"},
        {"[case]\nactor = program\n",
         "x/t.case:2: actor: it is recorded, echo, sink, none or: script FILE; a program has a key of its own"},
        {"[case]\nspeed = quick\n", "x/t.case:2: speed: it is a factor (1, 10x, 0.25), max or stepped"},
        {"[case]\nseed = -1\n", "x/t.case:2: seed: it is a whole number"},
        {"[case]\nseed = 4294967296\n", "x/t.case:2: seed: out of range"},
        {"[case]\nmtu = 100\n", "x/t.case:2: mtu: out of range"},
        {"[case]\ntimeout = 5\n", "x/t.case:2: timeout: it is a duration: 20ms, 3s"},
        {"[case]\nengine = [port x]\n", "x/t.case:2: engine: it is KEY = VALUE, as in the stack's configuration"},
        {"[expect]\ntolerance = seq, colour\n",
         "x/t.case:2: tolerance: words are seq, id, window, timestamps, ttl, acks, port and time=DURATION"},
        {"[case]\nseed = 1\nmtu = 1400\nseed = 2\n", "x/t.case:4: seed: the file has it already"},
        {"[case]\nactor = echo\nprogram = ./a\n", "x/t.case:3: program: a case has an actor or a program"},
        {"[case]\nprogram = ./a\nactor = echo\n", "x/t.case:3: actor: a case has an actor or a program"},
        {"[expect]\nevent = acept 1\n",
         "x/t.case:2: event: words are accept, connect, data, eof, shutdown, close, abort, open and error"},
        {"[case]\ncapture = a\nengine = a = 1\nengine = b = 2\nport = a = 1\nport = b = 1\n", NULL},
        {"[expect]\nexit = 256\n", "x/t.case:2: exit: it is a number up to 255, or any"},
        {"[case]\nname = a\n", "x/t.case: no capture is named"},
        {"[case]\ncapture = a\nloops = 2\n", "x/t.case: mode tcp plays once: loops"},
        {"[case]\ncapture = a\nmode = receive\nfilter = tcp\n", "x/t.case: mode receive takes every packet: filter"},
        {"[case]\ncapture = a\nmode = receive\nrewrite = port 1 -> 2\n",
         "x/t.case: mode receive takes packets as they are: rewrite"},
        {"[case]\ncapture = a\nmode = receive\nlisten = tcp:80\n",
         "x/t.case: mode receive takes every conversation: listen"},
        {"[case]\ncapture = a\nmode = receive\naddress = 10.0.0.1/8\n",
         "x/t.case: mode receive takes every conversation: address"},
        {"[case]\ncapture = a\nmode = receive\nloops = 2\n", "x/t.case: mode receive plays once: loops"},
        {"[case]\ncapture = a\nmode = receive\nclock = real\n",
         "x/t.case: mode receive has no clock but the capture's: clock"},
        {"[case]\ncapture = a\nspeed = stepped\nmode = receive\n",
         "x/t.case: mode receive is not stepped (key stop_at stops it): speed"},
        {"[case]\ncapture = a\naddress = 10.0.0.1/8\nspeed = stepped\n", NULL},
        {"[case]\ncapture = a\nrewrite = vlan 1 -> 2,port 1 -> 2\n", NULL},
        {"[case]\ncapture = a\nrewrite = vlan 1 -> 2\n", NULL},
        {"[case]\ncapture = a\nmode = recorded\nactor = sink\naddress = 10.0.0.1/8\nrewrite = ip 1.1.1.1 -> 2.2.2.2\n",
         NULL},
        {"[case]\ncapture = a\n", NULL},
        {"\t[case]\r\n  capture\t=  a b.pcap  \r\n[expect]\r\nevent = accept 1\r\nevent = close 1", NULL},
    };
    struct stk_case *of = malloc(sizeof(*of));
    char error[STK_CASE_ERROR_SIZE];
    (void)state;
    assert_non_null(of);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const int err = stk_case_parse(rows[i].text, strlen(rows[i].text), "x/t.case", of, error);
        if (rows[i].error != NULL) {
            assert_int_not_equal(err, STK_OK);
            assert_string_equal(error, rows[i].error);
        } else if (err != STK_OK) {
            fail_msg("row %u: %s", (unsigned)i, error);
        }
    }
    free(of);
}

static void case__values__arrive(void **state)
{
    static const char text[] =
        "[case]\nname = n\ncapture = a.pcap\nmode = recorded\nplay = server\nactor = script s.txt\n"
        "speed = 10x\nseed = 7\ntimeout = 2s\nstart = 30ms\nengine = rcvbuf = 64KiB\n"
        "[expect]\ngolden = /abs/g.pcap\ntolerance = seq,id time=3us\ndepartures = 2\nexit = 0\n"
        "stream = 1 in bytes 5\nevent = accept 1\n";
    struct stk_case *of = malloc(sizeof(*of));
    char error[STK_CASE_ERROR_SIZE];
    (void)state;
    assert_non_null(of);
    assert_int_equal(stk_case_parse(text, sizeof(text) - 1, "dir/t.case", of, error), STK_OK);
    assert_string_equal(of->name, "n");
    assert_string_equal(of->capture, "dir/a.pcap");
    assert_string_equal(of->script, "dir/s.txt");
    assert_string_equal(of->golden, "/abs/g.pcap");
    assert_int_equal(of->mode, STK_CASE_RECORDED);
    assert_int_equal(of->play, STK_CASE_SERVER);
    assert_int_equal(of->actor, STK_ACTOR_SCRIPT);
    assert_int_equal(of->seed, 7);
    assert_int_equal(of->timeout_ms, 2000);
    assert_int_equal(of->start_ms, 30);
    assert_int_equal(of->tolerance, STK_TOLERATE_SEQ | STK_TOLERATE_ID);
    assert_int_equal(of->tolerance_ns, 3000);
    assert_int_equal(of->departures, 2);
    assert_int_equal(of->exit_code, 0);
    assert_int_equal(of->expects_count, 2);
    assert_int_equal(of->expects[1].kind, STK_EXPECT_EVENT);
    assert_int_equal(of->expects[1].line, 18);
    assert_string_equal(of->extra_engine[0], "rcvbuf = 64KiB");
    free(of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case__bad_lines__name_file_line_and_key),
        cmocka_unit_test(case__values__arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
