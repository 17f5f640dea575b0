/* setup.c - a scenario's configs. */
#include <stdio.h>

#include "base/heap.h"
#include "crypto/stub/stub.h"
#include "handshake/pool.h"
#include "sim/host.h"

#define NAME "server.sim"
#define CERTIFICATE_MAX 16384
#define EARLY_BYTES 1500 /* sometimes less than the client would send */
#define KEY_OBJECTS 64 /* more than a world has keys at a time */

/* Quick and without jitter, so that how long a handshake may take is known; and it never gives up. */
static const tern_timers timers = {
	.size = sizeof timers,
	.first_ns = 1000 * SIM_MS,
	.cap_ns = 4 * SIM_S,
	.handshake_ns = 86400 * SIM_S,
	.max_tries = 255,
	.no_jitter = true,
};

static bool has(const struct host *h, unsigned flag)
{
	return h->world->scenario->flags & flag;
}

static tern_error set_versions(struct host *h)
{
	static const struct {
		tern_protocol oldest[2], newest[2]; /* by side */
	} rows[] = {
		[SIM_12] = {{TERN_DTLS12, TERN_DTLS12}, {TERN_DTLS12, TERN_DTLS12}},
		[SIM_13] = {{TERN_DTLS13, TERN_DTLS13}, {TERN_DTLS13, TERN_DTLS13}},
		[SIM_BOTH] = {{TERN_DTLS12, TERN_DTLS12}, {TERN_DTLS13, TERN_DTLS13}},
		[SIM_OLD_SERVER] = {{TERN_DTLS12, TERN_DTLS12}, {TERN_DTLS13, TERN_DTLS12}},
		[SIM_OLD_CLIENT] = {{TERN_DTLS12, TERN_DTLS12}, {TERN_DTLS12, TERN_DTLS13}},
	};
	enum scenario_versions v = h->world->scenario->versions;
	return tern_config_set_versions(h->config, rows[v].oldest[h->side], rows[v].newest[h->side]);
}

static tern_error set_limits(struct host *h)
{
	const struct scenario *s = h->world->scenario;
	tern_limits limits = {.size = sizeof limits, .record_size_limit = s->record_size_limit};
	limits.mtu = h->side == CLIENT ? s->client_mtu : s->server_mtu;
	limits.max_fragment_length = h->side == CLIENT ? s->max_fragment_length : 0;
	limits.seal_limit = s->seal_limit;
	if (has(h, SIM_NO_REPLAY))
		limits.replay_window = 1;
	return tern_config_set_limits(h->config, &limits);
}

/* The certificate a host shows; the stub provider takes any bytes. */
static size_t certificate_of(const struct scenario *s, enum role side, char *out)
{
	size_t n = (size_t)snprintf(out, CERTIFICATE_MAX, "%s", s->certificate);
	if (side == CLIENT)
		n = (size_t)snprintf(out, CERTIFICATE_MAX, "%c client.sim", s->certificate[0]);
	while (n < s->certificate_len)
		out[n++] = '.';
	return n;
}

static tern_error add_own_key(struct host *h, const char *text, size_t n)
{
	struct credential_pem pem;
	if (has(h, SIM_RAW))
		return tern_config_add_raw_key(h->config, text, n);
	if (!has(h, SIM_LATE_SIGN))
		return tern_config_add_keypair(h->config, text, n, text, n);
	TRY(provider_stub.credential_load(&heap_default, &pem, span_of(NULL, 0), span_of(text, n)));
	h->signer = pem.key;
	heap_free_copy(&heap_default, (void *)(uintptr_t)pem.spki.p, pem.spki.n);
	return tern_config_add_signer(h->config, text, n, ask_signature, h);
}

static tern_error set_certificates(struct host *h)
{
	const struct scenario *s = h->world->scenario;
	char own[CERTIFICATE_MAX], peer[CERTIFICATE_MAX];
	size_t own_n, peer_n;
	bool proves = h->side == SERVER || has(h, SIM_MUTUAL) || s->requests;
	bool asks = h->side == CLIENT || has(h, SIM_MUTUAL) || s->requests;
	if (!s->certificate)
		return TERN_OK;
	own_n = certificate_of(s, h->side, own);
	peer_n = certificate_of(s, h->side == CLIENT ? SERVER : CLIENT, peer);
	if (proves)
		TRY(add_own_key(h, own, own_n));
	if (h->side == SERVER && has(h, SIM_MUTUAL))
		TRY(tern_config_set_client_auth(h->config, TERN_CLIENT_AUTH_REQUIRED));
	if (!asks)
		return TERN_OK;
	if (has(h, SIM_LATE_VERIFY | SIM_RAW))
		return tern_config_set_verify(h->config, ask_verdict, h);
	return tern_config_add_trust(h->config, peer, peer_n);
}

