/* The messages of DTLS 1.3, their extension blocks, and ACK. The first byte chooses what the rest is. */
#include "wire/ack.h"
#include "wire/extensions.h"
#include "wire/messages13.h"

#include "stable.h"

static void check_block(struct span block, enum extension_place place)
{
	struct extensions v;
	if (!get_extensions(block, place, &v))
		return;
	must_lie_in(v.alpn, block);
	must_lie_in(v.share, block);
	must_lie_in(v.cookie, block);
	must_lie_in(v.certificate_authorities, block);
	must(!v.psk_is_last);
}

static bool recode_certificate_request(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct certificate_request13 v;
	if (!get_certificate_request13(r, &v))
		return false;
	must(rd_end(r));
	must_lie_in(v.context, in);
	must_lie_in(v.extensions, in);
	check_block(v.extensions, IN_CERTIFICATE_REQUEST13);
	put_certificate_request13(w, &v);
	return true;
}

static bool recode_certificate(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct certificate13 v;
	if (!get_certificate13(r, &v))
		return false;
	must(rd_end(r) && v.list.num <= WIRE_CHAIN_MAX);
	for (size_t i = 0; i < v.list.num; i++) {
		must(v.list.chain[i].n > 0);
		must_lie_in(v.list.chain[i], in);
		must_lie_in(v.extensions[i], in);
		check_block(v.extensions[i], IN_CERTIFICATE13);
	}
	put_certificate13(w, &v);
	return true;
}

static bool recode_compressed(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct compressed_certificate v;
	if (!get_compressed_certificate(r, &v))
		return false;
	must(rd_end(r) && v.compressed.n > 0);
	must_lie_in(v.compressed, in);
	put_compressed_certificate(w, &v);
	return true;
}

static bool recode_encrypted_extensions(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r), v;
	if (!get_encrypted_extensions(r, &v))
		return false;
	must(rd_end(r));
	must_lie_in(v, in);
	check_block(v, IN_ENCRYPTED_EXTENSIONS);
	put_encrypted_extensions(w, v);
	return true;
}

static bool recode_new_session_ticket(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct new_session_ticket13 v;
	if (!get_new_session_ticket13(r, &v))
		return false;
	must(rd_end(r) && v.ticket.n > 0 && v.nonce.n <= 255);
	must_lie_in(v.nonce, in);
	must_lie_in(v.ticket, in);
	must_lie_in(v.extensions, in);
	check_block(v.extensions, IN_NEW_SESSION_TICKET13);
	put_new_session_ticket13(w, &v);
	return true;
}

static bool recode_key_update(struct rd *r, struct wr *w)
{
	uint8_t v;
	if (!get_key_update(r, &v))
		return false;
	must(rd_end(r));
	put_key_update(w, v);
	return true;
}

static bool recode_new_connection_id(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r), cid;
	struct new_connection_id v;
	struct rd list;
	if (!get_new_connection_id(r, &v))
		return false;
	must(rd_end(r));
	must_lie_in(v.cids, in);
	for (list = rd_of(v.cids); rd_span8(&list, &cid);)
		must_lie_in(cid, in);
	must(rd_end(&list));
	put_new_connection_id(w, &v);
	return true;
}

static bool recode_request_connection_id(struct rd *r, struct wr *w)
{
	uint8_t v;
	if (!get_request_connection_id(r, &v))
		return false;
	must(rd_end(r));
	put_request_connection_id(w, v);
	return true;
}

#define NUMBERS_MAX 4095 /* what a 16-bit length can hold */

static bool recode_ack(struct rd *r, struct wr *w)
{
	struct record_number list[NUMBERS_MAX];
	struct rd numbers;
	size_t num = 0;
	if (!get_ack(r, &numbers))
		return false;
	must(rd_end(r));
	while (num < NUMBERS_MAX && get_record_number(&numbers, &list[num]))
		num++;
	must(rd_end(&numbers));
	put_ack(w, list, num);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static recode_fn *const targets[] = {recode_certificate_request,  recode_certificate,
					     recode_encrypted_extensions, recode_new_session_ticket,
					     recode_key_update,		  recode_ack,
					     recode_compressed,		  recode_new_connection_id,
					     recode_request_connection_id};
	if (size == 0 || data[0] >= sizeof targets / sizeof targets[0])
		return 0;
	check_stable(targets[data[0]], span_of(data + 1, size - 1), true);
	return 0;
}
