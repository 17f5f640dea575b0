#include "handshake/retry13.h"

#include "handshake/ask.h"
#include "handshake/messages13.h"
#include "handshake/negotiate.h"
#include "handshake/psk13.h"
#include "handshake/version.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define TAG_LEN 16

struct cookie13 {
	uint8_t slot;
	uint16_t suite, group;
	struct span digest; /* of the first hello */
	struct span covered; /* what the tag covers */
	struct span tag;
};

/* ---- the message ---- */

static void put_retry(struct wr *w, uint16_t suite, uint16_t group, struct span cookie)
{
	static const uint8_t version[] = {0xfe, 0xfc};
	uint8_t block[32 + COOKIE13_MAX];
	struct wr ew = wr_of(block, sizeof block);
	struct server_hello hello = {.version = VERSION_DTLS12, .suite = suite};
	struct extensions ext = {.present = HAS_SUPPORTED_VERSIONS};
	ext.supported_versions = span_of(version, sizeof version);
	if (group) {
		ext.present |= HAS_KEY_SHARE;
		ext.selected_group = group;
	}
	if (cookie.n) {
		ext.present |= HAS_COOKIE;
		ext.cookie = cookie;
	}
	put_extensions(&ew, IN_HELLO_RETRY_REQUEST, &ext);
	hello.random = span_of(hello_retry_random, RANDOM_LEN);
	hello.extensions = wr_span(&ew);
	put_server_hello(w, &hello);
}

/* A server that asks for no cookie keeps the first hello in its transcript. */
tern_error put_retry13(struct handshake *hs, struct wr *w)
{
	uint8_t digest[HASH_MAX];
	hs->retried = true;
	hs->retry_suite = hs->outcome.suite->id;
	transcript_digest(&hs->transcript, hs->transcript.hash, digest);
	TRY(transcript_fold(&hs->transcript, digest));
	put_retry(w, hs->retry_suite, hs->retry_group, span_of(NULL, 0));
	return TERN_OK;
}

/* ---- the cookie ---- */

static struct span address_span(const tern_address *a)
{
	return span_of(a->bytes, a->len < sizeof a->bytes ? a->len : sizeof a->bytes);
}

/* The label stands where the cookie of DTLS 1.2, under the same key, has the length of its random: that is never so
 * much. It is short so that all of it is one block of the hash, for IPv4. */
static void make_tag(const struct hmac_key *key, struct span covered, const tern_path *path, uint8_t out[TAG_LEN])
{
	static const tern_path untold;
	const tern_path *p = path ? path : &untold;
	uint8_t lengths[] = {p->remote.len, p->local.len}, digest[HASH_MAX];
	struct span parts[] = {
		span_of("r13", 3),	  span_of(lengths, sizeof lengths), covered,
		address_span(&p->remote), address_span(&p->local),
	};
	hmac(key, digest, parts, sizeof parts / sizeof parts[0]);
	memcpy(out, digest, TAG_LEN);
}

static size_t make_cookie(const struct cookie_keys *keys, uint16_t suite, uint16_t group, struct span digest,
			  const tern_path *path, uint8_t out[COOKIE13_MAX])
{
	struct wr w = wr_of(out, COOKIE13_MAX);
	uint8_t tag[TAG_LEN];
	wr_u8(&w, keys->slot[0].id);
	wr_u16(&w, suite);
	wr_u16(&w, group);
	wr_vec8(&w, digest);
	make_tag(&keys->slot[0].key, wr_span(&w), path, tag);
	wr_bytes(&w, span_of(tag, sizeof tag));
	return w.n;
}

MUST_CHECK static bool get_cookie(struct span cookie, struct cookie13 *out)
{
	struct rd r = rd_of(cookie);
	if (!rd_u8(&r, &out->slot) || !rd_u16(&r, &out->suite) || !rd_u16(&r, &out->group) ||
	    !rd_span8(&r, &out->digest))
		return false;
	out->covered = span_of(cookie.p, cookie.n - rd_left(&r));
	return rd_bytes(&r, TAG_LEN, &out->tag) && rd_end(&r);
}

