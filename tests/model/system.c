#include <stdio.h>
#include <stdlib.h>

#include "connection/conn.h"
#include "handshake/config.h"
#include "handshake/suites.h"
#include "model/model.h"
#include "pcg.h"

#define TEXT_MAX 256
#define BETWEEN_NS UINT64_C(100000000) /* inputs: what is answered ten times a second at most is answered each time */

struct system {
	const struct kind *kind;
	tern_config *config[2]; /* by role */
	tern_pool *pool[2];
	struct credential_pem credential;
	struct pcg rng[2];
	struct puppet puppet;
	tern_time now; /* nobody calls tick, so no timer fires */
	tern_conn *conn; /* under test; NULL: a server that has accepted nobody */
	uint16_t hellos; /* that a server has answered without a connection */
	uint16_t number; /* the last message's */
	bool failed;
	char text[TEXT_MAX];
	size_t text_n, last_n; /* where the last part of it begins */
	char *outputs[OUTPUTS_MAX];
	size_t num_outputs;
	uint64_t words;
};

static const char *const certificates[] = {[CLIENT] = "E client.model", [SERVER] = "E server.model"};
static const tern_time first_input = {1000 * UINT64_C(1000000000), 1700000000};

static void must(tern_error error, const char *what)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "model: %s: %s\n", what, tern_error_name(error));
	abort();
}
#define MUST(expr) must(expr, #expr)

/* ---- setting up ---- */

static tern_error draw_random(void *user, uint8_t *out, size_t n)
{
	pcg_fill(user, out, n);
	return TERN_OK;
}

static void set_credentials(const struct kind *kind, enum role role, tern_config *c)
{
	const char *own = certificates[role], *peer = certificates[!role];
	bool shows = role == SERVER || kind->mutual;
	if (kind->play.psk) {
		MUST(tern_config_add_psk(c, PUPPET_PSK_IDENTITY, strlen(PUPPET_PSK_IDENTITY), (const char *)puppet_psk,
					 sizeof puppet_psk));
		if (!kind->play.v13)
			MUST(tern_config_set_suites(c, "TLS_PSK_WITH_AES_128_GCM_SHA256"));
		return;
	}
	if (shows)
		MUST(tern_config_add_keypair(c, own, strlen(own), own, strlen(own)));
	if (role == CLIENT || kind->mutual)
		MUST(tern_config_add_trust(c, peer, strlen(peer)));
	if (role == SERVER && kind->mutual)
		MUST(tern_config_set_client_auth(c, TERN_CLIENT_AUTH_REQUIRED));
}

static void open_role(struct system *s, enum role role)
{
	tern_protocol version = s->kind->play.v13 ? TERN_DTLS13 : TERN_DTLS12;
	tern_config *c = tern_config_new(NULL);
	if (!c)
		abort();
	s->config[role] = c;
	pcg_seed(&s->rng[role], 1, role);
	MUST(tern_config_set_versions(c, version, version));
	MUST(config_set_provider(c, &provider_stub));
	MUST(tern_config_set_insecure_random(c, draw_random, &s->rng[role]));
	MUST(tern_config_set_groups(c, "x25519"));
	set_credentials(s->kind, role, c);
	MUST(tern_pool_new(&s->pool[role], c));
}

struct system *system_open(const struct kind *kind)
{
	struct system *s = calloc(1, sizeof *s);
	const char *text = certificates[!kind->role];
	if (!s)
		abort();
	s->kind = kind;
	open_role(s, CLIENT);
	open_role(s, SERVER);
	MUST(provider_stub.credential_load(&heap_default, &s->credential, span_of(NULL, 0),
					   span_of(text, strlen(text))));
	return s;
}

static void hang_up(struct system *s)
{
	tern_conn_free(s->conn);
	puppet_close(&s->puppet);
	s->conn = NULL;
}

void system_close(struct system *s)
{
	for (unsigned i = 0; i < 2; i++) {
		tern_pool_free(s->pool[i]);
		tern_config_free(s->config[i]);
	}
	for (size_t i = 0; i < s->num_outputs; i++)
		free(s->outputs[i]);
	provider_stub.private_key_free(s->credential.key);
	heap_free_copy(&heap_default, (void *)(uintptr_t)s->credential.spki.p, s->credential.spki.n);
	free(s);
}

/* ---- outputs ---- */

/* What repeats itself counts once. */
static void note(void *user, const char *name)
{
	struct system *s = user;
	size_t n = strlen(name);
	if (s->text_n - s->last_n == n && memcmp(s->text + s->last_n, name, n) == 0)
		return;
	if (s->text_n + n + 2 > sizeof s->text)
		abort();
	if (s->text_n)
		s->text[s->text_n++] = '+';
	s->last_n = s->text_n;
	memcpy(s->text + s->text_n, name, n);
	s->text_n += n;
}

