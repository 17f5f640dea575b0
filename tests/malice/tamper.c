/* What an attacker on the path does to records that pass. */
#include "malice/malice.h"

static void pass(struct stage *s, unsigned to, const uint8_t *p, size_t n)
{
	world_inject(s->world, to, p, n, LINK_DELAY_NS);
}

/* The lengths in the record and in the message agree with what is there. */
static void agree(uint8_t *p, size_t n)
{
	wr_store(p + 11, 2, n - RECORD12_HEADER);
	if (p[0] != CONTENT_HANDSHAKE || n < RECORD12_HEADER + HANDSHAKE_HEADER)
		return;
	wr_store(p + RECORD12_HEADER + 1, 3, n - RECORD12_HEADER - HANDSHAKE_HEADER);
	wr_store(p + RECORD12_HEADER + 9, 3, n - RECORD12_HEADER - HANDSHAKE_HEADER);
}

static size_t changed(const struct malice_case *c, uint8_t *p, size_t n)
{
	size_t least = RECORD12_HEADER + (p[0] == CONTENT_HANDSHAKE ? HANDSHAKE_HEADER : 0);
	switch (c->tamper) {
	case TAMPER_CUT:
		return n - 1;
	case TAMPER_EXTENDED:
		p[n] = 0;
		return n + 1;
	case TAMPER_CUT_WELL:
		n -= n > least;
		break;
	case TAMPER_EXTENDED_WELL:
		p[n++] = 0;
		break;
	case TAMPER_EMPTIED_WELL:
		n = least;
		break;
	case TAMPER_RETYPED:
		p[0] = c->content;
		return n;
	case TAMPER_FLIPPED:
		p[c->number / 8 % n] ^= (uint8_t)(1u << c->number % 8);
		return n;
	default:
		return n;
	}
	agree(p, n);
	return n;
}

void tamper(struct stage *s, unsigned to, const uint8_t *p, size_t n)
{
	uint8_t copy[SIM_DATAGRAM_MAX + ID_ROOM];
	const struct malice_case *c = s->c;
	if (s->holds) {
		pass(s, to, p, n);
		if (to != c->victim)
			return;
		s->holds = false;
		pass(s, to, s->held.bytes, s->held.n);
		return;
	}
	s->struck = true;
	if (c->tamper == TAMPER_DROPPED)
		return;
	if (c->tamper == TAMPER_ASTRAY) {
		go_astray(s, to, p, n);
		return;
	}
	if (c->tamper == TAMPER_SWAPPED) {
		s->held.n = (uint16_t)n;
		memcpy(s->held.bytes, p, n);
		s->holds = true;
		return;
	}
	memcpy(copy, p, n);
	if (c->tamper == TAMPER_DOUBLED)
		pass(s, to, p, n);
	pass(s, to, copy, c->tamper == TAMPER_ID ? tamper_id(s, to, copy, n) : changed(c, copy, n));
	if (c->tamper == TAMPER_ID && c->seq_offset) /* the right one comes, too */
		pass(s, to, p, n);
}
