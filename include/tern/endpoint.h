/* endpoint.h - UDP sockets under many connections, for those who do not want to move datagrams themselves. Linux.
 *
 *     tern_endpoint_open(&endpoint, config, &options)
 *     for (;;) {
 *             tern_endpoint_run(endpoint, TERN_NEVER);                 wait, receive
 *             while (tern_endpoint_next(endpoint, &event), event.kind) what came of it; sends, too
 *                     ...
 *     }
 *
 * In somebody else's loop: when tern_endpoint_fd is readable or tern_endpoint_deadline has passed, run with timeout 0
 * and call next until it says TERN_ENDPOINT_NONE.
 *
 * An endpoint belongs to one thread, and so do its connections; several that share a port make workers. It names them
 * by numbers that are never used again, so that a number kept for too long does no harm: calls with it return
 * TERN_ERROR_NOT_CONNECTED.
 *
 * TERN_ERROR_SYSTEM: a system call failed, and errno is still what it said.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_ENDPOINT_H
#define TERN_ENDPOINT_H

#include "tern/tern.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_endpoint tern_endpoint;
typedef uint64_t tern_peer; /* a connection of one endpoint; 0: none */

/* ---- Addresses: tern_address with 4 bytes IPv4 or 16 bytes IPv6 and 4 bytes scope, then 2 bytes port ---------------
 */

#define TERN_ADDRESS_TEXT 80

/* "127.0.0.1:4444" or "[fe80::1%eth0]:4444": numbers only, no name is looked up. false: not of this form. */
TERN_API bool tern_endpoint_parse(tern_address *address, const char *text);
TERN_API void tern_endpoint_text(char out[TERN_ADDRESS_TEXT], const tern_address *address);

/* From and to what the socket calls and getaddrinfo use. false: neither IPv4 nor IPv6. Returns the length; room for a
 * struct sockaddr_in6 is enough. */
struct sockaddr;
TERN_API bool tern_endpoint_from_sockaddr(tern_address *address, const struct sockaddr *from);
TERN_API size_t tern_endpoint_to_sockaddr(struct sockaddr *out, const tern_address *address);

/* ---- Life ----------------------------------------------------------------------------------------------------------
 */

/* How datagrams go in and out. What the kernel does not have is left out by itself. */
typedef enum tern_endpoint_io {
	TERN_ENDPOINT_IO_OFFLOAD, /* batches, and several records of one peer as one (UDP_SEGMENT, UDP_GRO) */
	TERN_ENDPOINT_IO_BATCH, /* batches: recvmmsg, sendmmsg */
	TERN_ENDPOINT_IO_PLAIN /* one datagram a call */
} tern_endpoint_io;

/* Fields left 0 have the default. */
typedef struct tern_endpoint_options {
	size_t size; /* sizeof(tern_endpoint_options) */
	const tern_address *listen; /* where servers listen; port 0 picks one. [::] takes IPv4 too, unless an IPv4
				     * address is in the list */
	size_t num_listen; /* 0: only dial */
	tern_endpoint_io io;
	/* Connection IDs (RFC 9146, RFC 9147 9), by which peers are found whatever address they speak from, and by
	 * which the kernel finds the worker. They are set in the config, which must not be in use before and belongs to
	 * this endpoint, or these workers, then. */
	bool cids;
	uint8_t cid_length; /* of these IDs, 8 to 20 bytes, default 8: what tern_cid_format makes, and random bytes
			     * behind it. Fewer could not name worker and connection and differ from each other. */
	uint16_t shard; /* of these IDs, for balancers */
	uint32_t socket_buffer; /* bytes asked of the kernel for each socket and way; default 4 MiB */

	/* At the maximum a new peer displaces the oldest unfinished handshake, or else the peer that was silent for
	 * longest: TERN_GONE_EVICTED. Tables are laid out for it at once, with 20 to 24 bytes of address space each. */
	uint32_t max_peers; /* default 65536, at most 16 million */
	uint64_t idle_ns; /* a connected peer not heard for so long is closed; default 600 s; TERN_NEVER: never */

	/* A connected peer that was not heard for so long is asked for a sign of life (tern_conn_probe), which also
	 * keeps NATs from forgetting it, where a return routability check was agreed on; default 0: not. */
	uint64_t keep_alive_ns;

	/* Of handshakes that peers begin. What exceeds these is not answered, counted, and tried again by the peer. */
	uint32_t max_handshakes; /* unfinished at a time; default 4096 */
	uint32_t max_handshakes_per_prefix; /* the same of one IPv4 /24 or IPv6 /56; default 1024 */
	uint32_t handshake_bytes; /* received of one peer before it is connected; default 256 KiB */
	uint32_t signatures_per_s; /* full handshakes begun in a second; one that resumes or needs no private key
				    * is given back when it is known; default 20000 */
} tern_endpoint_options;

