/*
 * What routers are told of multicast groups: IGMPv3 and MLDv2, and the older versions where the link speaks these. Each case
 * runs for both families.
 */
#include "sim_mcast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEWEST(family) ((uint8_t)((family) == STK_AF_INET ? 3 : 2))
#define QUERIED_MAX 64 /* sources of a query that are noted */
#define INCLUDE STK_MCAST_FILTER_INCLUDE
#define EXCLUDE STK_MCAST_FILTER_EXCLUDE

static const int families[] = {STK_AF_INET, STK_AF_INET6};

struct scene {
    struct sim_mcast mcast;
    struct stk_sock *sock[3];
    int family;
};

static void scene_open(struct scene *scene, int family, uint64_t seed)
{
    sim_mcast_open(&scene->mcast, family, seed);
    scene->family = family;
    for (int i = 0; i < 3; i++) {
        scene->sock[i] = sim_open(&scene->mcast.world.hosts[0], family, STK_SOCK_DGRAM);
    }
}

static void scene_close(struct scene *scene)
{
    for (int i = 0; i < 3; i++) {
        if (scene->sock[i] != NULL) {
            assert_int_equal(stk_sock_close(scene->sock[i], STK_CLOSE_GRACEFUL), STK_OK);
        }
    }
    sim_mcast_run(&scene->mcast, 25000);
    sim_mcast_close(&scene->mcast);
}

static void member(struct scene *scene, int sock, enum stk_opt opt, uint8_t group)
{
    assert_int_equal(sim_mcast_member(scene->sock[sock], scene->family, opt, group), STK_OK);
}

static void source(struct scene *scene, int sock, enum stk_opt opt, uint8_t group, uint8_t number)
{
    assert_int_equal(sim_mcast_source_opt(scene->sock[sock], scene->family, opt, group, number), STK_OK);
}

static void filter(struct scene *scene, int sock, uint8_t group, uint32_t mode, const char *sources)
{
    assert_int_equal(sim_mcast_filter(scene->sock[sock], scene->family, group, mode, (const uint8_t *)sources,
                                      (uint32_t)strlen(sources)),
                     STK_OK);
}

static void for_families(void (*run)(struct scene *scene), uint64_t seed)
{
    for (int i = 0; i < 2; i++) {
        static struct scene scene;
        scene_open(&scene, families[i], seed);
        run(&scene);
        scene_close(&scene);
    }
}

/* --- Changes --------------------------------------------------------------------- */

static void join_leave_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const uint64_t start = mcast->world.now_ns;
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(mcast, 5000);
    assert_int_equal(mcast->count, 2);                           /* the robustness variable is 2 */
    assert_in_range(mcast->at_ns[0] - start, 0, 20 * STK_MS_NS); /* at once */
    assert_in_range(mcast->at_ns[1] - start, 0, 1200 * STK_MS_NS);
    sim_mcast_expect(mcast, "TO_EX 3{}; TO_EX 3{}");
    member(scene, 1, STK_OPT_MCAST_JOIN, 3);
    member(scene, 0, STK_OPT_MCAST_LEAVE, 3);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, ""); /* the interface still wants it */
    member(scene, 1, STK_OPT_MCAST_LEAVE, 3);
    sim_mcast_run(mcast, 5000);
    sim_mcast_expect(mcast, "TO_IN 3{}; TO_IN 3{}");
}

static void join_leave__any_source__mode_changes_twice(void **state)
{
    (void)state;
    for_families(join_leave_run, 101);
}

static void close_run(struct scene *scene)
{
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    source(scene, 0, STK_OPT_MCAST_JOIN_SOURCE, 4, 7);
    sim_mcast_run(&scene->mcast, 3000);
    sim_mcast_forget(&scene->mcast);
    assert_int_equal(stk_sock_close(scene->sock[0], STK_CLOSE_GRACEFUL), STK_OK);
    scene->sock[0] = NULL;
    sim_mcast_run(&scene->mcast, 3000);
    sim_mcast_expect(&scene->mcast, "BLOCK 4{7}; TO_IN 3{}; BLOCK 4{7}, TO_IN 3{}");
}

static void close__member__leaves(void **state)
{
    (void)state;
    for_families(close_run, 102);
}

