/**
 * @file
 * Bad calls, generated: each slot of the table is described once, by the kinds
 * of its parameters, what each must refuse and the codes that it may fail with
 * (the errors row of the slot, rules WSPxxx-1; matrix 1.31). From that come a
 * call for every pointer that is null, every length that is short or absurd,
 * every handle that is none, every bit of every flags word alone and every
 * optional argument, in every state of a socket.
 *
 * Every piece of memory has the size that the call is told, not a byte more,
 * so that AddressSanitizer sees what reads or writes beyond. A call that fails
 * has touched nothing, and the socket goes on as before.
 */
#include "t_generated.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P t_spi

/* --- One call ------------------------------------------------------------------- */

struct gen_block {
    unsigned char *bytes;
    unsigned char *before;
    size_t size;
    bool out;
    bool length;
};

struct gen_call {
    const struct gen_slot *slot;
    const struct gen_variant *variant;
    enum gen_state state;
    SOCKET s;
    int at;                      /* the parameter that is edited, -1: none */
    const struct gen_edit *edit; /* how */
    long long n;                 /* by what */
    bool no_code;                /* nowhere to put the code */
    bool quick;                  /* the socket is tried after a later call */
    struct gen_value v[GEN_PARAMS];
    WSAOVERLAPPED *ov;
    bool routine;
    bool ok;
    INT code;
    SOCKET made;
};

static WSAEVENT gen_event;
static SOCKET gen_closed;
static unsigned gen_calls, gen_wrong;
static struct gen_block blocks[24]; /* of the call that runs */
static size_t blocks_count;

static bool is_slot(const struct gen_call *call, enum gen_index index)
{
    return call->slot == &gen_slots[index];
}

static void *gen_memory(size_t size, bool out)
{
    struct gen_block *block = &blocks[blocks_count++];

    *block = (struct gen_block){malloc(size), malloc(size + 1), size, out, false};
    assert_non_null(block->bytes);
    assert_non_null(block->before);
    memset(block->bytes, 0xa5, size);
    return block->bytes;
}

/* A block of bytes that says something, cut to the room that there is. */
static void *gen_copy(const void *bytes, size_t size, size_t room, bool out)
{
    void *to = gen_memory(room, out);

    memcpy(to, bytes, size < room ? size : room);
    return to;
}

static bool is_edited(const struct gen_call *call, int i, enum gen_edit_what what)
{
    return call->at == i && call->edit->what == what;
}

/* Bytes of the memory that parameter i stands for, as described. */
static int gen_size(const struct gen_call *call, int i)
{
    const struct gen_param *param = &call->slot->params[i];

    if (param->kind == K_NAME)
        return 16;
    return param->base != 0 ? param->base : param->kind == K_IN ? call->variant->in : call->variant->out;
}

/* What the length behind parameter i says. */
static long long gen_length(const struct gen_call *call, int i)
{
    bool chars = call->slot->params[i + 1].kind == K_CHARS;
    long long size = chars ? gen_size(call, i) / (int)sizeof(WCHAR) : gen_size(call, i);

    if (is_edited(call, i + 1, EDIT_LEN))
        return call->n;
    return is_edited(call, i + 1, EDIT_SHORT) ? size - call->n : size;
}

/* Bytes that parameter i really has: what its length says, if that is less than it takes. */
static size_t gen_room(const struct gen_call *call, int i)
{
    enum gen_kind next = call->slot->params[i + 1].kind;
    long long size = gen_size(call, i), length;

    if (next != K_LEN && next != K_LENP && next != K_CHARS)
        return (size_t)size;
    length = gen_length(call, i) * (next == K_CHARS ? (int)sizeof(WCHAR) : 1);
    return (size_t)(length < 0 || length > size ? size : length);
}

