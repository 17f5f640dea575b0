/* bogo-shim: speaks the protocol of BoringSSL's test runner (ssl/test/PORTING.md there) through Tern's public API. The
 * runner starts it once per test; README.md here says how. */
#include <stdio.h>

#include "exchange.h"
#include "setup.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_UNIMPLEMENTED = 89 };

/* Any will do that no test can tell from a real one. */
static const tern_time START = {UINT64_C(1234000000000), 1767225600};

static int connection(const struct flags *flags, struct kept *kept, tern_keyring *keyring, bool resumes)
{
	struct callbacks callbacks = {.flags = flags, .shelf = &kept->shelf};
	tern_config *config = tern_config_new(NULL);
	tern_pool *pool = NULL;
	tern_error error = config ? setup_config(config, &callbacks, keyring) : TERN_ERROR_NO_MEMORY;
	int status = EXIT_BAD;
	if (error == TERN_ERROR_UNKNOWN_NAME)
		status = EXIT_UNIMPLEMENTED;
	if (error == TERN_OK)
		error = tern_pool_new(&pool, config);
	if (error != TERN_OK)
		fprintf(stderr, "shim: setup: %s\n", tern_error_name(error));
	else if (exchange_run(pool, &callbacks, kept, resumes))
		status = EXIT_GOOD;
	tern_pool_free(pool);
	tern_config_free(config);
	setup_free(&callbacks);
	return status;
}

int main(int argc, char **argv)
{
	static struct flags flags[FLAGS_CONNECTIONS];
	static struct kept kept;
	tern_keyring *keyring;
	const char *unknown;
	int status = EXIT_GOOD;
	if (!flags_parse(flags, argc, argv, &unknown)) {
		fprintf(stderr, "shim: not implemented: %s\n", unknown);
		return EXIT_UNIMPLEMENTED;
	}
	if (flags[FLAGS_INITIAL].is_handshaker_supported)
		return puts("No") < 0;
	if (!flags[FLAGS_INITIAL].dtls) {
		fprintf(stderr, "shim: not implemented: TLS\n");
		return EXIT_UNIMPLEMENTED;
	}
	if (tern_keyring_new(&keyring, NULL, 0) != TERN_OK)
		return EXIT_BAD;
	kept.now = START;
	for (unsigned i = 0; i <= flags[FLAGS_INITIAL].resume_count && status == EXIT_GOOD; i++) {
		if (i)
			kept.now.unix_s += (int64_t)flags[FLAGS_RESUME].resumption_delay_s;
		/* What was sealed under the previous key is taken and renewed. */
		if (i && flags[FLAGS_RESUME].renew_ticket && tern_keyring_rotate(keyring, NULL, 0) != TERN_OK)
			status = EXIT_BAD;
		else
			status = connection(&flags[i ? FLAGS_RESUME : FLAGS_INITIAL], &kept, keyring, i > 0);
	}
	tern_keyring_free(keyring);
	return status;
}
