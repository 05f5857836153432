/**
 * @file
 * The reader's side of urgent data (ipc/urgent.h). Private to the client.
 */
#ifndef STACK_CORE_CLIENT_URGENT_H
#define STACK_CORE_CLIENT_URGENT_H

#include "core/client_priv.h"

/** What one receive may take. */
struct client_urgent_stop {
    uint64_t most; /* bytes of the FIFO */
    bool beside;   /* the byte that the word holds is next */
};

/**
 * Where a receive stops, for a word that was not passed; notes that it is passed.
 *
 * @param head    Position of the reader.
 * @param queued  Bytes behind it.
 *
 * Context: holder of rx_lock. Source: rules OOB-6, OOB-8.
 */
struct client_urgent_stop stk_client_urgent_stop(struct stk_sock_abi *abi, uint64_t word, uint64_t head,
                                                 uint64_t queued);

/** The byte that a word holds, in line. @return  1, or 0: no room given. Context: holder of rx_lock. */
int64_t stk_client_urgent_beside(struct stk_sock_abi *abi, uint64_t word, const struct stk_iov *iov, size_t count,
                                 unsigned flags);

/** stk_sock_recv with STK_RECV_OOB. */
int64_t stk_client_urgent_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags);

#endif
