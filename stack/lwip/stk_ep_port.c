/*
 * Who has which address and port: conflicts of binding, dynamic ports, reservations.
 *
 * Conflicts are judged by counts, kept per port and, for specific addresses, per name (a node in a hash): judging,
 * taking and giving back take constant time however many sockets share a port or an address. What a socket counts as is
 * settled when it binds; options that change afterwards change nothing (A.4.8).
 */
#include "lwip/stk_ep_priv.h"

#include "lwip/instance_priv.h"

#include "stk_lwip_hooks.h"

#include <stdlib.h>
#include <string.h>

#define KINDS 2u  /* streams, datagrams */
#define STACKS 2u /* IPv4, IPv6 */
#define RESERVATIONS_MAX 1024u
#define TOKEN_INDEX_BITS 16u
#define PORT_PICKS 16u

/* How a socket shares: columns of the table below. */
enum mode { MODE_DEFAULT, MODE_REUSE, MODE_EXCLUSIVE, MODE_MCAST, MODES };

/* Rows: the earlier bind, columns: the new one; 0..2 wildcard, 3..5 specific, each default, reuse, exclusive.
 * Source: table T2 (modern Windows, same user). */
enum { OK_ = STK_OK, USE = STK_EADDRINUSE, ACC = STK_EACCES };
static const int8_t bind_conflicts[6][6] = {
    /* new:          def-W reu-W exc-W def-S reu-S exc-S */
    /* default W */ {USE, ACC, USE, OK_, OK_, OK_},
    /* reuse W   */ {USE, OK_, USE, OK_, OK_, OK_},
    /* exclus. W */ {USE, ACC, USE, ACC, ACC, ACC},
    /* default S */ {OK_, OK_, USE, USE, ACC, USE},
    /* reuse S   */ {OK_, OK_, USE, USE, OK_, USE},
    /* exclus. S */ {OK_, OK_, USE, USE, ACC, USE},
};

struct port {
    uint32_t any_head; /* endpoints of the any address, index + 1 */
    uint32_t users;
    uint32_t sharers;     /* of these: bound by connect, or such that may share likewise (SO_REUSE_UNICASTPORT) */
    uint32_t reservation; /* index + 1 */
    uint32_t any[STACKS][MODES];
    uint32_t specific[STACKS][MODES];
};

/* A specific address and port. */
struct name {
    struct stk_addr addr; /* mapped addresses as IPv4 */
    uint32_t kind;
    uint32_t head;      /* endpoints, index + 1 */
    uint32_t hash_next; /* index + 1; also of the free list */
    uint32_t users[MODES];
};

struct reservation {
    uint64_t token; /* 0: free */
    uint32_t owner;
    uint16_t first;
    uint16_t count;
    uint8_t kind;
};

struct stk_ep_ports {
    struct port *ports[KINDS];
    struct name *names;
    uint32_t *buckets; /* name + 1 */
    uint32_t mask;
    uint32_t names_fresh;
    uint32_t names_free;
    uint32_t names_count;
    struct reservation *reservations;
    uint32_t reservations_used;
    uint64_t taken[KINDS][STK_EP_PORTS / 64]; /* a bit per port: it has users or a reservation */
    uint8_t key[STK_SIPHASH_KEY_SIZE];
};

/* What is bound: a port of one or both stacks. */
struct claim {
    struct stk_addr addr; /* mapped addresses as IPv4 */
    uint32_t kind;
    bool stacks[STACKS];
    bool any;
    enum mode mode;
};

/* --- Life ---------------------------------------------------------------- */

