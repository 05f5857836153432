/**
 * @file
 * The programs as functions: each is compiled a second time with main renamed. Arguments and result are main's.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

int bench_main_pingpong(int argc, char **argv);
int bench_main_stream(int argc, char **argv);
int bench_main_crr(int argc, char **argv);
int bench_main_http_client(int argc, char **argv);
int bench_main_http_server(int argc, char **argv);
int bench_main_xfer(int argc, char **argv);
int bench_main_udp_echo(int argc, char **argv);

#endif
