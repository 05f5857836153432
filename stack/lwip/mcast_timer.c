/* What is told to routers, and when: RFC 3376 5.1, 5.2, 7.2; RFC 3810 6.1 - 6.3, 8.2. */
#include "lwip/mcast.h"

#include "lwip/def.h"

#include <string.h>

/* 1 .. max, at random. */
static uint32_t delay_pick(uint32_t max_ticks)
{
    return max_ticks > 1 ? LWIP_RAND() % max_ticks + 1 : 1;
}

static bool newest(const struct stk_mcast_if *on)
{
    return stk_mcast_version(on) == on->wire->version;
}

static bool change_owed(const struct stk_mcast_group *group)
{
    bool owed = group->mode_resend > 0;
    for (const struct stk_mcast_source *source = group->sources; source != NULL && !owed; source = source->next) {
        owed = source->resend > 0;
    }
    return owed;
}

static void change_arm(struct stk_mcast_if *on)
{
    if (on->change_ticks == 0) {
        on->change_ticks = delay_pick(STK_MCAST_UNSOLICITED_TICKS);
    }
    on->armed = true;
}

static void changes_forget(struct stk_mcast_group *group)
{
    group->mode_resend = 0;
    for (struct stk_mcast_source *source = group->sources; source != NULL; source = source->next) {
        source->resend = 0;
    }
}

static void queried_forget(struct stk_mcast_group *group)
{
    group->query_ticks = 0;
    group->query_all = false;
    for (struct stk_mcast_source *source = group->sources; source != NULL; source = source->next) {
        source->queried = false;
    }
}

/* --- Changes ---------------------------------------------------------------- */

static void old_report(struct stk_mcast_group *group)
{
    group->last_reporter = true;
    group->on->wire->old_send(group->on, group, false);
}

/* RFC 2236 3, RFC 2710 4: only that somebody listens, and that nobody does any more. */
static void old_changed(struct stk_mcast_group *group, bool was)
{
    if (group->wanted && !was) {
        old_report(group);
        group->old_resend = (uint8_t)(group->on->robustness - 1);
        group->old_ticks = group->old_resend > 0 ? delay_pick(STK_MCAST_OLD_UNSOLICITED_TICKS) : 0;
        group->on->armed = true;
    } else if (!group->wanted && was) {
        group->old_ticks = 0;
        queried_forget(group);
        if (group->last_reporter) {
            group->on->wire->old_send(group->on, group, true);
        }
    }
}

void stk_mcast_changed(struct stk_mcast_group *group, bool was)
{
    struct stk_mcast_if *on = group->on;
    if (!group->wanted) {
        queried_forget(group); /* nobody is left to answer for */
    }
    if (!stk_mcast_reported(group)) {
        changes_forget(group);
    } else if (!newest(on)) {
        changes_forget(group);
        old_changed(group, was);
    } else {
        const bool again = on->robustness > 1;
        stk_mcast_report_changes(on, group);
        if (again) {
            change_arm(on);
        }
        return;
    }
    stk_mcast_collect(group);
}

/* Everything is news again: by the version in force. */
void stk_mcast_announce(struct stk_mcast_if *on)
{
    bool owed = false;
    for (struct stk_mcast_group *group = on->groups; group != NULL; group = group->next) {
        if (!group->wanted || !stk_mcast_reported(group)) {
            continue;
        }
        owed = true;
        if (!newest(on)) {
            group->old_resend = on->robustness;
            group->old_ticks = 1;
        } else if (group->mode == STK_MCAST_EXCLUDE) {
            group->mode_resend = on->robustness;
        }
        for (struct stk_mcast_source *source = group->sources; source != NULL && newest(on); source = source->next) {
            source->resend = group->mode == STK_MCAST_INCLUDE && source->listed ? on->robustness : source->resend;
        }
    }
    if (owed) {
        on->change_ticks = 1; /* together with what else comes up now */
        on->armed = true;
    }
}

/* --- Queries ------------------------------------------------------------------ */

/* RFC 3376 7.2.1: what waits was promised in another version's terms. */
static void version_changed(struct stk_mcast_if *on)
{
    on->general_ticks = 0;
    on->change_ticks = 0;
    for (struct stk_mcast_group *group = on->groups; group != NULL;) {
        struct stk_mcast_group *next = group->next;
        group->old_ticks = 0;
        queried_forget(group);
        changes_forget(group);
        stk_mcast_collect(group);
        group = next;
    }
}

static void querier_take(struct stk_mcast_if *on, const struct stk_mcast_query *query)
{
    if (query->version == on->wire->version) {
        on->robustness = query->robustness > 0 ? query->robustness : STK_MCAST_ROBUSTNESS;
        on->query_interval_ticks = query->interval_ticks > 0 ? query->interval_ticks : STK_MCAST_QUERY_INTERVAL_TICKS;
        return;
    }
    const uint8_t before = stk_mcast_version(on);
    on->older_ticks[query->version - 1] = on->robustness * on->query_interval_ticks + query->max_ticks;
    on->armed = true;
    if (stk_mcast_version(on) != before) {
        version_changed(on);
    }
}

static void sooner(uint32_t *ticks, uint32_t delay)
{
    if (*ticks == 0 || delay < *ticks) {
        *ticks = delay;
    }
}