int stk_ep_ports_create(struct stk_ep_table *table)
{
    struct stk_ep_ports *ports = calloc(1, sizeof(*ports));
    table->ports = ports;
    if (ports == NULL) {
        return STK_ENOMEM;
    }
    uint32_t buckets = 64;
    while (buckets < table->socks_count) {
        buckets *= 2;
    }
    ports->mask = buckets - 1;
    ports->names_count = table->socks_count;
    ports->names = calloc(table->socks_count, sizeof(*ports->names));
    ports->buckets = calloc(buckets, sizeof(*ports->buckets));
    ports->reservations = calloc(RESERVATIONS_MAX, sizeof(*ports->reservations));
    bool failed = ports->names == NULL || ports->buckets == NULL || ports->reservations == NULL;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        ports->ports[kind] = calloc(STK_EP_PORTS, sizeof(struct port));
        failed = failed || ports->ports[kind] == NULL;
    }
    if (failed) {
        stk_ep_ports_destroy(table);
        return STK_ENOMEM;
    }
    struct stk_inst_scope scope = stk_inst_enter(table->insts[0]);
    for (size_t i = 0; i < sizeof(ports->key); i++) {
        ports->key[i] = (uint8_t)stk_lwip_random();
    }
    stk_inst_leave(scope);
    return STK_OK;
}

void stk_ep_ports_destroy(struct stk_ep_table *table)
{
    struct stk_ep_ports *ports = table->ports;
    if (ports == NULL) {
        return;
    }
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        free(ports->ports[kind]);
    }
    free(ports->reservations);
    free(ports->buckets);
    free(ports->names);
    free(ports);
    table->ports = NULL;
}

/* --- Names ---------------------------------------------------------------- */

static uint32_t kind_of(const struct stk_ep *ep)
{
    return ep->type == STK_SOCK_STREAM ? 0u : 1u;
}

static uint32_t *name_bucket(struct stk_ep_ports *ports, uint32_t kind, const struct stk_addr *addr)
{
    uint32_t words[6] = {0};
    memcpy(words, addr->ip, addr->family == STK_AF_INET6 ? 16 : 4);
    words[4] = addr->scope_id;
    words[5] = (uint32_t)addr->port << 16 | (uint32_t)addr->family << 8 | kind;
    return &ports->buckets[(uint32_t)stk_siphash(ports->key, words, sizeof(words)) & ports->mask];
}

static struct name *name_find(struct stk_ep_ports *ports, uint32_t kind, const struct stk_addr *addr)
{
    uint32_t at = *name_bucket(ports, kind, addr);
    while (at != 0) {
        struct name *name = &ports->names[at - 1];
        if (name->kind == kind && name->addr.port == addr->port && stk_ep_addr_equal_ip(&name->addr, addr)) {
            return name;
        }
        at = name->hash_next;
    }
    return NULL;
}

/* There are as many as sockets, and a socket has one. */
static struct name *name_take(struct stk_ep_ports *ports, uint32_t kind, const struct stk_addr *addr)
{
    struct name *name = name_find(ports, kind, addr);
    if (name != NULL) {
        return name;
    }
    uint32_t index = ports->names_free;
    if (index != 0) {
        name = &ports->names[--index];
        ports->names_free = name->hash_next;
    } else {
        index = ports->names_fresh++;
        name = &ports->names[index];
    }
    uint32_t *bucket = name_bucket(ports, kind, addr);
    *name = (struct name){.addr = *addr, .kind = kind, .hash_next = *bucket};
    *bucket = index + 1;
    return name;
}

static void name_drop(struct stk_ep_ports *ports, struct name *name)
{
    const uint32_t index = (uint32_t)(name - ports->names);
    if (name->head != 0) {
        return;
    }
    uint32_t *at = name_bucket(ports, name->kind, &name->addr);
    while (*at != index + 1) {
        at = &ports->names[*at - 1].hash_next;
    }
    *at = name->hash_next;
    name->hash_next = ports->names_free;
    ports->names_free = index + 1;
}

/* --- Claims --------------------------------------------------------------- */

