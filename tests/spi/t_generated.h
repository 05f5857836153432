/**
 * @file
 * What generated bad calls are made from (test_spi_generated.c): the slots of
 * the table, each described once by the kinds of its parameters, what each of
 * them must refuse and the codes that the slot may fail with (rules WSPxxx-1,
 * matrix 1.31), the edits that make a call bad, and sockets in each state.
 */
#ifndef T_GENERATED_H
#define T_GENERATED_H

#include "t_host.h"

#define GEN_PARAMS 12
#define GEN_SLOTS 30
#define GEN_PENDING 0x103 /* an operation's Internal until it is over */

enum gen_kind {
    K_END,
    K_SOCKET,
    K_NAME,  /* address in */
    K_IN,    /* base: bytes in, of an option or control code: 0 */
    K_OUT,   /* base: bytes out */
    K_LEN,   /* of the memory before it */
    K_LENP,  /* the same, pointed to */
    K_CHARS, /* the same, pointed to, in characters */
    K_BUFS,
    K_COUNT,
    K_DWORD, /* DWORD out */
    K_FLAGS,
    K_FLAGSP,
    K_NUM,
    K_BOOL,
    K_OV,
    K_ROUTINE,
    K_THREAD,
    K_DATA,
    K_QOS,
    K_EVENT,
    K_WINDOW,
    K_INFO,
    K_SET,
    K_TIMEOUT,
    K_TEXT,
    K_COND,
    K_DONE, /* an overlapped structure whose operation is over */
    K_QNAME,
};

struct gen_param {
    enum gen_kind kind;
    int base; /* number, or bytes */
    int need; /* what a null pointer or a short length fails with; 0: it need not */
};

struct gen_value {
    void *p;
    long long n;
};

struct gen_slot {
    const char *name;
    bool (*call)(const struct gen_value *v, INT *err, SOCKET *made);
    struct gen_param params[GEN_PARAMS];
    const int *codes;  /* other than WSAENOTSOCK */
    bool moves;        /* the state changes even when it fails */
    bool tells_length; /* how much room it takes, when it has too little */
};

enum gen_edit_what {
    EDIT_NULL,
    EDIT_LEN,
    EDIT_SHORT,
    EDIT_NUM,
    EDIT_HANDLE,
    EDIT_INNER_NULL,
    EDIT_INNER_LEN,
    EDIT_PRESENT,
    EDIT_BITS
};
enum gen_expect { X_ANY, X_NEED, X_NOT_FAULT, X_NOTSOCK };

struct gen_edit {
    enum gen_kind kind;
    enum gen_edit_what what;
    long long n;
    enum gen_expect expect;
};

enum gen_handle { H_INVALID, H_ZERO, H_CLOSED, H_NEVER, H_ODD, H_EVENT, HANDLES };

/** What the slots with a code or a name are called with. */
struct gen_variant {
    int level;
    int name;
    int in;
    int out;
};

/** Slots that something is particular about: their places in the table. */
enum gen_index {
    GEN_TO_TEXT = 1,
    GEN_ASYNC = 2,
    GEN_CLOSE = 6,
    GEN_DUPLICATE = 8,
    GEN_ENUM_EVENTS = 9,
    GEN_EVENT = 10,
    GEN_RESULT = 11,
    GEN_PEER_NAME = 12,
    GEN_SOCK_NAME = 13,
    GEN_GET_OPTION = 14,
    GEN_QOS = 15,
    GEN_IOCTL = 16,
    GEN_SELECT = 22,
    GEN_SET_OPTION = 26,
    GEN_TO_ADDR = 29
};

extern const struct gen_slot gen_slots[GEN_SLOTS];
extern const struct gen_edit gen_edits[];
extern const size_t gen_edits_count;

/** The codes or names of a slot; one that says nothing for others. */
const struct gen_variant *gen_variants(const struct gen_slot *slot, size_t *count);

/** What the condition function answers from now on. */
void gen_answer_set(int answer);
/** How often the completion routine ran. */
unsigned gen_routine_count(void);
/** WSPCleanup is called while the provider is started: it gives back a start of its own. */
void gen_started_set(bool started);

enum gen_state {
    S_FRESH,
    S_BOUND,
    S_LISTENING,
    S_OFFERED,
    S_CONNECTING,
    S_REFUSED,
    S_CONNECTED,
    S_PEER_CLOSED,
    S_SHUT_RECEIVE,
    S_SHUT_SEND,
    S_SHUT_BOTH,
    S_RESET,
    S_UDP,
    S_UDP_BOUND,
    S_UDP_CONNECTED,
    S_RAW,
    STATES,
    S_NONE = STATES /* none: nothing was started */
};

extern const char *const gen_state_names[];

/** A nonblocking socket, its far end, and a third one. */
struct gen_sockets {
    SOCKET s;
    SOCKET peer;
    SOCKET third;
};

/** A socket in a state; none for S_NONE, and where this stack has none of the kind. */
struct gen_sockets gen_make(enum gen_state state);

/** Close what is open of them. */
void gen_close(struct gen_sockets *sockets);

/**
 * Look whether a socket still does what its state allows.
 *
 * @return  What is wrong, or NULL.
 */
const char *gen_probe(const struct gen_sockets *sockets, enum gen_state state);

#endif
