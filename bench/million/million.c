/* million.c - what both processes share. */
#include "million.h"

#include <stdlib.h>
#include <time.h>

void million_die(const char *what)
{
	fprintf(stderr, "tern-bench-million: %s\n", what);
	exit(1);
}

void million_ok(tern_error error, const char *what)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "tern-bench-million: %s: %s\n", what, tern_error_sentence(error));
	exit(1);
}

uint64_t million_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

tern_config *million_config(tern_protocol version)
{
	tern_config *config = tern_config_new(NULL);
	const char *suite = version == TERN_DTLS12 ? "TLS_PSK_WITH_AES_128_GCM_SHA256" : "TLS_AES_128_GCM_SHA256";

	if (!config)
		million_die("no memory");
	million_ok(tern_config_set_versions(config, version, version), "version");
	million_ok(tern_config_set_suites(config, suite), "suite");
	million_ok(tern_config_set_psk_ke(config, true), "psk_ke");
	million_ok(tern_config_set_groups(config, NULL), "groups");
	million_ok(tern_config_add_psk(config, "million", 7, "thirty-two bytes of shared keys.", 32), "PSK");
	million_ok(tern_config_set_tickets(config, false), "tickets");
	return config;
}
