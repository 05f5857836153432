/** @file Control codes: the interfaces as GetAdaptersAddresses tells them (WSP_IOCTL_ADAPTERS, between our ws2_32 and us). */
#include "wsp_ioctl_priv.h"
#include "wsp_private_abi.h"

#include <stdlib.h>

static void adapter_fill(struct wsp_adapter_abi *out, const struct stk_if_info *info)
{
    memset(out, 0, sizeof *out);
    memcpy(out->name, info->name, sizeof out->name);
    out->name[sizeof out->name - 1] = '\0';
    out->if_index = info->if_index;
    out->mtu = info->mtu;
    out->up = info->up;
    out->loopback = info->loopback;
    out->mac_set = info->mac_set;
    memcpy(out->mac, info->mac, sizeof info->mac);
    for (uint32_t i = 0; i < info->addrs_count && out->count < WSP_ADAPTER_ADDRESSES; i++) {
        out->address[out->count].family = info->addrs[i].family;
        out->address[out->count].prefix = info->addrs[i].prefix_len;
        memcpy(out->address[out->count].ip, info->addrs[i].ip, sizeof info->addrs[i].ip);
        out->count++;
    }
}

int wsp_ioctl_adapters(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct wsp_adapter_abi adapter;
    struct stk_if_info *list;
    int count, code;

    (void)sock;
    list = wsp_ioctl_interfaces(&count);
    if (!list)
        return WSAENOBUFS;
    code = wsp_ioctl_need(call, (size_t)count * sizeof adapter);
    for (int i = 0; i < count && code == 0; i++) {
        adapter_fill(&adapter, &list[i]);
        memcpy(call->out + (size_t)i * sizeof adapter, &adapter, sizeof adapter);
    }
    if (code == 0)
        call->returned = (DWORD)((size_t)count * sizeof adapter);
    free(list);
    return code;
}
