/*
 * The programs' entry points under the names that the test gives them.
 */
#ifndef T_PROGRAMS_H
#define T_PROGRAMS_H

int echo_client_main(int argc, char **argv);
int echo_server_main(int argc, char **argv);
int multi_client_main(int argc, char **argv);
int multi_server_main(int argc, char **argv);
int simple_client_main(int argc, char **argv);
int simple_server_main(int argc, char **argv);
int exclusive_main(int argc, char **argv);
int by_name_main(int argc, char **argv);
int any_family_main(int argc, char **argv);
int local_name_main(int argc, char **argv);
int board_main(int argc, char **argv);
int event_server_main(int argc, char **argv);
int overlapped_server_main(int argc, char **argv);
int poll_server_main(int argc, char **argv);
int echo_load_main(int argc, char **argv);
int source_group_main(int argc, char **argv);
int reserve_main(int argc, char **argv);
int get_x_by_y_main(int argc, char **argv);
int congestion_main(int argc, char **argv);
int message_asker_main(int argc, char **argv);
int recycling_server_main(int argc, char **argv);
int message_receiver_main(int argc, char **argv);
int file_server_main(int argc, char **argv);
int file_client_main(int argc, char **argv);
int rio_echo_main(int argc, char **argv);
int rio_echo_load_main(int argc, char **argv);
int rio_server_main(int argc, char **argv);
int rio_server_load_main(int argc, char **argv);
int rio_market_main(int argc, char **argv);
int rio_exchange_main(int argc, char **argv);

#endif
