#include "wire/hello.h"

/* The end of both hellos: nothing, or a vector of extensions and then nothing. */
static bool get_extension_block(struct rd *r, struct span *out)
{
	*out = span_of(NULL, 0);
	return rd_end(r) || (rd_span16(r, out) && rd_end(r));
}

static void put_extension_block(struct wr *w, struct span block)
{
	if (block.n)
		wr_vec16(w, block);
}

static bool get_session_id(struct rd *r, struct span *out)
{
	return rd_span8(r, out) && out->n <= SESSION_ID_MAX;
}

bool get_client_hello(struct rd *r, struct client_hello *out)
{
	struct rd t = *r;
	struct client_hello v;
	if (!(rd_u16(&t, &v.version) && rd_bytes(&t, RANDOM_LEN, &v.random) && get_session_id(&t, &v.session_id) &&
	      rd_span8(&t, &v.cookie) && rd_span16(&t, &v.suites) && list16_valid(v.suites) &&
	      rd_span8(&t, &v.compression) && v.compression.n > 0 && get_extension_block(&t, &v.extensions)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_client_hello(struct wr *w, const struct client_hello *in)
{
	wr_u16(w, in->version);
	wr_bytes(w, in->random);
	wr_vec8(w, in->session_id);
	wr_vec8(w, in->cookie);
	wr_vec16(w, in->suites);
	wr_vec8(w, in->compression);
	put_extension_block(w, in->extensions);
}

bool get_hello_verify_request(struct rd *r, struct hello_verify_request *out)
{
	struct rd t = *r;
	struct hello_verify_request v;
	if (!(rd_u16(&t, &v.version) && rd_span8(&t, &v.cookie) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_hello_verify_request(struct wr *w, const struct hello_verify_request *in)
{
	wr_u16(w, in->version);
	wr_vec8(w, in->cookie);
}

bool get_server_hello(struct rd *r, struct server_hello *out)
{
	struct rd t = *r;
	struct server_hello v;
	if (!(rd_u16(&t, &v.version) && rd_bytes(&t, RANDOM_LEN, &v.random) && get_session_id(&t, &v.session_id) &&
	      rd_u16(&t, &v.suite) && rd_u8(&t, &v.compression) && get_extension_block(&t, &v.extensions)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_server_hello(struct wr *w, const struct server_hello *in)
{
	wr_u16(w, in->version);
	wr_bytes(w, in->random);
	wr_vec8(w, in->session_id);
	wr_u16(w, in->suite);
	wr_u8(w, in->compression);
	put_extension_block(w, in->extensions);
}

const uint8_t hello_retry_random[RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool is_hello_retry_request(const struct server_hello *in)
{
	return span_equal(in->random, span_of(hello_retry_random, RANDOM_LEN));
}

uint8_t message_type_shown(uint8_t type, struct span body)
{
	if (type != 2 || body.n < 2 + RANDOM_LEN || memcmp(body.p + 2, hello_retry_random, RANDOM_LEN) != 0)
		return type;
	return 6;
}

bool list16_valid(struct span list)
{
	return list.n > 0 && list.n % 2 == 0;
}

bool list16_has(struct span list, uint16_t v)
{
	struct rd r = rd_of(list);
	uint16_t each;
	while (rd_u16(&r, &each))
		if (each == v)
			return true;
	return false;
}

bool list8_has(struct span list, uint8_t v)
{
	return list.n > 0 && memchr(list.p, v, list.n);
}
