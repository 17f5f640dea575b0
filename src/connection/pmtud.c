#include "connection/pmtud.h"

#include "base/deadline.h"

static void probe(struct pmtud *p, uint16_t size)
{
	p->probing = size;
	p->count = 0;
	p->wanted = true;
	p->timer_ns = TERN_NEVER;
}

/* UDP payloads of links that are common, in IPv4 and IPv6: 576 (and the most that any header leaves of it), 1280, a
 * tunnel's 1420, Ethernet, jumbo frames. RFC 8899 5.3.2. */
static const uint16_t common[] = {8972, 8952, 1472, 1452, 1392, 1372, 1252, 1232, 548, 508};

/* The next size to try; 0: there is nothing to gain. What is wanted first, then what is common, then the middle. */
static uint16_t next_size(const struct pmtud *p)
{
	if (p->failed > p->max)
		return p->size < p->max ? p->max : 0;
	if (p->failed <= p->size + PMTUD_STEP)
		return 0;
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
		if (common[i] < p->failed && common[i] > p->size)
			return common[i];
	return (uint16_t)((p->size + p->failed) / 2);
}

static void rest(struct pmtud *p, enum pmtud_state state, tern_time now)
{
	p->state = state;
	p->probing = 0;
	p->wanted = p->used = false;
	p->timer_ns = later(now.mono_ns, PMTUD_CONFIRM_NS);
}

static void search(struct pmtud *p, tern_time now)
{
	uint16_t size = next_size(p);
	p->state = PMTUD_SEARCH;
	if (size) {
		probe(p, size);
		return;
	}
	rest(p, PMTUD_DONE, now);
	p->raise_ns = later(now.mono_ns, PMTUD_RAISE_NS);
}

static void fall_to_base(struct pmtud *p)
{
	p->state = PMTUD_BASE;
	p->failed = (uint16_t)(p->max + 1);
	if (p->size > p->base)
		p->size = p->base;
	probe(p, p->size);
}

void pmtud_start(struct pmtud *p, uint16_t min, uint16_t base, uint16_t max)
{
	*p = (struct pmtud){.size = base, .min = min, .base = base, .max = max, .raise_ns = TERN_NEVER};
	fall_to_base(p);
}

void pmtud_restart(struct pmtud *p)
{
	pmtud_start(p, p->min, p->base, p->max);
}

void pmtud_limit(struct pmtud *p, uint16_t most)
{
	if (most < p->failed)
		p->failed = (uint16_t)(most + 1);
	if (p->size > most)
		p->size = most;
	if (p->base > most)
		p->base = most;
	if (p->probing > most) {
		p->state = PMTUD_BASE;
		probe(p, p->size);
	}
}

uint16_t pmtud_wanted(const struct pmtud *p)
{
	return p->wanted ? p->probing : 0;
}

void pmtud_sent(struct pmtud *p, uint64_t rtt_ns, tern_time now)
{
	uint64_t wait = rtt_ns < TERN_NEVER / 4 ? 3 * rtt_ns : TERN_NEVER;
	p->wanted = false;
	p->count++;
	p->timer_ns = later(now.mono_ns, wait < PMTUD_PROBE_NS ? PMTUD_PROBE_NS : wait);
}

void pmtud_arrived(struct pmtud *p, tern_time now)
{
	if (!p->probing)
		return;
	if (p->state == PMTUD_FLOOR) /* so it was for their size that the others were lost */
		p->failed = p->size;
	p->size = p->probing;
	if (p->state == PMTUD_DONE && now.mono_ns < p->raise_ns) {
		rest(p, PMTUD_DONE, now);
		return;
	}
	if (p->state == PMTUD_DONE)
		p->failed = (uint16_t)(p->max + 1);
	search(p, now);
}

/* Only what is long can fall into a black hole. */
void pmtud_used(struct pmtud *p, size_t n)
{
	p->used |= n > p->size / 2u;
}

/* All probes of one size are lost. */
static void give_up(struct pmtud *p, tern_time now)
{
	switch (p->state) {
	case PMTUD_SEARCH:
		p->failed = p->probing;
		search(p, now);
		break;
	case PMTUD_DONE: /* a black hole: RFC 8899 4.3 */
		if (p->size > p->base) {
			fall_to_base(p);
			break;
		} /* fall through */
	case PMTUD_BASE:
		p->state = PMTUD_FLOOR;
		probe(p, p->min);
		break;
	default:
		rest(p, PMTUD_SILENT, now);
		break;
	}
}

uint64_t pmtud_deadline(const struct pmtud *p)
{
	return p->wanted || !(p->probing || p->used) ? TERN_NEVER : p->timer_ns;
}

void pmtud_tick(struct pmtud *p, tern_time now)
{
	if (now.mono_ns < pmtud_deadline(p))
		return;
	if (p->probing && p->count < PMTUD_MAX_PROBES)
		p->wanted = true;
	else if (p->probing)
		give_up(p, now);
	else if (p->state == PMTUD_DONE)
		probe(p, p->size);
	else
		fall_to_base(p);
}
