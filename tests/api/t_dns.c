#include "t_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_PTR 12
#define TYPE_AAAA 28

struct answer {
    unsigned char bytes[1500];
    size_t used;
    unsigned count;
};

struct question {
    char name[256];
    unsigned type;
    size_t end; /* offset behind the question */
};

static bool question_read(const unsigned char *in, size_t bytes, struct question *out)
{
    size_t at = 12;
    size_t used = 0;
    if (bytes < 17) {
        return false;
    }
    while (at < bytes && in[at] != 0) {
        size_t length = in[at];
        if (length > 63 || at + 1 + length >= bytes || used + length + 2 > sizeof out->name) {
            return false;
        }
        if (used > 0) {
            out->name[used++] = '.';
        }
        memcpy(out->name + used, in + at + 1, length);
        used += length;
        at += 1 + length;
    }
    out->name[used] = '\0';
    if (at + 5 > bytes) {
        return false;
    }
    out->type = (unsigned)in[at + 1] << 8 | in[at + 2];
    out->end = at + 5;
    return true;
}

static void put16(struct answer *answer, unsigned value)
{
    answer->bytes[answer->used++] = (unsigned char)(value >> 8);
    answer->bytes[answer->used++] = (unsigned char)value;
}

static void put_name(struct answer *answer, const char *name)
{
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        answer->bytes[answer->used++] = (unsigned char)length;
        memcpy(answer->bytes + answer->used, name, length);
        answer->used += length;
        name += length + (name[length] == '.');
    }
    answer->bytes[answer->used++] = 0;
}

static void put_record(struct answer *answer, const char *name, unsigned type, unsigned ttl, const void *data,
                       size_t bytes)
{
    if (name == NULL) {
        put16(answer, 0xc00c); /* the question's */
    } else {
        put_name(answer, name);
    }
    put16(answer, type);
    put16(answer, 1);
    put16(answer, ttl >> 16);
    put16(answer, ttl & 0xffff);
    put16(answer, (unsigned)bytes);
    memcpy(answer->bytes + answer->used, data, bytes);
    answer->used += bytes;
    answer->count++;
}

static void put_alias(struct answer *answer, const char *name, const char *target)
{
    struct answer inner = {.used = 0};
    put_name(&inner, target);
    put_record(answer, name, TYPE_CNAME, 60, inner.bytes, inner.used);
}

static bool is(const struct question *question, const char *name)
{
    return _stricmp(question->name, name) == 0;
}

