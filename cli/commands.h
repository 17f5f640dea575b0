/* commands.h - the subcommands of tern. Each gets argv with its own name in argv[0] and returns the exit status. */
#ifndef TERN_CLI_COMMANDS_H
#define TERN_CLI_COMMANDS_H

enum { STATUS_OK = 0, STATUS_FAILURE = 1, STATUS_USAGE = 2 };

int command_server(int argc, char **argv);
int command_client(int argc, char **argv);
int command_cert(int argc, char **argv);
int command_relay(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_decode(int argc, char **argv); /* where libpcap is there */

#endif
