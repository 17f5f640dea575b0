/* The hellos and EncryptedExtensions as a DTLS 1.3 client sees them (RFC 8446 4.1, 4.2.8, 4.3.1, RFC 9147 5.3). */
#include "handshake/client13.h"
#include "handshake/answers.h"
#include "handshake/cid.h"
#include "handshake/compress13.h"
#include "handshake/early13.h"
#include "handshake/messages13.h"
#include "handshake/negotiate.h"
#include "handshake/psk13.h"
#include "handshake/version.h"
#include "wire/messages13.h"
#include "wire/record.h"

#define GROUP_CLASSICAL_SHARE_MAX 133 /* what an elliptic curve's share takes at most */

/* ---- what we offer ---- */

static void drop_shares(struct handshake *hs)
{
	wipe(hs->shares, sizeof hs->shares);
	memset(hs->share_groups, 0, sizeof hs->share_groups);
}

static tern_error make_shares(struct handshake *hs, const struct group_alg *const *groups, size_t num)
{
	size_t size = 0;
	uint8_t *p, *at;
	for (size_t i = 0; i < num; i++)
		size += 4u + groups[i]->offer_len;
	at = p = arena_alloc(&hs->arena, size);
	if (!p)
		return FAIL(hs, ERROR_BUDGET, "");
	for (size_t i = 0; i < num; i++) {
		struct wr w = wr_of(at, 4u + groups[i]->offer_len);
		wr_u16(&w, groups[i]->id);
		wr_u16(&w, groups[i]->offer_len);
		TRY(groups[i]->offer(hs->pool->crypto, &hs->shares[i], at + 4));
		hs->share_groups[i] = groups[i];
		at += 4u + groups[i]->offer_len;
	}
	hs->offered.key_shares = span_of(p, size);
	hs->offered.present |= HAS_KEY_SHARE;
	return TERN_OK;
}

/* One share of the group we like best; beside a long post-quantum one also a classical one, which servers without it
 * answer in one round trip. */
static tern_error first_shares(struct handshake *hs)
{
	const struct list16 *ours = &hs->pool->config->groups;
	const struct group_alg *groups[OFFERED_SHARES];
	size_t num = 0;
	for (size_t i = 0; i < ours->num && num < OFFERED_SHARES; i++) {
		const struct group_alg *g = group_by_id(hs->pool->provider, ours->id[i]);
		bool needed = num == 0 || groups[0]->offer_len > GROUP_CLASSICAL_SHARE_MAX;
		if (g && needed && (num == 0 || g->offer_len <= GROUP_CLASSICAL_SHARE_MAX))
			groups[num++] = g;
	}
	return num ? make_shares(hs, groups, num) : FAIL(hs, ERROR_NO_SHARED_GROUP, "RFC 8446 4.2.8");
}

static void offer_modes(struct handshake *hs)
{
	static const uint8_t modes[] = {PSK_DHE_KE, PSK_KE};
	const struct tern_config *config = hs->pool->config;
	if (!config->tickets && !config->num_psks && !hs->session)
		return; /* nor is a ticket wanted: RFC 8446 4.2.9 */
	hs->offered.present |= HAS_PSK_KEY_EXCHANGE_MODES;
	if (config->groups.num)
		hs->offered.psk_modes = span_of(modes, config->psk_ke ? 2 : 1);
	else
		hs->offered.psk_modes = span_of(modes + 1, 1);
}

tern_error offer13(struct handshake *hs)
{
	static const uint8_t both[] = {0xfe, 0xfc, 0xfe, 0xfd}; /* RFC 9147 5.3 */
	struct extensions *ext = &hs->offered;
	ext->present |= HAS_SUPPORTED_VERSIONS;
	ext->supported_versions = span_of(both, hs->pool->config->dtls12 ? 4 : 2);
	if (config_can_verify(hs->pool->config))
		offer_compression13(hs->pool->config, ext);
	/* Without a certificate every answer would be no: the extension says that there may be one. */
	if (hs->pool->config->post_auth && hs->pool->config->num_credentials) {
		ext->present |= HAS_POST_HANDSHAKE_AUTH;
		hs->post_auth = true;
	}
	if (hs->pool->config->groups.num || !hs->pool->config->psk_ke)
		TRY(first_shares(hs));
	offer_modes(hs);
	TRY(offer_psks13(hs));
	early13_offer(hs);
	return TERN_OK;
}

/* ---- HelloRetryRequest ---- */

static tern_error retry_shares(struct handshake *hs, const struct extensions *ext)
{
	const struct group_alg *group;
	if (!(ext->present & HAS_KEY_SHARE))
		return TERN_OK; /* for the cookie alone: the shares stay as they were */
	group = group_by_id(hs->pool->provider, ext->selected_group);
	if (!group || !list16_has(hs->offered.supported_groups, ext->selected_group))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.8");
	for (size_t i = 0; i < OFFERED_SHARES; i++)
		if (hs->share_groups[i] == group)
			return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.8");
	drop_shares(hs);
	return make_shares(hs, &group, 1);
}

static const struct suite *suite13_of(const struct handshake *hs, uint16_t id)
{
	const struct list16 *ours = &hs->pool->config->suites13;
	for (size_t i = 0; i < ours->num; i++)
		if (ours->id[i] == id)
			return suite_by_id(id);
	return NULL;
}