static void claim_make(const struct stk_ep *ep, const struct stk_addr *local, struct claim *claim)
{
    *claim = (struct claim){.addr = *local, .kind = kind_of(ep), .any = stk_ep_addr_any(local)};
    claim->mode = ep->opts.exclusive         ? MODE_EXCLUSIVE
                  : ep->opts.reuse_mcastport ? MODE_MCAST
                  : ep->opts.reuseaddr       ? MODE_REUSE
                                             : MODE_DEFAULT;
    if (stk_ep_addr_unmap(&claim->addr)) {
        claim->any = stk_ep_addr_any(&claim->addr);
    }
    claim->stacks[0] = claim->addr.family == STK_AF_INET || (claim->any && !ep->opts.v6only);
    claim->stacks[1] = claim->addr.family == STK_AF_INET6;
}

static int mode_conflict(enum mode before, bool before_any, enum mode now, bool now_any)
{
    if (before == MODE_MCAST && now == MODE_MCAST) {
        return STK_OK; /* X16: they share the port */
    }
    const unsigned row = (before_any ? 0u : 3u) + (before == MODE_MCAST ? (unsigned)MODE_DEFAULT : (unsigned)before);
    const unsigned column = (now_any ? 0u : 3u) + (now == MODE_MCAST ? (unsigned)MODE_DEFAULT : (unsigned)now);
    return bind_conflicts[row][column];
}

static int counts_conflict(const uint32_t counts[MODES], bool before_any, const struct claim *claim)
{
    for (unsigned mode = 0; mode < MODES; mode++) {
        const int err = counts[mode] != 0 ? mode_conflict((enum mode)mode, before_any, claim->mode, claim->any)
                                          : STK_OK;
        if (err != STK_OK) {
            return err;
        }
    }
    return STK_OK;
}

static int stack_conflict(struct stk_ep_ports *ports, const struct claim *claim, unsigned stack)
{
    const struct port *port = &ports->ports[claim->kind][claim->addr.port];
    const int err = counts_conflict(port->any[stack], true, claim);
    if (err != STK_OK) {
        return err;
    }
    if (claim->any) {
        return counts_conflict(port->specific[stack], false, claim);
    }
    const struct name *name = name_find(ports, claim->kind, &claim->addr);
    return name != NULL ? counts_conflict(name->users, false, claim) : STK_OK; /* RU-3 */
}

/* RU-7, CLS-23: a connection that lives, or still closes, keeps the port from who wants it alone. */
static bool connection_left(const struct stk_ep *ep, const struct claim *claim)
{
    bool left = false;
    if (claim->mode != MODE_EXCLUSIVE || claim->kind != 0) {
        return false;
    }
    for (uint32_t i = 0; i < ep->table->insts_count && !left; i++) {
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
        ip_addr_t ip;
        if (claim->any) {
            left = (claim->stacks[0] && stk_pcb_port_connected(NULL, false, claim->addr.port)) ||
                   (claim->stacks[1] && stk_pcb_port_connected(NULL, true, claim->addr.port));
        } else if (stk_addr_to_ip(&claim->addr, &ip)) {
            left = stk_pcb_port_connected(&ip, claim->stacks[1], claim->addr.port);
        }
        stk_inst_leave(scope);
    }
    return left;
}

int stk_ep_port_conflict(const struct stk_ep *ep, const struct stk_addr *local)
{
    struct stk_ep_ports *ports = ep->table->ports;
    struct claim claim;
    claim_make(ep, local, &claim);
    const uint32_t reservation = ports->ports[claim.kind][local->port].reservation;
    if (reservation != 0 && ports->reservations[reservation - 1].token != ep->reservation) {
        return STK_EACCES;
    }
    for (unsigned stack = STACKS; stack-- > 0;) {
        const int err = claim.stacks[stack] ? stack_conflict(ports, &claim, stack) : STK_OK;
        if (err != STK_OK) {
            /* X22: of the other stack a dual-stack socket that wants the port alone is told so. */
            const bool other = stack == 0 && claim.stacks[1];
            return other && claim.mode == MODE_EXCLUSIVE ? STK_EACCES : err;
        }
    }
    return connection_left(ep, &claim) ? STK_EADDRINUSE : STK_OK;
}

/* --- Taking and giving back ------------------------------------------------- */