static SOCKET gen_bad_handle(enum gen_handle kind)
{
    switch (kind) {
    case H_INVALID:
        return INVALID_SOCKET;
    case H_CLOSED:
        return gen_closed;
    case H_NEVER:
        return (SOCKET)4 * 70000;
    case H_ODD:
        return 3;
    case H_EVENT:
        /* A small number of the kernel's may be that of a socket here: then one that nobody has. */
        return (ULONG_PTR)gen_event < 0x100000 ? (SOCKET)0x7abcde00 : (SOCKET)(ULONG_PTR)gen_event;
    case H_ZERO:
    case HANDLES:
        break;
    }
    return 0;
}

static long long gen_number(const struct gen_call *call, int i)
{
    if (is_slot(call, GEN_DUPLICATE))
        return t_process_id();
    if (is_slot(call, GEN_IOCTL))
        return (DWORD)call->variant->name;
    if (is_slot(call, GEN_GET_OPTION) || is_slot(call, GEN_SET_OPTION))
        return i == 1 ? call->variant->level : call->variant->name;
    return call->slot->params[i].base;
}

static void *gen_in(struct gen_call *call, int i)
{
    static const unsigned char group[8] = {239, 1, 2, 3};
    const struct sockaddr *addr = t_addr(AF_INET, 9);
    SOCKADDR_IN any = {.sin_family = AF_INET};
    int size = gen_size(call, i), one = 1;

    if (call->slot->params[i].kind == K_NAME)
        return call->slot->params[i].base != 0 ? gen_copy(&any, 16, gen_room(call, i), false)
                                               : gen_copy(addr, 16, gen_room(call, i), false);
    if (size == 16)
        return gen_copy(addr, 16, gen_room(call, i), false);
    if (size == 8)
        return gen_copy(group, 8, gen_room(call, i), false);
    return gen_copy(&one, sizeof one, gen_room(call, i), false);
}

/* An array of one, with four bytes behind it; the name of a service: with two. */
static void *gen_buffers(struct gen_call *call, int i, ULONG len)
{
    WSABUF buf = {.len = len};

    buf.buf = is_edited(call, i, EDIT_INNER_NULL) ? NULL : gen_memory(len, true);
    if (buf.buf)
        memset(buf.buf, 0, len);
    if (is_edited(call, i, EDIT_INNER_LEN))
        buf.len = (ULONG)call->n;
    return gen_copy(&buf, sizeof buf, sizeof buf, call->slot->params[i].kind == K_DATA);
}

static void *gen_set(struct gen_call *call, int i)
{
    fd_set set = {.fd_count = 1, .fd_array = {call->s}};

    if (is_edited(call, i, EDIT_NUM))
        set.fd_count = (u_int)call->n;
    if (is_edited(call, i, EDIT_HANDLE))
        set.fd_array[0] = gen_bad_handle((enum gen_handle)call->n);
    return gen_copy(&set, sizeof set, offsetof(fd_set, fd_array) + sizeof(SOCKET), true);
}

static void *gen_text(struct gen_call *call, int i)
{
    static const char text[] = "127.0.0.1";
    size_t chars = is_edited(call, i, EDIT_LEN) ? (size_t)call->n : sizeof text - 1;
    WCHAR wide[sizeof text] = {0};

    for (size_t at = 0; at < chars; at++)
        wide[at] = (WCHAR)text[at];
    return gen_copy(wide, (chars + 1) * sizeof(WCHAR), (chars + 1) * sizeof(WCHAR), false);
}

static void *gen_done(struct gen_call *call, int i)
{
    WSAOVERLAPPED done = {.Internal = 0, .InternalHigh = 3};

    if (is_edited(call, i, EDIT_NUM))
        done.Internal = (ULONG_PTR)call->n;
    if (is_edited(call, i, EDIT_INNER_LEN))
        done.OffsetHigh = (DWORD)call->n;
    return gen_copy(&done, sizeof done, sizeof done, true);
}

static void *gen_timeout(struct gen_call *call, int i)
{
    struct timeval time = {0};

    if (is_edited(call, i, EDIT_NUM))
        time.tv_sec = -1;
    if (is_edited(call, i, EDIT_INNER_LEN))
        time.tv_usec = -1;
    return gen_copy(&time, sizeof time, sizeof time, false);
}