static tern_error set_psk(struct host *h)
{
	static const char identity[] = "device", key[] = "0123456789abcdef", hint[] = "garden";
	const tern_external_psk imported = {.size = sizeof imported,
					    .identity = identity,
					    .key = key,
					    .context = hint,
					    .identity_len = sizeof identity - 1,
					    .key_len = sizeof key - 1,
					    .context_len = sizeof hint - 1};
	if (!has(h, SIM_PSK))
		return TERN_OK;
	if (h->side == SERVER && has(h, SIM_PSK_HINT))
		TRY(tern_config_set_psk_hint(h->config, hint, sizeof hint - 1));
	if (has(h, h->side == SERVER ? SIM_CALLBACK_PSK : SIM_PSK_HINT))
		return tern_config_set_psk(h->config, answer_psk, h);
	if (has(h, SIM_IMPORT_PSK))
		return tern_config_import_psk(h->config, &imported);
	return tern_config_add_psk(h->config, identity, sizeof identity - 1, key, sizeof key - 1);
}

static tern_error draw(void *user, uint8_t *out, size_t n)
{
	struct host *h = user;
	if (fault_now(&h->memory.faults, FAULT_RANDOM))
		return TERN_ERROR_USAGE; /* whatever it says */
	pcg_fill(&h->rng, out, n);
	return TERN_OK;
}

static tern_error set_up(struct host *h, const struct provider *provider)
{
	const struct scenario *s = h->world->scenario;
	const char *groups = h->side == CLIENT ? s->client_groups : s->server_groups;
	tern_session_store store = store_calls;
	TRY(config_set_provider(h->config, provider));
	TRY(tern_config_set_insecure_random(h->config, draw, h));
	TRY(tern_config_set_timers(h->config, &timers));
	TRY(set_limits(h));
	if (s->suites)
		TRY(tern_config_set_suites(h->config, s->suites));
	if (groups)
		TRY(tern_config_set_groups(h->config, groups));
	TRY(tern_config_set_trace(h->config, on_trace, h));
	TRY(tern_config_set_psk_ke(h->config, has(h, SIM_PSK_KE)));
	TRY(tern_config_set_post_auth(h->config, s->requests != 0));
	TRY(set_certificates(h));
	/* A pool serves many runs, and each must follow from its seed alone. */
	TRY(tern_config_set_remembered_chains(h->config, 0));
	if (has(h, SIM_COMPRESS) && tern_compression_names()[0])
		TRY(tern_config_set_certificate_compression(h->config, tern_compression_names()));
	TRY(set_psk(h));
	if (s->ids[h->side])
		TRY(tern_config_set_cid_length(h->config, s->ids[h->side] - 1u));
	TRY(tern_config_set_rrc(h->config, s->basic_checks ? TERN_RRC_BASIC : TERN_RRC_ENHANCED));
	if (has(h, SIM_ALPN))
		TRY(tern_config_set_alpn(h->config, h->side == CLIENT ? "none,coap" : "coap,stun"));
	store.user = h;
	if (has(h, SIM_STORE) && h->side == SERVER)
		TRY(tern_config_set_session_store(h->config, &store));
	TRY(tern_config_set_tickets(h->config, !has(h, SIM_STORE | SIM_NO_TICKETS)));
	if (has(h, SIM_EARLY) && h->side == SERVER)
		TRY(tern_config_set_early_data(h->config, EARLY_BYTES, ask_freshness, h));
	return tern_config_set_cookie(h->config, !has(h, SIM_NO_COOKIE));
}

/* A pool keeps the objects of expanded keys once it has made them. Made now, they are nobody's connection's. */
static tern_error make_key_objects(struct tern_pool *pool)
{
	static const uint8_t zeros[16];
	struct raw_key keys[KEY_OBJECTS] = {0};
	struct aead_key *object;
	tern_error error = TERN_OK;
	for (size_t i = 0; i < KEY_OBJECTS && error == TERN_OK; i++) {
		error = schedules_adopt(pool->records.schedules, &keys[i], &aead_algs[AEAD_AES_128_GCM], zeros, NULL);
		if (error == TERN_OK)
			error = schedules_get(pool->records.schedules, &keys[i], &object);
	}
	for (size_t i = 0; i < KEY_OBJECTS; i++)
		schedules_drop(pool->records.schedules, &keys[i]);
	return error;
}

tern_error host_open(struct host *h, const struct provider *provider)
{
	tern_allocator heap = memory_allocator(&h->memory);
	pcg_seed(&h->rng, 1, h->side);
	h->config = tern_config_new(&heap);
	if (!h->config)
		return TERN_ERROR_NO_MEMORY;
	TRY(set_versions(h));
	TRY(set_up(h, provider));
	TRY(tern_pool_new(&h->pool, h->config));
	TRY(make_key_objects(h->pool));
	h->memory.base = h->memory.live;
	return TERN_OK;
}

void host_close(struct host *h)
{
	tern_pool_free(h->pool);
	tern_config_free(h->config);
	stub_private_key_free(h->signer);
}