/* Opens the sockets. The config is frozen; see tern_pool_new for its errors. options NULL: all defaults. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_open(tern_endpoint **endpoint, tern_config *config,
						       const tern_endpoint_options *options);

/* The same, num times (1 to 256) on the same addresses (SO_REUSEPORT), each for a thread of its own: nothing is shared
 * between them but the config. The kernel gives all datagrams of an address to one of them, as long as none is freed,
 * and with options.cids those of a connection; what reaches another one is handed over. The limits are those of each.
 * On error none is left. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_open_workers(tern_endpoint *workers[], size_t num,
							       tern_config *config,
							       const tern_endpoint_options *options);

/* Frees everything at once, without a word to the peers; see tern_endpoint_shutdown. */
TERN_API void tern_endpoint_free(tern_endpoint *endpoint);

/* Accepts nothing more and closes every peer; a TERN_ENDPOINT_GONE follows for each. */
TERN_API void tern_endpoint_shutdown(tern_endpoint *endpoint);

/* Connections made from now on use this config, certificates included; those that are there keep theirs. Give both
 * configs one keyring, or cookies under way and tickets become void. Nothing changes on error. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_set_config(tern_endpoint *endpoint, tern_config *config);

/* Where the index-th address of options.listen is bound to. false: there is none. */
TERN_API bool tern_endpoint_bound(const tern_endpoint *endpoint, tern_address *address, size_t index);

/* ---- The loop ------------------------------------------------------------------------------------------------------
 */

/* Waits for datagrams, until timeout_ns have passed (TERN_NEVER: no limit), the endpoint has something to do, or a
 * signal came. TERN_ERROR_USAGE: next has not said NONE since the last one. Where the kernel counts milliseconds the
 * timeout is rounded up. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_run(tern_endpoint *endpoint, uint64_t timeout_ns);

/* For poll: readable when run has something to do; it does not tell of deadlines. */
TERN_API int tern_endpoint_fd(const tern_endpoint *endpoint);

/* When run wants to be called even without datagrams, CLOCK_MONOTONIC; 0: at once; TERN_NEVER: not. */
TERN_API uint64_t tern_endpoint_deadline(const tern_endpoint *endpoint);

typedef enum tern_endpoint_event_kind {
	TERN_ENDPOINT_NONE, /* all is done; what was to be sent is sent, or waits for room */
	TERN_ENDPOINT_ACCEPTED, /* a peer that proved its address begins a handshake: the place for
				 * tern_conn_set_user */
	TERN_ENDPOINT_EVENT, /* event: what tern_conn_next said, save NONE and CLOSED */
	TERN_ENDPOINT_WRITABLE, /* after TERN_WOULD_BLOCK: there is room again; peer is 0 */
	TERN_ENDPOINT_GONE /* the last word of a peer: reason */
} tern_endpoint_event_kind;

/* Why a peer is gone. X(name, sentence). */
#define TERN_GONE_REASONS(X)                                                                                           \
	X(CLOSED_BY_PEER, "the peer closed the connection")                                                            \
	X(CLOSED, "this side closed the connection")                                                                   \
	X(FAILED, "the connection failed") /* tern_conn_failure says how */                                            \
	X(IDLE, "the peer was silent for too long")                                                                    \
	X(EVICTED, "room was needed for another peer")                                                                 \
	X(REPLACED, "the peer has begun a new connection from its address")                                            \
	X(OVERSIZED, "the peer sent too much before it was connected")                                                 \
	X(UNREACHABLE, "nobody listens at the peer's address")

