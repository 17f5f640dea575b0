/* stun.h - what an ICE-lite agent has to know of STUN: to take a Binding request and to answer it (RFC 8489, RFC 8445
 * 2.5). It never asks anything itself. */
#ifndef WEBRTC_STUN_H
#define WEBRTC_STUN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_ANSWER_MAX 64

struct stun_request {
	const uint8_t *transaction; /* 12 bytes of the datagram */
	char ufrag[33]; /* ours: USERNAME up to the colon */
	size_t integrity_at; /* where MESSAGE-INTEGRITY begins */
	bool nominates; /* USE-CANDIDATE: the browser has chosen this path */
};

/* False: not a whole Binding request with USERNAME, MESSAGE-INTEGRITY and a right FINGERPRINT. */
bool stun_read(struct stun_request *request, const uint8_t *datagram, size_t len);

/* Whether whoever sent it knows our password. */
bool stun_is_genuine(const struct stun_request *request, const uint8_t *datagram, const char *password);

/* The success response; returns its length. */
size_t stun_answer(uint8_t out[STUN_ANSWER_MAX], const struct stun_request *request, const struct sockaddr_in *from,
		   const char *password);

#endif
