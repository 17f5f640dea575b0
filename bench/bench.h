/* bench.h - what the files of the bench share.
 *
 * A scenario is measured for several contenders in the same run, one batch of each in turn, so that whatever else the
 * machine does hits all of them alike. Times are CPU time of this thread. */
#ifndef TERN_BENCH_BENCH_H
#define TERN_BENCH_BENCH_H

#include "tern/tern.h"

enum side { CLIENT_SIDE, SERVER_SIDE, NUM_SIDES };
enum contender { TERN, OPENSSL, WOLF, NSS, FLOOR, NUM_CONTENDERS };
#define NUM_PEERS FLOOR /* implementations: the floor is none */

/* ---- scenarios ---- */

enum exchange { EXCHANGE_NONE, EXCHANGE_P256, EXCHANGE_X25519 };
/* CHAIN_KNOWN: clients have verified the server's chain before, and remember it if they can. */
enum bench_certificate { NO_CERTIFICATE, CHAIN_NEW, CHAIN_KNOWN };
enum bench_aead { BENCH_GCM, BENCH_CHACHA, BENCH_CCM8 };

struct scenario {
	const char *name;
	const char *suite, *openssl_suite; /* openssl_suite NULL: libssl cannot do it */
	enum exchange exchange;
	enum bench_aead aead;
	enum bench_certificate certificate;
	bool ticket; /* what is measured is the resumption */
	unsigned hashed; /* bytes of handshake messages, for the floor */
	bool dtls13;
	const char *policy; /* Tern's; NULL: "default" */
	/* Tern's first retransmission timeout, to the millisecond; 0: the policy's, jittered. The others have a second.
	 */
	unsigned first_ms;
	unsigned patience_s; /* Tern's time for a whole handshake; 0: the policy's */
	bool cookie; /* the server asks for one */
};

extern const char *bench_record_crypto; /* Tern's and the floor's; NULL: the default */
bool bench_by_ipsecmb(const struct scenario *s); /* whether intel-ipsec-mb encrypts its records now */
/* ---- identity.c ---- */

/* A P-256 authority and a server's certificate from it, PEM. */
struct identity {
	char ca[8192], ca_key[4096], cert[8192], key[4096];
	size_t ca_len, cert_len, key_len;
};
extern struct identity identity;
void bench_make_identity(void);

#define BENCH_NAME "bench.example"
#define BENCH_PSK_IDENTITY "bench"
extern const uint8_t bench_psk[32];

/* Two suites' records of 1200 bytes fit. */
#define BENCH_MTU 1400

/* ---- bench.c; loss/clock.c, loss/main.c ---- */

tern_time bench_now(void); /* stands still: nothing times out while a batch runs */
void bench_let_pass(unsigned seconds);
void bench_start_time(void); /* now is the clock's */
void bench_die(const char *what) __attribute__((noreturn));

/* ---- stats.c ---- */

uint64_t cpu_ns(void);
uint64_t cpu_ns_overhead(void); /* of one reading; known after stats_calibrate */
void stats_calibrate(void);

#define SAMPLES_MAX 1024
struct samples {
	size_t num;
	double values[SAMPLES_MAX];
};
void samples_add(struct samples *s, double value); /* past SAMPLES_MAX: ignored */
double samples_median(struct samples *s); /* sorts */

/* ---- one implementation behind the driver: tern_side.c, openssl_side.c ---- */

#define MAILBOX_MAX 64
struct mailbox {
	size_t num, at;
	struct letter {
		size_t n;
		uint8_t bytes[BENCH_MTU];
	} letters[MAILBOX_MAX];
};

enum progress { PROGRESS_FAILED, PROGRESS_WAITS, PROGRESS_DONE };

