/*
 * The some forty rules that programs depend on most, each on a wire between two hosts: api_priority. The port in the west
 * records its frames; api_priority_wire looks at them.
 */
#include "t_priority.h"

int main(void)
{
    int failed = 0;
    failed += _cmocka_run_group_tests("connect", t_priority_connect, t_priority_connect_count, t_api_use_winlane, NULL);
    failed += _cmocka_run_group_tests("events", t_priority_events, t_priority_events_count, NULL, NULL);
    failed += _cmocka_run_group_tests("data", t_priority_data, t_priority_data_count, NULL, NULL);
    failed += _cmocka_run_group_tests("names", t_priority_names, t_priority_names_count, NULL, NULL);
    failed += _cmocka_run_group_tests("extended", t_priority_extended, t_priority_extended_count, NULL, NULL);
    return failed;
}