/* A bound stream has no PCB yet: its port is told to the chooser of dynamic ones. */
static void port_count(const struct stk_ep *ep, int change)
{
    if (ep->type == STK_SOCK_STREAM) {
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        stk_hook_tcp_port(ep->local.port, change);
        stk_inst_leave(scope);
    }
}

/* Whether a port is taken, where it is looked for in rows: 64 of them in a word. */
static void taken_note(struct stk_ep_ports *ports, uint32_t kind, uint16_t number)
{
    const struct port *port = &ports->ports[kind][number];
    const uint64_t bit = UINT64_C(1) << number % 64;
    uint64_t *word = &ports->taken[kind][number / 64];
    *word = port->users != 0 || port->reservation != 0 ? *word | bit : *word & ~bit;
}

static void counts_change(struct stk_ep_ports *ports, const struct stk_ep *ep, uint32_t change)
{
    struct port *port = &ports->ports[kind_of(ep)][ep->local.port];
    port->users += change;
    taken_note(ports, kind_of(ep), ep->local.port);
    port->sharers += ep->port_shared ? change : 0;
    for (unsigned stack = 0; stack < STACKS; stack++) {
        if ((ep->port_stacks & 1u << stack) != 0) {
            uint32_t *counts = ep->port_name == 0 ? port->any[stack] : port->specific[stack];
            counts[ep->port_mode] += change;
        }
    }
    if (ep->port_name != 0) {
        ports->names[ep->port_name - 1].users[ep->port_mode] += change;
    }
}

void stk_ep_port_add(struct stk_ep *ep)
{
    struct stk_ep_ports *ports = ep->table->ports;
    struct claim claim;
    stk_ep_rio_forget(ep->table);
    claim_make(ep, &ep->local, &claim);
    port_count(ep, 1);
    ep->port_mode = (uint8_t)claim.mode;
    ep->port_stacks = (uint8_t)((claim.stacks[0] ? 1u : 0u) | (claim.stacks[1] ? 2u : 0u));
    uint32_t *head = &ports->ports[claim.kind][ep->local.port].any_head;
    ep->port_name = 0;
    if (!claim.any) {
        struct name *name = name_take(ports, claim.kind, &claim.addr);
        ep->port_name = (uint32_t)(name - ports->names) + 1;
        head = &name->head;
    }
    ep->share_prev = 0;
    ep->share_next = *head;
    if (*head != 0) {
        ep->table->eps[*head - 1].share_prev = ep->index + 1;
    }
    *head = ep->index + 1;
    ep->in_ports = true;
    counts_change(ports, ep, 1);
}

void stk_ep_port_remove(struct stk_ep *ep)
{
    struct stk_ep_ports *ports = ep->table->ports;
    if (!ep->in_ports) {
        return;
    }
    stk_ep_rio_forget(ep->table);
    port_count(ep, -1);
    counts_change(ports, ep, UINT32_MAX);
    struct name *name = ep->port_name != 0 ? &ports->names[ep->port_name - 1] : NULL;
    uint32_t *head = name != NULL ? &name->head : &ports->ports[kind_of(ep)][ep->local.port].any_head;
    if (ep->share_prev != 0) {
        ep->table->eps[ep->share_prev - 1].share_next = ep->share_next;
    } else {
        *head = ep->share_next;
    }
    if (ep->share_next != 0) {
        ep->table->eps[ep->share_next - 1].share_prev = ep->share_prev;
    }
    if (name != NULL) {
        name_drop(ports, name);
    }
    ep->in_ports = false;
    ep->port_shared = false; /* the next port may be one that the program names */
}

bool stk_ep_port_alone(const struct stk_ep *ep)
{
    return ep->table->ports->ports[kind_of(ep)][ep->local.port].users == 1;
}

