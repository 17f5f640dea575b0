/* Certificate, CertificateRequest, CertificateVerify in DTLS 1.2 (RFC 5246 7.4.2, 7.4.4, 7.4.8, RFC 7250). */
#include "handshake/authenticate.h"
#include "handshake/messages12.h"
#include "handshake/negotiate.h"

tern_error put_own_certificate12(struct handshake *hs, struct wr *w)
{
	const struct credential *c = hs->credential;
	struct certificate cert = {0};
	if (hs->raw_own) {
		put_raw_certificate12(w, c ? c->spki : span_of(NULL, 0));
		return TERN_OK;
	}
	for (size_t i = 0; c && i < c->num_chain; i++)
		cert.chain[cert.num++] = c->chain[i];
	put_certificate12(w, &cert);
	return TERN_OK;
}

/* num 0: the peer has no certificate. */
static tern_error get_peer_chain(struct handshake *hs, struct span body, struct certificate *out)
{
	struct rd r = rd_of(body);
	bool good;
	*out = (struct certificate){0};
	if (hs->raw_peer) {
		good = get_raw_certificate12(&r, &out->chain[0]);
		out->num = good && out->chain[0].n > 0;
	} else {
		good = get_certificate12(&r, out);
	}
	return good ? TERN_OK : FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.2");
}

tern_error get_server_certificate12(struct handshake *hs, struct span body)
{
	struct certificate cert;
	TRY(get_peer_chain(hs, body, &cert));
	if (cert.num == 0)
		return FAIL(hs, ERROR_CERTIFICATE_REQUIRED, "RFC 5246 7.4.2");
	TRY(judge_peer(hs, cert.chain, cert.num));
	if (!suite_fits_key(hs->outcome.suite, hs->pool->provider->chain_key_type(hs->peer)))
		return FAIL(hs, ERROR_CERTIFICATE_UNSUPPORTED_KEY, "RFC 5246 7.4.2");
	return TERN_OK;
}

tern_error put_cert_request12(struct handshake *hs, struct wr *w)
{
	static const uint8_t types[] = {CLIENT_CERT_ECDSA_SIGN, CLIENT_CERT_RSA_SIGN};
	const struct list16 *ours = &hs->pool->config->schemes;
	uint8_t list[2 * CONFIG_SUITES];
	struct wr lw = wr_of(list, sizeof list);
	struct certificate_request12 request = {.types = span_of(types, sizeof types)};
	for (size_t i = 0; i < ours->num; i++)
		wr_u16(&lw, ours->id[i]);
	request.schemes = wr_span(&lw);
	put_certificate_request12(w, &request);
	return TERN_OK;
}

tern_error get_cert_request12(struct handshake *hs, struct span body)
{
	struct certificate_request12 request;
	struct rd r = rd_of(body);
	if (!get_certificate_request12(&r, &request))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.4");
	hs->asks_client_cert = true;
	return choose_own_credential(hs, request.types, request.authorities, request.schemes);
}

tern_error get_client_certificate12(struct handshake *hs, struct span body)
{
	struct certificate cert;
	TRY(get_peer_chain(hs, body, &cert));
	if (cert.num > 0) {
		TRY(judge_peer(hs, cert.chain, cert.num));
		hs->client_cert_sent = true;
		return TERN_OK;
	}
	if (hs->pool->config->client_auth == TERN_CLIENT_AUTH_REQUIRED)
		return FAIL(hs, ERROR_CERTIFICATE_REQUIRED, "RFC 5246 7.4.6");
	return TERN_OK;
}

tern_error put_cert_verify12(struct handshake *hs, struct wr *w)
{
	uint8_t signature[SIGNATURE_MAX];
	struct certificate_verify cv = {.scheme = hs->sign_scheme->id, .signature = {signature, 0}};
	TRY(sign_transcript12(hs, signature, &cv.signature.n));
	put_certificate_verify(w, &cv);
	return TERN_OK;
}

tern_error get_cert_verify12(struct handshake *hs, struct span body)
{
	struct certificate_verify cv;
	struct rd r = rd_of(body);
	if (!get_certificate_verify(&r, &cv))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.8");
	return verify_transcript12(hs, cv.scheme, cv.signature);
}
