/* forge.c - an attacker who sees every datagram and sends some of its own. It has no keys, so nothing it does may end a
 * connection or get data through; but plaintext is anybody's, and it leaves alone what DTLS cannot protect. */
#include "handshake/keys13.h"
#include "sim/host.h"
#include "wire/ack.h"
#include "wire/record13.h"

void catch_datagram(struct world *w, unsigned to, const uint8_t *p, size_t n)
{
	bool keeps_old = scenario_is_13(w->scenario) && w->num_caught >= SIM_CAUGHT;
	size_t i = keeps_old ? pcg_below(&w->rng, SIM_CAUGHT) : w->num_caught % SIM_CAUGHT;
	struct buffer *b = &w->caught[i];
	w->caught_to[i] = (uint8_t)to;
	w->num_caught++;
	b->n = (uint16_t)n;
	memcpy(b->bytes, p, n);
}

static void flip(struct pcg *rng, uint8_t *p, size_t n)
{
	if (n)
		p[pcg_below(rng, (uint32_t)n)] ^= (uint8_t)(1u << pcg_below(rng, 8));
}

/* One record of either form. */
static bool next_record(struct rd *r, bool *is_protected, size_t *header_len, size_t *len)
{
	struct record12 record;
	struct unified_header unified;
	if (rd_left(r) && r->p[0] != CONTENT_TLS12_CID && get_record12(r, &record)) {
		*is_protected = record.epoch != 0;
		*header_len = RECORD12_HEADER;
		*len = RECORD12_HEADER + record.fragment.n;
		return true;
	}
	*is_protected = true;
	*header_len = 0;
	if (rd_left(r) && (r->p[0] == CONTENT_TLS12_CID || (r->p[0] & 0xf0) == (UNIFIED_FIXED | UNIFIED_CID))) {
		*len = rd_left(r); /* how long its ID is, only the sides know */
		r->p = r->end;
		return true;
	}
	if (!get_unified(r, 0, &unified))
		return false;
	*len = unified.header_len + unified.payload.n;
	return true;
}

/* One bit of each protected record, but not of its epoch: that would make plaintext of it. */
void damage(struct pcg *rng, uint8_t *p, size_t n, bool wild)
{
	struct rd r = rd_of(span_of(p, n));
	size_t at = 0, header_len, len;
	bool is_protected;
	if (wild && pcg_percent(rng, 50)) {
		flip(rng, p, n);
		return;
	}
	for (; next_record(&r, &is_protected, &header_len, &len); at += len) {
		if (!is_protected)
			continue;
		if (header_len == 0)
			flip(rng, p + at, pcg_percent(rng, 20) ? 3 : len);
		else if (pcg_percent(rng, 20))
			flip(rng, p + at, 3);
		else
			flip(rng, p + at + 5, len - 5);
	}
}

static bool all_protected(const uint8_t *p, size_t n)
{
	struct rd r = rd_of(span_of(p, n));
	size_t header_len, len;
	bool is_protected;
	while (rd_left(&r))
		if (!next_record(&r, &is_protected, &header_len, &len) || !is_protected)
			return false;
	return true;
}

static size_t noise(struct pcg *rng, uint8_t *out)
{
	size_t n = 1 + pcg_below(rng, 80);
	pcg_fill(rng, out, n);
	return n;
}

/* A record of some epoch above 0 that looks right from outside. */
static size_t forged_record(struct pcg *rng, uint8_t *out)
{
	static const uint16_t epochs[] = {1, 1, 1, 2, 65535};
	size_t n = pcg_below(rng, 120);
	struct record12 header = {.type = (uint8_t)(20 + pcg_below(rng, 4)),
				  .version = VERSION_DTLS12,
				  .epoch = epochs[pcg_below(rng, 5)],
				  .seq = pcg_below(rng, 200)};
	struct wr w = wr_of(out, RECORD12_HEADER);
	put_record12_header(&w, &header, (uint16_t)n);
	pcg_fill(rng, out + RECORD12_HEADER, n);
	return RECORD12_HEADER + n;
}

/* The same for DTLS 1.3: any bits in the header, its length right or wrong or left out. */
static size_t forged_record13(struct pcg *rng, uint8_t *out)
{
	size_t n = pcg_below(rng, 120);
	struct unified_header header = {.epoch_bits = (uint8_t)pcg_below(rng, 4),
					.seq_len = (uint8_t)(1 + pcg_below(rng, 2)),
					.seq = (uint16_t)pcg_below(rng, 256),
					.has_length = pcg_percent(rng, 50)};
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	put_unified(&w, &header, (uint16_t)(pcg_percent(rng, 90) ? n : pcg_below(rng, 65536)));
	if (pcg_percent(rng, 10))
		out[0] |= UNIFIED_CID;
	pcg_fill(rng, out + w.n, n);
	return w.n + n;
}

static size_t plain_record(uint8_t *out, uint8_t type, const uint8_t *body, size_t n, uint64_t seq)
{
	struct record12 header = {.type = type, .version = VERSION_DTLS12, .seq = seq};
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	put_record12_header(&w, &header, (uint16_t)n);
	wr_bytes(&w, span_of(body, n));
	return w.n;
}

