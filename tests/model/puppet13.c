/* The messages of DTLS 1.3 (RFC 8446 4, RFC 9147 5). */
#include "model/puppet.h"

#include <string.h>

#include "wire/messages13.h"

static const uint8_t own_schemes[] = {4, 3}, groups[] = {0, 29, 0, 23}, versions[] = {0xfe, 0xfc}, modes[] = {1},
		     null_compression[] = {0};
#define TEXT(s) span_of(s, strlen(s))
#define BINDERS_WIRE (2 + 1 + 32)

/* ---- hellos ---- */

static void start(struct puppet *p)
{
	schedule13_start(&p->schedule, p->hash, DTLS13_PREFIX,
			 p->play.psk ? span_of(puppet_psk, sizeof puppet_psk) : span_of(NULL, 0));
}

/* RFC 8446 4.2.11.2: the hello is logged without its binders, digested, and forgotten again. */
static void put_binder(struct puppet *p, struct wr *w)
{
	size_t before = p->log_n;
	uint8_t key[SECRET13_MAX], digest[HASH_MAX];
	puppet_log(p, CLIENT_HELLO, 0, wr_span(w));
	p->log_n -= BINDERS_WIRE;
	puppet_digest(p, digest);
	p->log_n = before;
	start(p);
	schedule13_binder_key(&p->schedule, key, "ext binder");
	schedule13_finished(p->hash, DTLS13_PREFIX, w->p + w->n - 32, key, digest);
}

static void put_hello(struct puppet *p, struct wr *w)
{
	uint8_t suite[2] = {0x13, 0x01}, block[1024], shares[64], ids[32], binders[33] = {32};
	struct wr b = wr_of(block, sizeof block), s = wr_of(shares, sizeof shares), i = wr_of(ids, sizeof ids);
	struct extensions ext = {.present = HAS_SUPPORTED_GROUPS | HAS_SIGNATURE_ALGORITHMS | HAS_SUPPORTED_VERSIONS |
					    HAS_KEY_SHARE};
	struct client_hello hello = {.version = VERSION_DTLS12,
				     .random = span_of(p->random[CLIENT], RANDOM_LEN),
				     .suites = span_of(suite, 2),
				     .compression = span_of(null_compression, 1)};
	puppet_make_share(p);
	put_key_share(&s, &(struct key_share){29, span_of(p->share, 32)});
	put_psk_identity(&i, &(struct psk_identity){TEXT(PUPPET_PSK_IDENTITY), 0});
	if (p->cookie_n)
		ext.present |= HAS_COOKIE;
	if (p->play.psk)
		ext.present |= HAS_PRE_SHARED_KEY | HAS_PSK_KEY_EXCHANGE_MODES;
	ext.supported_groups = span_of(groups, sizeof groups);
	ext.signature_algorithms = span_of(own_schemes, sizeof own_schemes);
	ext.supported_versions = span_of(versions, sizeof versions);
	ext.key_shares = wr_span(&s);
	ext.cookie = span_of(p->cookie, p->cookie_n);
	ext.psk_identities = wr_span(&i);
	ext.psk_binders = span_of(binders, sizeof binders);
	ext.psk_modes = span_of(modes, sizeof modes);
	put_extensions(&b, IN_CLIENT_HELLO, &ext);
	hello.extensions = wr_span(&b);
	put_client_hello(w, &hello);
	if (p->play.psk)
		put_binder(p, w);
}

static void put_answer(struct puppet *p, bool retry, struct wr *w)
{
	uint8_t block[256];
	struct wr b = wr_of(block, sizeof block);
	struct extensions ext = {.present = HAS_SUPPORTED_VERSIONS | (retry ? HAS_COOKIE : HAS_KEY_SHARE),
				 .selected_group = 29};
	struct server_hello hello = {.version = VERSION_DTLS12,
				     .random = span_of(retry ? hello_retry_random : p->random[SERVER], RANDOM_LEN),
				     .suite = p->suite->id};
	puppet_make_share(p);
	ext.supported_versions = span_of(versions, sizeof versions);
	ext.cookie = TEXT("a cookie");
	ext.share = span_of(p->share, 32);
	if (p->play.psk && !retry)
		ext.present |= HAS_PRE_SHARED_KEY;
	put_extensions(&b, retry ? IN_HELLO_RETRY_REQUEST : IN_SERVER_HELLO13, &ext);
	hello.extensions = wr_span(&b);
	put_server_hello(w, &hello);
}

