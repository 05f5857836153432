/*
 * The parts of api_priority.
 */
#ifndef T_PRIORITY_H
#define T_PRIORITY_H

#include "t_wire.h"

/* A case between WSAStartup and WSACleanup. */
#define T_PRIORITY(name) cmocka_unit_test_setup_teardown(name, t_api_start, t_api_stop)

extern const struct CMUnitTest t_priority_connect[];
extern const size_t t_priority_connect_count;
extern const struct CMUnitTest t_priority_events[];
extern const size_t t_priority_events_count;
extern const struct CMUnitTest t_priority_data[];
extern const size_t t_priority_data_count;
extern const struct CMUnitTest t_priority_names[];
extern const size_t t_priority_names_count;
extern const struct CMUnitTest t_priority_extended[];
extern const size_t t_priority_extended_count;

#endif
