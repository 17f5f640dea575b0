/* The messages of DTLS 1.2 (RFC 5246 7.4, RFC 6347 4.2, RFC 8422, RFC 4279). */
#include "model/puppet.h"

#include <string.h>

static const uint8_t own_schemes[] = {4, 3}, groups[] = {0, 29, 0, 23}, points[] = {0}, null_compression[] = {0};
#define TEXT(s) span_of(s, strlen(s))

static bool is_ecdhe(const struct puppet *p)
{
	return !p->play.psk;
}

static void put_hello(struct puppet *p, struct wr *w)
{
	uint8_t suite[2] = {(uint8_t)(p->suite->id >> 8), (uint8_t)p->suite->id}, block[256];
	struct wr b = wr_of(block, sizeof block);
	struct extensions ext = {.present = HAS_EXTENDED_MASTER_SECRET | HAS_RENEGOTIATION_INFO};
	struct client_hello hello = {.version = VERSION_DTLS12,
				     .random = span_of(p->random[CLIENT], RANDOM_LEN),
				     .cookie = span_of(p->cookie, p->cookie_n),
				     .suites = span_of(suite, 2),
				     .compression = span_of(null_compression, 1)};
	if (is_ecdhe(p))
		ext.present |= HAS_SUPPORTED_GROUPS | HAS_EC_POINT_FORMATS | HAS_SIGNATURE_ALGORITHMS;
	ext.supported_groups = span_of(groups, sizeof groups);
	ext.ec_point_formats = span_of(points, sizeof points);
	ext.signature_algorithms = span_of(own_schemes, sizeof own_schemes);
	put_extensions(&b, IN_CLIENT_HELLO, &ext);
	hello.extensions = wr_span(&b);
	put_client_hello(w, &hello);
}

static void put_answer(const struct puppet *p, struct wr *w)
{
	uint8_t block[64];
	struct wr b = wr_of(block, sizeof block);
	struct extensions ext = {.present = HAS_EXTENDED_MASTER_SECRET | HAS_RENEGOTIATION_INFO};
	struct server_hello hello = {.version = VERSION_DTLS12,
				     .random = span_of(p->random[SERVER], RANDOM_LEN),
				     .suite = p->suite->id};
	put_extensions(&b, IN_SERVER_HELLO12, &ext);
	hello.extensions = wr_span(&b);
	put_server_hello(w, &hello);
}

static void put_verify_request(struct wr *w)
{
	struct hello_verify_request request = {VERSION_DTLS10, TEXT("a cookie")};
	put_hello_verify_request(w, &request);
}

static void put_certificate(const struct puppet *p, enum form form, struct wr *w)
{
	struct certificate c = {.num = form == EMPTY ? 0 : 1};
	c.chain[0] = form == BAD ? TEXT("E stranger") : TEXT(p->certificate);
	put_certificate12(w, &c);
}

/* The signature's own bytes are those of a CertificateVerify. */
static void put_server_kex(struct puppet *p, struct wr *w)
{
	struct server_key_exchange kex = {.psk_hint = TEXT("garden"), .group = 29};
	uint8_t message[2 * RANDOM_LEN + 64];
	struct wr m = wr_of(message, sizeof message);
	if (p->play.psk) {
		put_server_key_exchange(w, (struct kex12_form){.psk = true}, &kex);
		return;
	}
	puppet_make_share(p);
	kex.share = span_of(p->share, 32);
	wr_bytes(&m, span_of(p->random[CLIENT], RANDOM_LEN));
	wr_bytes(&m, span_of(p->random[SERVER], RANDOM_LEN));
	put_ecdhe_params(&m, kex.group, kex.share);
	put_server_key_exchange(w, (struct kex12_form){.ecdhe = true}, &kex);
	puppet_sign(p, wr_span(&m), w);
}

static void put_request(struct wr *w)
{
	static const uint8_t types[] = {CLIENT_CERT_ECDSA_SIGN};
	struct certificate_request12 request = {.types = span_of(types, 1), .schemes = span_of(own_schemes, 2)};
	put_certificate_request12(w, &request);
}

static void put_premaster(struct puppet *p)
{
	struct wr w = wr_of(p->premaster, sizeof p->premaster);
	uint8_t secret[GROUP_SECRET_MAX];
	if (p->play.psk) {
		static const uint8_t zeros[16];
		wr_u16(&w, 16);
		wr_bytes(&w, span_of(zeros, 16));
		wr_u16(&w, 16);
		wr_bytes(&w, span_of(puppet_psk, 16));
	} else {
		wr_bytes(&w, puppet_secret(p, secret));
	}
	p->premaster_n = w.n;
}

