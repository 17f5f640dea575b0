#include "handshake/cookie.h"

#define TAG_LEN (COOKIE_LEN - 1)

static void slot_refresh(struct cookie_keys *keys, size_t i, const struct keyring_slot *from,
			 const struct hash_alg *sha256)
{
	keys->slot[i].valid = from->valid;
	keys->slot[i].id = from->id;
	if (from->valid)
		hmac_key_init(&keys->slot[i].key, sha256, span_of(from->cookie_key, sizeof from->cookie_key));
}

void cookie_keys_refresh(struct cookie_keys *keys, tern_keyring *ring, const struct hash_alg *sha256)
{
	struct keyring_keys now;
	/* Read before the keys: should they change in between, the next call brings them once more, never too late. */
	uint64_t generation = keyring_generation(ring);
	if (keys->generation == generation)
		return;
	keyring_read(ring, &now);
	slot_refresh(keys, 0, &now.current, sha256);
	slot_refresh(keys, 1, &now.previous, sha256);
	keys->generation = generation;
	wipe(&now, sizeof now);
}

static struct span address_span(const tern_address *a)
{
	return span_of(a->bytes, a->len < sizeof a->bytes ? a->len : sizeof a->bytes);
}

/* All lengths stand in a head of fixed size, in front of what they measure: no two hellos give the same bytes. Left out
 * is what clients do not repeat: the extensions, which wolfSSL sends in another order when it resumes, and the session
 * id, which Mbed TLS 2.28 makes anew beside a ticket. The random ties the cookie to this one attempt. */
static void tag(const struct hmac_key *key, uint8_t out[TAG_LEN], const struct client_hello *hello,
		const tern_path *path)
{
	static const tern_path untold;
	const tern_path *p = path ? path : &untold;
	struct span parts[] = {
		{NULL, 0}, /* the head */
		hello->random, hello->suites, hello->compression, address_span(&p->remote), address_span(&p->local),
	};
	enum { NUM_PARTS = sizeof parts / sizeof parts[0] };
	uint8_t head[2 + 4 * (NUM_PARTS - 1)], digest[HASH_MAX];
	struct wr w = wr_of(head, sizeof head);
	wr_u16(&w, hello->version);
	for (size_t i = 1; i < NUM_PARTS; i++)
		wr_u32(&w, (uint32_t)parts[i].n);
	parts[0] = wr_span(&w);
	hmac(key, digest, parts, NUM_PARTS);
	memcpy(out, digest, TAG_LEN);
}

void cookie_make(const struct cookie_keys *keys, uint8_t out[COOKIE_LEN], const struct client_hello *hello,
		 const tern_path *path)
{
	out[0] = keys->slot[0].id;
	tag(&keys->slot[0].key, out + 1, hello, path);
}

bool cookie_valid(const struct cookie_keys *keys, const struct client_hello *hello, const tern_path *path)
{
	uint8_t expected[TAG_LEN];
	if (hello->cookie.n != COOKIE_LEN)
		return false;
	/* Both slots may bear the same id, which has one byte only. */
	for (size_t i = 0; i < 2; i++) {
		if (!keys->slot[i].valid || keys->slot[i].id != hello->cookie.p[0])
			continue;
		tag(&keys->slot[i].key, expected, hello, path);
		if (span_equal_secret(span_of(expected, TAG_LEN), span_of(hello->cookie.p + 1, TAG_LEN)))
			return true;
	}
	return false;
}
