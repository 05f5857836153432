/**
 * @file
 * Results for CI: JUnit's XML.
 */
#ifndef STACK_REPLAY_JUNIT_H
#define STACK_REPLAY_JUNIT_H

#include "run.h"

#include <stdio.h>

struct stk_junit;

/** Begin a file. @return  NULL: it cannot be written; errno says why. */
struct stk_junit *stk_junit_open(const char *path);

/** Add a run. */
void stk_junit_add(struct stk_junit *junit, const char *name, const struct stk_run *run);

/** Add a case that could not be read. */
void stk_junit_add_error(struct stk_junit *junit, const char *name, const char *why);

/** Write it. NULL is fine. @return  false: it could not be written whole. */
bool stk_junit_close(struct stk_junit *junit);

#endif
