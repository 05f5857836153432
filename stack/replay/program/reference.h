/**
 * @file
 * What a receiver must have read, from the packets alone, without the stack:
 * to be compared with what the stack delivers. Holds the streams in memory;
 * longer captures go without.
 */
#ifndef STACK_REPLAY_REFERENCE_H
#define STACK_REPLAY_REFERENCE_H

#include "case.h"

struct stk_reference;

/** Read a case's capture. @return 0, or an error: there is no reference, *out is NULL. */
int stk_reference_make(const struct stk_case *of, struct stk_reference **out);

/** The stack has delivered bytes of a conversation's side. */
void stk_reference_delivered(struct stk_reference *reference, uint64_t conv, int side, const void *data, size_t len);

/** The index-th difference, in words. @return  false: there is none. */
bool stk_reference_fault(const struct stk_reference *reference, uint32_t index, char *out, size_t size);

/** NULL is fine. */
void stk_reference_free(struct stk_reference *reference);

#endif