typedef enum tern_gone_reason {
#define X(name, sentence) TERN_GONE_##name,
	TERN_GONE_REASONS(X)
#undef X
		TERN_NUM_GONE_REASONS
} tern_gone_reason;
TERN_API const char *tern_gone_sentence(tern_gone_reason reason);

typedef struct tern_endpoint_event {
	tern_endpoint_event_kind kind;
	tern_peer peer;
	tern_conn *conn; /* the peer's, for tern_conn_info and the like; with GONE until the next call of next */
	tern_event event; /* EVENT; its data is valid until the next call for this peer or of next */
	tern_gone_reason reason; /* GONE */
	bool connected; /* whether the peer ever was */
} tern_endpoint_event;

/* The next event. Handshake messages that may cost a private-key operation are worked on one at a time, when no other
 * datagram waits. Everything that is to be sent is sent by the time it says NONE. */
TERN_API void tern_endpoint_next(tern_endpoint *endpoint, tern_endpoint_event *event);

/* ---- Peers ---------------------------------------------------------------------------------------------------------
 */

typedef struct tern_dial_options {
	size_t size; /* sizeof(tern_dial_options) */
	tern_address remote;
	tern_address local; /* where its socket is bound; len 0: the kernel chooses */
	const char *server_name; /* this and the following: see tern_client_options */
	const void *session;
	size_t session_len;
	void *user;
	bool early_data;
} tern_dial_options;

/* A new connection as client, on a socket of its own, so that the kernel tells when nobody listens there
 * (TERN_GONE_UNREACHABLE). Errors: those of tern_client; TERN_ERROR_BUDGET: max_peers. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_dial(tern_endpoint *endpoint, tern_peer *peer,
						       const tern_dial_options *options);

/* Seals one record of data (see tern_conn_seal for its errors) and queues it. TERN_WOULD_BLOCK, and nothing was
 * accepted: the sockets take nothing at the moment; TERN_ENDPOINT_WRITABLE tells when to try again. What was accepted
 * goes out, in order, with the next flush, or by the end of next. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_send(tern_endpoint *endpoint, tern_peer peer, const void *data,
						       size_t len);
/* The same for num records, in order, which costs less for each. *accepted of them were accepted; the error is that of
 * the one that follows them, TERN_OK if that is all. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_send_many(tern_endpoint *endpoint, tern_peer peer,
							    const tern_bytes *data, size_t num, size_t *accepted);
/* As tern_endpoint_send for early data, see tern_conn_seal_early_data; after a dial. */
TERN_API TERN_MUST_CHECK tern_error tern_endpoint_send_early(tern_endpoint *endpoint, tern_peer peer, const void *data,
							     size_t len);

/* Hands what is queued to the kernel. false: some of it has to wait for room. */
TERN_API bool tern_endpoint_flush(tern_endpoint *endpoint);

/* Says close_notify and drops the peer; TERN_ENDPOINT_GONE follows. */
TERN_API void tern_endpoint_close(tern_endpoint *endpoint, tern_peer peer);

/* The peer's connection, valid until its GONE; NULL: it is gone. Every call of tern.h may be used on it save feed,
 * next, take, tick and free. After one that makes it act (resume, rekey, request_certificate, abort, set_mtu,
 * set_timeout) call touch, and next has what follows. */
TERN_API tern_conn *tern_endpoint_conn(const tern_endpoint *endpoint, tern_peer peer);
TERN_API void tern_endpoint_touch(tern_endpoint *endpoint, tern_peer peer);

/* Where the peer is, and the address of ours that it speaks to. false: it is gone. */
TERN_API bool tern_endpoint_path(const tern_endpoint *endpoint, tern_peer peer, tern_path *path);