/* With a cookie or a group, or both: RFC 8446 4.1.4, RFC 9147 5.1, 11. */
tern_error get_retry13(struct handshake *hs, struct span body)
{
	struct server_hello hello;
	struct extensions ext;
	const struct suite *suite;
	uint8_t digest[HASH_MAX];
	struct rd r = rd_of(body);
	if (!get_server_hello(&r, &hello) || !get_extensions(hello.extensions, IN_HELLO_RETRY_REQUEST, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.1.4");
	suite = suite13_of(hs, hello.suite);
	if (hello.version != VERSION_DTLS12)
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 8446 4.1.4");
	if (!(ext.present & HAS_SUPPORTED_VERSIONS))
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 9.2");
	if (!list16_has(ext.supported_versions, VERSION_DTLS13))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.1");
	if (hello.session_id.n)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 9147 5");
	if (!suite || hello.compression != 0 || ext.misplaced || hs->verify_requests)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.4");
	if (ext.unknown)
		return FAIL(hs, ERROR_UNSUPPORTED_EXTENSION, "RFC 8446 4.2");
	if (!(ext.present & (HAS_KEY_SHARE | HAS_COOKIE)))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.4"); /* nothing would change */
	TRY(retry_shares(hs, &ext));
	if (ext.present & HAS_COOKIE) {
		hs->offered.present |= HAS_COOKIE;
		hs->offered.cookie = arena_copy(&hs->arena, ext.cookie);
		if (!hs->offered.cookie.p)
			return FAIL(hs, ERROR_BUDGET, "");
	}
	early13_reject(hs, TERN_EARLY_REASON_RETRY);
	hs->offered.present &= ~(uint32_t)HAS_EARLY_DATA; /* RFC 8446 4.1.2 */
	hs->retried = true;
	hs->retry_suite = suite->id;
	hs->version = &version13;
	hs->records->protection = version13.protection;
	transcript_choose(&hs->transcript, hs->pool->provider->hash[suite->hash], version13.transcript_header);
	transcript_digest(&hs->transcript, hs->transcript.hash, digest);
	TRY(transcript_fold(&hs->transcript, digest));
	return offer_psks13(hs);
}

/* ---- ServerHello ---- */

static tern_error take_psk(struct handshake *hs, const struct extensions *ext)
{
	const struct offered_psk *psk;
	if (!(ext->present & HAS_PRE_SHARED_KEY)) {
		if (!(hs->offered.present & HAS_SIGNATURE_ALGORITHMS)) /* we would judge no certificate */
			return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 4.2.3");
		schedule13_start(&hs->schedule, hs->transcript.hash, "dtls13", span_of(NULL, 0));
		return TERN_OK;
	}
	if (ext->selected_identity >= hs->num_psks)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.11");
	psk = &hs->psks[ext->selected_identity];
	if (psk->hash != hs->outcome.suite->hash)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.11");
	hs->psk = true;
	schedule13_start(&hs->schedule, hs->transcript.hash, "dtls13", psk->key);
	if (psk->resumption) {
		resume_identity(hs, hs->session);
	} else {
		hs->outcome.psk_identity = psk->external;
		hs->outcome.peer_authenticated = true; /* true once its Finished is verified */
	}
	return TERN_OK;
}

static tern_error take_share(struct handshake *hs, const struct extensions *ext)
{
	if (!(ext->present & HAS_KEY_SHARE)) {
		if (!hs->psk || !list8_has(hs->offered.psk_modes, PSK_KE))
			return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 9.2");
		return TERN_OK; /* psk_ke: the shared secret is empty, that is zeros */
	}
	for (size_t i = 0; i < OFFERED_SHARES; i++) {
		const struct group_alg *g = hs->share_groups[i];
		tern_error error;
		if (!g || g->id != ext->selected_group)
			continue;
		error = g->finish(hs->pool->crypto, &hs->shares[i], ext->share, hs->premaster);
		if (error != TERN_OK)
			return FAILED(hs, error, "RFC 8446 4.2.8");
		hs->premaster_len = g->secret_len;
		hs->outcome.group = g;
		return TERN_OK;
	}
	return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.8");
}

tern_error take_server_hello13(struct handshake *hs, const struct server_hello *hello, const struct extensions *ext)
{
	const struct suite *suite = suite13_of(hs, hello->suite);
	if (hello->session_id.n) /* it is not echoed, whatever ours was */
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 9147 5");
	if (!suite || hello->compression != 0 || (hs->retried && suite->id != hs->retry_suite) || ext->misplaced)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.3");
	if (ext->unknown || (ext->present & ~hs->offered.present))
		return FAIL(hs, ERROR_UNSUPPORTED_EXTENSION, "RFC 8446 4.2");
	hs->outcome.suite = suite;
	if (!hs->retried)
		transcript_choose(&hs->transcript, hs->pool->provider->hash[suite->hash], version13.transcript_header);
	TRY(take_psk(hs, ext));
	early13_check_choice(hs, hs->psk && ext->selected_identity == 0);
	TRY(take_share(hs, ext));
	drop_shares(hs);
	return cid_take(hs, ext);
}

tern_error get_encrypted_extensions13(struct handshake *hs, struct span body)
{
	struct extensions ext;
	struct span block;
	struct rd r = rd_of(body);
	if (!get_encrypted_extensions(&r, &block) || !get_extensions(block, IN_ENCRYPTED_EXTENSIONS, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.3.1");
	if (ext.misplaced)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2");
	/* Groups may be named here unasked, to be remembered for next time: RFC 8446 4.2.7. */
	ext.present &= ~(uint32_t)HAS_SUPPORTED_GROUPS;
	TRY(check_answers(hs, &ext));
	TRY(take_alpn(hs, &ext));
	TRY(early13_take_answer(hs, &ext));
	TRY(take_srtp(hs, &ext));
	take_certificate_types(hs, &ext);
	take_limits(hs, &ext, 1);
	return TERN_OK;
}
