/* ladder.h - draws datagrams between two sides as they fly: client left, server right, time downwards. */
#ifndef TERN_CLI_LADDER_H
#define TERN_CLI_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ladder {
	FILE *out; /* NULL: draws nothing */
	bool color; /* only on a terminal, and not with NO_COLOR */
	bool utf8; /* by locale */
};

struct ladder_arrow {
	double ms;
	bool from_client, again; /* again: all of it was sent before */
	const char *const *pieces; /* what the datagram holds */
	size_t num_pieces;
	size_t bytes;
	const char *lost; /* why it is lost on the way, or NULL */
};

void ladder_init(struct ladder *ladder, FILE *out);
void ladder_heading(const struct ladder *ladder, const char *text);
void ladder_top(const struct ladder *ladder);
void ladder_draw(const struct ladder *ladder, const struct ladder_arrow *arrow);

enum ladder_mood { LADDER_PLAIN, LADDER_GOOD, LADDER_TIMER, LADDER_BAD };
void ladder_note(const struct ladder *ladder, double ms, bool at_client, enum ladder_mood mood, const char *text);

/* A line of a summary: label and text. */
void ladder_fact(const struct ladder *ladder, const char *label, const char *text);

#endif