/* Queries that come before the answer add up. Beyond that of a few the whole group is answered for (RFC 3376 5.2): each
 * source is searched for among those that wait, and nobody makes a long list of others' words. */
static void sources_take(struct stk_mcast_group *group, const struct stk_mcast_query *query)
{
    uint32_t count = query->sources_count;
    for (const struct stk_mcast_source *source = group->sources; source != NULL; source = source->next) {
        count += source->queried;
    }
    group->query_all = count > 4 * STK_MCAST_QUERIED_MAX;
    for (uint32_t i = 0; i < query->sources_count && !group->query_all; i++) {
        group->query_all = !stk_mcast_source_ask(group, query->sources[i]);
    }
}

/* RFC 3376 5.2, rules 3 to 5. */
static void group_query(struct stk_mcast_group *group, const struct stk_mcast_query *query, uint32_t delay)
{
    const bool waits = group->query_ticks != 0;
    if (query->sources_count == 0 || query->all_sources) {
        group->query_all = true;
    } else if (!waits || !group->query_all) {
        sources_take(group, query);
    }
    sooner(&group->query_ticks, delay);
}

/* RFC 2236 3: each group answers at a time of its own; a time that is still to come is only made shorter. */
static void old_query(struct stk_mcast_if *on, const struct stk_mcast_query *query)
{
    for (struct stk_mcast_group *group = on->groups; group != NULL; group = group->next) {
        const bool asked = query->group == NULL || memcmp(group->ip, query->group, on->wire->ip_bytes) == 0;
        if (asked && group->wanted && stk_mcast_reported(group) &&
            (group->query_ticks == 0 || query->max_ticks < group->query_ticks)) {
            group->query_ticks = delay_pick(query->max_ticks);
        }
    }
}

void stk_mcast_query(struct stk_mcast_if *on, const struct stk_mcast_query *query)
{
    querier_take(on, query);
    on->armed = true;
    if (!newest(on)) {
        old_query(on, query);
        return;
    }
    const uint32_t delay = delay_pick(query->max_ticks);
    if (on->general_ticks != 0 && on->general_ticks <= delay) {
        return; /* the answer that waits says it all */
    }
    if (query->group == NULL) {
        on->general_ticks = delay;
        return;
    }
    struct stk_mcast_group *group = stk_mcast_find(on->netif, on->wire, query->group);
    if (group != NULL && group->wanted && stk_mcast_reported(group)) {
        group_query(group, query, delay);
    }
}

void stk_mcast_heard(struct stk_mcast_if *on, const uint8_t *ip)
{
    struct stk_mcast_group *group = newest(on) ? NULL : stk_mcast_find(on->netif, on->wire, ip);
    if (group != NULL && (group->query_ticks != 0 || group->old_ticks != 0)) {
        group->query_ticks = 0;
        group->old_ticks = 0;
        group->last_reporter = false;
    }
}

/* --- Ticks ---------------------------------------------------------------------- */

/* One step; true: it has come to its end now. */
static bool count_down(uint32_t *ticks, bool *armed)
{
    if (*ticks == 0) {
        return false;
    }
    (*ticks)--;
    *armed = *armed || *ticks != 0;
    return *ticks == 0;
}

static void queriers_tick(struct stk_mcast_if *on, bool *armed)
{
    const uint8_t before = stk_mcast_version(on);
    (void)count_down(&on->older_ticks[0], armed);
    (void)count_down(&on->older_ticks[1], armed);
    if (stk_mcast_version(on) != before) {
        version_changed(on);
    }
}

static void group_answer(struct stk_mcast_group *group)
{
    if (!newest(group->on)) {
        old_report(group);
    } else if (group->query_all) {
        stk_mcast_report_state(group->on, group);
    } else {
        stk_mcast_report_queried(group);
    }
    queried_forget(group);
}

static void group_tick(struct stk_mcast_group *group, bool *armed)
{
    if (count_down(&group->old_ticks, armed)) {
        old_report(group);
        group->old_resend--;
        group->old_ticks = group->old_resend > 0 ? delay_pick(STK_MCAST_OLD_UNSOLICITED_TICKS) : 0;
        *armed = *armed || group->old_ticks != 0;
    }
    if (count_down(&group->query_ticks, armed)) {
        group_answer(group);
        stk_mcast_collect(group);
    }
}

static void changes_again(struct stk_mcast_if *on)
{
    stk_mcast_report_changes(on, NULL);
    for (const struct stk_mcast_group *group = on->groups; group != NULL; group = group->next) {
        if (change_owed(group)) {
            change_arm(on);
            return;
        }
    }
}

void stk_mcast_tick(struct stk_mcast_if *on)
{
    bool armed = false;
    if (!on->armed) {
        return;
    }
    on->armed = false;
    queriers_tick(on, &armed);
    if (count_down(&on->general_ticks, &armed)) {
        stk_mcast_report_state(on, NULL);
    }
    for (struct stk_mcast_group *group = on->groups; group != NULL;) {
        struct stk_mcast_group *next = group->next;
        group_tick(group, &armed);
        group = next;
    }
    if (count_down(&on->change_ticks, &armed)) {
        changes_again(on);
    }
    on->armed = on->armed || armed;
}
