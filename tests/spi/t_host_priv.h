/** @file What the host's files share beside t_host.h. */
#ifndef T_HOST_PRIV_H
#define T_HOST_PRIV_H

#include "t_host.h"

#include <pthread.h>

#endif
