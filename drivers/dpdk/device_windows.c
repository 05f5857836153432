/* First: with libpcap's header come the system's socket addresses, which iphlpapi.h speaks of. */
#include "wpcap_windows.h"

#include <iphlpapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/err.h"
#include "stack/log.h"

#define GUID_TEXT_LEN 38
/** How WinPcap, Npcap and Wine name an interface to programs. */
#define NPF_PREFIX "\\Device\\NPF_"
#define DRIVER_PCAP "net_pcap"

/** Whether a device string names a virtual device of that driver: its name and a number. */
static bool of_driver(const char *device, const char *driver)
{
    size_t len = strlen(driver);

    return strncmp(device, driver, len) == 0 && strspn(device + len, "0123456789") == strcspn(device + len, ",");
}

static int device_exists(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    const struct nic_kv *kv = nic_conf_find(conf, "device");
    size_t len = strcspn(keys->device, "0123456789,");

    if (keys->kind == DPDK_DEVICE_PCI)
        return nic_conf_error(conf, kv, "PCI devices do not exist in the build for Windows");
    if (!of_driver(keys->device, "net_null") && !of_driver(keys->device, "net_ring") &&
        !of_driver(keys->device, DRIVER_PCAP))
        return nic_conf_error(conf, kv, "%.*s does not exist on Windows; net_null, net_ring and " DRIVER_PCAP " do",
                              (int)(len < 64 ? len : 64), keys->device);
    if (of_driver(keys->device, DRIVER_PCAP) && strstr(keys->device, "_pcap=") != NULL)
        return nic_conf_error(conf, kv,
                              "files of " DRIVER_PCAP " do not exist on Windows; driver pcap reads and writes them");
    return 0;
}

static int eal_options_exist(const struct nic_port_conf *conf, const char *text)
{
    static const char *const absent[] = {"-d",          "--huge-dir",     "--match-allocations", "--socket-mem",
                                         "--vfio-intr", "--socket-limit", "--vfio-vf-token"};

    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t word = strcspn(at, " "), name = strcspn(at, " =");

        for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
            if (strlen(absent[i]) == name && strncmp(at, absent[i], name) == 0)
                return nic_conf_error(conf, nic_conf_find(conf, "eal"), "EAL option '%s' does not exist on Windows",
                                      absent[i]);
        }
        at += word;
        at += strspn(at, " ");
    }
    return 0;
}

bool drv_dpdk_os_has_pci(void)
{
    return false;
}

int drv_dpdk_os_check(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    int err = keys->device == NULL ? 0 : device_exists(conf, keys);

    return err != 0 ? err : eal_options_exist(conf, keys->eal);
}

/** All adapters of the system, in one piece that the caller frees; NULL: it does not tell. */
static IP_ADAPTER_ADDRESSES *adapters_list(void)
{
    ULONG size = 64 * 1024;

    for (int tries = 0; tries < 4; tries++) {
        IP_ADAPTER_ADDRESSES *list = malloc(size);
        ULONG result;

        if (list == NULL)
            return NULL;
        result = GetAdaptersAddresses(
            AF_UNSPEC, GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST, NULL, list, &size);
        if (result == ERROR_SUCCESS)
            return list;
        free(list);
        if (result != ERROR_BUFFER_OVERFLOW)
            return NULL;
    }
    return NULL;
}

/** By the name that the system shows, or by a GUID in braces wherever it stands. */
static const IP_ADAPTER_ADDRESSES *adapter_find(const IP_ADAPTER_ADDRESSES *list, const char *name)
{
    const char *guid = strchr(name, '{');
    char shown[256];

    for (; list != NULL; list = list->Next) {
        if (guid != NULL && _stricmp(list->AdapterName, guid) == 0)
            return list;
        if (guid == NULL &&
            WideCharToMultiByte(CP_UTF8, 0, list->FriendlyName, -1, shown, sizeof(shown), NULL, NULL) != 0 &&
            strcmp(shown, name) == 0)
            return list;
    }
    return NULL;
}

static int adapter_check(const struct nic_port_conf *conf, const IP_ADAPTER_ADDRESSES *adapter, const char *name)
{
    const struct nic_kv *kv = nic_conf_find(conf, "device");

    if (adapter == NULL || strlen(adapter->AdapterName) != GUID_TEXT_LEN) {
        nic_conf_error(conf, kv, "no interface %s", name);
        return STK_ENOENT;
    }
    if (adapter->Mtu < conf->mtu)
        return nic_conf_error(conf, kv, "interface %s has MTU %lu, less than %u", name, (unsigned long)adapter->Mtu,
                              (unsigned)conf->mtu);
    if (adapter->OperStatus == IfOperStatusDown) {
        nic_conf_error(conf, kv, "interface %s is down", name);
        return STK_EIO;
    }
    return 0;
}