/* The structure, and with it the routine and the thread, of an overlapped call. */
static void gen_overlapped(struct gen_call *call, int i)
{
    enum gen_kind edited = call->at >= 0 ? call->slot->params[call->at].kind : K_END;

    if (call->slot->params[i].kind == K_OV && (edited == K_OV || edited == K_ROUTINE || edited == K_THREAD)) {
        call->ov = calloc(1, sizeof *call->ov);
        assert_non_null(call->ov);
        call->ov->hEvent = edited == K_OV && call->n == 1 ? gen_event : NULL;
        call->v[i].p = call->ov;
    } else if (call->slot->params[i].kind == K_ROUTINE) {
        call->v[i].n = call->routine = edited == K_ROUTINE || edited == K_THREAD;
    } else if (call->slot->params[i].kind == K_THREAD && edited == K_THREAD) {
        call->v[i].p = t_thread();
    }
}

static void gen_optional(struct gen_call *call, int i)
{
    QOS qos = {0};

    if (call->at != i)
        return;
    if (call->slot->params[i].kind == K_QOS)
        call->v[i].p = gen_copy(&qos, sizeof qos, sizeof qos, true);
    else
        call->v[i].p = gen_buffers(call, i, call->edit->what == EDIT_PRESENT ? (ULONG)call->n : 1);
}

/* A pointer to a number; lengths may be told in it. */
static void gen_pointed(struct gen_call *call, int i)
{
    DWORD value = 0;
    bool is_length = call->slot->params[i].kind == K_LENP || call->slot->params[i].kind == K_CHARS;

    if (is_length)
        value = (DWORD)gen_length(call, i - 1);
    else if (call->slot->params[i].kind == K_FLAGSP && call->at == i)
        value = (DWORD)call->n;
    call->v[i].p = gen_copy(&value, sizeof value, sizeof value, true);
    blocks[blocks_count - 1].length = is_length || call->slot->params[i].kind == K_DWORD;
}

static void gen_pointer(struct gen_call *call, int i)
{
    struct gen_value *v = &call->v[i];

    switch ((int)call->slot->params[i].kind) {
    case K_NAME:
    case K_IN:
        v->p = gen_size(call, i) > 0 ? gen_in(call, i) : NULL;
        break;
    case K_OUT:
        v->p = gen_size(call, i) > 0 ? gen_memory(gen_room(call, i), true) : NULL;
        break;
    case K_BUFS:
        v->p = gen_buffers(call, i, 4);
        break;
    case K_QNAME:
        v->p = gen_buffers(call, i, sizeof(WCHAR));
        break;
    case K_INFO:
        v->p = gen_copy(t_info(AF_INET, SOCK_STREAM), sizeof(WSAPROTOCOL_INFOW), sizeof(WSAPROTOCOL_INFOW), false);
        break;
    case K_EVENT:
        v->p = gen_event;
        break;
    case K_WINDOW:
        v->p = (void *)(ULONG_PTR)0x1234;
        break;
    case K_SET:
        v->p = gen_set(call, i);
        break;
    case K_TIMEOUT:
        v->p = gen_timeout(call, i);
        break;
    case K_TEXT:
        v->p = gen_text(call, i);
        break;
    case K_DONE:
        v->p = gen_done(call, i);
        break;
    default: /* numbers, and what is optional */
        break;
    }
}

static void gen_build(struct gen_call *call)
{
    for (int i = 0; i < GEN_PARAMS && call->slot->params[i].kind != K_END; i++) {
        enum gen_kind kind = call->slot->params[i].kind;
        struct gen_value *v = &call->v[i];

        if (is_edited(call, i, EDIT_NULL))
            continue;
        if (kind == K_SOCKET)
            v->n = (long long)(is_edited(call, i, EDIT_HANDLE) ? gen_bad_handle((enum gen_handle)call->n) : call->s);
        else if (kind == K_LEN)
            v->n = gen_length(call, i - 1);
        else if (kind == K_COUNT)
            v->n = call->at == i ? call->n : 1;
        else if (kind == K_NUM || kind == K_BOOL || kind == K_FLAGS)
            v->n = call->at == i ? call->n : gen_number(call, i);
        else if (kind == K_COND)
            gen_answer_set((int)call->n), v->n = call->at == i;
        else if (kind == K_OV || kind == K_ROUTINE || kind == K_THREAD)
            gen_overlapped(call, i);
        else if (kind == K_DATA || kind == K_QOS)
            gen_optional(call, i);
        else if (kind == K_LENP || kind == K_CHARS || kind == K_DWORD || kind == K_FLAGSP)
            gen_pointed(call, i);
        else
            gen_pointer(call, i);
    }
    for (size_t i = 0; i < blocks_count; i++)
        memcpy(blocks[i].before, blocks[i].bytes, blocks[i].size);
}

