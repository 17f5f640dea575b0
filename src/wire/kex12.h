/* kex12.h - ServerKeyExchange and ClientKeyExchange of DTLS 1.2: ECDHE (RFC 8422 5.4, 5.7), PSK (RFC 4279 2),
 * ECDHE_PSK (RFC 5489 2). */
#ifndef TERN_WIRE_KEX12_H
#define TERN_WIRE_KEX12_H

#include "base/reader.h"
#include "base/writer.h"

/* The parts, in wire order. A key exchange uses some of them: */
struct kex12_form {
	bool psk; /* the hint or identity */
	bool ecdhe; /* the curve and share */
	bool sign; /* server only: scheme and signature */
};

struct server_key_exchange {
	struct span psk_hint; /* may be empty */
	uint16_t group; /* named_curve is the only form understood */
	struct span share; /* 1 to 255 bytes */
	struct span params; /* decoded only: the signed bytes, from curve type to the end of the share */
	uint16_t scheme;
	struct span signature;
};
MUST_CHECK bool get_server_key_exchange(struct rd *r, struct kex12_form form, struct server_key_exchange *out);
void put_server_key_exchange(struct wr *w, struct kex12_form form, const struct server_key_exchange *in);
/* The signed part alone: curve type, group, share. */
void put_ecdhe_params(struct wr *w, uint16_t group, struct span share);

struct client_key_exchange {
	struct span psk_identity;
	struct span share; /* 1 to 255 bytes */
};
MUST_CHECK bool get_client_key_exchange(struct rd *r, struct kex12_form form, struct client_key_exchange *out);
void put_client_key_exchange(struct wr *w, struct kex12_form form, const struct client_key_exchange *in);

#endif
