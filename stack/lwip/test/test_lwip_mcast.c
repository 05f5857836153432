/*
 * What an interface says of its groups when it comes up, goes down, or has no address to speak from.
 */
#include "sim_host.h"

#include "stack/clock.h"

#include "lwip/igmp.h"
#include "lwip/mld6.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t group4[4] = {239, 1, 2, 3};
static const uint8_t group6[16] = {0xff, 5, [15] = 3};

struct said {
    uint32_t igmp; /* reports of group4, excluding nobody */
    uint32_t mld;  /* likewise of group6 */
    uint8_t src6[16];
};

/* Records may stand anywhere in a report. */
static bool has_record(const uint8_t *message, uint32_t len, const uint8_t *group, uint32_t ip)
{
    for (uint32_t at = 8; at + 4 + ip <= len; at += 4 + ip) {
        if (message[at] == 4 && memcmp(message + at + 4, group, ip) == 0) {
            return true;
        }
    }
    return false;
}

static void listen_in(void *ctx, uint8_t *frame, uint32_t *len)
{
    struct said *said = ctx;
    const uint8_t *ip = frame + 14;
    if (frame[12] == 0x08 && frame[13] == 0 && ip[9] == 2 && ip[24] == 0x22) {
        said->igmp += has_record(ip + 24, *len - 38, group4, 4);
    } else if (frame[12] == 0x86 && ip[6] == 0 && ip[48] == 143 && has_record(ip + 48, *len - 62, group6, 16)) {
        said->mld++;
        memcpy(said->src6, ip + 8, 16);
    }
}

static void groups_join(struct sim_pair *pair, bool join)
{
    struct netif *netif = &pair->hosts[0].netif;
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[0].inst);
    ip4_addr_t four;
    ip_addr_t six;
    memcpy(&four.addr, group4, 4);
    assert_true(stk_ip_from_bytes(STK_AF_INET6, group6, &six));
    if (join) {
        assert_int_equal(igmp_joingroup_netif(netif, &four), ERR_OK);
        assert_int_equal(mld6_joingroup_netif(netif, ip_2_ip6(&six)), ERR_OK);
        assert_non_null(igmp_lookfor_group(netif, &four));
        assert_non_null(mld6_lookfor_group(netif, ip_2_ip6(&six)));
    } else {
        assert_int_equal(igmp_leavegroup_netif(netif, &four), ERR_OK);
        assert_int_equal(mld6_leavegroup_netif(netif, ip_2_ip6(&six)), ERR_OK);
        assert_int_equal(igmp_leavegroup_netif(netif, &four), ERR_VAL);
        assert_int_equal(mld6_leavegroup_netif(netif, ip_2_ip6(&six)), ERR_VAL);
        assert_null(igmp_lookfor_group(netif, &four)); /* though its farewell is still to be repeated */
        assert_null(mld6_lookfor_group(netif, ip_2_ip6(&six)));
    }
    stk_inst_leave(scope);
}

static void link_set(struct sim_pair *pair, bool up)
{
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[0].inst);
    if (up) {
        netif_set_link_up(&pair->hosts[0].netif);
    } else {
        netif_set_link_down(&pair->hosts[0].netif);
    }
    stk_inst_leave(scope);
}

/* A router on the other side knows nothing of what was joined while the link was down, or has forgotten it. */
static void link__comes_up__groups_are_reported(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct said said = {0};
    sim_pair_open(&pair, NULL);
    sim_pair_run(&pair, 3 * STK_S_NS);
    pair.mutate = listen_in;
    pair.mutate_ctx = &said;
    link_set(&pair, false);
    groups_join(&pair, true);
    sim_pair_run(&pair, 5 * STK_S_NS);
    assert_int_equal(said.igmp + said.mld, 0);
    for (int time = 0; time < 2; time++) {
        said = (struct said){0};
        link_set(&pair, true);
        sim_pair_run(&pair, 5 * STK_S_NS);
        assert_int_equal(said.igmp, 2);
        assert_int_equal(said.mld, 2);
        link_set(&pair, false);
    }
    link_set(&pair, true);
    groups_join(&pair, false);
    sim_pair_run(&pair, 5 * STK_S_NS);
    pair.mutate = NULL;
    sim_pair_close(&pair);
}

/* RFC 3810 5.2.13: from the link-local address; while there is none, from none. */
static void mld__no_valid_link_local__unspecified_source(void **state)
{
    (void)state;
    static const uint8_t none[16];
    struct sim_pair pair;
    struct said said = {0};
    sim_pair_open(&pair, NULL);
    sim_pair_run(&pair, 3 * STK_S_NS);
    pair.mutate = listen_in;
    pair.mutate_ctx = &said;
    struct netif *netif = &pair.hosts[0].netif;
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    const u8_t before = netif->ip6_addr_state[0];
    netif->ip6_addr_state[0] = IP6_ADDR_INVALID;
    stk_inst_leave(scope);
    groups_join(&pair, true);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(said.mld, 1);
    assert_memory_equal(said.src6, none, 16);
    netif->ip6_addr_state[0] = before;
    groups_join(&pair, false);
    sim_pair_run(&pair, 3 * STK_S_NS);
    pair.mutate = NULL;
    sim_pair_close(&pair);
}

/* The pool's end is an error, and what was joined stays. */
static void pool__used_up__join_refused(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct stk_lwip_limits limits;
    stk_lwip_limits_default(&limits);
    limits.igmp_groups = 6; /* all systems of two interfaces each are among them */
    sim_pair_open(&pair, &limits);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    struct netif *netif = &pair.hosts[0].netif;
    ip4_addr_t group;
    uint32_t joined = 0;
    for (uint32_t i = 0; i < 10; i++) {
        IP4_ADDR(&group, 239, 9, 9, (u8_t)i);
        joined += igmp_joingroup_netif(netif, &group) == ERR_OK;
    }
    assert_int_equal(joined, 4);
    IP4_ADDR(&group, 239, 9, 9, 0);
    assert_int_equal(igmp_leavegroup_netif(netif, &group), ERR_OK);
    IP4_ADDR(&group, 239, 9, 9, 200); /* the one that is being left makes room */
    assert_int_equal(igmp_joingroup_netif(netif, &group), ERR_OK);
    IP4_ADDR(&group, 10, 9, 9, 1);
    assert_int_equal(igmp_joingroup_netif(netif, &group), ERR_VAL);
    stk_inst_leave(scope);
    assert_int_equal(sim_pool(&pair.hosts[0], "IGMP_GROUP").used, 6);
    sim_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link__comes_up__groups_are_reported),
        cmocka_unit_test(mld__no_valid_link_local__unspecified_source),
        cmocka_unit_test(pool__used_up__join_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