/* --- What must hold ---------------------------------------------------------------- */

static void gen_say(const struct gen_call *call, const char *what)
{
    gen_wrong++;
    if (gen_wrong > 60)
        return;
    print_error("%s (%d) on a socket %s: parameter %d, edit %d by %lld: result %s, code %d: %s\n", call->slot->name,
                call->variant->name, gen_state_names[call->state], call->at, call->at >= 0 ? (int)call->edit->what : -1,
                call->n, call->ok ? "good" : "bad", call->code, what);
}

static bool is_documented(const struct gen_call *call)
{
    for (const int *code = call->slot->codes; *code != 0; code++)
        if (*code == call->code)
            return true;
    return false;
}

/* USO-2: these take a DWORD and nothing longer. */
static bool is_exact(const struct gen_call *call)
{
    return is_slot(call, GEN_SET_OPTION) && call->v[1].n == IPPROTO_UDP && call->v[2].n != UDP_NOCHECKSUM;
}

static void gen_check_code(const struct gen_call *call, const struct gen_call *base)
{
    bool base_good = base && (base->ok || base->code == WSAEWOULDBLOCK || base->code == WSA_IO_PENDING);
    enum gen_expect expect = call->at >= 0 ? call->edit->expect : X_ANY;
    int need = call->at >= 0 ? call->slot->params[call->at].need : 0;

    if (expect == X_NEED &&
        (need == 0 || (is_edited(call, call->at, EDIT_NULL) && call->slot->params[call->at].base < 0)))
        expect = X_ANY;
    if (call->state == S_NONE) {
        if (call->ok || call->code != WSANOTINITIALISED)
            gen_say(call, "not WSANOTINITIALISED");
    } else if (expect == X_NOTSOCK) {
        if (call->ok || call->code != WSAENOTSOCK)
            gen_say(call, "not WSAENOTSOCK");
    } else if (!call->ok && !is_documented(call)) {
        gen_say(call, "not a code of this slot");
    } else if (expect == X_NEED && call->ok) {
        gen_say(call, "accepted");
    } else if (expect == X_NEED && base_good && call->code != need) {
        gen_say(call, "another code than for a pointer or length alone");
    } else if (expect == X_NOT_FAULT && base_good && !call->ok && call->code == WSAEFAULT && !is_exact(call)) {
        gen_say(call, "refused though nothing is short");
    }
}

/* A condition function was asked: it saw the address (WSPACCEPT-3), and what it says happens to the connection. */
static bool was_asked(const struct gen_call *call)
{
    return call->state == S_OFFERED && is_edited(call, 3, EDIT_PRESENT) && call->slot->params[3].kind == K_COND;
}

/* Windows, as conformance suites observe: too little room for these holds zeros afterwards (spi_options). */
static bool is_zeroed(const struct gen_call *call)
{
    return is_slot(call, GEN_GET_OPTION) && call->v[1].n == SOL_SOCKET &&
           (call->v[2].n == SO_RCVBUF || call->v[2].n == SO_LINGER);
}

