#include "config_priv.h"

#include <signal.h>
#include <string.h>

/* Windows has no signals between processes. What a console sends for Ctrl-Break is the one that is left: Ctrl-C and the
 * closing of the window are the program's own. */
int32_t stk_conf_signal_number(const char *name)
{
    return strcmp(name, "BREAK") == 0 || strcmp(name, "SIGBREAK") == 0 ? SIGBREAK : 0;
}

const char *stk_conf_signal_names(void)
{
    return "BREAK (Ctrl-Break of the console)";
}
