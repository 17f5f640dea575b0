/* Whom the servers are: made anew for each run. */
#include <string.h>

#include "tern/cert.h"

#include "bench.h"

struct identity identity;
const uint8_t bench_psk[32] = "thirty-two bytes of shared keys";

void bench_make_identity(void)
{
	static const char *const ca_names[] = {"Bench CA"}, *const names[] = {BENCH_NAME};
	struct identity *id = &identity;
	tern_cert_options ca = {.size = sizeof ca, .names = ca_names, .num_names = 1, .days = 3650, .ca = true};
	tern_cert_options leaf = {.size = sizeof leaf, .names = names, .num_names = 1, .days = 3650};
	bool ok = tern_cert_make(id->ca, &id->ca_len, id->ca_key, &(size_t){0}, &ca, bench_now()) == TERN_OK;
	leaf.issuer_pem = id->ca;
	leaf.issuer_len = id->ca_len;
	leaf.issuer_key_pem = id->ca_key;
	leaf.issuer_key_len = strlen(id->ca_key);
	ok = ok && tern_cert_make(id->cert, &id->cert_len, id->key, &id->key_len, &leaf, bench_now()) == TERN_OK;
	if (!ok)
		bench_die("cannot make a certificate");
}