struct stk_ep *stk_ep_port_next(struct stk_ep_table *table, const struct stk_addr *local, const struct stk_ep *before)
{
    struct stk_ep_ports *ports = table->ports;
    uint32_t at = before != NULL ? before->share_next : 0;
    if (before == NULL) {
        struct stk_addr addr = *local;
        (void)stk_ep_addr_unmap(&addr);
        const struct name *name = name_find(ports, 1, &addr);
        at = name != NULL ? name->head : 0;
    }
    if (at == 0 && (before == NULL || before->port_name != 0)) {
        at = ports->ports[1][local->port].any_head;
    }
    return at != 0 ? &table->eps[at - 1] : NULL;
}

/* --- Dynamic ports ----------------------------------------------------------- */

/* PT-1: free on this address, whoever has it on others. */
static bool port_free_here(const struct stk_ep *ep, const struct claim *claim)
{
    struct stk_ep_ports *ports = ep->table->ports;
    const struct port *port = &ports->ports[claim->kind][claim->addr.port];
    const unsigned stack = claim->stacks[1] ? 1 : 0;
    ip_addr_t ip;
    for (unsigned mode = 0; mode < MODES; mode++) {
        if (port->any[stack][mode] != 0) {
            return false;
        }
    }
    return port->reservation == 0 && name_find(ports, claim->kind, &claim->addr) == NULL &&
           (claim->kind != 0 || !stk_addr_to_ip(&claim->addr, &ip) ||
            (!stk_pcb_port_connected(&ip, stack == 1, claim->addr.port) &&
             !stk_time_wait_on_port(&ip, claim->addr.port)));
}

/* PT-4: a port that only such as this one use, for other destinations; the instance is entered. */
static bool port_shareable(const struct stk_ep *ep, uint16_t port_number, const struct stk_addr *remote)
{
    const struct port *port = &ep->table->ports->ports[0][port_number];
    ip_addr_t to;
    if (port->reservation != 0 || port->users == 0 || port->sharers != port->users) {
        return false;
    }
    if (remote == NULL || stk_ep_ip_from(ep, remote, &to) != STK_OK) {
        return true; /* judged when it connects */
    }
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(&to), &any);
    struct netif *netif = ip_route(&any, &to);
    const ip_addr_t *from = netif != NULL ? ip_netif_get_local_ip(netif, &to) : NULL;
    return from != NULL && !stk_hook_tcp_connected(from, port_number, &to, remote->port);
}

static uint16_t port_scan(struct stk_ep *ep, const struct stk_addr *local, const struct stk_addr *remote, bool shared)
{
    const uint32_t range = (uint32_t)ep->table->port_last - ep->table->port_first + 1u;
    const uint32_t offset = stk_lwip_random();
    struct claim claim;
    claim_make(ep, local, &claim);
    for (uint32_t i = 0; i < range; i++) {
        claim.addr.port = (uint16_t)(ep->table->port_first + (offset + i) % range);
        if (shared ? port_shareable(ep, claim.addr.port, remote) : port_free_here(ep, &claim)) {
            return claim.addr.port;
        }
    }
    return 0;
}

/* BND-13, PT-3: of the block that the socket is associated with. */
static uint16_t port_of_reservation(const struct stk_ep *ep)
{
    const struct stk_ep_ports *ports = ep->table->ports;
    const struct reservation *block = &ports->reservations[(ep->reservation & 0xffffu) - 1];
    for (uint32_t i = 0; i < block->count; i++) {
        const uint16_t port = (uint16_t)(block->first + i);
        if (ports->ports[block->kind][port].users == 0) {
            return port;
        }
    }
    return 0;
}

static bool port_free(const struct stk_ep *ep, uint16_t number)
{
    const struct port *port = &ep->table->ports->ports[kind_of(ep)][number];
    return port->users == 0 && port->reservation == 0;
}

static bool port_left(const struct stk_ep *ep, uint16_t number)
{
    const bool stream = ep->type == STK_SOCK_STREAM;
    return port_free(ep, number) &&
           (stream ? ep->inst->tcp_port_users[number] : ep->inst->pcbs.udp.port_users[number]) == 0;
}

