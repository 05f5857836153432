/*
 * The programs' entry points under the names that the test gives them.
 */
#ifndef T_PROGRAMS_H
#define T_PROGRAMS_H

int echo_client_main(int argc, char **argv);
int echo_server_main(int argc, char **argv);
int multi_client_main(int argc, char **argv);
int multi_server_main(int argc, char **argv);

#endif
