#include "handshake/config.h"

#include "connection/config_parts.h"
#include "connection/policy.h"
#include "handshake/chains.h"
#include "handshake/keyring.h"

/* ---- Life ---- */

static void apply_policy(tern_config *config, const struct policy *policy)
{
	config->policy = policy;
	config_apply_suites(config, policy->suites.id, policy->suites.num);
	memcpy(config->schemes.id, policy->schemes.id, policy->schemes.num * sizeof *policy->schemes.id);
	config->schemes.num = policy->schemes.num;
	config_apply_groups(config);
	config->timers = policy->timers;
	config->cookie = policy->cookie;
	config->psk_ke = policy->psk_ke;
	config->cids = policy->cids;
	config->keeps_mtu = policy->keeps_mtu;
	config->cid_length = 0;
	config->cid_codec = (tern_cid_codec){0};
}

tern_config *tern_config_new(const tern_allocator *allocator)
{
	const tern_allocator *heap = allocator ? allocator : &heap_default;
	tern_config *config;
	if (!heap->alloc || !heap->free)
		return NULL;
	config = heap_alloc(heap, sizeof *config);
	if (!config)
		return NULL;
	config->heap = *heap;
	atomic_init(&config->references, 1);
	atomic_init(&config->frozen, false);
	atomic_flag_clear(&config->freezing);
	config->provider = PROVIDER_DEFAULT;
	config->limits = limits_default;
	config->tickets = true;
	config->rrc = TERN_RRC_ENHANCED;
	config->remembered_chains = CHAINS_DEFAULT;
	config->dtls12 = config->dtls13 = true;
	apply_policy(config, policy_by_name("default"));
	return config;
}

tern_config *config_hold(tern_config *config)
{
	atomic_fetch_add(&config->references, 1);
	return config;
}

void tern_config_free(tern_config *config)
{
	tern_allocator heap;
	if (!config || atomic_fetch_sub(&config->references, 1) != 1)
		return;
	config_drop_credentials(config);
	config_drop_trust(config);
	config_drop_psks(config);
	config_drop(config, &config->psk_hint);
	config_drop(config, &config->alpn);
	tern_keyring_free(config->keyring);
	heap = config->heap;
	heap_free(&heap, config, sizeof *config);
}

static tern_error random_keyring(tern_keyring **keyring, const tern_config *config)
{
	const struct provider *p = config->provider;
	uint8_t secret[KEYRING_SECRET_MIN];
	struct crypto *c;
	tern_error error;
	TRY(p->open(&c, &config->heap));
	if (config->random)
		p->set_random(c, config->random, config->random_user);
	error = p->random(c, secret, sizeof secret);
	p->close(c);
	if (error == TERN_OK)
		error = keyring_new_from(keyring, &config->heap, p->hash[HASH_SHA256], span_of(secret, sizeof secret));
	wipe(secret, sizeof secret);
	return error;
}

static void lock(tern_config *config)
{
	while (atomic_flag_test_and_set_explicit(&config->freezing, memory_order_acquire))
		;
}

static void unlock(tern_config *config)
{
	atomic_flag_clear_explicit(&config->freezing, memory_order_release);
}

/* First use makes them: a keyring if there is none, and the compressed chains. */
struct made {
	tern_keyring *keyring;
	struct compressed_chains chains;
};

static void install(tern_config *config, struct made *made)
{
	if (!config->keyring) {
		config->keyring = made->keyring;
		made->keyring = NULL;
	}
	for (size_t i = 0; i < config->num_credentials; i++)
		memcpy(config->credentials[i].compressed, made->chains.of[i], sizeof made->chains.of[i]);
	made->chains = (struct compressed_chains){0};
	if (config->conn_fingerprints) /* a session vouches for a certificate that another connection had */
		config->tickets = config->has_store = false;
	config->dtls12 = config->dtls12 && config->suites.num;
	config->dtls13 = config->dtls13 && config->suites13.num;
	atomic_store(&config->frozen, true);
}

/* Two threads may make their first pool of one config at the same time. The slow part happens outside the lock; who
 * comes second throws away its own. */
tern_error config_freeze(tern_config *config)
{
	struct made made = {0};
	tern_error error;
	bool wanted;
	if (atomic_load(&config->frozen))
		return TERN_OK;
	lock(config);
	wanted = !config->keyring;
	unlock(config);
	TRY(config_compress(config, &made.chains));
	error = wanted ? random_keyring(&made.keyring, config) : TERN_OK;
	if (error == TERN_OK) {
		lock(config);
		if (!atomic_load(&config->frozen))
			install(config, &made);
		unlock(config);
	}
	config_drop_compressed(config, &made.chains);
	tern_keyring_free(made.keyring);
	return error;
}

/* ---- Shared by the setters ---- */