static void sources_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    source(scene, 0, STK_OPT_MCAST_JOIN_SOURCE, 3, 7);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{7}; ALLOW 3{7}");
    source(scene, 1, STK_OPT_MCAST_JOIN_SOURCE, 3, 7);
    source(scene, 1, STK_OPT_MCAST_JOIN_SOURCE, 3, 8);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{8}; ALLOW 3{8}");
    source(scene, 0, STK_OPT_MCAST_LEAVE_SOURCE, 3, 7);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "");
    source(scene, 1, STK_OPT_MCAST_LEAVE_SOURCE, 3, 7);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "BLOCK 3{7}; BLOCK 3{7}");
    member(scene, 2, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_EX 3{}; TO_EX 3{}");
    source(scene, 2, STK_OPT_MCAST_BLOCK, 3, 9);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "BLOCK 3{9}; BLOCK 3{9}");
    source(scene, 2, STK_OPT_MCAST_UNBLOCK, 3, 9);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{9}; ALLOW 3{9}");
    member(scene, 2, STK_OPT_MCAST_LEAVE, 3);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_IN 3{8}; TO_IN 3{8}"); /* socket 1 still includes it */
}

static void sources__options__allow_and_block(void **state)
{
    (void)state;
    for_families(sources_run, 103);
}

/* RFC 3376 3.2, its own examples: s1 excludes {a b c}, s2 {b c d}, s3 includes {b}. */
static void merge_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    filter(scene, 0, 3, EXCLUDE, "\x11\x12\x13");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_EX 3{17 18 19}; TO_EX 3{17 18 19}");
    filter(scene, 1, 3, EXCLUDE, "\x12\x13\x14");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{17}; ALLOW 3{17}");
    filter(scene, 2, 3, INCLUDE, "\x12");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{18}; ALLOW 3{18}");
    filter(scene, 1, 3, INCLUDE, "");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "BLOCK 3{17}; BLOCK 3{17}");
    filter(scene, 0, 3, INCLUDE, "");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_IN 3{18}; TO_IN 3{18}");
    filter(scene, 2, 3, INCLUDE, "");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "BLOCK 3{18}; BLOCK 3{18}");
}

static void merge__filters_of_sockets__interface_list(void **state)
{
    (void)state;
    for_families(merge_run, 104);
}

static void filter_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    filter(scene, 0, 3, INCLUDE, "\x11\x12");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{17 18}; ALLOW 3{17 18}");
    filter(scene, 0, 3, INCLUDE, "\x12\x13");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "ALLOW 3{19}, BLOCK 3{17}; ALLOW 3{19}, BLOCK 3{17}");
    filter(scene, 0, 3, EXCLUDE, "\x12");
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_EX 3{18}; TO_EX 3{18}");
    filter(scene, 0, 3, EXCLUDE, "\x12\x12"); /* the same, named twice */
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "");
}

static void filter__replaced__one_message_says_what_changed(void **state)
{
    (void)state;
    for_families(filter_run, 105);
}

/* RFC 3376 5.1: a change before all repetitions of the last one is told at once, both are repeated. */
static void overlap_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    source(scene, 0, STK_OPT_MCAST_JOIN_SOURCE, 3, 7);
    source(scene, 0, STK_OPT_MCAST_LEAVE_SOURCE, 3, 7);
    sim_mcast_run(mcast, 5000);
    sim_mcast_expect(mcast, "ALLOW 3{7}; BLOCK 3{7}; BLOCK 3{7}");
    member(scene, 0, STK_OPT_MCAST_JOIN, 4);
    source(scene, 0, STK_OPT_MCAST_BLOCK, 4, 7);
    sim_mcast_run(mcast, 5000);
    sim_mcast_expect(mcast, "TO_EX 4{}; TO_EX 4{7}; BLOCK 4{7}");
}

static void change__before_the_repetition__merged(void **state)
{
    (void)state;
    for_families(overlap_run, 106);
}

/* --- Queries --------------------------------------------------------------------- */

static void groups_join(struct scene *scene)
{
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    filter(scene, 0, 4, INCLUDE, "\x07\x08");
    filter(scene, 1, 5, EXCLUDE, "\x09");
    sim_mcast_run(&scene->mcast, 3000);
    sim_mcast_forget(&scene->mcast);
}