/* Where few are left each pick would walk past the others: after some, all are looked at once. */
static uint16_t port_pick(struct stk_ep *ep, const struct stk_addr *local, const struct stk_addr *remote)
{
    const uint8_t proto = ep->type == STK_SOCK_STREAM ? 6 : 17;
    const uint32_t range = (uint32_t)ep->table->port_last - ep->table->port_first + 1u;
    const bool random = ep->opts.randomize_port || ep->opts.reuse_unicastport;
    for (uint32_t i = 0; i < PORT_PICKS; i++) {
        const uint16_t number = stk_lwip_port_pick(ep->inst, proto, local, random ? NULL : remote);
        if (number == 0 || port_free(ep, number)) {
            return number;
        }
    }
    const uint32_t offset = stk_lwip_random();
    for (uint32_t i = 0; i < range; i++) {
        const uint16_t number = (uint16_t)(ep->table->port_first + (offset + i) % range);
        if (port_left(ep, number)) {
            return number;
        }
    }
    return 0;
}

int stk_ep_port_choose(struct stk_ep *ep, struct stk_addr *local, const struct stk_addr *remote)
{
    uint16_t port = 0;
    ep->port_shared = false;
    if (ep->reservation != 0) {
        if (!stk_ep_reservation_valid(ep)) {
            return STK_EINVAL;
        }
        local->port = port_of_reservation(ep);
        return local->port != 0 ? STK_OK : STK_EADDRINUSE;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    const bool sharing = ep->type == STK_SOCK_STREAM && (remote != NULL || ep->opts.reuse_unicastport);
    if (ep->opts.port_scalability && !stk_ep_addr_any(local)) {
        port = port_scan(ep, local, NULL, false);
    } else {
        port = port_pick(ep, local, remote);
        if (port == 0 && sharing) {
            port = port_scan(ep, local, remote, true);
        }
    }
    stk_inst_leave(scope);
    ep->port_shared = sharing && port != 0;
    local->port = port;
    return port != 0 ? STK_OK : STK_EADDRINUSE;
}

/* --- Reservations -------------------------------------------------------------- */

bool stk_ep_reservation_valid(const struct stk_ep *ep)
{
    const uint64_t index = ep->reservation & ((1u << TOKEN_INDEX_BITS) - 1u);
    return index != 0 && index <= RESERVATIONS_MAX &&
           ep->table->ports->reservations[index - 1].token == ep->reservation;
}

bool stk_ep_reservation_has(const struct stk_ep *ep, uint16_t port)
{
    const struct reservation *block = &ep->table->ports->reservations[(ep->reservation & 0xffffu) - 1];
    return port >= block->first && port - block->first < block->count;
}

static struct reservation *reservation_find(struct stk_ep_table *table, uint64_t token, uint32_t kind)
{
    const uint64_t index = token & ((1u << TOKEN_INDEX_BITS) - 1u);
    if (index == 0 || index > RESERVATIONS_MAX) {
        return NULL;
    }
    struct reservation *block = &table->ports->reservations[index - 1];
    return block->token == token && block->kind == kind ? block : NULL;
}

static bool port_unused(const struct stk_ep_table *table, uint32_t kind, uint16_t number)
{
    bool unused = (table->ports->taken[kind][number / 64] & UINT64_C(1) << number % 64) == 0;
    for (uint32_t i = 0; i < table->insts_count && unused; i++) {
        const struct stk_inst *inst = table->insts[i];
        unused = kind == 0 ? inst->tcp_port_users[number] == 0 : inst->pcbs.udp.port_users[number] == 0;
    }
    return unused;
}

/* The first of count ports in a row, all free; 0: there are none. What is taken is passed over by the word, so that a full
 * range costs a thousand looks. */
static uint16_t block_find(const struct stk_ep_table *table, uint32_t kind, uint32_t first, uint32_t last,
                           uint32_t count)
{
    uint32_t run = 0;
    for (uint32_t port = first; port <= last; port++) {
        while (port % 64 == 0 && port <= last && table->ports->taken[kind][port / 64] == UINT64_MAX) {
            port += 64;
            run = 0;
        }
        if (port > last) {
            break;
        }
        run = port_unused(table, kind, (uint16_t)port) ? run + 1 : 0;
        if (run == count) {
            return (uint16_t)(port + 1 - count);
        }
    }
    return 0;
}

static void block_mark(struct stk_ep_table *table, const struct reservation *block, uint32_t mark)
{
    for (uint32_t i = 0; i < block->count; i++) {
        table->ports->ports[block->kind][block->first + i].reservation = mark;
        taken_note(table->ports, block->kind, (uint16_t)(block->first + i));
    }
}

int stk_ep_reservation_acquire(struct stk_ep *ep, uint32_t start, uint32_t count, uint64_t *token, uint16_t *first)
{
    struct stk_ep_ports *ports = ep->table->ports;
    const uint32_t kind = kind_of(ep);
    uint32_t index = 0;
    if (count == 0 || start + count > STK_EP_PORTS) {
        return STK_EINVAL;
    }
    *first = start != 0 ? block_find(ep->table, kind, start, start + count - 1, count)
                        : block_find(ep->table, kind, ep->table->port_first, ep->table->port_last, count);
    if (*first == 0) {
        return STK_EADDRINUSE;
    }
    while (index < RESERVATIONS_MAX && ports->reservations[index].token != 0) {
        index++;
    }
    if (index == RESERVATIONS_MAX) {
        return STK_ENOMEM;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[0]);
    const uint64_t random = (uint64_t)stk_lwip_random() << 32 | stk_lwip_random();
    stk_inst_leave(scope);
    *token = random << TOKEN_INDEX_BITS | (index + 1);
    ports->reservations[index] = (struct reservation){
        .token = *token, .owner = ep->index, .first = *first, .count = (uint16_t)count, .kind = (uint8_t)kind};
    block_mark(ep->table, &ports->reservations[index], index + 1);
    ports->reservations_used++;
    ep->reserves = true;
    return STK_OK;
}

int stk_ep_reservation_associate(struct stk_ep *ep, uint64_t token)
{
    if (ep->bound || reservation_find(ep->table, token, kind_of(ep)) == NULL) {
        return STK_EINVAL;
    }
    ep->reservation = token;
    return STK_OK;
}

static void reservation_end(struct stk_ep_table *table, struct reservation *block)
{
    block_mark(table, block, 0);
    block->token = 0;
    table->ports->reservations_used--;
}

int stk_ep_reservation_release(struct stk_ep *ep, uint64_t token)
{
    struct reservation *block = reservation_find(ep->table, token, kind_of(ep));
    if (block == NULL) {
        return STK_EINVAL;
    }
    reservation_end(ep->table, block);
    return STK_OK;
}

void stk_ep_reservations_drop(struct stk_ep *ep)
{
    struct stk_ep_ports *ports = ep->table->ports;
    if (!ep->reserves) {
        return;
    }
    for (uint32_t i = 0; i < RESERVATIONS_MAX && ports->reservations_used != 0; i++) {
        struct reservation *block = &ports->reservations[i];
        if (block->token != 0 && block->owner == ep->index) {
            reservation_end(ep->table, block);
        }
    }
    ep->reserves = false;
}

int stk_ep_ports_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    struct stk_ep *ep = &table->eps[sock];
    uint16_t first = 0;
    if (ep->type == STK_SOCK_RAW) {
        return STK_EOPNOTSUPP;
    }
    switch (sub->arg[0]) {
    case STK_PORTS_ACQUIRE: {
        if (sub->arg[1] >= STK_EP_PORTS || sub->arg[2] >= STK_EP_PORTS) {
            return STK_EINVAL;
        }
        const int err = stk_ep_reservation_acquire(ep, sub->arg[1], sub->arg[2], &rep->value, &first);
        rep->arg[0] = first;
        return err;
    }
    case STK_PORTS_ASSOCIATE:
        return stk_ep_reservation_associate(ep, sub->value);
    case STK_PORTS_RELEASE:
        return stk_ep_reservation_release(ep, sub->value);
    default:
        return STK_EINVAL;
    }
}
