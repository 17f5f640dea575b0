/* fate.c - what a bad path does to the n-th datagram. */
#include "fate.h"

#include <stdlib.h>

enum question { ASK_LOSS, ASK_DUPLICATE, ASK_REORDER, ASK_CORRUPT, ASK_JITTER, ASK_WHERE, ASK_CHANGE };

/* The finalizer of SplitMix64: every bit of the input moves half the bits of the output. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t draw(const struct fate_rules *rules, uint64_t flow, enum direction direction, uint64_t n,
		     enum question question)
{
	return mix(mix(mix(mix(rules->seed) + flow) + (uint64_t)direction * 8 + question) + n);
}

static bool chance(uint64_t drawn, double percent)
{
	return (double)(drawn >> 11) < percent / 100 * (double)(UINT64_C(1) << 53);
}

bool fate_listed(const struct fate_list *list, enum direction direction, uint64_t n)
{
	for (size_t i = 0; i < list->num; i++) {
		const struct fate_range *d = &list->ranges[i];
		if (d->direction == direction && n >= d->first && n <= d->last)
			return true;
	}
	return false;
}

struct fate fate_of(const struct fate_rules *rules, uint64_t flow, enum direction direction, uint64_t n, size_t len)
{
	struct fate fate = {.delay_ns = rules->delay_ns};

	if (fate_listed(&rules->drops, direction, n))
		fate.why = "on the drop list";
	else if (rules->mtu && len > rules->mtu)
		fate.why = "over the MTU";
	else if (chance(draw(rules, flow, direction, n, ASK_LOSS), rules->loss))
		fate.why = "lost";
	fate.lost = fate.why != NULL;
	fate.duplicated = chance(draw(rules, flow, direction, n, ASK_DUPLICATE), rules->duplicate);
	fate.held = chance(draw(rules, flow, direction, n, ASK_REORDER), rules->reorder);
	fate.corrupted = chance(draw(rules, flow, direction, n, ASK_CORRUPT), rules->corrupt);
	fate.where = draw(rules, flow, direction, n, ASK_WHERE);
	fate.change = (uint8_t)(1 + draw(rules, flow, direction, n, ASK_CHANGE) % 255);
	if (rules->jitter_ns)
		fate.delay_ns += draw(rules, flow, direction, n, ASK_JITTER) % rules->jitter_ns;
	return fate;
}

static bool parse_number(const char **p, uint64_t *out)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	*out = strtoull(*p, &end, 10);
	*p = end;
	return *out > 0;
}

static bool parse_range(const char **p, struct fate_range *range)
{
	if (**p != 'c' && **p != 's')
		return false;
	range->direction = *(*p)++ == 'c' ? FROM_CLIENT : FROM_SERVER;
	if (!parse_number(p, &range->first))
		return false;
	range->last = range->first;
	if (**p != '-')
		return true;
	++*p;
	return parse_number(p, &range->last) && range->last >= range->first;
}

bool fate_parse_list(struct fate_list *list, const char *text)
{
	for (const char *p = text;; p++) {
		if (list->num == DROPS_MAX || !parse_range(&p, &list->ranges[list->num]))
			return false;
		list->num++;
		if (*p == 0)
			return true;
		if (*p != ',')
			return false;
	}
}
