/* puppet.h - a peer without a will: it holds the keys and the transcript of one association, and says whatever it is
 * told to, whenever, as honestly as can be: with the right signature, the right Finished, in the right epoch.
 *
 * It shares codecs, hashes and key derivation with the library, and nothing of its handshake. */
#ifndef TERN_TESTS_MODEL_PUPPET_H
#define TERN_TESTS_MODEL_PUPPET_H

#include "handshake/handshake.h"
#include "handshake/keys13.h"

#define PUPPET_DATAGRAM 2048
#define PUPPET_LOG 16384

/* How a message is said. */
enum form {
	GOOD,
	BAD, /* one byte short, or too long where it is empty; a signature or MAC that is wrong; a stranger's
		certificate */
	EMPTY, /* a client's certificate: none */
	CLEAR /* in plaintext, whatever keys there are */
};

/* What a puppet can be told to say. type: of a handshake message unless content says otherwise. HelloRetryRequest has
 * the type 6, as RFC 8446 B.3 names it. */
struct saying {
	const char *name;
	uint8_t content, type;
	enum form form;
	uint8_t alert; /* CONTENT_ALERT: its description */
};
#define HELLO_RETRY_REQUEST 6

/* What a puppet is given. */
struct role_play {
	bool v13, psk;
};

struct puppet {
	enum role role; /* its own */
	struct role_play play;
	tern_pool *pool;
	struct record_layer records;
	const struct suite *suite;
	const struct hash_alg *hash;
	struct private_key *key;
	const char *certificate;

	uint8_t log[PUPPET_LOG]; /* the transcript */
	size_t log_n;
	uint8_t random[2][RANDOM_LEN]; /* by role */
	uint8_t cookie[COOKIE_MAX];
	size_t cookie_n;
	unsigned hellos; /* client: said */
	struct group_private share_private;
	uint8_t share[GROUP_SHARE_MAX], peer_share[GROUP_SHARE_MAX]; /* of x25519 */
	size_t peer_share_n;
	bool sharing; /* share is there */
	uint8_t premaster[PREMASTER_MAX];
	size_t premaster_n;

	struct hmac_key master; /* DTLS 1.2 */
	struct schedule13 schedule;
	uint8_t handshake_secret[2][SECRET13_MAX], data_secret[2][SECRET13_MAX];
	bool keyed; /* the keys of 1.2, or the handshake's of 1.3, are there */
	uint16_t epoch; /* that its handshake messages go in */
};

void puppet_open(struct puppet *p, enum role role, const struct role_play *play, tern_pool *pool,
		 struct private_key *key, const char *certificate);
void puppet_close(struct puppet *p);

/* The datagram; message_seq is for a handshake message. */
size_t puppet_say(struct puppet *p, const struct saying *s, uint16_t message_seq, uint8_t *out);
/* It was taken: what follows goes by it. */
void puppet_said(struct puppet *p);
/* Or not, or not yet: in DTLS 1.2 Finished may wait for ChangeCipherSpec. */
void puppet_not_said(struct puppet *p);

/* What the other side sent, a record at a time: its name, or for several messages theirs, is appended. */
void puppet_hear(struct puppet *p, uint8_t *datagram, size_t n, void (*heard)(void *user, const char *name),
		 void *user);

/* ---- between the parts of the puppet ---- */

struct said {
	const struct saying *saying;
	uint16_t seq;
	size_t n;
	uint8_t body[PUPPET_DATAGRAM];
};
extern const uint8_t puppet_psk[16];
#define PUPPET_PSK_IDENTITY "device"

void puppet_log(struct puppet *p, uint8_t type, uint16_t seq, struct span body);
void puppet_digest(const struct puppet *p, uint8_t *out);
/* A CertificateVerify or the end of a ServerKeyExchange: scheme and signature over message. */
void puppet_sign(const struct puppet *p, struct span message, struct wr *w);
void puppet_make_share(struct puppet *p);
void puppet_take_share(struct puppet *p, struct span share); /* the peer's */
struct span puppet_secret(const struct puppet *p, uint8_t *out); /* with the peer's share; empty: there is none */

/* The bodies of messages, and what hearing and saying them changes. False: no such message in this version. */
bool puppet12_body(struct puppet *p, uint8_t type, enum form form, struct wr *w);
void puppet12_said(struct puppet *p, uint8_t type);
void puppet12_heard(struct puppet *p, uint8_t type, struct span body);
bool puppet13_body(struct puppet *p, uint8_t type, enum form form, struct wr *w);
void puppet13_said(struct puppet *p, uint8_t type, struct span body);
void puppet13_heard(struct puppet *p, uint8_t type, struct span body);

#endif