static void general_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const struct sim_query query = {
        .version = NEWEST(scene->family), .max_ms = 4000, .robustness = 2, .interval_s = 125};
    uint64_t first = 0;
    bool differs = false;
    groups_join(scene);
    for (int round = 0; round < 8; round++) {
        const uint64_t start = mcast->world.now_ns;
        sim_mcast_ask(mcast, &query);
        sim_mcast_run(mcast, 4100);
        assert_int_equal(mcast->count, 1);
        const uint64_t took = mcast->at_ns[0] - start;
        sim_mcast_expect(mcast, "IS_EX 5{9}, IS_IN 4{7 8}, IS_EX 3{}");
        first = round == 0 ? took : first;
        differs = differs || took / STK_S_NS != first / STK_S_NS;
        sim_mcast_run(mcast, 3000);
        sim_mcast_expect(mcast, "");
    }
    assert_true(differs); /* at random */
}

static void query__general__one_report_in_time(void **state)
{
    (void)state;
    for_families(general_run, 107);
}

static void specific_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const uint8_t version = NEWEST(scene->family);
    struct sim_query query = {.version = version, .max_ms = 1000, .group = 4, .robustness = 2, .interval_s = 125};
    groups_join(scene);
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 1100);
    sim_mcast_expect(mcast, "IS_IN 4{7 8}");
    query.group = 99;
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "");
    /* With sources: what is wanted of those. */
    const uint8_t asked[] = {8, 9, 10};
    query = (struct sim_query){.version = version, .max_ms = 1000, .group = 4, .sources = asked, .sources_count = 3};
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 1100);
    sim_mcast_expect(mcast, "IS_IN 4{8}");
    query.group = 5;
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 1100);
    sim_mcast_expect(mcast, "IS_IN 5{8 10}");
    query.group = 4;
    query.sources = asked + 1;
    query.sources_count = 2;
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, ""); /* none of them */
    /* Two queries that wait are answered together. */
    query.max_ms = 3000;
    query.sources = (const uint8_t[]){7};
    query.sources_count = 1;
    sim_mcast_ask(mcast, &query);
    query.sources = asked;
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 3100);
    sim_mcast_expect(mcast, "IS_IN 4{7 8}");
}

static void query__group_and_sources__what_is_wanted_of_them(void **state)
{
    (void)state;
    for_families(specific_run, 108);
}

/* More sources than are noted: the whole group is reported. */
static void long_query_run(struct scene *scene)
{
    uint8_t asked[70];
    for (uint32_t i = 0; i < sizeof(asked); i++) {
        asked[i] = (uint8_t)(i + 20);
    }
    const struct sim_query query = {
        .version = NEWEST(scene->family), .max_ms = 500, .group = 4, .sources = asked, .sources_count = 70};
    groups_join(scene);
    sim_mcast_ask(&scene->mcast, &query);
    sim_mcast_run(&scene->mcast, 600);
    sim_mcast_expect(&scene->mcast, "IS_IN 4{7 8}");
}

static void query__more_sources_than_noted__whole_group(void **state)
{
    (void)state;
    for_families(long_query_run, 109);
}

