#include "replay_priv.h"

#include <string.h>

static void vlan_apply(const struct nic_rewrite_rule *rule, uint8_t *frame, uint32_t *len,
                       const struct replay_view *view)
{
    const int32_t is = view->tags == 0 ? -1 : replay_get16(frame + 14) & 0xfff;

    if (is != rule->vlan_from || rule->vlan_to == is)
        return;
    if (is == -1) {
        memmove(frame + 16, frame + 12, *len - 12);
        *len += 4;
        replay_put16(frame + 12, 0x8100);
        replay_put16(frame + 14, (uint16_t)rule->vlan_to);
    } else if (rule->vlan_to == -1) {
        memmove(frame + 12, frame + 16, *len - 16);
        *len -= 4;
    } else {
        replay_put16(frame + 14, (uint16_t)((replay_get16(frame + 14) & 0xf000) | rule->vlan_to));
    }
}

/* An address that has been rewritten must not meet the next rule: two rules may exchange two addresses. */
static void pair_apply(const struct nic_rewrite *rewrite, enum nic_rewrite_kind kind, uint8_t *frame,
                       const struct replay_view *view, const uint32_t at[2])
{
    const uint8_t bytes = kind == NIC_REWRITE_MAC ? 6 : kind == NIC_REWRITE_IP ? view->ip_bytes : 2;

    for (uint32_t end = 0; end < 2; end++) {
        const uint8_t *to = nic_rewrite_find(rewrite, kind, frame + at[end], bytes);

        if (to != NULL && kind == NIC_REWRITE_MAC)
            memcpy(frame + at[end], to, bytes);
        else if (to != NULL)
            replay_field_set(frame, view, at[end], to, bytes, kind == NIC_REWRITE_IP);
    }
}

void replay_rewrite_apply(const struct nic_rewrite *rewrite, uint8_t *frame, uint32_t *len)
{
    struct replay_view view;

    if (rewrite->count == 0 || !replay_view_read(frame, *len, &view))
        return;
    pair_apply(rewrite, NIC_REWRITE_MAC, frame, &view, (const uint32_t[]){0, 6});
    if (view.version != 0)
        pair_apply(rewrite, NIC_REWRITE_IP, frame, &view, (const uint32_t[]){view.src, view.dst});
    if (view.l4 != 0)
        pair_apply(rewrite, NIC_REWRITE_PORT, frame, &view, (const uint32_t[]){view.l4, view.l4 + 2});
    for (uint32_t i = 0; i < rewrite->count; i++) {
        if (rewrite->rules[i].kind == NIC_REWRITE_VLAN) {
            vlan_apply(&rewrite->rules[i], frame, len, &view);
            break;
        }
    }
}