uint8_t system_output_index(struct system *s, const char *text)
{
	size_t i = 0;
	while (i < s->num_outputs && strcmp(s->outputs[i], text) != 0)
		i++;
	if (i == OUTPUTS_MAX)
		abort();
	if (i == s->num_outputs) {
		s->outputs[i] = malloc(strlen(text) + 1);
		if (!s->outputs[i])
			abort();
		memcpy(s->outputs[i], text, strlen(text) + 1);
		s->num_outputs++;
	}
	return (uint8_t)i;
}

const char *system_output(const struct system *s, uint8_t output)
{
	return s->outputs[output];
}

uint64_t system_words(const struct system *s)
{
	return s->words;
}

/* ---- one word ---- */

static void take_events(struct system *s)
{
	static const char *const names[] = {[TERN_EVENT_CONNECTED] = "connected",
					    [TERN_EVENT_DATA] = "delivered",
					    [TERN_EVENT_TICKET] = "ticket",
					    [TERN_EVENT_CLOSED] = "closed"};
	tern_event event;
	for (unsigned i = 0; i < 64; i++) {
		tern_error error = tern_conn_next(s->conn, &event, s->now);
		if (error != TERN_OK && !s->failed)
			note(s, "failed");
		s->failed |= error != TERN_OK;
		if (error != TERN_OK || event.kind == TERN_EVENT_NONE)
			return;
		if (event.kind >= sizeof names / sizeof names[0] || !names[event.kind])
			abort();
		note(s, names[event.kind]);
	}
	abort();
}

static void take_datagrams(struct system *s)
{
	uint8_t out[PUPPET_DATAGRAM];
	size_t n = 1;
	for (unsigned i = 0; n && i < 64; i++) {
		(void)!tern_conn_take(s->conn, out, sizeof out, &n, s->now);
		puppet_hear(&s->puppet, out, n, note, s);
	}
}

static void listen_to(struct system *s, const uint8_t *datagram, size_t n)
{
	static const tern_path path = {.local = {.len = 2, .bytes = {'s', 1}, .host_len = 1},
				       .remote = {.len = 2, .bytes = {'c', 1}, .host_len = 1}};
	uint8_t reply[512];
	size_t reply_n = 0;
	tern_verdict verdict;
	MUST(tern_listen(s->pool[SERVER], &verdict, reply, sizeof reply, &reply_n, datagram, n, &path, s->now));
	if (verdict.kind == TERN_VERDICT_REPLY) {
		puppet_said(&s->puppet);
		puppet_hear(&s->puppet, reply, reply_n, note, s);
		s->hellos = 1;
	} else if (verdict.kind == TERN_VERDICT_ACCEPT) {
		MUST(tern_accept(&s->conn, s->pool[SERVER], &verdict, &path, s->now));
	}
}

/* The number that is due. A peer whose message is ignored sends it again; so that a word need not say so, what is
 * ignored uses up no number. */
static uint16_t number_due(const struct system *s)
{
	if (!s->conn)
		return s->hellos;
	if (s->conn->hs && !s->conn->hs->complete)
		return (uint16_t)s->conn->hs->inbox.next;
	return s->conn->after ? (uint16_t)s->conn->after->receive_seq : (uint16_t)(s->number + 1);
}

static void say(struct system *s, const struct saying *saying)
{
	uint8_t datagram[PUPPET_DATAGRAM];
	uint16_t number = number_due(s);
	s->now.mono_ns += BETWEEN_NS;
	size_t n = puppet_say(&s->puppet, saying, number, datagram);
	if (!s->conn)
		listen_to(s, datagram, n);
	if (!s->conn)
		return;
	(void)!tern_conn_feed(s->conn, datagram, n, NULL, s->now);
	take_events(s);
	s->number = number;
	if (number_due(s) != number)
		puppet_said(&s->puppet);
	else
		puppet_not_said(&s->puppet);
	take_datagrams(s);
}

static void begin(struct system *s)
{
	enum role puppet = s->kind->role == CLIENT ? SERVER : CLIENT;
	tern_client_options options = {.size = sizeof options};
	puppet_open(&s->puppet, puppet, &s->kind->play, s->pool[puppet], s->credential.key, certificates[puppet]);
	s->hellos = s->number = 0;
	s->failed = false;
	s->now = first_input;
	if (s->kind->role == SERVER)
		return;
	if (!s->kind->play.psk)
		options.server_name = "server.model";
	MUST(tern_client(&s->conn, s->pool[CLIENT], &options, s->now));
	take_datagrams(s);
}

void system_answer(struct system *s, const uint8_t *word, size_t n, uint8_t *outputs)
{
	s->words++;
	s->text_n = s->last_n = 0;
	begin(s);
	for (size_t i = 0; i < n; i++) {
		s->text_n = s->last_n = 0;
		say(s, &s->kind->sayings[word[i]]);
		if (s->text_n == 0)
			note(s, "-");
		s->text[s->text_n] = 0;
		outputs[i] = system_output_index(s, s->text);
	}
	hang_up(s);
}