/* What queries make us remember leaves room for what programs want. */
static void pressure_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    static uint8_t list[STK_MCAST_SOURCES_MAX][16];
    uint8_t asked[QUERIED_MAX];
    for (uint8_t group = 1; group <= 60; group++) {
        member(scene, 0, STK_OPT_MCAST_JOIN, group);
    }
    for (uint32_t i = 0; i < sizeof(asked); i++) {
        asked[i] = (uint8_t)(i + 20);
    }
    sim_mcast_run(mcast, 3000);
    for (uint8_t group = 1; group <= 60; group++) {
        const struct sim_query query = {.version = NEWEST(scene->family),
                                        .max_ms = 12000,
                                        .group = group,
                                        .sources = asked,
                                        .sources_count = sizeof(asked)};
        sim_mcast_ask(mcast, &query);
    }
    for (uint32_t i = 0; i < STK_MCAST_SOURCES_MAX; i++) {
        memcpy(list[i], sim_mcast_source(scene->family, 1, 0).ip, 16);
        list[i][scene->family == STK_AF_INET ? 2 : 14] = (uint8_t)(1 + i / 200);
        list[i][scene->family == STK_AF_INET ? 3 : 15] = (uint8_t)(1 + i % 200);
    }
    const struct stk_mcast_filter wanted = {.group = sim_mcast_group(scene->family, 200, 0),
                                            .if_index = SIM_MCAST_IF,
                                            .mode = INCLUDE,
                                            .count = STK_MCAST_SOURCES_MAX};
    for (int i = 0; i < 2; i++) { /* that makes 1024 */
        assert_int_equal(stk_sock_mcast_filter_set(scene->sock[1 + i], &wanted, (const uint8_t(*)[16])list), STK_OK);
        list[0][scene->family == STK_AF_INET ? 3 : 15] = 250;
    }
    sim_mcast_run(mcast, 3000);
    sim_mcast_forget(mcast);
    sim_mcast_run(mcast, 12000);
    assert_true(mcast->count > 0); /* the answers: of groups that could not note them, the whole group */
    sim_mcast_forget(mcast);
}

static void query__many_sources__room_for_programs(void **state)
{
    (void)state;
    for_families(pressure_run, 119);
}

/* The querier says how robust a link is. */
static void robust_run(struct scene *scene)
{
    const struct sim_query query = {.version = NEWEST(scene->family), .max_ms = 100, .robustness = 4, .interval_s = 60};
    sim_mcast_ask(&scene->mcast, &query);
    sim_mcast_run(&scene->mcast, 1000);
    sim_mcast_forget(&scene->mcast);
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(&scene->mcast, 8000);
    sim_mcast_expect(&scene->mcast, "TO_EX 3{}; TO_EX 3{}; TO_EX 3{}; TO_EX 3{}");
}

static void query__robustness__repetitions_follow(void **state)
{
    (void)state;
    for_families(robust_run, 110);
}

/* --- Older queriers -------------------------------------------------------------------- */

static void older_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const bool v4 = scene->family == STK_AF_INET;
    const struct sim_query old = {.version = v4 ? 2 : 1, .max_ms = 2000};
    groups_join(scene);
    sim_mcast_ask(mcast, &old);
    sim_mcast_run(mcast, 2200);
    assert_int_equal(mcast->count, 3); /* each group for itself */
    assert_null(strstr(mcast->said, "IS_"));
    assert_non_null(strstr(mcast->said, v4 ? "REPORT2 4" : "REPORT 4"));
    sim_mcast_forget(mcast);
    source(scene, 2, STK_OPT_MCAST_JOIN_SOURCE, 6, 7);
    sim_mcast_run(mcast, 12000);
    sim_mcast_expect(mcast, v4 ? "REPORT2 6; REPORT2 6" : "REPORT 6; REPORT 6");
    source(scene, 2, STK_OPT_MCAST_JOIN_SOURCE, 6, 8);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, ""); /* has no words for it */
    member(scene, 2, STK_OPT_MCAST_LEAVE, 6);
    sim_mcast_run(mcast, 12000);
    sim_mcast_expect(mcast, v4 ? "LEAVE2 6" : "DONE 6");
    /* 2 x 125 s + 2 s later nobody remembers that querier. */
    sim_mcast_run(mcast, 240000);
    sim_mcast_expect(mcast, "");
    member(scene, 2, STK_OPT_MCAST_JOIN, 6);
    sim_mcast_run(mcast, 3000);
    sim_mcast_expect(mcast, "TO_EX 6{}; TO_EX 6{}");
}

static void older_querier__present__spoken_to_in_its_version(void **state)
{
    (void)state;
    for_families(older_run, 111);
}