static void gen_check_memory(const struct gen_call *call)
{
    /* A request that is under way may be over by now. */
    bool begun = call->ok || was_asked(call) || call->code == WSA_IO_PENDING ||
                 (call->slot->moves && call->code == WSAEWOULDBLOCK);

    for (size_t i = 0; i < blocks_count; i++) {
        bool tells = call->slot->tells_length && blocks[i].length && (call->no_code || call->code == WSAEFAULT);
        /* Text that is no address leaves what was read of it (spi_text). */
        bool reads = is_slot(call, GEN_TO_ADDR) && (call->no_code || call->code == WSAEINVAL);

        bool zeroed = is_zeroed(call) && call->code == WSAEFAULT;

        if (!(blocks[i].out && (begun || tells || reads || zeroed)) &&
            memcmp(blocks[i].bytes, blocks[i].before, blocks[i].size) != 0)
            gen_say(call, blocks[i].out ? "an output was touched" : "an input was changed");
    }
}

/* Wait for the end of an operation whose socket is closed, or that went well: once the routine, if there is one. */
static void gen_finish(const struct gen_call *call)
{
    bool due = call->ok || call->code == WSA_IO_PENDING;
    unsigned ran = gen_routine_count();

    if (!call->ov)
        return;
    for (unsigned i = 0; due && i < 3000; i++) {
        t_alertable(0);
        if (call->routine ? gen_routine_count() != ran
                          : __atomic_load_n(&call->ov->Internal, __ATOMIC_ACQUIRE) != GEN_PENDING)
            break;
        t_sleep_ms(1);
    }
    t_alertable(0);
    if (gen_routine_count() - ran != (due && call->routine))
        gen_say(call, "the routine did not run once, or without reason");
    if (due && call->ov->Internal == GEN_PENDING)
        gen_say(call, "never ended");
}

static void gen_free(void)
{
    while (blocks_count > 0) {
        free(blocks[--blocks_count].bytes);
        free(blocks[blocks_count].before);
    }
}

/* Success of these leaves the state as it is. */
static bool only_looks(const struct gen_call *call)
{
    static const bool looks[GEN_SLOTS] = {
        [GEN_TO_TEXT] = true, [GEN_ASYNC] = true,     [GEN_ENUM_EVENTS] = true, [GEN_EVENT] = true,
        [GEN_RESULT] = true,  [GEN_PEER_NAME] = true, [GEN_SOCK_NAME] = true,   [GEN_GET_OPTION] = true,
        [GEN_QOS] = true,     [GEN_SELECT] = true,    [GEN_TO_ADDR] = true,
    };

    return looks[call->slot - gen_slots];
}

/* One call on a socket in a state, which is made if the last call left none. */
static void gen_run(struct gen_call *call, struct gen_sockets *sockets, const struct gen_call *base)
{
    unsigned handles = t_handles_count();
    const char *broken;
    bool leaves;

    if (sockets->s == INVALID_SOCKET) {
        *sockets = gen_make(call->state);
        handles = t_handles_count();
    }
    if (call->at >= 0 && call->edit->what == EDIT_HANDLE && call->n == H_CLOSED && call->state != S_NONE)
        t_close(gen_closed = t_socket(AF_INET, SOCK_DGRAM));
    call->s = sockets->s;
    call->made = INVALID_SOCKET;
    gen_build(call);
    call->ok = call->slot->call(call->v, call->no_code ? NULL : &call->code, &call->made);
    gen_calls++;
    if (!call->no_code)
        gen_check_code(call, base);
    gen_check_memory(call);
    if (call->made != INVALID_SOCKET && call->made != call->s)
        t_close(call->made);
    if (call->ok && is_slot(call, GEN_CLOSE))
        sockets->s = INVALID_SOCKET, handles--;
    if (t_handles_count() != handles)
        gen_say(call, "handles are left or lost");
    leaves = sockets->s == INVALID_SOCKET || (call->ok && !only_looks(call)) || call->ov || call->slot->moves ||
             was_asked(call);
    broken = leaves || call->quick ? NULL : gen_probe(sockets, call->state);
    if (broken)
        gen_say(call, broken);
    if (leaves || broken)
        gen_close(sockets);
    gen_finish(call);
    free(call->ov);
    gen_free();
}