static void put_client_kex(struct puppet *p, struct wr *w)
{
	struct client_key_exchange kex = {.psk_identity = TEXT(PUPPET_PSK_IDENTITY)};
	puppet_make_share(p);
	kex.share = span_of(p->share, 32);
	put_client_key_exchange(w, (struct kex12_form){.psk = p->play.psk, .ecdhe = is_ecdhe(p)}, &kex);
}

static void put_finished(const struct puppet *p, struct wr *w)
{
	uint8_t digest[HASH_MAX], verify_data[12] = {0};
	puppet_digest(p, digest);
	if (p->keyed)
		prf12_keyed(&p->master, verify_data, sizeof verify_data,
			    p->role == CLIENT ? "client finished" : "server finished", span_of(digest, p->hash->len),
			    span_of(NULL, 0));
	wr_bytes(w, span_of(verify_data, sizeof verify_data));
}

bool puppet12_body(struct puppet *p, uint8_t type, enum form form, struct wr *w)
{
	switch (type) {
	case HELLO_REQUEST:
	case SERVER_HELLO_DONE:
		return true;
	case CLIENT_HELLO:
		put_hello(p, w);
		return true;
	case SERVER_HELLO:
		put_answer(p, w);
		return true;
	case HELLO_VERIFY_REQUEST:
		put_verify_request(w);
		return true;
	case CERTIFICATE:
		put_certificate(p, form, w);
		return true;
	case SERVER_KEY_EXCHANGE:
		put_server_kex(p, w);
		return true;
	case CERTIFICATE_REQUEST:
		put_request(w);
		return true;
	case CLIENT_KEY_EXCHANGE:
		put_client_kex(p, w);
		return true;
	case CERTIFICATE_VERIFY:
		puppet_sign(p, span_of(p->log, p->log_n), w);
		return true;
	case FINISHED:
		put_finished(p, w);
		return true;
	default:
		return false;
	}
}

/* RFC 7627 4, RFC 5246 6.3. */
static void derive(struct puppet *p)
{
	const struct aead_alg *aead = &aead_algs[p->suite->aead];
	size_t key = aead->key_len, iv = aead->fixed_iv_len12;
	uint8_t digest[HASH_MAX], master[MASTER_LEN], block[2 * (AEAD_KEY_MAX + AEAD_NONCE)];
	struct epoch_key keys[2] = {{aead, block, span_of(block + 2 * key, iv), NULL},
				    {aead, block + key, span_of(block + 2 * key + iv, iv), NULL}};
	if (p->keyed)
		return;
	puppet_digest(p, digest);
	put_premaster(p);
	prf12(p->hash, master, sizeof master, span_of(p->premaster, p->premaster_n), "extended master secret",
	      span_of(digest, p->hash->len), span_of(NULL, 0));
	hmac_key_init(&p->master, p->hash, span_of(master, sizeof master));
	prf12_keyed(&p->master, block, 2 * (key + iv), "key expansion", span_of(p->random[SERVER], RANDOM_LEN),
		    span_of(p->random[CLIENT], RANDOM_LEN));
	p->keyed = record_set_read(&p->records, 1, &keys[!p->role]) == TERN_OK &&
		   record_set_write(&p->records, 1, &keys[p->role]) == TERN_OK;
}

void puppet12_said(struct puppet *p, uint8_t type)
{
	if (type == HELLO_VERIFY_REQUEST)
		p->log_n = 0;
	else if (type == CLIENT_KEY_EXCHANGE)
		derive(p);
	else if (type == FINISHED && p->keyed)
		p->epoch = 1;
}

void puppet12_heard(struct puppet *p, uint8_t type, struct span body)
{
	struct rd r = rd_of(body);
	struct client_hello client;
	struct server_hello server;
	struct hello_verify_request request;
	struct server_key_exchange server_kex;
	struct client_key_exchange client_kex;
	struct kex12_form form = {.psk = p->play.psk, .ecdhe = is_ecdhe(p)};
	if (type == CLIENT_HELLO && get_client_hello(&r, &client))
		memcpy(p->random[CLIENT], client.random.p, RANDOM_LEN);
	if (type == SERVER_HELLO && get_server_hello(&r, &server))
		memcpy(p->random[SERVER], server.random.p, RANDOM_LEN);
	if (type == HELLO_VERIFY_REQUEST && get_hello_verify_request(&r, &request)) {
		p->cookie_n = request.cookie.n;
		memcpy(p->cookie, request.cookie.p, request.cookie.n);
		p->log_n = 0;
	}
	form.sign = form.ecdhe;
	if (type == SERVER_KEY_EXCHANGE && form.ecdhe && get_server_key_exchange(&r, form, &server_kex))
		puppet_take_share(p, server_kex.share);
	form.sign = false;
	if (type == CLIENT_KEY_EXCHANGE && get_client_key_exchange(&r, form, &client_kex)) {
		if (form.ecdhe)
			puppet_take_share(p, client_kex.share);
		derive(p);
	}
}