struct implementation {
	const char *name;
	const char *(*version)(void);
	void *(*context_new)(const struct scenario *s, enum side side);
	void (*context_free)(void *context);
	void *(*conn_new)(void *context, struct mailbox *in, struct mailbox *out);
	/* Takes all of in, writes what is to be sent into out. */
	enum progress (*step)(void *conn);
	bool (*resumed)(void *conn);
	/* Client: connections made later resume this one's session. */
	bool (*keep_session)(void *context, void *conn);
	/* One record of n bytes into out; the next one out of in. */
	bool (*seal)(void *conn, const uint8_t *data, size_t n);
	bool (*open)(void *conn, size_t n);
	bool (*seal_many)(void *conn, const uint8_t *data, size_t n, size_t num); /* NULL: one by one */
	void (*spread)(void *conn); /* what seal_many made, into out; its time does not count */
	void (*conn_free)(void *conn);
	bool (*can)(const struct scenario *s); /* NULL: everything */
	void (*settle)(void *conn); /* the clock went on; NULL: nothing happens */
	/* When the retransmission timer fires, by bench_now; UINT64_MAX: it does not run. Then: what is due. A step
	 * follows. */
	uint64_t (*deadline)(void *conn);
	enum progress (*timeout)(void *conn);
};
extern const struct implementation tern_implementation, openssl_implementation, gnutls_implementation;
#ifdef BENCH_WOLFSSL
extern const struct implementation wolfssl_implementation;
#endif
#ifdef BENCH_NSS
extern const struct implementation nss_implementation;
#endif
extern const struct implementation *const implementations[NUM_PEERS]; /* NULL: not built in */
bool bench_can(enum contender who, const struct scenario *s);
tern_config *tern_side_config(const struct scenario *s, enum side side); /* NULL: it cannot be made */
struct ssl_ctx_st *openssl_side_ctx(void *context); /* of a context of openssl_implementation's */

/* ---- pairs.c: client and server in lockstep ---- */

#define PAIRS_MAX 32
struct pairs {
	const struct implementation *impl;
	void *context[NUM_SIDES];
	size_t num;
	void *conn[NUM_SIDES][PAIRS_MAX];
	struct mailbox *box[NUM_SIDES]; /* PAIRS_MAX each: what is sent to that side */
	uint64_t ns[NUM_SIDES]; /* CPU time since pairs_new or pairs_reset_time */
};

/* Contexts of both sides, and for a ticket scenario a session to resume. Ends the program when it cannot. */
struct pairs *pairs_new(const struct implementation *impl, const struct scenario *s);
void pairs_free(struct pairs *p);
void pairs_connect(struct pairs *p, size_t num); /* num handshakes side by side */
void pairs_disconnect(struct pairs *p);
/* On the first pair, num records of n bytes from client to server: ns[CLIENT_SIDE] is sealing, all
 * together where that is possible and asked for, ns[SERVER_SIDE] opening. */
void pairs_records(struct pairs *p, size_t num, size_t n, bool together);
/* A small record each way on every pair. */
void pairs_greet(struct pairs *p);
/* Some minutes go by: what is kept of the handshakes for a while goes. */
void pairs_settle(struct pairs *p);

/* ---- floor.c: the bare libcrypto operations ---- */

struct floor;
struct floor *floor_new(const struct scenario *s);
void floor_free(struct floor *f);
void floor_handshakes(struct floor *f, size_t num, uint64_t ns[NUM_SIDES]);
void floor_records(struct floor *f, size_t num, size_t n, uint64_t ns[NUM_SIDES]);

/* ---- memory.c ---- */

struct tally {
	long live, peak; /* signed: what one side frees, the other may have allocated */
	size_t allocations;
};

struct memory_row {
	/* [0] is the implementation's own (OpenSSL: everything), [1] what Tern lets libcrypto allocate. */
	struct tally handshake[NUM_SIDES][2]; /* one handshake: peak and allocations, from creation to free */
	long idle[NUM_SIDES][2]; /* bytes per connection after a record each way and some minutes */
	long cached[NUM_SIDES]; /* Tern: bytes that the pool's cache of expanded keys grew by, per connection */
	double per_record[NUM_SIDES]; /* allocations; client seals, server opens */
};
enum { MEMORY_TERN, MEMORY_OPENSSL, NUM_MEMORY }; /* rows of one scenario; others' heaps cannot be told apart by side */

extern const tern_allocator *bench_heap; /* counts while memory is measured; else NULL */
void memory_side(enum side side); /* whose allocations the following ones are */
/* In a child process, because libcrypto's allocator can be replaced only before its first use and would slow down
 * what is timed. */
void memory_measure(struct memory_row *rows, const struct scenario *const *scenarios, size_t num);

/* ---- report.c ---- */

struct report;
struct report *report_new(const char *json_path);
void report_heading(struct report *r, const char *title, const char *unit);
void report_row(struct report *r, const char *name, const char *part, const double values[NUM_CONTENDERS]);
void report_memory(struct report *r, const struct memory_row *rows, const struct scenario *const *scenarios,
		   size_t num);
void report_sizes(struct report *r);
bool report_end(struct report *r); /* false when the JSON file could not be written */

#endif