static void first_version__querier__no_farewell(void **state)
{
    (void)state;
    static struct scene scene;
    const struct sim_query old = {.version = 1};
    scene_open(&scene, STK_AF_INET, 112);
    sim_mcast_ask(&scene.mcast, &old);
    member(&scene, 0, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(&scene.mcast, 12000);
    sim_mcast_expect(&scene.mcast, "REPORT1 3; REPORT1 3");
    sim_mcast_ask(&scene.mcast, &old);
    sim_mcast_run(&scene.mcast, 10100);
    sim_mcast_expect(&scene.mcast, "REPORT1 3");
    member(&scene, 0, STK_OPT_MCAST_LEAVE, 3);
    sim_mcast_run(&scene.mcast, 12000);
    sim_mcast_expect(&scene.mcast, "");
    scene_close(&scene);
}

/* RFC 2236 3, RFC 2710 4: who hears another's report keeps silent, and does not say goodbye. */
static void heard_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const bool v4 = scene->family == STK_AF_INET;
    const struct sim_query old = {.version = v4 ? 2 : 1, .max_ms = 10000};
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(mcast, 3000);
    sim_mcast_forget(mcast);
    sim_mcast_ask(mcast, &old);
    sim_mcast_report(mcast, 3);
    sim_mcast_run(mcast, 12000);
    sim_mcast_expect(mcast, "");
    member(scene, 0, STK_OPT_MCAST_LEAVE, 3);
    sim_mcast_run(mcast, 12000);
    sim_mcast_expect(mcast, "");
}

static void older_querier__report_of_another__suppresses(void **state)
{
    (void)state;
    for_families(heard_run, 113);
}

/* In the newest version nobody is silenced by others. */
static void not_heard_run(struct scene *scene)
{
    const struct sim_query query = {.version = NEWEST(scene->family), .max_ms = 3000};
    member(scene, 0, STK_OPT_MCAST_JOIN, 3);
    sim_mcast_run(&scene->mcast, 3000);
    sim_mcast_forget(&scene->mcast);
    sim_mcast_ask(&scene->mcast, &query);
    sim_mcast_report(&scene->mcast, 3);
    sim_mcast_run(&scene->mcast, 3100);
    sim_mcast_expect(&scene->mcast, "IS_EX 3{}");
}

static void newest__report_of_another__ignored(void **state)
{
    (void)state;
    for_families(not_heard_run, 114);
}

/* --- Spoiled queries --------------------------------------------------------------------- */

static void spoiled_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const bool v4 = scene->family == STK_AF_INET;
    const struct sim_query query = {.version = NEWEST(scene->family), .max_ms = 100};
    static struct sim_frame good;
    static struct sim_frame bad;
    groups_join(scene);
    sim_mcast_frame(mcast, &query, &good);
    const uint32_t message = SIM_ETH_BYTES + (v4 ? 20u : 48u);
    const struct {
        uint32_t at;
        uint8_t value;
    } spoils[] = {
        {message + (v4 ? 11u : 27u), 200},               /* more sources than there are bytes */
        {SIM_ETH_BYTES + (v4 ? 9u : 7u), v4 ? 99u : 5u}, /* another protocol; hop limit */
        {message + (v4 ? 4u : 8u), 10},                  /* no group's address */
        {SIM_ETH_BYTES + 8u, v4 ? 1u : 0xfdu},           /* IPv6: source not of the link */
        {SIM_ETH_BYTES + 42u, 1},                        /* IPv6: no router alert */
    };
    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        bad = good;
        bad.bytes[spoils[i].at] = spoils[i].value;
        sim_mcast_seal(mcast, &bad);
        if (!v4 || i < 3) {
            sim_wire_frame(&mcast->wire, &bad);
        }
        sim_mcast_run(mcast, 300);
        sim_mcast_expect(mcast, "");
    }
    bad = good; /* general, but to one group */
    memcpy(bad.bytes + SIM_ETH_BYTES + (v4 ? 16 : 24), sim_mcast_group(scene->family, 3, 0).ip, v4 ? 4 : 16);
    sim_mcast_seal(mcast, &bad);
    sim_wire_frame(&mcast->wire, &bad);
    bad = good;
    bad.bytes[message + 2] ^= 0x55; /* checksum */
    sim_wire_frame(&mcast->wire, &bad);
    sim_mcast_run(mcast, 300);
    sim_mcast_expect(mcast, "");
    sim_wire_frame(&mcast->wire, &good);
    sim_mcast_run(mcast, 300);
    sim_mcast_expect(mcast, "IS_EX 5{9}, IS_IN 4{7 8}, IS_EX 3{}");
}

static void query__spoiled__ignored(void **state)
{
    (void)state;
    for_families(spoiled_run, 115);
}

