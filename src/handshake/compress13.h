/* compress13.h - CompressedCertificate, in place of a Certificate of DTLS 1.3 (RFC 8879). */
#ifndef TERN_HANDSHAKE_COMPRESS13_H
#define TERN_HANDSHAKE_COMPRESS13_H

#include "handshake/handshake.h"

/* What we take, in a ClientHello or CertificateRequest. */
void offer_compression13(const struct tern_config *config, struct extensions *ext);
/* What the peer takes. */
void take_compression13(struct handshake *hs, const struct extensions *ext);

/* Whether our certificate goes compressed: the peer takes an algorithm by which it gets smaller. */
bool sends_compressed13(const struct handshake *hs);
/* Whether the peer's may come so. */
bool takes_compressed13(const struct handshake *hs);

tern_error put_compressed13(struct handshake *hs, struct wr *w);
/* Decompressed, they are judged as if they had come plain. */
tern_error get_server_compressed13(struct handshake *hs, struct span body);
tern_error get_client_compressed13(struct handshake *hs, struct span body);

/* For a config: a CompressedCertificate of the chain, a heap copy; empty when it would not be smaller. NO_MEMORY. */
tern_error compress_chain13(const tern_allocator *heap, const struct credential *c, const struct compression_alg *alg,
			    struct span *out);

#endif
