/**
 * @file
 * The log: lines to stderr (or the file that WINLANE_LOG_FILE names), level by
 * WINLANE_LOG = error | warn | info | debug (default warn). Never called per
 * packet at levels above debug.
 */
#ifndef STACK_LOG_H
#define STACK_LOG_H

#include "stack/printf.h"

enum stk_log_level { STK_LOG_ERROR, STK_LOG_WARN, STK_LOG_INFO, STK_LOG_DEBUG };

/**
 * Set the level; lines above it are dropped.
 *
 * Context: any thread.
 */
void stk_log_level_set(enum stk_log_level level);

/**
 * Set the level from its name.
 *
 * @param name  "error", "warn", "info" or "debug"; NULL changes nothing.
 * @return      0, or:
 * @retval STK_EINVAL  unknown name; the level is unchanged.
 *
 * Context: any thread.
 */
int stk_log_level_parse(const char *name);

/**
 * Set the level from WINLANE_LOG, else from the configuration. A bad value of
 * WINLANE_LOG gets a line in the log and counts as not set.
 *
 * @param configured  A level's name; NULL or "": not set, the level stays.
 *
 * Context: any thread.
 */
void stk_log_start(const char *configured);

/**
 * Write one line "winlane LEVEL: text". A newline is added. Where the file of WINLANE_LOG_FILE cannot be opened, lines go to
 * stderr, which is said once.
 *
 * Context: any thread. May block on stderr.
 */
STK_PRINTF(2, 3) void stk_log(enum stk_log_level level, const char *format, ...);

#endif