/* Bytes at random behind a right header: nothing is promised but that the host lives and answers the next query. */
static void random_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    uint64_t dice = 0x1234567;
    groups_join(scene);
    for (uint32_t round = 0; round < 300; round++) {
        uint8_t asked[40];
        struct sim_query query = {.group = (uint8_t)(round % 7), .sources = asked};
        for (uint32_t i = 0; i < sizeof(asked); i++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
            asked[i] = (uint8_t)(1 + (dice >> 40) % 200);
        }
        query.version = (uint8_t)(1 + asked[0] % NEWEST(scene->family));
        query.max_ms = 100u * asked[1] / 8;
        query.robustness = asked[2] & 7;
        query.interval_s = asked[3] & 7;
        query.sources_count = query.group != 0 ? asked[4] % 40u : 0;
        sim_mcast_ask(mcast, &query);
        sim_mcast_run(mcast, asked[5]);
        if (round % 3 == 0) {
            (void)sim_mcast_source_opt(scene->sock[2], scene->family, STK_OPT_MCAST_JOIN_SOURCE, 6, asked[6] & 7);
            (void)sim_mcast_source_opt(scene->sock[2], scene->family, STK_OPT_MCAST_LEAVE_SOURCE, 6, asked[7] & 7);
        }
        sim_mcast_forget(mcast);
    }
    sim_mcast_run(mcast, 1800u * 1000u); /* older queriers are forgotten */
    sim_mcast_forget(mcast);
    const struct sim_query query = {.version = NEWEST(scene->family), .max_ms = 100, .group = 4};
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 300);
    sim_mcast_expect(mcast, "IS_IN 4{7 8}");
}

static void query__at_random__host_goes_on(void **state)
{
    (void)state;
    for_families(random_run, 116);
}

/* Queries whose bytes were changed, with right checksums: what comes out is no matter, the host lives and loses nothing. */
static void changed_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    static struct sim_pools before;
    static struct sim_frame frame;
    const uint8_t asked[] = {7, 8, 9, 10};
    uint64_t dice = 0x7654321;
    sim_pools_read(&mcast->world.hosts[0], &before);
    groups_join(scene);
    for (uint32_t round = 0; round < 1500; round++) {
        const struct sim_query query = {.version = (uint8_t)(round % 4 == 0 ? 1 : NEWEST(scene->family)),
                                        .max_ms = 100,
                                        .group = (uint8_t)(round % 6),
                                        .sources = asked,
                                        .sources_count = round % 6 != 0 ? 4 : 0};
        sim_mcast_frame(mcast, &query, &frame);
        for (uint32_t i = 0; i < 1 + round % 4; i++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
            const uint32_t first = SIM_ETH_BYTES + (scene->family == STK_AF_INET ? 20u : 40u);
            frame.bytes[first + (dice >> 33) % (frame.len - first)] = (uint8_t)(dice >> 24);
        }
        if (round % 5 == 0) {
            frame.len -= (uint32_t)((dice >> 40) % 8); /* the shortest message has 8 bytes */
        }
        sim_mcast_seal(mcast, &frame);
        sim_wire_frame(&mcast->wire, &frame);
        if (round % 8 == 0) {
            sim_mcast_run(mcast, 100);
        }
        sim_mcast_forget(mcast);
    }
    for (uint8_t group = 3; group <= 5; group++) {
        filter(scene, group == 5, group, INCLUDE, "");
    }
    sim_mcast_run(mcast, 100000);
    sim_mcast_forget(mcast);
    sim_pools_same(&mcast->world.hosts[0], &before);
}

static void query__bytes_changed__host_goes_on(void **state)
{
    (void)state;
    for_families(changed_run, 120);
}

/* --- Sizes -------------------------------------------------------------------------------- */

