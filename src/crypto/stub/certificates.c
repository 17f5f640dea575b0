#include "crypto/stub/stub.h"

#define STUB_SIGNATURE 64
#define ANCHORS_MAX 8

struct private_key {
	const tern_allocator *heap;
	enum key_type type;
	size_t n;
	uint8_t bytes[];
};

struct peer_chain {
	unsigned references;
	enum key_type type;
	size_t n;
	uint8_t leaf[];
};

struct trust {
	size_t num;
	struct span anchors[ANCHORS_MAX];
};

static bool type_of(struct span text, enum key_type *type)
{
	switch (text.n ? text.p[0] : 0) {
	case 'E':
		*type = KEY_P256;
		return true;
	case '3':
		*type = KEY_P384;
		return true;
	case 'D':
		*type = KEY_ED25519;
		return true;
	case 'R':
		*type = KEY_RSA;
		return true;
	default:
		return false;
	}
}

static bool contains(struct span text, struct span part)
{
	for (size_t i = 0; part.n <= text.n && i <= text.n - part.n; i++)
		if (memcmp(text.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

static tern_error keep(const tern_allocator *heap, struct credential_pem *out, struct span chain, struct span key)
{
	struct span text = chain.n ? chain : key;
	out->spki = span_of(heap_copy(heap, text.p, text.n), text.n);
	if (!out->spki.p)
		return TERN_ERROR_NO_MEMORY;
	if (chain.n) {
		out->chain[0] = span_of(heap_copy(heap, chain.p, chain.n), chain.n);
		if (!out->chain[0].p)
			return TERN_ERROR_NO_MEMORY;
		out->num_chain = 1;
	}
	if (!key.n)
		return TERN_OK;
	out->key = heap_alloc(heap, sizeof *out->key + key.n);
	if (!out->key)
		return TERN_ERROR_NO_MEMORY;
	*out->key = (struct private_key){heap, out->key_type, key.n};
	memcpy(out->key->bytes, key.p, key.n);
	return TERN_OK;
}

tern_error stub_credential_load(const tern_allocator *heap, struct credential_pem *out, struct span chain_pem,
				struct span key_pem)
{
	tern_error error;
	*out = (struct credential_pem){0};
	if (!chain_pem.n && !key_pem.n)
		return TERN_ERROR_BAD_PEM;
	if (!type_of(chain_pem.n ? chain_pem : key_pem, &out->key_type))
		return TERN_ERROR_UNSUPPORTED_KEY;
	if (chain_pem.n && key_pem.n && !span_equal(chain_pem, key_pem))
		return TERN_ERROR_KEY_MISMATCH;
	error = keep(heap, out, chain_pem, key_pem);
	if (error == TERN_OK)
		return TERN_OK;
	for (size_t i = 0; i < out->num_chain; i++)
		heap_free_copy(heap, (void *)out->chain[i].p, out->chain[i].n);
	heap_free_copy(heap, (void *)out->spki.p, out->spki.n);
	*out = (struct credential_pem){0};
	return error;
}

void stub_private_key_free(struct private_key *key)
{
	if (key)
		heap_free(key->heap, key, sizeof *key + key->n);
}

static void make_signature(uint8_t *out, struct span key, const struct scheme_alg *scheme, struct span tbs)
{
	uint8_t id[2] = {(uint8_t)(scheme->id >> 8), (uint8_t)scheme->id};
	struct span parts[3] = {span_of(id, sizeof id), key, tbs};
	stub_digest(out, STUB_SIGNATURE, parts, 3);
}

tern_error stub_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme, struct span tbs,
		     uint8_t *signature, size_t *len)
{
	(void)c;
	make_signature(signature, span_of(key->bytes, key->n), scheme, tbs);
	*len = STUB_SIGNATURE;
	return TERN_OK;
}

tern_error stub_verify(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
		       struct span signature)
{
	uint8_t expected[STUB_SIGNATURE];
	(void)c;
	make_signature(expected, span_of(peer->leaf, peer->n), scheme, tbs);
	return span_equal(span_of(expected, sizeof expected), signature) ? TERN_OK : TERN_ERROR_BAD_SIGNATURE;
}

tern_error stub_chain_parse(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n, bool raw_key)
{
	enum key_type type;
	struct peer_chain *new;
	if (n == 0 || chain[0].n == 0 || (raw_key && n != 1))
		return TERN_ERROR_CERTIFICATE_MALFORMED;
	if (!type_of(chain[0], &type))
		return TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY;
	new = heap_alloc(c->heap, sizeof *new + chain[0].n);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->references = 1;
	new->type = type;
	new->n = chain[0].n;
	memcpy(new->leaf, chain[0].p, chain[0].n);
	*out = new;
	return TERN_OK;
}

void stub_chain_free(struct crypto *c, struct peer_chain *chain)
{
	if (chain && --chain->references == 0)
		heap_free(c->heap, chain, sizeof *chain + chain->n);
}

struct peer_chain *stub_chain_hold(struct peer_chain *chain)
{
	chain->references++;
	return chain;
}

enum key_type stub_chain_key_type(const struct peer_chain *chain)
{
	return chain->type;
}

static bool is_anchor(const struct trust *trust, struct span leaf)
{
	for (size_t i = 0; trust && i < trust->num; i++)
		if (span_equal(trust->anchors[i], leaf))
			return true;
	return false;
}

tern_error stub_chain_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust, enum purpose purpose,
			    int64_t unix_s, int64_t *expires_unix_s)
{
	struct span leaf = span_of(chain->leaf, chain->n);
	(void)c;
	(void)purpose;
	(void)unix_s;
	if (!is_anchor(trust, leaf))
		return TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER;
	if (contains(leaf, span_of("expired", 7)))
		return TERN_ERROR_CERTIFICATE_EXPIRED;
	*expires_unix_s = INT64_MAX;
	return TERN_OK;
}

tern_error stub_chain_check_name(struct crypto *c, const struct peer_chain *chain, struct span name)
{
	(void)c;
	return contains(span_of(chain->leaf, chain->n), name) ? TERN_OK : TERN_ERROR_CERTIFICATE_NAME;
}

tern_error stub_trust_add_system(struct trust **trust)
{
	if (!*trust)
		*trust = heap_alloc(&heap_default, sizeof **trust);
	return *trust ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

tern_error stub_trust_add(struct trust **trust, struct span pem)
{
	struct span copy;
	if (!pem.n)
		return TERN_ERROR_BAD_PEM;
	TRY(stub_trust_add_system(trust));
	if ((*trust)->num == ANCHORS_MAX)
		return TERN_ERROR_NO_MEMORY;
	copy = span_of(heap_copy(&heap_default, pem.p, pem.n), pem.n);
	if (!copy.p)
		return TERN_ERROR_NO_MEMORY;
	(*trust)->anchors[(*trust)->num++] = copy;
	return TERN_OK;
}

void stub_trust_free(struct trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->num; i++)
		heap_free_copy(&heap_default, (void *)trust->anchors[i].p, trust->anchors[i].n);
	heap_free(&heap_default, trust, sizeof *trust);
}