/* Every edit of every parameter, after the call as it should be. */
static void gen_slot_state(const struct gen_slot *slot, enum gen_state state, const struct gen_variant *variant)
{
    struct gen_sockets sockets = {INVALID_SOCKET, INVALID_SOCKET, INVALID_SOCKET};
    struct gen_call base = {.slot = slot, .variant = variant, .state = state, .at = -1};
    struct gen_call blind = base;
    size_t count;
    const struct gen_variant *first = gen_variants(slot, &count);

    gen_run(&base, &sockets, NULL);
    blind.no_code = true;
    gen_run(&blind, &sockets, NULL);
    for (int i = 0; i < GEN_PARAMS && slot->params[i].kind != K_END; i++)
        for (size_t e = 0; e < gen_edits_count; e++) {
            bool is_bits = gen_edits[e].what == EDIT_BITS;

            if (gen_edits[e].kind != slot->params[i].kind)
                continue;
            if ((gen_edits[e].what == EDIT_NULL || gen_edits[e].what == EDIT_SHORT) &&
                (gen_edits[e].kind == K_IN || gen_edits[e].kind == K_OUT) && gen_size(&base, i) == 0)
                continue;
            if (gen_edits[e].kind == K_TIMEOUT && gen_edits[e].what == EDIT_NULL && state != S_CONNECTED &&
                state != S_NONE)
                continue; /* for ever */
            if (is_bits && i == 1 && variant != first)
                continue; /* levels and codes: once */
            for (int bit = 0; bit < (is_bits ? 32 : 1); bit++) {
                struct gen_call call = {
                    .slot = slot, .variant = variant, .state = state, .at = i, .edit = &gen_edits[e]};

                call.quick = is_bits && bit < 31;
                call.n = is_bits ? (long long)(int)(1u << bit) : gen_edits[e].n;
                gen_run(&call, &sockets, &base);
            }
        }
    gen_close(&sockets);
}

static bool takes_socket(const struct gen_slot *slot)
{
    return slot->params[0].kind == K_SOCKET || slot->params[1].kind == K_SET;
}

static void gen_slot_variants(const struct gen_slot *slot, enum gen_state state)
{
    size_t count;
    const struct gen_variant *list = gen_variants(slot, &count);

    for (size_t i = 0; i < count; i++)
        gen_slot_state(slot, state, &list[i]);
}

/* --- Cases ------------------------------------------------------------------------ */

static void gen_report(const char *what, unsigned handles)
{
    print_message("%s: %u generated calls\n", what, gen_calls);
    assert_int_equal(t_handles_count(), handles);
    gen_calls = 0;
    assert_int_equal(gen_wrong, 0);
}

static void generated__every_slot_and_state__documented_codes_and_nothing_touched(void **state)
{
    unsigned handles = t_handles_count();

    (void)state;
    gen_started_set(true);
    gen_wrong = 0;
    for (size_t i = 0; i < 30; i++)
        for (int at = 0; at < STATES; at++)
            if (at == S_FRESH || takes_socket(&gen_slots[i]))
                gen_slot_variants(&gen_slots[i], (enum gen_state)at);
    gen_report("provider started", handles);
}

/* A number that served another socket a moment ago stands for the new one alone. */
static void generated__number_used_again__is_the_new_socket(void **state)
{
    unsigned handles = t_handles_count();

    (void)state;
    gen_started_set(true);
    gen_wrong = 0;
    for (size_t i = 0; i < 30; i++)
        for (int at = 0; at < STATES && gen_slots[i].params[0].kind == K_SOCKET; at++) {
            enum gen_state fresh = at == S_RAW ? S_RAW : at >= S_UDP ? S_UDP : S_FRESH;
            size_t count;
            struct gen_call first = {
                .slot = &gen_slots[i], .variant = gen_variants(&gen_slots[i], &count), .state = fresh, .at = -1};
            struct gen_call again = first;
            struct gen_sockets sockets = gen_make(fresh);
            SOCKET number;

            gen_run(&first, &sockets, NULL);
            gen_close(&sockets);
            sockets = gen_make((enum gen_state)at);
            number = sockets.s;
            gen_close(&sockets);
            t_handle_next(number);
            sockets = gen_make(fresh);
            assert_true(sockets.s == number);
            gen_run(&again, &sockets, NULL);
            if (first.ok != again.ok || (!first.ok && first.code != again.code))
                gen_say(&again, "not what a new socket does");
            gen_close(&sockets);
        }
    gen_report("numbers used again", handles);
}

