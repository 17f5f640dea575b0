/* authenticate.h - proving who we are and judging who the peer is, whatever the version. */
#ifndef TERN_HANDSHAKE_AUTHENTICATE_H
#define TERN_HANDSHAKE_AUTHENTICATE_H

#include "handshake/handshake.h"

/* A client is asked for a certificate: takes the first of ours, and a scheme for it, that the server can check. types:
 * DTLS 1.2 (u8); a NULL span elsewhere. None is a legal answer too, unless the config wants one shown. */
tern_error choose_own_credential(struct handshake *hs, struct span types, struct span authorities, struct span list);

/* A signature with our credential by hs->sign_scheme over message; at least SIGNATURE_MAX bytes. May pend. */
tern_error sign_bytes(struct handshake *hs, struct span message, uint8_t *signature, size_t *len);
/* The same over the transcript so far (CertificateVerify of DTLS 1.2). */
tern_error sign_transcript12(struct handshake *hs, uint8_t *signature, size_t *len);

/* The peer's signature: the scheme must be one of ours and fit the peer's key. */
tern_error verify_bytes(struct handshake *hs, uint16_t scheme, struct span message, struct span signature);
tern_error verify_transcript12(struct handshake *hs, uint16_t scheme, struct span signature);

/* Takes the peer's chain (DER, leaf first; or one raw public key) and decides whether it is believed: callback,
 * fingerprints, trust anchors, in this order. May pend. RFC 5280, RFC 6125, RFC 8122 5. */
tern_error judge_peer(struct handshake *hs, const struct span *chain, size_t n);

#endif
