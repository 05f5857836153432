/* Stepped: a person, or a file of commands, says when each frame goes in. */
#include "replay_priv.h"
#include "stack/clock.h"
#include "talk_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 128
#define END_TEXT_SIZE 56

static const char help_text[] = "Enter or n: this packet; a number: go to that packet; c: go on to the end;\n"
                                "i: where things are; q: stop here\n";

static void end_text(char out[END_TEXT_SIZE], const uint8_t *ip, uint8_t version, uint16_t port)
{
    int used = 0;

    if (version == 4) {
        (void)snprintf(out, END_TEXT_SIZE, "%u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3], port);
        return;
    }
    for (uint32_t i = 0; i < 16; i += 2)
        used += snprintf(out + used, END_TEXT_SIZE - (size_t)used, "%s%x", i == 0 ? "[" : ":",
                         (unsigned)replay_get16(ip + i));
    (void)snprintf(out + used, END_TEXT_SIZE - (size_t)used, "]:%u", port);
}

static void tcp_say(const uint8_t *tcp)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } flags[] = {
        {REPLAY_FLAG_SYN, " SYN"},
        {REPLAY_FLAG_FIN, " FIN"},
        {REPLAY_FLAG_RST, " RST"},
        {REPLAY_FLAG_ACK, " ACK"},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        (void)fputs((tcp[13] & flags[i].flag) != 0 ? flags[i].name : "", stdout);
    (void)printf(" seq %u ack %u", (unsigned)replay_get32(tcp + 4), (unsigned)replay_get32(tcp + 8));
}

static void frame_say(const struct replay_port *port, uint64_t now_ns)
{
    const uint8_t *frame = port->out;
    const uint64_t past_us = (now_ns - port->step.begin_ns) / 1000;
    struct replay_view view;
    char ends[2][END_TEXT_SIZE];

    (void)printf("packet %llu: +%llu.%06llu s, %u bytes", (unsigned long long)port->out_number,
                 (unsigned long long)(past_us / 1000000), (unsigned long long)(past_us % 1000000),
                 (unsigned)port->out_len);
    if (!replay_view_read(frame, port->out_len, &view) || view.version == 0) {
        (void)puts(", not IP");
        return;
    }
    const bool ports = view.l4 != 0;
    end_text(ends[0], frame + view.src, view.version, ports ? replay_get16(frame + view.l4) : 0);
    end_text(ends[1], frame + view.dst, view.version, ports ? replay_get16(frame + view.l4 + 2) : 0);
    (void)printf(", %s > %s, protocol %u", ends[0], ends[1], view.proto);
    if (ports && view.proto == REPLAY_IPPROTO_TCP)
        tcp_say(frame + view.l4);
    (void)printf("%s, %u bytes of data\n", view.fragment ? ", a fragment" : "",
                 (unsigned)replay_view_payload_bytes(&view));
}

static void conversation_say(const struct replay_talk *talk, const struct replay_talk_conv *conv)
{
    char ends[2][END_TEXT_SIZE];
    const bool tcp = conv->proto == REPLAY_IPPROTO_TCP;
    const uint64_t heard = tcp && conv->live_sent > 0 ? conv->live_sent - 1 : conv->live_dgrams;

    end_text(ends[0], conv->ip[0], conv->version, conv->port[0]);
    end_text(ends[1], conv->live_ip, conv->version, conv->live_port != 0 ? conv->live_port : conv->port[1]);
    (void)printf("conversation %u: %s, played %s, live %s, heard %llu %s", (unsigned)conv->number, tcp ? "tcp" : "udp",
                 ends[0], ends[1], (unsigned long long)heard, tcp ? "bytes" : "datagrams");
    if (conv->over || conv->cursor == REPLAY_NONE)
        (void)puts(conv->departed ? ", departed" : ", over");
    else
        (void)printf(", next is packet %llu%s\n", (unsigned long long)talk->recs[conv->cursor].number,
                     conv->waiting ? ", waits" : "");
}

static void inspect(const struct replay_port *port)
{
    const struct replay_report *report = &port->report;

    (void)printf("played %llu, heard %llu, left out %llu\n", (unsigned long long)report->frames_played,
                 (unsigned long long)report->frames_heard, (unsigned long long)report->left_out);
    for (uint32_t i = 0; i < report->departures_count && i < REPLAY_FAULTS_MAX; i++)
        (void)printf("departure: conversation=%u packet=%llu %s\n", (unsigned)report->departures[i].conv,
                     (unsigned long long)report->departures[i].packet, report->departures[i].text);
    for (uint32_t i = 0; port->talk != NULL && i < port->talk->convs_count; i++)
        conversation_say(port->talk, &port->talk->convs[i]);
    (void)fflush(stdout);
    if (port->base.inspect != NULL)
        port->base.inspect(port->base.inspect_ctx);
}

/* @return  The command is an answer: the frame goes in, or port->step says that nothing does any more. */
static bool command_take(struct replay_port *port, const char *word)
{
    if (isdigit((unsigned char)*word)) {
        const unsigned long long number = strtoull(word, NULL, 10);

        port->step.until = number;
        if (number > port->out_number)
            return true;
        (void)printf("packet %llu is here, or behind us\n", number);
        return false;
    }
    if (*word == '\0' || strcmp(word, "n") == 0 || strcmp(word, "c") == 0) {
        port->step.until = *word == 'c' ? UINT64_MAX : 0;
        return true;
    }
    if (strcmp(word, "q") == 0) {
        port->report.stopped = true;
        return true;
    }
    if (strcmp(word, "i") == 0)
        inspect(port);
    else
        (void)fputs(help_text, stdout);
    return false;
}

bool replay_step_ask(struct replay_port *port, uint64_t now_ns)
{
    char line[LINE_SIZE];
    bool answered = false;

    if (port->step.begin_ns == 0)
        port->step.begin_ns = now_ns;
    if (port->out_number < port->step.until)
        return true;
    frame_say(port, now_ns);
    while (!answered) {
        (void)fputs("step> ", stdout);
        (void)fflush(stdout);
        if (fgets(line, sizeof(line), stdin) == NULL) /* nobody is there any more */
            strcpy(line, "c");
        line[strcspn(line, "\r\n")] = '\0';
        answered = command_take(port, line + strspn(line, " \t"));
    }
    (void)fflush(stdout);
    return !port->report.stopped;
}