/* ---- What was counted ----------------------------------------------------------------------------------------------
 */

/* X(name, sentence). */
#define TERN_ENDPOINT_COUNTERS(X)                                                                                      \
	X(datagrams_received, "datagrams received")                                                                    \
	X(bytes_received, "bytes received, in UDP payloads")                                                           \
	X(receive_calls, "system calls that received")                                                                 \
	X(datagrams_sent, "datagrams sent")                                                                            \
	X(bytes_sent, "bytes sent, in UDP payloads")                                                                   \
	X(send_calls, "system calls that sent")                                                                        \
	X(send_failures, "datagrams that the kernel refused")                                                          \
	X(send_too_large, "of these, too large for the path")                                                          \
	X(would_block, "times that sending had to wait for room")                                                      \
	X(records_received, "records of application data received")                                                    \
	X(records_sent, "records of application data sent")                                                            \
	X(retries_sent, "hellos answered with a cookie, or refused, without state")                                    \
	X(handshakes_started, "handshakes begun, accepted and dialed")                                                 \
	X(handshakes_completed, "handshakes completed")                                                                \
	X(handshakes_resumed, "of these, resumed")                                                                     \
	X(handshakes_failed, "handshakes that ended otherwise")                                                        \
	X(handshakes_timed_out, "of these, by their deadline")                                                         \
	X(retransmissions, "datagrams of handshakes sent again")                                                       \
	X(rtt_samples, "round trip times measured in handshakes")                                                      \
	X(rtt_sum_ns, "their sum, in nanoseconds")                                                                     \
	X(gone_closed_by_peer, "connections that the peer closed")                                                     \
	X(gone_closed, "connections closed here")                                                                      \
	X(gone_failed, "connections that failed")                                                                      \
	X(gone_idle, "connections closed because the peer was silent")                                                 \
	X(gone_evicted_unfinished, "handshakes that made room for others")                                             \
	X(gone_evicted, "connections that made room for others")                                                       \
	X(gone_replaced, "connections replaced by a newer one of the same address")                                    \
	X(gone_oversized, "handshakes in which the peer sent too much")                                                \
	X(gone_unreachable, "connections to an address where nobody listened")                                         \
	X(refused_peers, "hellos refused: as many peers as allowed")                                                   \
	X(refused_handshakes, "hellos refused: as many unfinished handshakes as allowed")                              \
	X(refused_prefix, "hellos refused: as many of these from one prefix as allowed")                               \
	X(refused_signatures, "hellos refused: as many full handshakes in a second as allowed")                        \
	X(refused_memory, "hellos refused: no memory, or another error of ours")                                       \
	X(probes, "peers asked for a sign of life")                                                                    \
	X(paths_changed, "peers followed to another address")                                                          \
	X(dropped_stranger, "datagrams of no connection and no hello")                                                 \
	X(dropped_unopened, "datagrams of which nothing was authentic, to connected peers")                            \
	X(dropped_backlog, "handshake datagrams that found no room to wait")                                           \
	X(dropped_reply, "answers to hellos that found no room")                                                       \
	X(dropped_truncated, "datagrams longer than any that UDP allows")                                              \
	X(handed_over, "datagrams handed to the worker they belong to")                                                \
	X(dropped_handover, "of these, dropped because it was too busy")

/* Sums since the endpoint was opened, and what there is now. */
typedef struct tern_endpoint_counters {
	size_t size; /* sizeof(tern_endpoint_counters) */
#define X(name, sentence) uint64_t name;
	TERN_ENDPOINT_COUNTERS(X)
#undef X
	uint64_t peers, handshakes; /* now: all, and the unfinished among them that peers began */
	uint64_t dropped[TERN_NUM_DROPS]; /* records, by reason: of hellos, and of connections that are gone */
} tern_endpoint_counters;

/* Fills counters->size bytes. May be called from any thread while the endpoint exists. */
TERN_API void tern_endpoint_stats(const tern_endpoint *endpoint, tern_endpoint_counters *counters);

#ifdef __cplusplus
}
#endif
#endif
