#include "config_priv.h"

#include <signal.h>
#include <string.h>

int32_t stk_conf_signal_number(const char *name)
{
    /* Signals whose default ends the program and that no runtime uses for itself. */
    static const struct {
        const char *name;
        int number;
    } rows[] = {{"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGHUP", SIGHUP}, {"SIGQUIT", SIGQUIT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(name, rows[i].name) == 0 || strcmp(name, rows[i].name + 3) == 0) {
            return rows[i].number;
        }
    }
    return 0;
}

const char *stk_conf_signal_names(void)
{
    return "USR1, USR2, HUP or QUIT";
}
