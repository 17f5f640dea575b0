/* What ends a DTLS 1.2 handshake: NewSessionTicket (RFC 5077 3.3), ChangeCipherSpec (RFC 5246 7.1), Finished (RFC 5246
 * 7.4.9). */
#include "handshake/messages12.h"
#include "handshake/resume12.h"
#include "handshake/schedule12.h"

tern_error put_ticket12(struct handshake *hs, struct wr *w)
{
	struct session s;
	uint8_t ticket[TERN_SESSION_MAX + TICKET_OVERHEAD];
	struct new_session_ticket12 message = {.ticket = {ticket, 0}};
	tern_error error;
	if (!names_fit_session(&hs->outcome)) {
		put_new_session_ticket12(w,
					 &message); /* promised before the identity came; an empty one: RFC 5077 3.3 */
		return TERN_OK;
	}
	session_from_handshake(hs, &s);
	error = ticket_seal(pool_ticket_keys(hs->pool), &s, ticket, sizeof ticket, &message.ticket.n);
	message.lifetime_hint = session_seconds_left(&s, hs->now.unix_s);
	session_wipe(&s);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 5077 3.3");
	put_new_session_ticket12(w, &message);
	return TERN_OK;
}

tern_error get_ticket12(struct handshake *hs, struct span body)
{
	struct new_session_ticket12 message;
	struct rd r = rd_of(body);
	if (!get_new_session_ticket12(&r, &message))
		return FAIL(hs, ERROR_DECODE, "RFC 5077 3.3");
	if (message.ticket.n == 0 || message.ticket.n > TICKET_MAX)
		return TERN_OK; /* the server changed its mind, or wants us to carry more than we will */
	hs->new_ticket = arena_copy(&hs->arena, message.ticket);
	hs->new_ticket_lifetime = message.lifetime_hint;
	return hs->new_ticket.p ? TERN_OK : FAIL(hs, ERROR_BUDGET, "");
}

tern_error put_change_cipher_spec(struct handshake *hs, struct wr *w)
{
	(void)hs;
	wr_u8(w, 1);
	return TERN_OK;
}

tern_error put_finished12(struct handshake *hs, struct wr *w)
{
	uint8_t verify_data[FINISHED12_LEN];
	schedule12_finished(hs, hs->role, verify_data);
	wr_bytes(w, span_of(verify_data, sizeof verify_data));
	return TERN_OK;
}

tern_error get_finished12(struct handshake *hs, struct span body)
{
	uint8_t expected[FINISHED12_LEN];
	if (body.n != FINISHED12_LEN)
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.9");
	schedule12_finished(hs, hs->role == CLIENT ? SERVER : CLIENT, expected);
	if (!span_equal_secret(span_of(expected, sizeof expected), body))
		return FAIL(hs, ERROR_BAD_FINISHED, "RFC 5246 7.4.9");
	if (hs->outcome.suite->auth == AUTH_PSK)
		hs->outcome.peer_authenticated = true;
	store_session12(hs);
	return TERN_OK;
}
