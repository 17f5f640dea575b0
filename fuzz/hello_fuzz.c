/* The hellos, and extensions in every place. The first byte chooses what the rest is. */
#include "wire/extensions.h"
#include "wire/hello.h"
#include "wire/imported_identity.h"

#include "stable.h"

static void check_spans(const struct extensions *v, struct span in)
{
	const struct span spans[] = {v->server_name,
				     v->supported_groups,
				     v->ec_point_formats,
				     v->signature_algorithms,
				     v->alpn,
				     v->client_certificate_types,
				     v->server_certificate_types,
				     v->session_ticket,
				     v->supported_versions,
				     v->renegotiation_info,
				     v->key_shares,
				     v->share,
				     v->psk_identities,
				     v->psk_binders,
				     v->psk_modes,
				     v->certificate_compressions,
				     v->cookie,
				     v->signature_algorithms_cert,
				     v->certificate_authorities};
	struct rd names = rd_of(v->alpn);
	struct span name;
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
		must_lie_in(spans[i], in);
	while (get_alpn_name(&names, &name))
		must_lie_in(name, v->alpn);
	must(rd_end(&names));
}

static void check_lists(const struct extensions *v)
{
	struct rd shares = rd_of(v->key_shares), ids = rd_of(v->psk_identities), binders = rd_of(v->psk_binders);
	struct key_share share;
	struct psk_identity id;
	struct span binder;
	while (get_key_share(&shares, &share))
		must(share.share.n > 0);
	while (get_psk_identity(&ids, &id))
		must(id.identity.n > 0 && get_psk_binder(&binders, &binder) && binder.n >= 32);
	must(rd_end(&shares) && rd_end(&ids) && rd_end(&binders));
	must(!(v->present & HAS_PRE_SHARED_KEY) || v->psk_identities.n == 0 ||
	     v->psk_binders_wire == 2 + v->psk_binders.n);
}

static bool recode_extensions(struct rd *r, struct wr *w, enum extension_place place)
{
	struct extensions v;
	if (!get_extensions(rd_rest(r), place, &v))
		return false;
	must(place != IN_CLIENT_HELLO || !v.misplaced);
	check_spans(&v, rd_rest(r));
	check_lists(&v);
	put_extensions(w, place, &v);
	must(v.unknown || v.misplaced || w->n == rd_left(r)); /* no byte was passed over */
	r->p = r->end;
	return true;
}

#define PLACE(name, place)                                                                                             \
	static bool name(struct rd *r, struct wr *w)                                                                   \
	{                                                                                                              \
		return recode_extensions(r, w, place);                                                                 \
	}

PLACE(recode_client_extensions, IN_CLIENT_HELLO)
PLACE(recode_server_extensions, IN_SERVER_HELLO12)
PLACE(recode_server13, IN_SERVER_HELLO13)
PLACE(recode_retry, IN_HELLO_RETRY_REQUEST)
PLACE(recode_encrypted, IN_ENCRYPTED_EXTENSIONS)
PLACE(recode_request, IN_CERTIFICATE_REQUEST13)
PLACE(recode_entry, IN_CERTIFICATE13)
PLACE(recode_ticket, IN_NEW_SESSION_TICKET13)

static bool recode_client_hello(struct rd *r, struct wr *w)
{
	struct client_hello v;
	if (!get_client_hello(r, &v))
		return false;
	must(rd_end(r) && v.random.n == RANDOM_LEN && v.session_id.n <= SESSION_ID_MAX && v.cookie.n <= COOKIE_MAX);
	must(list16_valid(v.suites) && v.compression.n > 0);
	must(list16_has(v.suites, (uint16_t)(v.suites.p[0] << 8 | v.suites.p[1])));
	must(list8_has(v.compression, v.compression.p[v.compression.n - 1]));
	check_stable(recode_client_extensions, v.extensions, false);
	put_client_hello(w, &v);
	return true;
}

static bool recode_server_hello(struct rd *r, struct wr *w)
{
	struct server_hello v;
	if (!get_server_hello(r, &v))
		return false;
	must(rd_end(r) && v.random.n == RANDOM_LEN && v.session_id.n <= SESSION_ID_MAX);
	check_stable(is_hello_retry_request(&v) ? recode_retry : recode_server13, v.extensions, false);
	check_stable(recode_server_extensions, v.extensions, false);
	put_server_hello(w, &v);
	return true;
}

static bool recode_hello_verify_request(struct rd *r, struct wr *w)
{
	struct hello_verify_request v;
	if (!get_hello_verify_request(r, &v))
		return false;
	must(rd_end(r));
	put_hello_verify_request(w, &v);
	return true;
}

static bool recode_imported_identity(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct imported_identity v;
	if (!get_imported_identity(r, &v))
		return false;
	must(rd_end(r) && v.external.n > 0);
	must_lie_in(v.external, in);
	must_lie_in(v.context, in);
	put_imported_identity(w, &v);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		recode_fn *recode;
		bool exact; /* unlike an empty extension block, unknown extensions and another order */
	} targets[] = {
		{recode_client_hello, false},
		{recode_server_hello, false},
		{recode_hello_verify_request, true},
		{recode_client_extensions, false},
		{recode_server_extensions, false},
		{recode_server13, false},
		{recode_retry, false},
		{recode_encrypted, false},
		{recode_request, false},
		{recode_entry, false},
		{recode_ticket, false},
		{recode_imported_identity, true},
	};
	if (size == 0 || data[0] >= sizeof targets / sizeof targets[0])
		return 0;
	check_stable(targets[data[0]].recode, span_of(data + 1, size - 1), targets[data[0]].exact);
	return 0;
}