tern_error config_settable(const tern_config *config)
{
	return config && !atomic_load(&config->frozen) ? TERN_OK : TERN_ERROR_USAGE;
}

void config_drop(tern_config *config, struct span *slot)
{
	heap_free_copy(&config->heap, (void *)(uintptr_t)slot->p, slot->n);
	*slot = span_of(NULL, 0);
}

tern_error config_replace(tern_config *config, struct span *slot, const void *p, size_t n)
{
	void *copy = NULL;
	if (n) {
		copy = heap_copy(&config->heap, p, n);
		if (!copy)
			return TERN_ERROR_NO_MEMORY;
	}
	config_drop(config, slot);
	*slot = span_of(copy, n);
	return TERN_OK;
}

/* ---- Setters ---- */

tern_error config_set_provider(tern_config *config, const struct provider *provider)
{
	TRY(config_settable(config));
	if (config->num_credentials || config->trust || config->num_psks)
		return TERN_ERROR_USAGE;
	config->provider = provider;
	config_apply_groups(config);
	return TERN_OK;
}

const char *tern_record_crypto_names(void)
{
#ifdef TERN_HAS_IPSECMB
	if (provider_ipsecmb_available())
		return "ipsec-mb,libcrypto";
#endif
	return "libcrypto";
}

static const struct provider *provider_by_name(const char *name)
{
	if (!name)
		return PROVIDER_DEFAULT;
	if (strcmp(name, provider_libcrypto.name) == 0)
		return &provider_libcrypto;
#ifdef TERN_HAS_IPSECMB
	if (strcmp(name, provider_ipsecmb.name) == 0 && provider_ipsecmb_available())
		return &provider_ipsecmb;
#endif
	return NULL;
}

/* They share all objects but expanded keys, of which a config has none. */
tern_error tern_config_set_record_crypto(tern_config *config, const char *name)
{
	const struct provider *provider = provider_by_name(name);
	TRY(config_settable(config));
	if (!provider)
		return TERN_ERROR_UNKNOWN_NAME;
	config->provider = provider;
	return TERN_OK;
}

tern_error tern_config_set_policy(tern_config *config, const char *name)
{
	const struct policy *policy;
	TRY(config_settable(config));
	if (!name)
		return TERN_ERROR_USAGE;
	policy = policy_by_name(name);
	if (!policy)
		return TERN_ERROR_UNKNOWN_NAME;
	apply_policy(config, policy);
	return TERN_OK;
}

tern_error tern_config_set_client_auth(tern_config *config, tern_client_auth mode)
{
	TRY(config_settable(config));
	if ((unsigned)mode > TERN_CLIENT_AUTH_REQUIRED)
		return TERN_ERROR_USAGE;
	config->client_auth = mode;
	return TERN_OK;
}

tern_error tern_config_set_must_authenticate(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->must_authenticate = on;
	return TERN_OK;
}

tern_error tern_config_set_post_auth(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->post_auth = on;
	return TERN_OK;
}

tern_error tern_config_set_cookie(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->cookie = on;
	return TERN_OK;
}

tern_error tern_config_set_tickets(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->tickets = on;
	return TERN_OK;
}

tern_error tern_config_set_early_data(tern_config *config, uint32_t max_bytes, tern_fresh_fn *fresh, void *user)
{
	TRY(config_settable(config));
	if (max_bytes && !fresh)
		return TERN_ERROR_USAGE;
	config->early_max = max_bytes;
	config->fresh = fresh;
	config->fresh_user = user;
	return TERN_OK;
}

tern_error tern_config_set_keyring(tern_config *config, tern_keyring *keyring)
{
	tern_keyring *old;
	TRY(config_settable(config));
	old = config->keyring;
	config->keyring = keyring ? keyring_hold(keyring) : NULL;
	tern_keyring_free(old);
	return TERN_OK;
}

tern_error tern_config_set_session_store(tern_config *config, const tern_session_store *store)
{
	TRY(config_settable(config));
	if (store && (!store->get || !store->put || !store->del))
		return TERN_ERROR_USAGE;
	config->store = store ? *store : (tern_session_store){0};
	config->has_store = store != NULL;
	return TERN_OK;
}

tern_error tern_config_set_keylog(tern_config *config, tern_keylog_fn *keylog, void *user)
{
	TRY(config_settable(config));
	config->keylog = keylog;
	config->keylog_user = user;
	return TERN_OK;
}

tern_error tern_config_set_insecure_random(tern_config *config, tern_random_fn *random, void *user)
{
	TRY(config_settable(config));
	config->random = random;
	config->random_user = user;
	return TERN_OK;
}

tern_error tern_config_set_trace(tern_config *config, tern_trace_fn *trace, void *user)
{
	TRY(config_settable(config));
	config->trace = trace;
	config->trace_user = user;
	return TERN_OK;
}
