#include "sim/scenario.h"

#include <string.h>

#define ECDSA_CERT "E server.sim"
#define ED25519_CERT "D server.sim"
#define RSA_CERT "R server.sim"
#define PSK_SUITE "TLS_PSK_WITH_AES_128_GCM_SHA256"
#define ECDHE_PSK_SUITE "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"
#define CHACHA_SUITE "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
#define CCM_SUITE "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"
#define SMALL .client_groups = "x25519,secp256r1", .server_groups = "x25519,secp256r1" /* a hello in one datagram */
#define SHA384_SUITE "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"

const struct scenario scenarios[] = {
	{.name = "full", .certificate = ECDSA_CERT},
	{.name = "no-cookie", .flags = SIM_NO_COOKIE, .certificate = ECDSA_CERT},
	{.name = "mutual", .flags = SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "mutual-ed25519", .flags = SIM_MUTUAL, .certificate = ED25519_CERT},
	{.name = "mutual-rsa", .flags = SIM_MUTUAL, .certificate = RSA_CERT},
	{.name = "raw-keys", .flags = SIM_MUTUAL | SIM_RAW, .certificate = ECDSA_CERT},
	{.name = "chacha20", .suites = CHACHA_SUITE, .certificate = ECDSA_CERT},
	{.name = "ccm", .suites = CCM_SUITE, .certificate = ECDSA_CERT},
	{.name = "sha384", .suites = SHA384_SUITE, .certificate = ECDSA_CERT},
	{.name = "psk", .flags = SIM_PSK, .suites = PSK_SUITE},
	{.name = "psk-no-cookie", .flags = SIM_PSK | SIM_NO_COOKIE, .suites = PSK_SUITE},
	{.name = "psk-hint", .flags = SIM_PSK | SIM_PSK_HINT, .suites = PSK_SUITE},
	{.name = "ecdhe-psk", .flags = SIM_PSK, .suites = ECDHE_PSK_SUITE},
	{.name = "ecdhe-psk-hint", .flags = SIM_PSK | SIM_PSK_HINT, .suites = ECDHE_PSK_SUITE},
	{.name = "ticket", .flags = SIM_TICKET, .certificate = ECDSA_CERT},
	{.name = "ticket-mutual", .flags = SIM_TICKET | SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "ticket-psk", .flags = SIM_TICKET | SIM_PSK, .suites = ECDHE_PSK_SUITE},
	{.name = "store", .flags = SIM_STORE, .certificate = ECDSA_CERT},
	{.name = "late-sign", .flags = SIM_LATE_SIGN, .certificate = ECDSA_CERT},
	{.name = "late-sign-mutual", .flags = SIM_LATE_SIGN | SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "late-sign-ed25519", .flags = SIM_LATE_SIGN | SIM_MUTUAL, .certificate = ED25519_CERT},
	{.name = "late-verify", .flags = SIM_LATE_VERIFY | SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "late-psk", .flags = SIM_LATE_PSK | SIM_PSK | SIM_PSK_HINT | SIM_CALLBACK_PSK, .suites = PSK_SUITE},
	{.name = "late-store", .flags = SIM_LATE_STORE | SIM_STORE, .certificate = ECDSA_CERT},
	{.name = "late-all",
	 .flags = SIM_LATE_SIGN | SIM_LATE_VERIFY | SIM_MUTUAL | SIM_LATE_STORE | SIM_STORE,
	 .certificate = ECDSA_CERT},
	/* Below about 200 bytes the hello comes in fragments: only without a cookie. */
	{.name = "mtu-96", .flags = SIM_NO_COOKIE, .certificate = ECDSA_CERT, .client_mtu = 96, .server_mtu = 96},
	{.name = "mtu-128",
	 .flags = SIM_MUTUAL | SIM_NO_COOKIE,
	 .certificate = ECDSA_CERT,
	 .client_mtu = 128,
	 .server_mtu = 128},
	{.name = "mtu-256", .flags = SIM_MUTUAL, .certificate = ECDSA_CERT, .client_mtu = 256, .server_mtu = 256},
	{.name = "mtu-512", .flags = SIM_MUTUAL, .certificate = ECDSA_CERT, .client_mtu = 512, .server_mtu = 512},
	{.name = "mtu-uneven",
	 .flags = SIM_MUTUAL | SIM_NO_COOKIE,
	 .certificate = ECDSA_CERT,
	 .client_mtu = 140,
	 .server_mtu = 1400},
	{.name = "mtu-uneven-server",
	 .flags = SIM_MUTUAL,
	 .certificate = ECDSA_CERT,
	 .client_mtu = 1400,
	 .server_mtu = 112},
	{.name = "mtu-psk", .flags = SIM_PSK, .suites = PSK_SUITE, .client_mtu = 300, .server_mtu = 96},
	{.name = "mtu-changes", .flags = SIM_MTU | SIM_NO_COOKIE | SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "mtu-changes-ticket", .flags = SIM_MTU | SIM_NO_COOKIE | SIM_TICKET, .certificate = ECDSA_CERT},
	{.name = "mtu-changes-limit",
	 .flags = SIM_MTU | SIM_NO_COOKIE | SIM_MUTUAL,
	 .certificate = ECDSA_CERT,
	 .certificate_len = 1000,
	 .record_size_limit = 100},
	{.name = "long-chain", .certificate = ECDSA_CERT, .certificate_len = 10240},
	{.name = "long-chain-mutual", .flags = SIM_MUTUAL, .certificate = ECDSA_CERT, .certificate_len = 10240},
	{.name = "long-chain-small-mtu",
	 .certificate = ECDSA_CERT,
	 .certificate_len = 10240,
	 .client_mtu = 256,
	 .server_mtu = 256},
	{.name = "alpn", .flags = SIM_ALPN, .certificate = ECDSA_CERT},
	{.name = "max-fragment-length", .certificate = ECDSA_CERT, .certificate_len = 3000, .max_fragment_length = 512},
	{.name = "record-size-limit",
	 .flags = SIM_MUTUAL,
	 .certificate = ECDSA_CERT,
	 .certificate_len = 1000,
	 .record_size_limit = 100},
	{.name = "restart", .flags = SIM_RESTART, .certificate = ECDSA_CERT},
	{.name = "restart-psk", .flags = SIM_RESTART | SIM_PSK, .suites = PSK_SUITE},
	{.name = "restart-ticket", .flags = SIM_RESTART | SIM_TICKET, .certificate = ECDSA_CERT},
	{.name = "close", .flags = SIM_CLOSE | SIM_MUTUAL, .certificate = ECDSA_CERT},
	{.name = "lose-last", .flags = SIM_LOSE_LAST, .certificate = ECDSA_CERT},
	{.name = "lose-last-ticket", .flags = SIM_LOSE_LAST | SIM_TICKET, .certificate = ECDSA_CERT},
	{.name = "lose-last-store", .flags = SIM_LOSE_LAST | SIM_STORE, .certificate = ECDSA_CERT},
	{.name = "lose-last-psk", .flags = SIM_LOSE_LAST | SIM_PSK, .suites = PSK_SUITE},
	{.name = "garbage", .flags = SIM_GARBAGE, .certificate = ECDSA_CERT},
	{.name = "garbage-mutual", .flags = SIM_GARBAGE | SIM_MUTUAL, .certificate = ECDSA_CERT, .client_mtu = 300},
	{.name = "garbage-psk", .flags = SIM_GARBAGE | SIM_PSK, .suites = PSK_SUITE},
	{.name = "garbage-ticket", .flags = SIM_GARBAGE | SIM_TICKET, .certificate = ECDSA_CERT},
	{.name = "garbage-restart", .flags = SIM_GARBAGE | SIM_RESTART, .certificate = ECDSA_CERT},

	{.name = "13-full", .versions = SIM_13, SMALL, .certificate = ECDSA_CERT},
	{.name = "13-no-cookie", .flags = SIM_NO_COOKIE, .versions = SIM_13, SMALL, .certificate = ECDSA_CERT},
	{.name = "13-mutual", .flags = SIM_MUTUAL, .versions = SIM_13, SMALL, .certificate = ECDSA_CERT},
	{.name = "13-ticket", .flags = SIM_TICKET, .versions = SIM_13, SMALL, .certificate = ECDSA_CERT},
	{.name = "13-psk", .flags = SIM_PSK, .versions = SIM_13, SMALL},
	{.name = "13-psk-ke", .flags = SIM_PSK | SIM_PSK_KE, .versions = SIM_13, SMALL},
};
const size_t num_scenarios = sizeof scenarios / sizeof scenarios[0];

bool scenario_is_13(const struct scenario *s)
{
	return s->versions == SIM_13 || s->versions == SIM_BOTH;
}

const struct scenario *scenario_by_name(const char *name)
{
	for (size_t i = 0; i < num_scenarios; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}