static void generated__not_started__notinitialised(void **state)
{
    assert_int_equal(P.lpWSPCleanup(&t_err), 0);
    gen_started_set(false);
    gen_wrong = 0;
    for (size_t i = 0; i < 30; i++)
        gen_slot_variants(&gen_slots[i], S_NONE);
    assert_int_equal(t_host_start(state), 0);
    gen_report("provider not started", 0);
}

/* The upcall table is 15 pointers; each is missing once. What a start without it can do, it does. */
static void generated__startup__each_argument_missing(void **state)
{
    WSPUPCALLTABLE full = t_host_upcalls();
    unsigned char untouched[sizeof(WSPPROC_TABLE)];
    WSPPROC_TABLE table;
    WSPDATA data;

    assert_int_equal(P.lpWSPCleanup(&t_err), 0);
    memset(untouched, 0xa5, sizeof untouched);
    for (unsigned at = 0; at < 4 * 36; at++) {
        WORD version = MAKEWORD(at / 4 % 6, at / 24);
        bool good = LOBYTE(version) > 2 || (LOBYTE(version) == 2 && HIBYTE(version) >= 2);
        int result;

        memset(&table, 0xa5, sizeof table);
        result = t_provider_start(version, at % 4 == 0 ? NULL : &data,
                                  at % 4 == 1 ? NULL : t_info(AF_INET, SOCK_STREAM), full, at % 4 == 2 ? NULL : &table);
        gen_calls++;
        if (at % 4 == 3 && good) {
            assert_int_equal(result, 0);
            assert_int_equal(table.lpWSPCleanup(&t_err), 0);
            continue;
        }
        assert_true(result == (good ? WSAEFAULT : WSAVERNOTSUPPORTED) || (at % 4 != 3 && result == WSAEFAULT));
        assert_memory_equal(&table, untouched, sizeof table);
        t_fails(P.lpWSPCleanup(&t_err), WSANOTINITIALISED);
    }
    for (size_t missing = 0; missing < sizeof full / sizeof(void *); missing++) {
        WSPUPCALLTABLE poor = full;
        int result;

        memset((unsigned char *)&poor + missing * sizeof(void *), 0, sizeof(void *));
        memset(&table, 0xa5, sizeof table);
        result = t_provider_start(MAKEWORD(2, 2), &data, t_info(AF_INET, SOCK_STREAM), poor, &table);
        gen_calls++;
        if (result == 0) {
            t_close(t_socket(AF_INET, SOCK_STREAM));
            assert_int_equal(table.lpWSPCleanup(&t_err), 0);
        } else {
            assert_int_equal(result, WSAEINVALIDPROVIDER);
            assert_memory_equal(&table, untouched, sizeof table);
            t_fails(P.lpWSPCleanup(&t_err), WSANOTINITIALISED);
        }
    }
    assert_int_equal(t_host_start(state), 0);
    gen_report("startup", 0);
}

static int gen_setup(void **state)
{
    SOCKET s;

    gen_event = t_event_new();
    if (t_host_start(state) != 0)
        return -1;
    s = t_socket(AF_INET, SOCK_STREAM);
    gen_closed = s;
    t_close(s);
    return 0;
}

static int gen_teardown(void **state)
{
    int result = t_host_stop(state);

    t_event_free(gen_event);
    return result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated__every_slot_and_state__documented_codes_and_nothing_touched),
        cmocka_unit_test(generated__number_used_again__is_the_new_socket),
        cmocka_unit_test(generated__not_started__notinitialised),
        cmocka_unit_test(generated__startup__each_argument_missing),
    };

    return cmocka_run_group_tests_name("spi_generated", tests, gen_setup, gen_teardown);
}