bool retry13_cookie_valid(const struct cookie_keys *keys, struct span cookie, const tern_path *path)
{
	struct cookie13 c;
	uint8_t expected[TAG_LEN];
	if (!get_cookie(cookie, &c))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (!keys->slot[i].valid || keys->slot[i].id != c.slot)
			continue;
		make_tag(&keys->slot[i].key, c.covered, path, expected);
		if (span_equal_secret(span_of(expected, TAG_LEN), c.tag))
			return true;
	}
	return false;
}

/* ---- without state ---- */

static void hash_hello(const struct hash_alg *hash, struct span body, uint8_t *out)
{
	struct hash_state s;
	uint8_t header[4] = {CLIENT_HELLO};
	wr_store(header + 1, 3, body.n);
	hash->init(&s);
	hash->update(&s, header, sizeof header);
	hash->update(&s, body.p, body.n);
	hash->final(&s, out);
}

/* After it the client drops the PSKs whose hash is another: the hash is that of a PSK we know and can use, else of the
 * client's first, which the length of its binder tells. */
static const struct suite *suite_for_retry(const struct tern_config *config, const struct client_hello *hello,
					   const struct extensions *ext)
{
	struct rd identities = rd_of(ext->psk_identities), binders = rd_of(ext->psk_binders);
	const struct suite *suite = NULL;
	struct psk_identity identity;
	struct span binder;
	while (!suite && get_psk_identity(&identities, &identity)) {
		const struct psk_entry *known = configured_psk(config, identity.identity);
		suite = known ? choose_suite13_with(config, hello, known->hash) : NULL;
	}
	if (!suite && (ext->present & HAS_PRE_SHARED_KEY) && get_psk_binder(&binders, &binder))
		suite = choose_suite13_with(config, hello, binder.n == 48 ? HASH_SHA384 : HASH_SHA256);
	return suite ? suite : choose_suite13(config, hello);
}

bool retry13_make(const struct cookie_keys *keys, const struct provider *p, const struct tern_config *config,
		  const struct client_hello *hello, const struct extensions *ext, struct span hello_body,
		  const tern_path *path, struct wr *w)
{
	const struct suite *suite = suite_for_retry(config, hello, ext);
	const struct group_alg *group;
	uint8_t digest[HASH_MAX], cookie[COOKIE13_MAX];
	uint16_t asked = 0;
	struct span share;
	size_t n;
	if (!suite)
		return false;
	group = choose_group13(config, p, ext, &share);
	if (group && !share.n)
		asked = group->id;
	if (!group && !list8_has(ext->psk_modes, PSK_KE))
		return false;
	hash_hello(p->hash[suite->hash], hello_body, digest);
	n = make_cookie(keys, suite->id, asked, span_of(digest, p->hash[suite->hash]->len), path, cookie);
	put_retry(w, suite->id, asked, span_of(cookie, n));
	return wr_ok(w);
}

tern_error retry13_take_cookie(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	const struct hash_alg *hash;
	const struct suite *suite;
	struct cookie13 c;
	uint8_t body[64 + COOKIE13_MAX + 32];
	struct wr w = wr_of(body, sizeof body);
	/* The pool may be another than the one that listened. */
	cookie_keys_refresh(&hs->pool->cookie_keys, hs->pool->config->keyring, hs->pool->provider->hash[HASH_SHA256]);
	if (!retry13_cookie_valid(&hs->pool->cookie_keys, ext->cookie, &hs->path) || !get_cookie(ext->cookie, &c))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 9147 5.1");
	suite = suite_by_id(c.suite);
	hash = suite ? hs->pool->provider->hash[suite->hash] : NULL;
	if (!hash || c.digest.n != hash->len || !list16_has(hello->suites, c.suite))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 9147 5.1");
	transcript_choose(&hs->transcript, hash, version13.transcript_header);
	TRY(transcript_fold(&hs->transcript, c.digest.p));
	put_retry(&w, c.suite, c.group, ext->cookie);
	if (!wr_ok(&w))
		return FAIL(hs, ERROR_INTERNAL, "RFC 8446 4.1.4");
	TRY(transcript_add(&hs->transcript, SERVER_HELLO, 0, wr_span(&w), false));
	hs->retried = true;
	hs->retry_suite = c.suite;
	hs->retry_group = c.group;
	return TERN_OK;
}