/* To somebody who has heard its peer under keys, plaintext is worth nothing. */
static size_t plain_lie(struct pcg *rng, uint8_t *out)
{
	uint8_t body[HANDSHAKE_HEADER + 12] = {0};
	static const uint8_t alerts[][2] = {{2, 40}, {1, 0}, {2, 80}, {1, 100}, {2, 0}};
	struct fragment f = {.type = (uint8_t)pcg_below(rng, 21),
			     .length = 12,
			     .message_seq = (uint16_t)pcg_below(rng, 12)};
	struct wr w = wr_of(body, sizeof body);
	struct record_number named = {pcg_below(rng, 5), pcg_below(rng, 20)};
	switch (pcg_below(rng, 4)) {
	case 0:
		return plain_record(out, CONTENT_ALERT, alerts[pcg_below(rng, 5)], 2, pcg_below(rng, 100));
	case 1:
		return plain_record(out, CONTENT_APPLICATION_DATA, body, sizeof body, pcg_below(rng, 100));
	case 2:
		put_ack(&w, &named, 1);
		return plain_record(out, CONTENT_ACK, body, w.n, pcg_below(rng, 100));
	default:
		put_fragment_header(&w, &f, 12);
		return plain_record(out, CONTENT_HANDSHAKE, body, sizeof body, pcg_below(rng, 100));
	}
}

/* Records that were sent under keys, acknowledged in clear: that is never worth anything. */
static size_t plain_ack(struct pcg *rng, uint8_t *out)
{
	struct record_number named[4];
	uint8_t body[2 + sizeof named];
	struct wr w = wr_of(body, sizeof body);
	for (unsigned i = 0; i < 4; i++)
		named[i] = (struct record_number){2 + pcg_below(rng, 2), i + pcg_below(rng, 4)};
	put_ack(&w, named, 4);
	return plain_record(out, CONTENT_ACK, body, w.n, pcg_below(rng, 100));
}

/* Something came under keys of the handshake. */
static bool heard_keys(const tern_conn *conn)
{
	bool heard = conn->records.in.opened != 0;
	for (const struct older_read *o = conn->records.older_in; o; o = o->next)
		heard |= o->e.opened != 0 && o->e.epoch != EPOCH_EARLY;
	return heard;
}

static bool plaintext_is_past(const struct world *w, unsigned side)
{
	const struct peer *p = &w->hosts[side].peers[0];
	if (scenario_is_13(w->scenario) && p->conn && heard_keys(p->conn))
		return !w->hosts[side].peers[1].conn;
	return p->conn && p->connected && !w->hosts[side].peers[1].conn;
}

static void from_caught(struct world *w)
{
	size_t have = w->num_caught < SIM_CAUGHT ? w->num_caught : SIM_CAUGHT, i;
	struct buffer b;
	unsigned to;
	if (!have)
		return;
	i = pcg_below(&w->rng, (uint32_t)have);
	b = w->caught[i];
	to = w->caught_to[i];
	if (all_protected(b.bytes, b.n) && pcg_percent(&w->rng, 60)) {
		if (pcg_percent(&w->rng, 40))
			to = !to; /* reflected */
		else
			damage(&w->rng, b.bytes, b.n, false);
	}
	world_inject(w, to, b.bytes, b.n, SIM_MS * pcg_below(&w->rng, 3000));
}

/* The start of a hello that never goes on, from anywhere. */
void flood(struct world *w)
{
	uint8_t out[SIM_DATAGRAM_MAX], remote[6], body[HANDSHAKE_HEADER + 600];
	struct fragment f = {.type = CLIENT_HELLO, .length = 1200 + pcg_below(&w->rng, 600)};
	struct wr bw = wr_of(body, sizeof body);
	put_fragment_header(&bw, &f, 600);
	for (unsigned i = pcg_below(&w->rng, 8); i; i--) {
		pcg_fill(&w->rng, remote, sizeof remote);
		pcg_fill(&w->rng, body + HANDSHAKE_HEADER, 600);
		host_listen_from(&w->hosts[SERVER], remote, sizeof remote, out,
				 plain_record(out, CONTENT_HANDSHAKE, body, sizeof body, 0));
	}
}

void forge(struct world *w)
{
	uint8_t out[SIM_DATAGRAM_MAX];
	unsigned to = pcg_below(&w->rng, 2);
	switch (pcg_below(&w->rng, 4)) {
	case 0:
		world_inject(w, to, out, noise(&w->rng, out), 0);
		break;
	case 1:
		if (scenario_is_13(w->scenario) && pcg_percent(&w->rng, 70))
			world_inject(w, to, out, forged_record13(&w->rng, out), 0);
		else
			world_inject(w, to, out, forged_record(&w->rng, out), 0);
		break;
	case 2:
		if (plaintext_is_past(w, to))
			world_inject(w, to, out, plain_lie(&w->rng, out), 0);
		else if (scenario_is_13(w->scenario))
			world_inject(w, to, out, plain_ack(&w->rng, out), 0);
		break;
	default:
		from_caught(w);
		early_steal(w);
	}
}
