/**
 * @file
 * Thread-local variables of the data path. STK_TLS_FAST is found without a
 * call; it comes out of a small reserve of the C library, so it is for a few
 * bytes only (together under 64). Elsewhere it is the compiler's thread-local
 * storage, whatever that costs: for Windows see tls_windows.h.
 */
#ifndef STACK_TLS_H
#define STACK_TLS_H

#if defined(__ELF__)
#define STK_TLS_FAST _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define STK_TLS_FAST _Thread_local
#endif

#endif
