/**
 * @file
 * What the files of control codes share: calls, rows, groups of rows.
 */
#ifndef WSP_IOCTL_PRIV_H
#define WSP_IOCTL_PRIV_H

#include "wsp_ioctl.h"
#include "wsp_option.h"

/* The arguments and what a handler returns. */
struct wsp_ioctl_call {
    DWORD code;
    const char *in;
    DWORD in_bytes;
    char *out;
    DWORD out_bytes;
    DWORD returned; /* bytes written, or needed with WSAEFAULT where the code says so */
    SOCKET handle;  /* as the application gave it */
    bool overlapped;
    const struct wsp_call *pend; /* for codes that wait: wsp_notice_wait */
    bool out_missing;            /* room was told of, and none given */
    bool report;                 /* returned is told although the call fails */
};

typedef int (*wsp_ioctl_fn)(struct wsp_socket *sock, struct wsp_ioctl_call *call);

struct wsp_ioctl_row {
    DWORD code;
    DWORD in_bytes;  /* least */
    DWORD out_bytes; /* least */
    unsigned types;  /* WSP_OPT_STREAM ...; 0: all */
    int wrong_type;  /* code for another type */
    wsp_ioctl_fn run;
    int refused; /* the answer of a row without run */
};

/** Rows of one file. */
struct wsp_ioctl_group {
    const struct wsp_ioctl_row *rows;
    unsigned count;
};

#define WSP_IOCTL_GROUP(rows)                  \
    {                                          \
        rows, sizeof(rows) / sizeof((rows)[0]) \
    }

extern const struct wsp_ioctl_group wsp_ioctl_port;  /**< reservations of ports */
extern const struct wsp_ioctl_group wsp_ioctl_mcast; /**< multicast filters, loopback, scope */
/** SIO_ADDRESS_LIST_SORT. The row's in_bytes: the count. Context: an application thread; allocates. */
int wsp_ioctl_address_sort(struct wsp_socket *sock, struct wsp_ioctl_call *call);

/** WSP_IOCTL_ADAPTERS. Context: an application thread; allocates. */
int wsp_ioctl_adapters(struct wsp_socket *sock, struct wsp_ioctl_call *call);

extern const struct wsp_ioctl_group wsp_ioctl_route; /**< ways, capture, queues of datagrams */
extern const struct wsp_ioctl_group wsp_ioctl_net;   /**< interfaces, addresses, routes */
extern const struct wsp_ioctl_group wsp_ioctl_tcp;   /**< TCP */
extern const struct wsp_ioctl_group wsp_ioctl_stamp; /**< times of datagrams */

/** Give size bytes, which the row's out_bytes have room for. @return  0. */
int wsp_ioctl_put(struct wsp_ioctl_call *call, const void *what, size_t size);

/** The 32-bit argument, which the row's in_bytes guarantee. */
uint32_t wsp_ioctl_in32(const struct wsp_ioctl_call *call);

/** Is there room for size bytes? @return  0, or WSAEFAULT with the size as what is returned. */
int wsp_ioctl_need(struct wsp_ioctl_call *call, size_t size);

/** The interfaces, to be freed by the caller, and their number; NULL: no memory or no engine. Context: any thread; allocates. */
struct stk_if_info *wsp_ioctl_interfaces(int *count);

#endif