/** An event that has a name ends with the last handle of it, so with the process. */
static int claim_name(const struct nic_port_conf *conf, const char *guid, const char *name, intptr_t *claim)
{
    char event_name[96];
    HANDLE event;

    snprintf(event_name, sizeof(event_name), "Global\\winlane-port-%s", guid);
    event = CreateEventA(NULL, TRUE, FALSE, event_name);
    if (event != NULL && GetLastError() != ERROR_ALREADY_EXISTS) {
        *claim = (intptr_t)event;
        return 0;
    }
    if (event == NULL && GetLastError() != ERROR_ACCESS_DENIED) {
        nic_conf_error(conf, NULL, "cannot claim %s: error %lu", name, (unsigned long)GetLastError());
        return STK_EIO;
    }
    if (event != NULL)
        CloseHandle(event);
    nic_conf_error(conf, nic_conf_find(conf, "device"), "%s is in use by another port or process", name);
    stk_log(STK_LOG_ERROR, "port %s: %s is already owned by another Winlane port or process", conf->name, name);
    return STK_EBUSY;
}

/** Replace the value behind a key by what wpcap.dll calls that interface. */
static int value_replace(const struct nic_port_conf *conf, struct dpdk_device *device, const char *key,
                         const char *guid)
{
    char old[DPDK_DEVICE_SIZE];
    size_t len = strlen(key);
    const char *at = old;
    int used;

    memcpy(old, device->args, sizeof(old));
    while (strncmp(at, key, len) != 0 || at[len] != '=')
        at += strcspn(at, ",") + 1;
    len = (size_t)(at - old) + len + 1;
    used = snprintf(device->args, sizeof(device->args), "%.*s" NPF_PREFIX "%s%s", (int)len, old, guid,
                    at + strcspn(at, ","));
    if (used > 0 && (size_t)used < sizeof(device->args))
        return 0;
    return nic_conf_error(conf, nic_conf_find(conf, "device"), "too long");
}

/** Find the interface that a key names, check it, name it as wpcap.dll does, and claim it unless one is claimed already. */
static int interface_take(const struct nic_port_conf *conf, struct dpdk_device *device, const char *key,
                          intptr_t *claim)
{
    IP_ADAPTER_ADDRESSES *list;
    const IP_ADAPTER_ADDRESSES *adapter;
    char name[DPDK_DEVICE_SIZE];
    int err;

    if (!drv_dpdk_arg_value(device->args, key, name, sizeof(name)))
        return 0;
    list = adapters_list();
    adapter = adapter_find(list, name);
    err = adapter_check(conf, adapter, name);
    if (err == 0)
        err = value_replace(conf, device, key, adapter->AdapterName);
    if (err == 0 && *claim == -1) {
        device->iface_luid = adapter->Luid.Value;
        err = claim_name(conf, adapter->AdapterName, name, claim);
    }
    free(list);
    return err;
}

int drv_dpdk_device_claim(const struct nic_port_conf *conf, struct dpdk_device *device, intptr_t *claim)
{
    /* Both directions of one device are one interface's, as a rule; the one that it receives from is the one to claim. */
    static const char *const keys[] = {"iface", "rx_iface", "rx_iface_in", "tx_iface"};
    char reason[200];
    int err = 0;

    *claim = -1;
    if (!of_driver(device->name, DRIVER_PCAP))
        return 0;
    if (!drv_dpdk_wpcap_load(reason, sizeof(reason))) {
        nic_conf_error(conf, nic_conf_find(conf, "device"), "%s", reason);
        return STK_ENOENT;
    }
    for (size_t i = 0; err == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
        err = interface_take(conf, device, keys[i], claim);
    if (err != 0)
        drv_dpdk_device_release(*claim);
    return err;
}

void drv_dpdk_device_release(intptr_t claim)
{
    if (claim != -1)
        CloseHandle((HANDLE)claim);
}

int drv_dpdk_device_attached(const struct nic_port_conf *conf, const struct dpdk_device *device)
{
    (void)conf, (void)device;
    return 0;
}

intptr_t drv_dpdk_device_started(const struct dpdk_device *device)
{
    (void)device; /* DPDK does not give out the event of wpcap.dll, and has none of its own */
    return -1;
}

/* net_pcap itself always says that the link is up. */
bool drv_dpdk_device_running(const struct dpdk_device *device, intptr_t claim, intptr_t wait, bool *running)
{
    MIB_IF_ROW2 row = {.InterfaceLuid.Value = device->iface_luid};

    (void)claim, (void)wait;
    if (device->iface_luid == 0)
        return false;
    *running = GetIfEntry2(&row) == NO_ERROR && row.OperStatus == IfOperStatusUp;
    return true;
}

size_t drv_dpdk_page_bytes(void)
{
    SYSTEM_INFO info;

    GetSystemInfo(&info);
    return info.dwPageSize;
}
