/* The hellos and their extensions. The first byte chooses what the rest is. */
#include "wire/extensions.h"
#include "wire/hello.h"

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
				     v->renegotiation_info};
	struct rd names = rd_of(v->alpn);
	struct span name;
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
		must_lie_in(spans[i], in);
	while (get_alpn_name(&names, &name))
		must_lie_in(name, v->alpn);
	must(rd_end(&names));
}

static bool recode_client_extensions(struct rd *r, struct wr *w)
{
	struct extensions v;
	if (!get_client_extensions(rd_rest(r), &v))
		return false;
	check_spans(&v, rd_rest(r));
	put_client_extensions(w, &v);
	must(v.unknown || w->n == rd_left(r)); /* no byte was passed over */
	r->p = r->end;
	return true;
}

static bool recode_server_extensions(struct rd *r, struct wr *w)
{
	struct extensions v;
	if (!get_server_extensions(rd_rest(r), &v))
		return false;
	check_spans(&v, rd_rest(r));
	put_server_extensions(w, &v);
	must(v.unknown || w->n == rd_left(r)); /* no byte was passed over */
	r->p = r->end;
	return true;
}

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		recode_fn *recode;
		bool exact; /* unlike an empty extension block, unknown extensions and another order */
	} targets[] = {
		{recode_client_hello, false},	     {recode_server_hello, false},
		{recode_hello_verify_request, true}, {recode_client_extensions, false},
		{recode_server_extensions, false},
	};
	if (size == 0 || data[0] >= sizeof targets / sizeof targets[0])
		return 0;
	check_stable(targets[data[0]].recode, span_of(data + 1, size - 1), targets[data[0]].exact);
	return 0;
}
