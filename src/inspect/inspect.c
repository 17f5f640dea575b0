/* inspect.c - an association watched from outside: for each side a record layer that reads what this side writes, with
 * keys from the key log once both hellos have been seen. */
#include "tern/inspect.h"

#include "base/heap.h"
#include "crypto/schedules.h"
#include "flight/inbox.h"
#include "handshake/keys13.h"
#include "handshake/schedule12.h"
#include "inspect/keylog.h"
#include "wire/extensions.h"
#include "wire/hello.h"
#include "wire/messages13.h"
#include "wire/record13.h"

#define HELLO_MOST 4096 /* a ClientHello with a post-quantum share takes some 1500 bytes */
#define WINDOW 1024 /* captures may be far out of order */
#define SCHEDULES 16

/* What one side writes. */
struct speaker {
	struct record_layer records; /* its connection IDs: those by which the other side is reached */
	struct inbox hellos;
	uint32_t seen_seq, seen_end; /* how far its handshake messages have come */
	uint8_t secret[SECRET13_MAX]; /* DTLS 1.3: of the newest epoch there are keys for */
};

struct tern_inspector {
	struct crypto *crypto;
	struct record_pool pool;
	struct span keylog;
	uint8_t client_random[RANDOM_LEN];
	bool begun; /* the client's random is known */
	bool agreed; /* the server's hello was read */
	bool has_secrets;
	uint16_t version;
	const struct suite *suite;
	struct speaker speaker[2];

	enum role from; /* of the datagram at hand */
	struct datagram datagram;
	struct record record; /* whose fragments are being told */
	struct rd fragments;
	bool first; /* nothing of the record was told yet */
};

static const struct provider *const provider = &provider_libcrypto;

static void begin(tern_inspector *i)
{
	for (int role = 0; role < 2; role++) {
		struct speaker *s = &i->speaker[role];
		record_free(&s->records);
		record_init(&s->records, &protection13, &i->pool);
		s->seen_seq = s->seen_end = 0;
	}
	i->begun = i->agreed = i->has_secrets = false;
	i->version = 0;
	i->suite = NULL;
}

tern_error tern_inspector_new(tern_inspector **out, const char *keylog, size_t key_len)
{
	tern_inspector *i = heap_alloc(&heap_default, sizeof *i);
	tern_error error = i ? provider->open(&i->crypto, &heap_default) : TERN_ERROR_NO_MEMORY;
	if (error == TERN_OK)
		error = schedules_new(&i->pool.schedules, provider, i->crypto, &heap_default, SCHEDULES);
	if (error != TERN_OK) {
		if (i && i->crypto)
			provider->close(i->crypto);
		heap_free(&heap_default, i, sizeof *i);
		return error;
	}
	i->pool.provider = provider;
	i->pool.heap = &heap_default;
	i->pool.window_size = WINDOW;
	begin(i);
	i->keylog = span_of(keylog, key_len);
	*out = i;
	return TERN_OK;
}

void tern_inspector_free(tern_inspector *i)
{
	if (!i)
		return;
	for (int role = 0; role < 2; role++) {
		record_free(&i->speaker[role].records);
		inbox_free(&i->speaker[role].hellos);
	}
	schedules_free(i->pool.schedules);
	provider->close(i->crypto);
	heap_free(&heap_default, i, sizeof *i);
}

/* ---- keys ---- */

static size_t find(const tern_inspector *i, const char *label, uint8_t *secret, size_t cap)
{
	return keylog_find(i->keylog, label, span_of(i->client_random, RANDOM_LEN), secret, cap);
}

static void install13(tern_inspector *i, enum role role, const char *label, uint16_t epoch, const struct suite *suite)
{
	const struct hash_alg *hash = provider->hash[suite->hash];
	struct speaker *s = &i->speaker[role];
	uint8_t secret[SECRET13_MAX];
	if (find(i, label, secret, sizeof secret) != hash->len)
		return;
	i->has_secrets = true;
	/* Out of memory the records stay closed. */
	if (keys13_install(&s->records, suite, hash, secret, epoch, false) == TERN_OK)
		memcpy(s->secret, secret, hash->len);
	wipe(secret, sizeof secret);
}

/* A peer that updates its keys may be one step ahead of what was captured: the next ones are always there. */
static void keep_ahead(tern_inspector *i, struct speaker *s, uint16_t epoch)
{
	const struct hash_alg *hash = i->suite ? provider->hash[i->suite->hash] : NULL;
	if (i->version != VERSION_DTLS13 || !hash || epoch < EPOCH_DATA || epoch != s->records.in.epoch ||
	    epoch == UINT16_MAX)
		return;
	schedule13_update(hash, DTLS13_PREFIX, s->secret);
	(void)keys13_install(&s->records, i->suite, hash, s->secret, (uint16_t)(epoch + 1), false);
}

