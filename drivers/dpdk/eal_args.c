#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dpdk_priv.h"
#include "stack/err.h"

enum value_kind {
    VALUE_NONE,
    VALUE_PCI,       /**< PCI address, optionally with ,key=value */
    VALUE_CHOICE,    /**< one of a list */
    VALUE_NUMBERS,   /**< numbers separated by commas */
    VALUE_HEX,       /**< 0x... */
    VALUE_LOG,       /**< [pattern:]level */
    VALUE_DIRECTORY, /**< an existing directory */
    VALUE_FILE,      /**< an existing file or directory */
    VALUE_UUID,
};

struct option {
    const char *name;
    enum value_kind kind;
    const char *choices;
};

/* What is absent is refused: the driver decides on it itself (threads, memory, files, devices), or it does harm. */
static const struct option options[] = {
    {"-a", VALUE_PCI, NULL},
    {"--allow", VALUE_PCI, NULL},
    {"-b", VALUE_PCI, NULL},
    {"--block", VALUE_PCI, NULL},
    {"-d", VALUE_FILE, NULL},
    {"-n", VALUE_CHOICE, "1|2|3|4|5|6|7|8"},
    {"-r", VALUE_CHOICE, "1|2|4|8|16"},
    {"--iova-mode", VALUE_CHOICE, "pa|va"},
    {"--log-level", VALUE_LOG, NULL},
    {"--huge-dir", VALUE_DIRECTORY, NULL},
    {"--single-file-segments", VALUE_NONE, NULL},
    {"--match-allocations", VALUE_NONE, NULL},
    {"--socket-mem", VALUE_NUMBERS, NULL},
    {"--socket-limit", VALUE_NUMBERS, NULL},
    {"--base-virtaddr", VALUE_HEX, NULL},
    {"--force-max-simd-bitwidth", VALUE_CHOICE, "64|128|256|512"},
    {"--vfio-intr", VALUE_CHOICE, "legacy|msi|msix"},
    {"--vfio-vf-token", VALUE_UUID, NULL},
    {"--no-hpet", VALUE_NONE, NULL},
    {"--no-pci", VALUE_NONE, NULL},
};

bool drv_dpdk_eal_args_add(struct dpdk_eal_args *args, const char *format, ...)
{
    size_t room = sizeof(args->text) - args->used;
    va_list list;
    int len;

    if (args->argc == DPDK_EAL_ARGS_MAX)
        return false;
    va_start(list, format);
    len = vsnprintf(args->text + args->used, room, format, list);
    va_end(list);
    if (len < 0 || (size_t)len >= room)
        return false;
    args->argv[args->argc++] = args->text + args->used;
    args->argv[args->argc] = NULL;
    args->used += (size_t)len + 1;
    return true;
}

static bool choice(const char *value, const char *list)
{
    size_t len = strlen(value);

    for (const char *at = list; len != 0 && *at != '\0';) {
        size_t item = strcspn(at, "|");

        if (item == len && memcmp(at, value, len) == 0)
            return true;
        at += item + (at[item] == '|');
    }
    return false;
}

static bool only(const char *value, const char *characters)
{
    return value[0] != '\0' && value[strspn(value, characters)] == '\0';
}

static bool numbers(const char *value)
{
    size_t digits = 0;

    for (const char *c = value;; c++) {
        if (*c >= '0' && *c <= '9') {
            if (++digits > 7)
                return false;
        } else if ((*c == ',' || *c == '\0') && digits != 0) {
            if (*c == '\0')
                return true;
            digits = 0;
        } else {
            return false;
        }
    }
}

static bool log_level(const char *value)
{
    static const char *const names = "emergency|alert|critical|error|warning|notice|info|debug|1|2|3|4|5|6|7|8";
    const char *colon = strrchr(value, ':');

    if (colon == NULL)
        return choice(value, names);
    for (const char *c = value; c < colon; c++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._*-", *c) == NULL)
            return false;
    }
    return colon != value && choice(colon + 1, names);
}

