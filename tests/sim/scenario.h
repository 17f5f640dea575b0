/* scenario.h - the handshakes that are simulated, one row each. */
#ifndef TERN_TESTS_SIM_SCENARIO_H
#define TERN_TESTS_SIM_SCENARIO_H

#include "tern/tern.h"

enum scenario_flag {
	SIM_NO_COOKIE = 1 << 0,
	SIM_MUTUAL = 1 << 1,
	SIM_PSK = 1 << 2,
	SIM_PSK_HINT = 1 << 3, /* the client asks a callback, which sees the hint */
	SIM_TICKET = 1 << 4, /* resumes by ticket */
	SIM_STORE = 1 << 5, /* resumes by id from the server's store */
	SIM_LATE_SIGN = 1 << 6,
	SIM_LATE_VERIFY = 1 << 7,
	SIM_LATE_PSK = 1 << 8,
	SIM_LATE_STORE = 1 << 9,
	SIM_ALPN = 1 << 10,
	SIM_RESTART = 1 << 11, /* the client vanishes once connected and comes back from the same address */
	SIM_CLOSE = 1 << 12, /* one side closes somewhere in the middle */
	SIM_LOSE_LAST = 1 << 13, /* the first transmissions of the last flight are lost */
	SIM_GARBAGE = 1 << 14, /* somebody on the path forges, damages and replays */
	SIM_NO_REPLAY = 1 << 15, /* replay detection off: for the test of the invariants */
	SIM_CALLBACK_PSK = 1 << 16, /* the server asks a callback */
	SIM_RAW = 1 << 17, /* raw public keys */
	SIM_MTU = 1 << 18, /* the MTU changes again and again */
	SIM_PSK_KE = 1 << 19, /* DTLS 1.3: a PSK without a key exchange beside it */
	SIM_ASK_UPDATE = 1 << 20, /* key updates ask for the peer's, as often as not */
	SIM_TOGETHER = 1 << 21, /* both sides begin their key updates at one time */
	SIM_FLOOD = 1 << 22, /* the server gets lone first fragments of hellos from many addresses */
	SIM_ALL_SUBSETS = 1 << 23, /* every subset of the first datagrams is lost once */
	SIM_WORN = 1 << 24, /* one forged record more and the keys have to change */
	SIM_NO_TICKETS = 1 << 25,
	SIM_EARLY = 1 << 26, /* with SIM_TICKET: the client sends early data */
	SIM_NOT_FRESH = 1 << 27, /* the server's application refuses it */
	SIM_LATE_FRESH = 1 << 28,
	SIM_COMPRESS = 1 << 29, /* certificates go compressed, where the library has an algorithm */
	SIM_IMPORT_PSK = 1 << 30 /* with SIM_PSK: it is imported */
};

/* Which versions the sides speak. */
enum scenario_versions {
	SIM_12,
	SIM_13,
	SIM_BOTH, /* both sides speak both: 1.3 */
	SIM_OLD_SERVER, /* it speaks 1.2 only */
	SIM_OLD_CLIENT
};

struct scenario {
	const char *name;
	unsigned flags;
	const char *suites; /* NULL: the default */
	enum scenario_versions versions;
	const char *client_groups, *server_groups; /* NULL: the default */
	const char
		*certificate; /* the server's, for the stub provider: its first byte names the key type; NULL: none */
	size_t certificate_len; /* padded to so many bytes; 0: as long as it is */
	uint16_t client_mtu, server_mtu;
	uint16_t max_fragment_length, record_size_limit;
	uint16_t repeat_ms; /* both sides repeat their flights byte for byte, so often; 0: the timers do all */
	uint8_t ids[2]; /* connection IDs: one more than the bytes of a side's; 0: it does without */
	uint8_t moves; /* so often the client gets another address, and does not know */
	bool basic_checks; /* of the paths: RFC 9853 5.1 */
	bool moves_at_once; /* DTLS 1.3: the first time before its last flight */
	uint16_t moves_gap_ms; /* at most so long after the one before */

	/* DTLS 1.3 */
	uint16_t losses; /* SIM_LOSE_LAST: so many; 0: a few */
	uint16_t updates[2]; /* key updates that a side begins */
	uint16_t requests; /* for the client's certificate, that the server makes after the handshake */
	uint16_t id_changes[2]; /* new connection IDs, wishes for some, and moves to the next, that a side begins */
	uint16_t updates_gap_ms; /* at most so long after the one before, requests and changes too */
	uint16_t epochs; /* the run goes on until so many key updates are done on both sides */
	uint64_t skip_to; /* records are numbered from just below this on; the run goes on beyond it */
	uint64_t seal_limit;
};

bool scenario_is_13(const struct scenario *s); /* it comes to DTLS 1.3 */

extern const struct scenario scenarios[];
extern const size_t num_scenarios;
const struct scenario *scenario_by_name(const char *name); /* NULL: there is none */

#endif
