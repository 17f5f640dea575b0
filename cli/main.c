/* main.c - the command tern: finds the subcommand in a table and runs it. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "tern/tern.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"server", command_server, "answer DTLS clients on a UDP port"},
	{"client", command_client, "connect to a DTLS server, like netcat"},
	{"cert", command_cert, "make certificates and show them"},
	{"relay", command_relay, "forward datagrams and lose, repeat, reorder or damage some, repeatably"},
	{"bench", command_bench, "measure a DTLS server: handshakes, records, latencies"},
#ifdef TERN_HAS_PCAP
	{"decode", command_decode, "show what a capture of tcpdump or Wireshark holds, with a key log in clear"},
#endif
	{"demo", command_demo, "show a handshake through a lossy path, as a ladder of flights"},
};

static void print_help(FILE *out)
{
	fputs("usage: tern COMMAND [OPTION]...\n\nDTLS on the command line. Commands:\n\n", out);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`tern COMMAND --help` lists a command's options, with examples. A first look: tern demo\n", out);
}

/* A socket must not get the number of a standard stream that is closed. */
static void fill_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	fill_standard_streams();
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return STATUS_OK;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("tern %s\n", tern_version());
		return STATUS_OK;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (name[0])
		fprintf(stderr, "tern: there is no command '%s'\n\n", name);
	print_help(stderr);
	return STATUS_USAGE;
}