static bool uuid(const char *value)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(value) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        if (shape[i] == 'x' ? strchr("0123456789abcdefABCDEF", value[i]) == NULL : value[i] != '-')
            return false;
    }
    return true;
}

static bool value_ok(const struct option *option, const char *value)
{
    struct stat st;

    switch (option->kind) {
    case VALUE_NONE:
        return false;
    case VALUE_PCI:
        return drv_dpdk_pci_address(value, strcspn(value, ","));
    case VALUE_CHOICE:
        return choice(value, option->choices);
    case VALUE_NUMBERS:
        return numbers(value);
    case VALUE_HEX:
        return strncmp(value, "0x", 2) == 0 && strlen(value) <= 18 && only(value + 2, "0123456789abcdefABCDEF");
    case VALUE_LOG:
        return log_level(value);
    case VALUE_DIRECTORY:
        return stat(value, &st) == 0 && S_ISDIR(st.st_mode);
    case VALUE_FILE:
        return value[0] == '/' && stat(value, &st) == 0;
    case VALUE_UUID:
        return uuid(value);
    }
    return false;
}

static const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    }
    return NULL;
}

/** Take one option with its value from the text. Returns 0 or STK_EINVAL. */
static int option_take(struct dpdk_eal_args *args, char **save, char *token, char *error, size_t error_size)
{
    char *value = strncmp(token, "--", 2) == 0 ? strchr(token, '=') : NULL;
    const struct option *option;
    bool fits;

    if (value != NULL)
        *value++ = '\0';
    option = option_find(token);
    if (option == NULL) {
        snprintf(error, error_size, "EAL option '%s' is not allowed here", token);
        return STK_EINVAL;
    }
    if (option->kind == VALUE_NONE && value == NULL) {
        fits = args == NULL || drv_dpdk_eal_args_add(args, "%s", token);
    } else {
        if (value == NULL && option->kind != VALUE_NONE)
            value = strtok_r(NULL, " ", save);
        if (value == NULL || !value_ok(option, value)) {
            snprintf(error, error_size, "EAL option %s: '%s' is not a value it takes", token,
                     value == NULL ? "" : value);
            return STK_EINVAL;
        }
        fits = args == NULL || (drv_dpdk_eal_args_add(args, "%s", token) && drv_dpdk_eal_args_add(args, "%s", value));
    }
    if (fits)
        return 0;
    snprintf(error, error_size, "too many EAL options");
    return STK_EINVAL;
}

/** Options that are good one by one, and refused together: by EAL, which on Windows ends the process then. */
static int options_agree(const char *text, char *error, size_t error_size)
{
    bool seen[sizeof(options) / sizeof(options[0])] = {false}, allow = false, block = false;

    for (const char *at = text; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        size_t len = strcspn(at, " =");

        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
            enum value_kind kind = options[i].kind;

            if (strlen(options[i].name) != len || memcmp(options[i].name, at, len) != 0)
                continue;
            if (seen[i] && kind != VALUE_PCI && kind != VALUE_LOG && kind != VALUE_FILE) {
                snprintf(error, error_size, "EAL option %s is given twice", options[i].name);
                return STK_EINVAL;
            }
            seen[i] = true;
            allow = allow || choice(options[i].name, "-a|--allow");
            block = block || choice(options[i].name, "-b|--block");
        }
    }
    if (!allow || !block)
        return 0;
    snprintf(error, error_size, "EAL options -a (--allow) and -b (--block) exclude each other");
    return STK_EINVAL;
}

int drv_dpdk_eal_args_parse(struct dpdk_eal_args *args, const char *text, char *error, size_t error_size)
{
    char copy[1200];
    char *save = NULL;

    if (text == NULL)
        return 0;
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
        snprintf(error, error_size, "too long");
        return STK_EINVAL;
    }
    for (char *token = strtok_r(copy, " ", &save); token != NULL; token = strtok_r(NULL, " ", &save)) {
        int err = option_take(args, &save, token, error, error_size);

        if (err != 0)
            return err;
    }
    return options_agree(text, error, error_size);
}