static const unsigned char six[16] = {0xfd, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

/* Names by what happens to those who ask. @return the response code; -1: silence; -2: cut short. */
static int reply(const struct question *question, bool stream, struct answer *answer)
{
    unsigned char four[4] = {10, 88, 0, 2};
    unsigned i;
    if (is(question, "silent.test")) {
        return -1;
    }
    if (is(question, "fail.test") || is(question, "refused.test") || is(question, "form.test")) {
        return is(question, "fail.test") ? 2 : is(question, "refused.test") ? 5 : 1;
    }
    if (is(question, "2.0.88.10.in-addr.arpa") && question->type == TYPE_PTR) {
        struct answer inner = {.used = 0};
        put_name(&inner, "ptr.test");
        put_record(answer, NULL, TYPE_PTR, 60, inner.bytes, inner.used);
        return 0;
    }
    if (is(question, "nodata.test")) {
        return 0;
    }
    if (is(question, "big.test")) {
        for (i = 0; stream && question->type == TYPE_A && i < 20; i++) {
            four[3] = (unsigned char)(100 + i);
            put_record(answer, NULL, TYPE_A, 60, four, 4);
        }
        return stream ? 0 : -2;
    }
    if (is(question, "alias.test")) {
        put_alias(answer, NULL, "middle.test");
        put_alias(answer, "middle.test", "four.test");
        if (question->type == TYPE_A) {
            put_record(answer, "four.test", TYPE_A, 60, four, 4);
        }
        return 0;
    }
    if (is(question, "loop.test")) {
        put_alias(answer, NULL, "loop.test");
        return 0;
    }
    if (is(question, "four.test") || is(question, "both.test") || is(question, "short.test") ||
        is(question, "once.test") || is(question, "wrong.test")) {
        unsigned ttl = is(question, "once.test") ? 0 : 60;
        if (question->type == TYPE_A) {
            put_record(answer, NULL, TYPE_A, ttl, four, 4);
        }
        if (question->type == TYPE_AAAA && is(question, "both.test")) {
            put_record(answer, NULL, TYPE_AAAA, ttl, six, 16);
        }
        return 0;
    }
    if (is(question, "six.test")) {
        if (question->type == TYPE_AAAA) {
            put_record(answer, NULL, TYPE_AAAA, 60, six, 16);
        }
        return 0;
    }
    return 3;
}

/* @return bytes of the answer in `answer`; 0: silence. */
static size_t respond(const unsigned char *in, size_t bytes, bool stream, struct answer *answer,
                      struct question *question)
{
    int code;
    memset(answer, 0, sizeof *answer);
    if (!question_read(in, bytes, question)) {
        return 0;
    }
    memcpy(answer->bytes, in, question->end);
    answer->used = question->end;
    code = reply(question, stream, answer);
    if (code == -1) {
        return 0;
    }
    answer->bytes[2] = (unsigned char)(0x80 | (in[2] & 1) | (code == -2 ? 2 : 0));
    answer->bytes[3] = (unsigned char)(0x80 | (code > 0 ? code : 0));
    answer->bytes[4] = 0;
    answer->bytes[5] = 1;
    answer->bytes[6] = 0;
    answer->bytes[7] = (unsigned char)answer->count;
    memset(answer->bytes + 8, 0, 4);
    return answer->used;
}

/* One server runs at a time: its room is not on the stack. */
static unsigned char request[1500];
static unsigned char framed[1502];
static struct answer reply_room;
static struct question asked;

static void serve_datagram(struct t_dns *dns)
{
    SOCKADDR_STORAGE from;
    int from_bytes = sizeof from;
    int got = recvfrom(dns->udp, (char *)request, sizeof request, 0, (struct sockaddr *)&from, &from_bytes);
    u_short id;
    size_t bytes;
    if (got < 17) {
        return;
    }
    id = (u_short)(request[0] << 8 | request[1]);
    dns->queries++;
    if (dns->queries > 1) {
        dns->ids_differ += id != dns->last_id;
        dns->ports_differ += ((SOCKADDR_IN *)(void *)&from)->sin_port != dns->last_port;
    }
    dns->last_id = id;
    dns->last_port = ((SOCKADDR_IN *)(void *)&from)->sin_port;
    bytes = respond(request, (size_t)got, false, &reply_room, &asked);
    if (bytes == 0) {
        dns->dropped++;
        return;
    }
    if (_stricmp(asked.name, "garbage.test") == 0) {
        memset(reply_room.bytes + 2, 0xee, 40);
        bytes = 42;
    }
    if (_stricmp(asked.name, "wrong.test") == 0) { /* first with another's id */
        reply_room.bytes[0] ^= 0x55;
        sendto(dns->udp, (char *)reply_room.bytes, (int)bytes, 0, (struct sockaddr *)&from, from_bytes);
        reply_room.bytes[0] ^= 0x55;
    }
    sendto(dns->udp, (char *)reply_room.bytes, (int)bytes, 0, (struct sockaddr *)&from, from_bytes);
}

static bool receive_all(SOCKET s, unsigned char *out, int bytes)
{
    int got = 0;
    while (got < bytes) {
        int n = recv(s, (char *)out + got, bytes - got, 0);
        if (n <= 0) {
            return false;
        }
        got += n;
    }
    return true;
}

static void serve_stream(struct t_dns *dns)
{
    SOCKET s = accept(dns->tcp, NULL, NULL);
    DWORD patience = 3000;
    if (s == INVALID_SOCKET) {
        return;
    }
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&patience, sizeof patience);
    while (receive_all(s, request, 2)) {
        int length = request[0] << 8 | request[1];
        size_t bytes;
        if (length > (int)sizeof request || !receive_all(s, request, length)) {
            break;
        }
        dns->streams++;
        bytes = respond(request, (size_t)length, true, &reply_room, &asked);
        framed[0] = (unsigned char)(bytes >> 8);
        framed[1] = (unsigned char)bytes;
        memcpy(framed + 2, reply_room.bytes, bytes);
        if (bytes == 0 || send(s, (char *)framed, (int)bytes + 2, 0) != (int)bytes + 2) {
            break;
        }
    }
    closesocket(s);
}

static DWORD WINAPI serve(LPVOID context)
{
    struct t_dns *dns = (struct t_dns *)context;
    while (!dns->stop) {
        struct timeval pause = {0, 50000};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(dns->udp, &set);
        FD_SET(dns->tcp, &set);
        if (select(0, &set, NULL, NULL, &pause) <= 0) {
            continue;
        }
        if (FD_ISSET(dns->udp, &set)) {
            serve_datagram(dns);
        }
        if (FD_ISSET(dns->tcp, &set)) {
            serve_stream(dns);
        }
    }
    return 0;
}

void t_dns_start(struct t_dns *dns, const char *address)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    int bytes = sizeof sin;
    memset(dns, 0, sizeof *dns);
    assert_int_equal(inet_pton(AF_INET, address, &sin.sin_addr), 1);
    dns->udp = socket(AF_INET, SOCK_DGRAM, 0);
    dns->tcp = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(dns->udp != INVALID_SOCKET && dns->tcp != INVALID_SOCKET);
    assert_int_equal(bind(dns->udp, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(getsockname(dns->udp, (struct sockaddr *)&sin, &bytes), 0);
    assert_int_equal(bind(dns->tcp, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(dns->tcp, 5), 0);
    dns->port = ntohs(sin.sin_port);
    dns->thread = CreateThread(NULL, 0, serve, dns, 0, NULL);
    assert_non_null(dns->thread);
}

void t_dns_stop(struct t_dns *dns)
{
    dns->stop = 1;
    assert_int_equal(WaitForSingleObject(dns->thread, 10000), WAIT_OBJECT_0);
    CloseHandle(dns->thread);
    closesocket(dns->udp);
    closesocket(dns->tcp);
}