/* RFC 8446 4.4.1: of the first hello its hash remains. */
static void fold(struct puppet *p)
{
	uint8_t digest[HASH_MAX];
	puppet_digest(p, digest);
	p->log_n = 0;
	puppet_log(p, MESSAGE_HASH, 0, span_of(digest, p->hash->len));
}

/* ---- the rest ---- */

static void put_request(struct wr *w)
{
	uint8_t block[64];
	struct wr b = wr_of(block, sizeof block);
	struct extensions ext = {.present = HAS_SIGNATURE_ALGORITHMS};
	ext.signature_algorithms = span_of(own_schemes, sizeof own_schemes);
	put_extensions(&b, IN_CERTIFICATE_REQUEST13, &ext);
	put_certificate_request13(w, &(struct certificate_request13){.extensions = wr_span(&b)});
}

static void put_certificate(const struct puppet *p, enum form form, struct wr *w)
{
	struct certificate13 c = {.list = {.num = form == EMPTY ? 0 : 1}};
	c.list.chain[0] = form == BAD ? TEXT("E stranger") : TEXT(p->certificate);
	put_certificate13(w, &c);
}

/* RFC 8446 4.4.3. */
static void put_verify(const struct puppet *p, struct wr *w)
{
	uint8_t message[64 + 34 + HASH_MAX], digest[HASH_MAX];
	struct wr m = wr_of(message, sizeof message);
	for (unsigned i = 0; i < 64; i++)
		wr_u8(&m, ' ');
	wr_bytes(&m, p->role == CLIENT ? TEXT("TLS 1.3, client CertificateVerify")
				       : TEXT("TLS 1.3, server CertificateVerify"));
	wr_u8(&m, 0);
	puppet_digest(p, digest);
	wr_bytes(&m, span_of(digest, p->hash->len));
	puppet_sign(p, wr_span(&m), w);
}

static void put_finished(const struct puppet *p, struct wr *w)
{
	uint8_t digest[HASH_MAX], verify_data[HASH_MAX] = {0};
	puppet_digest(p, digest);
	if (p->keyed)
		schedule13_finished(p->hash, DTLS13_PREFIX, verify_data, p->handshake_secret[p->role], digest);
	wr_bytes(w, span_of(verify_data, p->hash->len));
}

static void put_ticket(struct wr *w)
{
	struct new_session_ticket13 ticket = {.lifetime = 600, .nonce = TEXT("1"), .ticket = TEXT("a ticket")};
	put_new_session_ticket13(w, &ticket);
}

bool puppet13_body(struct puppet *p, uint8_t type, enum form form, struct wr *w)
{
	switch (type) {
	case HELLO_REQUEST:
	case SERVER_HELLO_DONE:
		return true;
	case CLIENT_HELLO:
		put_hello(p, w);
		return true;
	case SERVER_HELLO:
	case HELLO_RETRY_REQUEST:
		put_answer(p, type == HELLO_RETRY_REQUEST, w);
		return true;
	case HELLO_VERIFY_REQUEST:
		put_hello_verify_request(w, &(struct hello_verify_request){VERSION_DTLS10, TEXT("a cookie")});
		return true;
	case ENCRYPTED_EXTENSIONS:
		put_encrypted_extensions(w, span_of(NULL, 0));
		return true;
	case CERTIFICATE_REQUEST:
		put_request(w);
		return true;
	case CERTIFICATE:
		put_certificate(p, form, w);
		return true;
	case CERTIFICATE_VERIFY:
		put_verify(p, w);
		return true;
	case FINISHED:
		put_finished(p, w);
		return true;
	case NEW_SESSION_TICKET:
		put_ticket(w);
		return true;
	case KEY_UPDATE:
		put_key_update(w, 0);
		return true;
	default:
		return false;
	}
}

/* ---- keys ---- */

static void install(struct puppet *p, uint8_t secrets[2][SECRET13_MAX], uint16_t epoch)
{
	bool good = keys13_install(&p->records, p->suite, p->hash, secrets[p->role], epoch, true) == TERN_OK &&
		    keys13_install(&p->records, p->suite, p->hash, secrets[!p->role], epoch, false) == TERN_OK;
	p->keyed = good;
}