/* An excluding list that does not fit is cut short, including ones go on in the next message (RFC 3376 4.2.16). */
static void large_run(struct scene *scene)
{
    struct sim_mcast *mcast = &scene->mcast;
    const uint32_t ip = scene->family == STK_AF_INET ? 4 : 16;
    const uint32_t room = (1400 - 8 - 4 - ip) / ip; /* sources in one message */
    static uint8_t list[STK_MCAST_SOURCES_MAX][16];
    char said[128];
    for (uint32_t i = 0; i < STK_MCAST_SOURCES_MAX; i++) {
        memcpy(list[i], sim_mcast_source(scene->family, 1, 0).ip, 16);
        list[i][ip - 2] = (uint8_t)(1 + i / 200);
        list[i][ip - 1] = (uint8_t)(1 + i % 200);
    }
    struct stk_mcast_filter wanted = {.group = sim_mcast_group(scene->family, 3, 0),
                                      .if_index = SIM_MCAST_IF,
                                      .mode = EXCLUDE,
                                      .count = STK_MCAST_SOURCES_MAX};
    assert_int_equal(stk_sock_mcast_filter_set(scene->sock[0], &wanted, (const uint8_t(*)[16])list), STK_OK);
    sim_mcast_run(mcast, 50);
    (void)snprintf(said, sizeof(said), "TO_EX 3{%u sources}",
                   room < STK_MCAST_SOURCES_MAX ? room : STK_MCAST_SOURCES_MAX);
    assert_memory_equal(mcast->said, said, strlen(said));
    sim_mcast_run(mcast, 3000);
    sim_mcast_forget(mcast);
    const struct sim_query query = {.version = NEWEST(scene->family), .max_ms = 100, .group = 3};
    wanted.mode = INCLUDE;
    assert_int_equal(stk_sock_mcast_filter_set(scene->sock[0], &wanted, (const uint8_t(*)[16])list), STK_OK);
    sim_mcast_run(mcast, 5000);
    sim_mcast_forget(mcast);
    sim_mcast_ask(mcast, &query);
    sim_mcast_run(mcast, 300);
    assert_int_equal(mcast->count, (STK_MCAST_SOURCES_MAX + room - 1) / room);
    sim_mcast_forget(mcast);
}

static void report__larger_than_a_packet__split_or_cut(void **state)
{
    (void)state;
    for_families(large_run, 117);
}

/* Every pool comes back. */
static void pools_run(struct scene *scene)
{
    static struct sim_pools before;
    sim_pools_read(&scene->mcast.world.hosts[0], &before);
    groups_join(scene);
    const uint8_t asked[] = {8, 9, 10};
    const struct sim_query query = {
        .version = NEWEST(scene->family), .max_ms = 30000, .group = 5, .sources = asked, .sources_count = 3};
    sim_mcast_ask(&scene->mcast, &query);
    filter(scene, 0, 4, INCLUDE, "");
    member(scene, 0, STK_OPT_MCAST_LEAVE, 3);
    member(scene, 1, STK_OPT_MCAST_LEAVE, 5);
    sim_mcast_run(&scene->mcast, 10000);
    sim_pools_same(&scene->mcast.world.hosts[0], &before);
}

static void memberships__left__pools_as_before(void **state)
{
    (void)state;
    for_families(pools_run, 118);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_leave__any_source__mode_changes_twice),
        cmocka_unit_test(close__member__leaves),
        cmocka_unit_test(sources__options__allow_and_block),
        cmocka_unit_test(merge__filters_of_sockets__interface_list),
        cmocka_unit_test(filter__replaced__one_message_says_what_changed),
        cmocka_unit_test(change__before_the_repetition__merged),
        cmocka_unit_test(query__general__one_report_in_time),
        cmocka_unit_test(query__group_and_sources__what_is_wanted_of_them),
        cmocka_unit_test(query__more_sources_than_noted__whole_group),
        cmocka_unit_test(query__many_sources__room_for_programs),
        cmocka_unit_test(query__robustness__repetitions_follow),
        cmocka_unit_test(older_querier__present__spoken_to_in_its_version),
        cmocka_unit_test(first_version__querier__no_farewell),
        cmocka_unit_test(older_querier__report_of_another__suppresses),
        cmocka_unit_test(newest__report_of_another__ignored),
        cmocka_unit_test(query__spoiled__ignored),
        cmocka_unit_test(query__at_random__host_goes_on),
        cmocka_unit_test(query__bytes_changed__host_goes_on),
        cmocka_unit_test(report__larger_than_a_packet__split_or_cut),
        cmocka_unit_test(memberships__left__pools_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
