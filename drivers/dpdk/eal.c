#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

/** Address space only, until it is used, where there are no huge pages. */
#define MEMORY_MB_DEFAULT 512u

enum eal_state { EAL_OFF, EAL_UP, EAL_FAILED };

static struct {
    pthread_mutex_t lock;
    enum eal_state state;
    bool want_pci;
    bool pci;
    bool hugepages;
    uint64_t memory_mb;
    int result;      /**< of rte_eal_init */
    int error;       /**< rte_errno after it */
    char text[1100]; /**< the key eal of the port that started it */
    struct dpdk_eal_args args;
} eal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool hugepages_choose(const struct dpdk_conf *keys, uint64_t memory_mb)
{
    if (keys->hugepages == NULL || strcmp(keys->hugepages, "auto") == 0)
        return drv_dpdk_os_hugepages_free_mb() >= memory_mb;
    return strcmp(keys->hugepages, "yes") == 0;
}

static bool has_option(const char *text, const char *option)
{
    return text != NULL && strstr(text, option) != NULL;
}

/** Our own arguments, then the configuration's, which were checked before. */
static int args_build(const struct dpdk_conf *keys)
{
    struct dpdk_eal_args *args = &eal.args;
    char reason[128];
    bool ok;

    memset(args, 0, sizeof(*args));
    ok = drv_dpdk_eal_args_add(args, "winlane") && drv_dpdk_eal_args_add(args, "--no-telemetry") &&
         drv_dpdk_eal_args_add(args, "--log-level=*:error") && drv_dpdk_os_eal_args(args);
    if (ok && eal.hugepages)
        ok = drv_dpdk_eal_args_add(args, "--in-memory") &&
             (keys->memory_mb == 0 || drv_dpdk_eal_args_add(args, "-m%llu", (unsigned long long)keys->memory_mb));
    else if (ok)
        ok = drv_dpdk_eal_args_add(args, "--no-huge") && drv_dpdk_eal_args_add(args, "--no-shconf") &&
             drv_dpdk_eal_args_add(args, "-m%llu", (unsigned long long)eal.memory_mb);
    /* Only what is named is probed: this process must not take NICs that it was not given. */
    if (ok && !eal.pci)
        ok = (has_option(keys->eal, "--no-pci") || drv_dpdk_eal_args_add(args, "--no-pci")) &&
             (has_option(keys->eal, "--iova-mode") || drv_dpdk_eal_args_add(args, "--iova-mode=va"));
    else if (ok && !has_option(keys->eal, "-a ") && !has_option(keys->eal, "--allow"))
        ok = drv_dpdk_eal_args_add(args, "--allow=0000:00:00.0");
    if (!ok)
        return STK_EINVAL;
    return drv_dpdk_eal_args_parse(args, keys->eal, reason, sizeof(reason));
}

static void init(void)
{
    /* DPDK's default stream is stdout, which is the application's. */
    rte_openlog_stream(stderr);
    eal.result = rte_eal_init(eal.args.argc, eal.args.argv);
    eal.error = rte_errno;
}

/** rte_eal_init pins its caller, so it gets a thread of its own. */
static int eal_run(const struct nic_port_conf *conf)
{
    uint64_t start_ns = stk_clock_ns();

    if (!drv_dpdk_os_eal_thread(init)) {
        nic_conf_error(conf, NULL, "no thread to start EAL on");
        return STK_ENOMEM;
    }
    if (eal.result < 0) {
        eal.state = EAL_FAILED;
        nic_conf_error(conf, NULL, "EAL did not start: %s (%s)", rte_strerror(eal.error),
                       eal.hugepages ? "with huge pages" : "without huge pages");
        return STK_EIO;
    }
    eal.state = EAL_UP;
    stk_log(STK_LOG_INFO, "dpdk: EAL started in %llu ms, %s, IOVA %s",
            (unsigned long long)((stk_clock_ns() - start_ns) / STK_MS_NS),
            eal.hugepages ? "huge pages" : "no huge pages", rte_eal_iova_mode() == RTE_IOVA_PA ? "PA" : "VA");
    return 0;
}

/** Whether the running EAL is what a later port asks for. */
static int eal_compare(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    if (keys->eal != NULL && strcmp(keys->eal, eal.text) != 0)
        return nic_conf_error(conf, nic_conf_find(conf, "eal"), "EAL is already running with '%.120s'", eal.text);
    if (keys->hugepages != NULL && strcmp(keys->hugepages, "auto") != 0 &&
        (strcmp(keys->hugepages, "yes") == 0) != eal.hugepages)
        return nic_conf_error(conf, nic_conf_find(conf, "hugepages"), "EAL is already running %s",
                              eal.hugepages ? "with huge pages" : "without huge pages");
    if (keys->memory_mb > eal.memory_mb && !eal.hugepages)
        return nic_conf_error(conf, nic_conf_find(conf, "memory_mb"), "EAL is already running with %llu",
                              (unsigned long long)eal.memory_mb);
    if (keys->kind == DPDK_DEVICE_PCI && !eal.pci)
        return nic_conf_error(conf, nic_conf_find(conf, "device"),
                              "EAL was started without PCI; a PCI port of the configuration must be opened first");
    return 0;
}

static int eal_first(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    eal.memory_mb = keys->memory_mb != 0 ? keys->memory_mb : MEMORY_MB_DEFAULT;
    eal.hugepages = hugepages_choose(keys, eal.memory_mb);
    eal.pci = drv_dpdk_os_has_pci() && (keys->kind == DPDK_DEVICE_PCI || eal.want_pci);
    snprintf(eal.text, sizeof(eal.text), "%s", keys->eal == NULL ? "" : keys->eal);
    if (args_build(keys) != 0)
        return nic_conf_error(conf, nic_conf_find(conf, "eal"), "too many EAL options");
    return eal_run(conf);
}

int drv_dpdk_eal_start(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    int err;

    pthread_mutex_lock(&eal.lock);
    if (eal.state == EAL_OFF) {
        err = eal_first(conf, keys);
    } else if (eal.state == EAL_UP) {
        err = eal_compare(conf, keys);
    } else {
        nic_conf_error(conf, NULL, "EAL failed to start before: %s", rte_strerror(eal.error));
        err = STK_EIO;
    }
    pthread_mutex_unlock(&eal.lock);
    return err;
}

void drv_dpdk_eal_want_pci(void)
{
    pthread_mutex_lock(&eal.lock);
    eal.want_pci = true;
    pthread_mutex_unlock(&eal.lock);
}