static void install12(tern_inspector *i, const uint8_t *server_random)
{
	uint8_t master[MASTER_LEN], block[KEY_BLOCK12];
	struct epoch_key keys[2];
	struct hmac_key key;
	if (find(i, "CLIENT_RANDOM", master, sizeof master) != MASTER_LEN)
		return;
	i->has_secrets = true;
	hmac_key_init(&key, provider->hash[i->suite->hash], span_of(master, MASTER_LEN));
	schedule12_key_block(keys, block, &aead_algs[i->suite->aead], &key, i->client_random, server_random);
	for (int role = 0; role < 2; role++)
		(void)record_set_read(&i->speaker[role].records, 1, &keys[role]);
	wipe(master, sizeof master);
	wipe(block, sizeof block);
	wipe(&key, sizeof key);
}

/* Early data comes before its suite is named: it is that of the session, most likely the first one of its hash. */
static void install_early(tern_inspector *i, struct span offered)
{
	static const char label[] = "CLIENT_EARLY_TRAFFIC_SECRET";
	uint8_t secret[SECRET13_MAX];
	size_t n = find(i, label, secret, sizeof secret);
	struct rd r = rd_of(offered);
	uint16_t id;
	wipe(secret, sizeof secret);
	while (n && rd_u16(&r, &id)) {
		const struct suite *suite = suite_by_id(id);
		if (!suite || suite->version != VERSION_DTLS13 || provider->hash[suite->hash]->len != n)
			continue;
		install13(i, CLIENT, label, EPOCH_EARLY, suite);
		return;
	}
}

/* ---- hellos ---- */

/* The hello that this fragment completes, each time that it comes: what follows may be another association. */
static bool gather(struct inbox *in, const struct fragment *f, struct message *out)
{
	if (!in->heap || in->next != f->message_seq) {
		inbox_free(in);
		inbox_init(in, &heap_default, f->message_seq, 2 * HELLO_MOST, HELLO_MOST);
	}
	return inbox_put(in, f, 0) == TERN_DROP_NONE && inbox_next(in, out);
}

/* By the one that a side offers it is reached. */
static void set_cid(tern_inspector *i, enum role side, const struct extensions *ext)
{
	struct cids *cids = &i->speaker[1 - side].records.cids;
	cids_free(cids, &heap_default);
	if ((ext->present & HAS_CONNECTION_ID) && ext->connection_id.n)
		(void)cids_add(cids, &heap_default, CID_OURS, ext->connection_id);
}

static void read_client_hello(tern_inspector *i, struct span body)
{
	struct rd r = rd_of(body);
	struct client_hello hello;
	struct extensions ext;
	if (!get_client_hello(&r, &hello) || !get_extensions(hello.extensions, IN_CLIENT_HELLO, &ext))
		return;
	if (i->begun && memcmp(i->client_random, hello.random.p, RANDOM_LEN) != 0)
		begin(i);
	if (i->agreed)
		return;
	memcpy(i->client_random, hello.random.p, RANDOM_LEN);
	if (!i->begun && (ext.present & HAS_EARLY_DATA))
		install_early(i, hello.suites);
	i->begun = true;
	set_cid(i, CLIENT, &ext);
}

