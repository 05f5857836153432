/**
 * @file
 * Assertions. STK_ASSERT is in every build and is for what only a bug of ours
 * can break; STK_DASSERT is per packet, in debug builds only. Input (from the
 * wire, the application, a ring, a file) is never asserted on.
 */
#ifndef STACK_ASSERT_H
#define STACK_ASSERT_H

/**
 * Report a failed assertion on stderr and abort.
 *
 * Context: any thread. Does not return.
 */
_Noreturn void stk_assert_fail(const char *cond, const char *file, int line);

#define STK_ASSERT(cond) ((cond) ? (void)0 : stk_assert_fail(#cond, __FILE__, __LINE__))

#ifdef STK_DEBUG
#define STK_DASSERT(cond) STK_ASSERT(cond)
#else
#define STK_DASSERT(cond) ((void)sizeof(cond))
#endif

#endif