static void derive(struct puppet *p, uint8_t secrets[2][SECRET13_MAX], const char *client, const char *server)
{
	uint8_t digest[HASH_MAX];
	puppet_digest(p, digest);
	schedule13_secret(&p->schedule, secrets[CLIENT], client, digest);
	schedule13_secret(&p->schedule, secrets[SERVER], server, digest);
}

/* ServerHello is in the log. */
static void handshake_keys(struct puppet *p)
{
	uint8_t secret[GROUP_SECRET_MAX];
	if (p->keyed || !p->peer_share_n)
		return;
	start(p);
	schedule13_advance(&p->schedule, puppet_secret(p, secret));
	derive(p, p->handshake_secret, "c hs traffic", "s hs traffic");
	install(p, p->handshake_secret, EPOCH_HANDSHAKE);
	p->epoch = EPOCH_HANDSHAKE;
}

/* The server's Finished is in the log. */
static void data_keys(struct puppet *p)
{
	if (!p->keyed || p->records.out.epoch >= EPOCH_DATA)
		return;
	schedule13_master(&p->schedule);
	derive(p, p->data_secret, "c ap traffic", "s ap traffic");
	install(p, p->data_secret, EPOCH_DATA);
}

static void update(struct puppet *p)
{
	if (p->records.out.epoch < EPOCH_DATA)
		return;
	schedule13_update(p->hash, DTLS13_PREFIX, p->data_secret[p->role]);
	p->epoch = (uint16_t)(p->records.out.epoch + 1);
	(void)!keys13_install(&p->records, p->suite, p->hash, p->data_secret[p->role], p->epoch, true);
}

/* Before it is logged. */
void puppet13_said(struct puppet *p, uint8_t type, struct span body)
{
	if (type == HELLO_RETRY_REQUEST) {
		fold(p);
		puppet_log(p, SERVER_HELLO, 0, body);
	}
}

static void hear_client_hello(struct puppet *p, struct span body)
{
	struct rd r = rd_of(body), list;
	struct client_hello hello;
	struct extensions ext;
	struct key_share share;
	if (!get_client_hello(&r, &hello) || !get_extensions(hello.extensions, IN_CLIENT_HELLO, &ext))
		return;
	memcpy(p->random[CLIENT], hello.random.p, RANDOM_LEN);
	list = rd_of(ext.key_shares);
	while (rd_left(&list) && get_key_share(&list, &share))
		if (share.group == 29)
			puppet_take_share(p, share.share);
}

static void hear_server_hello(struct puppet *p, struct span body)
{
	struct rd r = rd_of(body);
	struct server_hello hello;
	struct extensions ext;
	if (!get_server_hello(&r, &hello))
		return;
	if (is_hello_retry_request(&hello)) {
		if (!get_extensions(hello.extensions, IN_HELLO_RETRY_REQUEST, &ext) || ext.cookie.n > COOKIE_MAX)
			return;
		p->cookie_n = ext.cookie.n;
		memcpy(p->cookie, ext.cookie.p, ext.cookie.n);
		fold(p);
		puppet_log(p, SERVER_HELLO, 0, body);
		return;
	}
	if (!get_extensions(hello.extensions, IN_SERVER_HELLO13, &ext))
		return;
	memcpy(p->random[SERVER], hello.random.p, RANDOM_LEN);
	puppet_take_share(p, ext.share);
	handshake_keys(p);
}

/* Its own messages too, without a body, once they are in the log. */
void puppet13_heard(struct puppet *p, uint8_t type, struct span body)
{
	bool own = body.n == 0;
	if (type == CLIENT_HELLO)
		hear_client_hello(p, body);
	else if (type == SERVER_HELLO && own)
		handshake_keys(p);
	else if (type == SERVER_HELLO || type == HELLO_RETRY_REQUEST)
		hear_server_hello(p, body);
	else if (type == FINISHED && own == (p->role == SERVER))
		data_keys(p);
	else if (type == FINISHED && p->records.out.epoch >= EPOCH_DATA)
		p->epoch = EPOCH_DATA;
	else if (type == KEY_UPDATE && own)
		update(p);
}