static void read_server_hello(tern_inspector *i, struct span body)
{
	struct rd r = rd_of(body);
	struct server_hello hello;
	struct extensions ext;
	bool is13;
	if (i->agreed || !i->begun || !get_server_hello(&r, &hello) || is_hello_retry_request(&hello))
		return;
	if (!get_extensions(hello.extensions, IN_SERVER_HELLO13, &ext))
		return;
	is13 = (ext.present & HAS_SUPPORTED_VERSIONS) != 0;
	if (!is13 && !get_extensions(hello.extensions, IN_SERVER_HELLO12, &ext))
		return;
	i->agreed = true;
	i->version = is13 ? VERSION_DTLS13 : VERSION_DTLS12;
	i->suite = suite_by_id(hello.suite);
	for (int role = 0; role < 2 && !is13; role++)
		i->speaker[role].records.protection = &protection12;
	set_cid(i, SERVER, &ext);
	if (!(ext.present & HAS_CONNECTION_ID)) /* then the client's serves for nothing */
		set_cid(i, CLIENT, &ext);
	if (!i->suite) {
		return;
	} else if (is13) {
		install13(i, CLIENT, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", EPOCH_HANDSHAKE, i->suite);
		install13(i, SERVER, "SERVER_HANDSHAKE_TRAFFIC_SECRET", EPOCH_HANDSHAKE, i->suite);
		install13(i, CLIENT, "CLIENT_TRAFFIC_SECRET_0", EPOCH_DATA, i->suite);
		install13(i, SERVER, "SERVER_TRAFFIC_SECRET_0", EPOCH_DATA, i->suite);
	} else {
		install12(i, hello.random.p);
	}
}

/* In a message of one fragment, as it always is: RFC 9147 9. */
static void read_new_cids(tern_inspector *i, const struct fragment *f)
{
	struct cids *cids = &i->speaker[1 - i->from].records.cids;
	struct rd r = rd_of(f->body), list;
	struct new_connection_id message;
	struct span cid;
	if (f->body.n != f->length || !get_new_connection_id(&r, &message))
		return;
	list = rd_of(message.cids);
	while (rd_span8(&list, &cid)) {
		if (cids_num(cids, CID_OURS) == CIDS_MAX)
			cids_drop_first(cids, &heap_default, CID_OURS);
		if (cid.n)
			(void)cids_add(cids, &heap_default, CID_OURS, cid);
	}
}

/* ---- what is told ---- */

static void note_fragment(tern_inspector *i, const struct fragment *f)
{
	struct inbox *hellos = &i->speaker[i->from].hellos;
	struct message hello;
	if (i->record.epoch == 0 && f->type == (i->from == CLIENT ? CLIENT_HELLO : SERVER_HELLO)) {
		if (!gather(hellos, f, &hello))
			return;
		if (i->from == CLIENT)
			read_client_hello(i, hello.body);
		else
			read_server_hello(i, hello.body);
		inbox_done(hellos);
	} else if (i->record.epoch && f->type == NEW_CONNECTION_ID && i->version == VERSION_DTLS13) {
		read_new_cids(i, f);
	}
}

/* Told in the order of numbers, so one that is not further than the furthest has been sent before. */
static bool is_again(struct speaker *s, const struct fragment *f)
{
	uint32_t seq = f->message_seq + 1u, end = f->offset + (uint32_t)f->body.n;
	if (seq < s->seen_seq || (seq == s->seen_seq && end <= s->seen_end))
		return true;
	s->seen_seq = seq;
	s->seen_end = end;
	return false;
}

static bool next_fragment(tern_inspector *i, tern_trace *t, tern_bytes *data)
{
	struct fragment f;
	if (!get_fragment(&i->fragments, &f)) {
		if (rd_end(&i->fragments))
			return false;
		*t = (tern_trace){.kind = TERN_TRACE_DROPPED, .drop = TERN_DROP_FRAGMENT};
		i->fragments = rd_of(span_of(NULL, 0));
	} else {
		*t = (tern_trace){.kind = TERN_TRACE_RECEIVED,
				  .message_type = f.offset ? f.type : message_type_shown(f.type, f.body),
				  .message_seq = f.message_seq,
				  .message_len = f.length,
				  .fragment_offset = f.offset,
				  .fragment_len = (uint32_t)f.body.n};
		*data = (tern_bytes){f.body.p, f.body.n};
		note_fragment(i, &f);
		t->retransmission = is_again(&i->speaker[i->from], &f);
	}
	t->content_type = i->record.type;
	t->epoch = i->record.epoch;
	t->record_seq = i->record.seq;
	t->length = i->first ? (uint32_t)i->record.wire.n : 0;
	i->first = false;
	return true;
}

void tern_inspector_feed(tern_inspector *i, bool from_client, uint8_t *datagram, size_t len)
{
	i->from = from_client ? CLIENT : SERVER;
	i->datagram = (struct datagram){datagram, len};
	i->fragments = rd_of(span_of(NULL, 0));
}

bool tern_inspector_next(tern_inspector *i, tern_trace *t, tern_bytes *data)
{
	struct speaker *s = &i->speaker[i->from];
	struct record *r = &i->record;
	*data = (tern_bytes){NULL, 0};
	if (next_fragment(i, t, data))
		return true;
	if (!record_next(&s->records, &i->datagram, r))
		return false;
	i->first = true;
	if (r->drop == TERN_DROP_NONE)
		keep_ahead(i, s, r->epoch);
	if (r->drop == TERN_DROP_NONE && r->type == CONTENT_HANDSHAKE && r->n == 0)
		r->drop = TERN_DROP_FRAGMENT; /* RFC 8446 5.1 */
	if (r->drop == TERN_DROP_NONE && r->type == CONTENT_HANDSHAKE) {
		i->fragments = rd_of(span_of(r->p, r->n));
		if (next_fragment(i, t, data))
			return true;
	}
	*t = (tern_trace){.kind = r->drop == TERN_DROP_NONE ? TERN_TRACE_RECEIVED : TERN_TRACE_DROPPED,
			  .content_type = r->type,
			  .epoch = r->epoch,
			  .record_seq = r->seq,
			  .length = (uint32_t)r->wire.n,
			  .drop = r->drop};
	if (r->drop == TERN_DROP_NONE)
		*data = (tern_bytes){r->p, r->n};
	return true;
}

bool tern_inspector_knows(const tern_inspector *i, bool from_client, const uint8_t *datagram, size_t len)
{
	const struct cids *cids = &i->speaker[from_client ? CLIENT : SERVER].records.cids;
	uint8_t first = len ? datagram[0] : 0;
	bool unified = (first & (UNIFIED_FIXED_MASK | UNIFIED_CID)) == (UNIFIED_FIXED | UNIFIED_CID);
	size_t at = unified ? 1 : RECORD12_CID_AT, index;
	if (len <= at || !cids->len[CID_OURS] || (!unified && first != CONTENT_TLS12_CID))
		return false;
	return cids_match(cids, span_of(datagram + at, len - at), &index);
}

tern_inspection tern_inspector_info(const tern_inspector *i)
{
	return (tern_inspection){
		.version = i->version == VERSION_DTLS13 ? TERN_DTLS13
			   : i->version			? TERN_DTLS12
							: (tern_protocol)0,
		.suite = i->suite ? i->suite->name : NULL,
		.has_secrets = i->has_secrets,
	};
}
