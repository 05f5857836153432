/*
 * The samples against the drivers: the keys that the parser only collects are
 * judged by the drivers' own check, which opens nothing.
 */
#include "nic/driver.h"
#include "nic/nic.h"
#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static bool driver_built(const char *name)
{
    for (size_t i = 0; nic_builtin_drivers[i] != NULL; i++) {
        if (strcmp(nic_builtin_drivers[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Gives the driver's answer; STK_OK with a message where the driver is not in this build. */
static int port_check(const struct stk_config *config, const struct stk_conf_port *port, char *error, size_t size)
{
    struct nic_kv args[STK_CONF_ARGS_MAX];
    struct nic_port_conf conf = {
        .name = port->name,
        .driver = port->driver,
        .mtu = port->mtu,
        .buffers = port->buffers,
        .rx_slots = port->rx_slots,
        .tx_slots = port->tx_slots,
        .mac_set = port->mac_set,
        .args = args,
        .args_count = port->args_count,
        .file = config->file,
        .error = error,
        .error_size = size,
    };
    memcpy(conf.mac, port->mac, sizeof(conf.mac));
    for (uint32_t i = 0; i < port->args_count; i++) {
        args[i] = (struct nic_kv){port->args[i].key, port->args[i].value, port->args[i].line};
    }
    if (!driver_built(port->driver)) {
        print_message("port %s: driver %s is not in this build\n", port->name, port->driver);
        return STK_OK;
    }
    return nic_port_conf_check(&conf);
}

static void config_check(const struct stk_config *config)
{
    for (uint32_t i = 0; i < config->ports_count; i++) {
        char error[STK_CONF_ERROR_SIZE] = "";
        if (port_check(config, &config->ports[i], error, sizeof(error)) != STK_OK) {
            fail_msg("%s", error);
        }
    }
}

static void samples__driver_keys__accepted_by_the_drivers(void **state)
{
    static struct t_inis inis;
    (void)state;
    assert_true(driver_built("wire"));
    t_inis_find(folder, &inis);
    for (unsigned i = 0; i < inis.count; i++) {
        char *text = t_file_text(inis.path[i]);
        struct stk_config *config = t_parse_good(text);
        config_check(config);
        stk_config_free(config);
        free(text);
    }
}

static void sample_winlane__commented_driver_keys_switched_on__accepted(void **state)
{
    char path[512];
    unsigned tried = 0;
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/winlane.ini", folder);
    char *text = t_file_text(path);
    for (char *at = strstr(text, "\n#dpdk."); at != NULL; at = strstr(at + 1, "\n#dpdk.")) {
        /* It stays on: some keys are right only beside those before them. */
        at[1] = '\n';
        struct stk_config *config = t_parse_good(text);
        config_check(config);
        stk_config_free(config);
        tried++;
    }
    assert_true(tried >= 6);
    free(text);
}

/* One "DRIVER.key = value" of the manual's prose, alone in a port of that driver. */
static void described_key_check(const char *pair, int len, const char *driver)
{
    char text[512];
    char error[STK_CONF_ERROR_SIZE] = "";
    const char *link = strcmp(driver, "wire") == 0 && strncmp(pair, "wire.link", 9) != 0 ? "wire.link = l\n" : "";
    const char *file = strcmp(driver, "pcap") == 0 && strncmp(pair, "pcap.rx_file", 12) != 0 ? "pcap.rx_file = i\n"
                                                                                             : "";
    (void)snprintf(text, sizeof(text), "[port a]\ndriver = %s\n%s%s%.*s\n", driver, link, file, len, pair);
    struct stk_config *config = t_parse_good(text);
    if (port_check(config, &config->ports[0], error, sizeof(error)) != STK_OK) {
        fail_msg("%.*s: %s", len, pair, error);
    }
    stk_config_free(config);
}

static void sample_winlane__keys_of_other_drivers_in_prose__accepted(void **state)
{
    static const char *const drivers[] = {"wire", "pcap"};
    char path[512];
    unsigned tried = 0;
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/winlane.ini", folder);
    char *text = t_file_text(path);
    for (size_t i = 0; i < 2; i++) {
        char prefix[8];
        (void)snprintf(prefix, sizeof(prefix), " %s.", drivers[i]);
        for (const char *at = strstr(text, prefix); at != NULL; at = strstr(at + 1, prefix)) {
            const char *line_end = at + strcspn(at, "\n");
            const char *gap = strstr(at + 1, "  ");
            const char *end = gap != NULL && gap < line_end ? gap : line_end;
            if (memchr(at, '=', (size_t)(end - at)) != NULL) {
                described_key_check(at + 1, (int)(end - at - 1), drivers[i]);
                tried++;
            }
        }
    }
    assert_true(tried >= 15);
    free(text);
}

static void config__wrong_driver_keys__refused_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *names; /* what the message names */
    } rows[] = {
        {"[port a]\ndriver = wire\nwire.link = l\nwire.lnik = m\n", "t.ini:4: port a: lnik"},
        {"[port a]\ndriver = wire\nwire.link = l\n\nwire.link = m\n", "t.ini:5: port a: link"},
        {"[port a]\ndriver = wire\nwire.link = l\nwire.loss = 150%\n", "t.ini:4: port a: loss"},
        {"[port a]\ndriver = wire\n", "t.ini: port a: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char error[STK_CONF_ERROR_SIZE] = "";
        struct stk_config *config = t_parse_good(rows[i].text);
        assert_int_equal(port_check(config, &config->ports[0], error, sizeof(error)), STK_EINVAL);
        if (strncmp(error, rows[i].names, strlen(rows[i].names)) != 0) {
            fail_msg("'%s' does not begin with '%s'", error, rows[i].names);
        }
        stk_config_free(config);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples__driver_keys__accepted_by_the_drivers),
        cmocka_unit_test(sample_winlane__commented_driver_keys_switched_on__accepted),
        cmocka_unit_test(sample_winlane__keys_of_other_drivers_in_prose__accepted),
        cmocka_unit_test(config__wrong_driver_keys__refused_with_file_and_line),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER-WITH-SAMPLES\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
