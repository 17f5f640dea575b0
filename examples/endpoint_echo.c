/* Answers every client on a UDP port with what it sent: as many as come, by the endpoint.
 *
 *     cc -o endpoint_echo endpoint_echo.c $(pkg-config --cflags --libs tern)
 *     ./endpoint_echo 127.0.0.1:4444 cert.pem key.pem */
#include <stdio.h>
#include <stdlib.h>
#include <tern/endpoint.h>

static void check(tern_error error)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "endpoint_echo: %s\n", tern_error_sentence(error));
	exit(1);
}

static size_t read_file(const char *name, char *buffer, size_t cap)
{
	FILE *file = fopen(name, "rb");
	size_t n = file ? fread(buffer, 1, cap, file) : 0;
	if (!file)
		perror(name), exit(1);
	fclose(file);
	return n;
}

int main(int argc, char **argv)
{
	static char cert[16384], key[16384];
	char name[TERN_ADDRESS_TEXT];
	tern_config *config = tern_config_new(NULL);
	tern_endpoint *endpoint;
	tern_endpoint_event event;
	tern_address listen;
	tern_path path;
	tern_endpoint_options options = {.size = sizeof options, .listen = &listen, .num_listen = 1};
	if (argc != 4 || !tern_endpoint_parse(&listen, argv[1])) {
		fprintf(stderr, "usage: endpoint_echo ADDRESS:PORT CERTIFICATE.pem KEY.pem\n");
		return 2;
	}
	size_t cert_len = read_file(argv[2], cert, sizeof cert), key_len = read_file(argv[3], key, sizeof key);
	check(tern_config_add_keypair(config, cert, cert_len, key, key_len));
	check(tern_endpoint_open(&endpoint, config, &options));
	for (;;) {
		check(tern_endpoint_run(endpoint, TERN_NEVER));
		while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
			if (event.kind == TERN_ENDPOINT_EVENT && event.event.kind == TERN_EVENT_DATA) {
				/* When the network takes no more, an echo may as well be lost. */
				if (tern_endpoint_send(endpoint, event.peer, event.event.data, event.event.len) !=
				    TERN_OK)
					fprintf(stderr, "not sent back\n");
			} else if (event.kind == TERN_ENDPOINT_GONE &&
				   tern_endpoint_path(endpoint, event.peer, &path)) {
				tern_endpoint_text(name, &path.remote);
				fprintf(stderr, "%s is gone: %s\n", name, tern_gone_sentence(event.reason));
			}
		}
	}
}
