/* CertificateRequest, Certificate and CertificateVerify of DTLS 1.3 (RFC 8446 4.3.2, 4.4.2, 4.4.3). */
#include "handshake/authenticate.h"
#include "handshake/compress13.h"
#include "handshake/messages13.h"
#include "handshake/negotiate.h"
#include "handshake/version.h"
#include "wire/messages13.h"

tern_error put_cert_request13(struct handshake *hs, struct wr *w)
{
	const struct list16 *ours = &hs->pool->config->schemes;
	uint8_t list[2 * CONFIG_SUITES], block[4 + 2 + 2 * CONFIG_SUITES + 4 + 1 + 2 * COMPRESSION_ALGS];
	struct wr lw = wr_of(list, sizeof list), bw = wr_of(block, sizeof block);
	struct certificate_request13 request = {.context = hs->request_context};
	struct extensions ext = {.present = HAS_SIGNATURE_ALGORITHMS};
	for (size_t i = 0; i < ours->num; i++)
		wr_u16(&lw, ours->id[i]);
	ext.signature_algorithms = wr_span(&lw);
	/* A certificate of later holds the request's context, so it is not one that was compressed beforehand. */
	if (!hs->request_context.n)
		offer_compression13(hs->pool->config, &ext);
	put_extensions(&bw, IN_CERTIFICATE_REQUEST13, &ext);
	request.extensions = wr_span(&bw);
	put_certificate_request13(w, &request);
	return TERN_OK;
}

static tern_error take_request(struct handshake *hs, struct span body, struct span *context)
{
	struct certificate_request13 request = {.context = {NULL, 0}};
	struct extensions ext;
	struct rd r = rd_of(body);
	if (!get_certificate_request13(&r, &request) ||
	    !get_extensions(request.extensions, IN_CERTIFICATE_REQUEST13, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.3.2");
	if (!(ext.present & HAS_SIGNATURE_ALGORITHMS))
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 4.3.2");
	if (ext.misplaced)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.3.2");
	take_compression13(hs, &ext);
	*context = request.context;
	return choose_own_credential(hs, span_of(NULL, 0), ext.certificate_authorities, ext.signature_algorithms);
}

tern_error get_cert_request13(struct handshake *hs, struct span body)
{
	struct span context = {NULL, 0};
	TRY(take_request(hs, body, &context));
	if (context.n)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.3.2");
	hs->asks_client_cert = true;
	return TERN_OK;
}

tern_error get_late_cert_request13(struct handshake *hs, struct span body)
{
	struct span context = {NULL, 0};
	TRY(take_request(hs, body, &context));
	hs->request_context = arena_copy(&hs->arena, context);
	return hs->request_context.p ? TERN_OK : FAIL(hs, ERROR_BUDGET, "");
}

tern_error put_own_certificate13(struct handshake *hs, struct wr *w)
{
	const struct credential *c = hs->credential;
	struct certificate13 message = {.context = hs->request_context};
	if (c && hs->raw_own)
		message.list.chain[message.list.num++] = c->spki;
	for (size_t i = 0; c && !hs->raw_own && i < c->num_chain; i++)
		message.list.chain[message.list.num++] = c->chain[i];
	put_certificate13(w, &message);
	return TERN_OK;
}

static tern_error get_peer_certificate(struct handshake *hs, struct span body, struct certificate13 *out)
{
	struct rd r = rd_of(body);
	struct extensions ext;
	if (!get_certificate13(&r, out))
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.4.2");
	if (!span_equal(out->context, hs->request_context))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.4.2");
	for (size_t i = 0; i < out->list.num; i++) {
		if (!get_extensions(out->extensions[i], IN_CERTIFICATE13, &ext))
			return FAIL(hs, ERROR_DECODE, "RFC 8446 4.4.2");
		/* Extensions here answer questions; we asked none. */
		if (ext.misplaced)
			return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2");
		if (ext.unknown || ext.present)
			return FAIL(hs, ERROR_UNSUPPORTED_EXTENSION, "RFC 8446 4.4.2");
	}
	if (hs->raw_peer && out->list.num > 1)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.4.2");
	return TERN_OK;
}

tern_error get_server_certificate13(struct handshake *hs, struct span body)
{
	struct certificate13 message;
	TRY(get_peer_certificate(hs, body, &message));
	if (message.list.num == 0)
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.4.2.4");
	return judge_peer(hs, message.list.chain, message.list.num);
}

tern_error get_client_certificate13(struct handshake *hs, struct span body)
{
	struct certificate13 message;
	TRY(get_peer_certificate(hs, body, &message));
	if (message.list.num > 0) {
		TRY(judge_peer(hs, message.list.chain, message.list.num));
		hs->client_cert_sent = true;
		return TERN_OK;
	}
	if (hs->requires_client_cert)
		return FAIL(hs, ERROR_CERTIFICATE_REQUIRED, "RFC 8446 4.4.2.4");
	return TERN_OK;
}

#define SIGNED_MAX (64 + 34 + HASH_MAX)

/* RFC 8446 4.4.3: spaces, a context that tells the signer's role, a zero, the transcript's hash. */
static struct span signed_content(const struct handshake *hs, enum role signer, uint8_t out[SIGNED_MAX])
{
	const char *context =
		signer == SERVER ? "TLS 1.3, server CertificateVerify" : "TLS 1.3, client CertificateVerify";
	uint8_t digest[HASH_MAX];
	struct wr w = wr_of(out, SIGNED_MAX);
	for (size_t i = 0; i < 64; i++)
		wr_u8(&w, 0x20);
	wr_bytes(&w, span_of(context, strlen(context) + 1));
	transcript_digest(&hs->transcript, hs->transcript.hash, digest);
	wr_bytes(&w, span_of(digest, hs->transcript.hash->len));
	return wr_span(&w);
}

tern_error put_cert_verify13(struct handshake *hs, struct wr *w)
{
	uint8_t content[SIGNED_MAX], signature[SIGNATURE_MAX];
	struct certificate_verify cv = {.scheme = hs->sign_scheme->id, .signature = {signature, 0}};
	TRY(sign_bytes(hs, signed_content(hs, hs->role, content), signature, &cv.signature.n));
	put_certificate_verify(w, &cv);
	return TERN_OK;
}

tern_error get_cert_verify13(struct handshake *hs, struct span body)
{
	uint8_t content[SIGNED_MAX];
	struct certificate_verify cv;
	struct rd r = rd_of(body);
	if (!get_certificate_verify(&r, &cv))
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.4.3");
	return verify_bytes(hs, cv.scheme, signed_content(hs, hs->role == CLIENT ? SERVER : CLIENT, content),
			    cv.signature);
}
