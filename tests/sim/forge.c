/* forge.c - an attacker who sees every datagram and sends some of its own. It has no keys, so nothing it does may end a
 * connection or get data through; but plaintext is anybody's, and it leaves alone what DTLS cannot protect. */
#include "sim/host.h"

void catch_datagram(struct world *w, unsigned to, const uint8_t *p, size_t n)
{
	struct buffer *b = &w->caught[w->num_caught % SIM_CAUGHT];
	w->caught_to[w->num_caught++ % SIM_CAUGHT] = (uint8_t)to;
	b->n = (uint16_t)n;
	memcpy(b->bytes, p, n);
}

static void flip(struct pcg *rng, uint8_t *p, size_t n)
{
	if (n)
		p[pcg_below(rng, (uint32_t)n)] ^= (uint8_t)(1u << pcg_below(rng, 8));
}

/* One bit of each protected record, but not of its epoch: that would make plaintext of it. */
void damage(struct pcg *rng, uint8_t *p, size_t n, bool wild)
{
	struct rd r = rd_of(span_of(p, n));
	struct record12 record;
	size_t at = 0;
	if (wild && pcg_percent(rng, 50)) {
		flip(rng, p, n);
		return;
	}
	while (get_record12(&r, &record)) {
		size_t len = RECORD12_HEADER + record.fragment.n;
		if (record.epoch && pcg_percent(rng, 20))
			flip(rng, p + at, 3);
		else if (record.epoch)
			flip(rng, p + at + 5, len - 5);
		at += len;
	}
}

static bool all_protected(const uint8_t *p, size_t n)
{
	struct rd r = rd_of(span_of(p, n));
	struct record12 record;
	while (rd_left(&r))
		if (!get_record12(&r, &record) || record.epoch == 0)
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
	switch (pcg_below(rng, 3)) {
	case 0:
		return plain_record(out, CONTENT_ALERT, alerts[pcg_below(rng, 5)], 2, pcg_below(rng, 100));
	case 1:
		return plain_record(out, CONTENT_APPLICATION_DATA, body, sizeof body, pcg_below(rng, 100));
	default:
		put_fragment_header(&w, &f, 12);
		return plain_record(out, CONTENT_HANDSHAKE, body, sizeof body, pcg_below(rng, 100));
	}
}

static bool plaintext_is_past(const struct world *w, unsigned side)
{
	const struct peer *p = &w->hosts[side].peers[0];
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

void forge(struct world *w)
{
	uint8_t out[SIM_DATAGRAM_MAX];
	unsigned to = pcg_below(&w->rng, 2);
	switch (pcg_below(&w->rng, 4)) {
	case 0:
		world_inject(w, to, out, noise(&w->rng, out), 0);
		break;
	case 1:
		world_inject(w, to, out, forged_record(&w->rng, out), 0);
		break;
	case 2:
		if (plaintext_is_past(w, to))
			world_inject(w, to, out, plain_lie(&w->rng, out), 0);
		break;
	default:
		from_caught(w);
	}
}
