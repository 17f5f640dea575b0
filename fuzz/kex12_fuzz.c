/* The key exchanges of DTLS 1.2 in all their forms. The first byte chooses form and sender. */
#include "wire/kex12.h"

#include "stable.h"

static bool recode_server(struct rd *r, struct wr *w, struct kex12_form form)
{
	struct span in = rd_rest(r);
	struct server_key_exchange v;
	uint8_t params[4 + 255];
	struct wr signed_part = wr_of(params, sizeof params);
	if (!get_server_key_exchange(r, form, &v))
		return false;
	must(rd_end(r));
	must_lie_in(v.params, in);
	put_ecdhe_params(&signed_part, v.group, v.share);
	must(!form.ecdhe || (v.share.n > 0 && span_equal(wr_span(&signed_part), v.params)));
	put_server_key_exchange(w, form, &v);
	return true;
}

static bool recode_client(struct rd *r, struct wr *w, struct kex12_form form)
{
	struct client_key_exchange v;
	if (!get_client_key_exchange(r, form, &v))
		return false;
	must(rd_end(r) && (!form.ecdhe || v.share.n > 0));
	put_client_key_exchange(w, form, &v);
	return true;
}

#define FORM(name, psk, ecdhe, sign)                                                                                   \
	static bool server_##name(struct rd *r, struct wr *w)                                                          \
	{                                                                                                              \
		return recode_server(r, w, (struct kex12_form){psk, ecdhe, sign});                                     \
	}                                                                                                              \
	static bool client_##name(struct rd *r, struct wr *w)                                                          \
	{                                                                                                              \
		return recode_client(r, w, (struct kex12_form){psk, ecdhe, sign});                                     \
	}

FORM(psk, true, false, false)
FORM(ecdhe, false, true, true)
FORM(ecdhe_psk, true, true, false)
FORM(all, true, true, true)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static recode_fn *const targets[] = {server_psk, server_ecdhe, server_ecdhe_psk, server_all,
					     client_psk, client_ecdhe, client_ecdhe_psk, client_all};
	if (size == 0 || data[0] >= sizeof targets / sizeof targets[0])
		return 0;
	check_stable(targets[data[0]], span_of(data + 1, size - 1), true);
	return 0;
}
