/* A learned machine as a picture for graphviz. States of one place, which differ in their marks, are one node; where
 * the marks make a difference, the edge says so. */
#include <stdarg.h>
#include <stdio.h>

#include "model/model.h"

#define EDGES_MAX 512

struct edge {
	size_t from, to; /* places */
	uint8_t input, output;
	char guard[48];
};

struct sketch {
	const struct machine *m;
	char places[STATES_MAX][48];
	size_t num_places;
	size_t place_of[STATES_MAX];
	struct edge edges[EDGES_MAX];
	size_t num_edges;
	char *out;
	size_t n, cap;
};

static void put(struct sketch *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct sketch *d, const char *format, ...)
{
	va_list args;
	int n;
	va_start(args, format);
	n = vsnprintf(d->out + d->n, d->cap - d->n, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < d->cap - d->n)
		d->n += (size_t)n;
}

/* ---- places ---- */

static void find_places(struct sketch *d)
{
	for (size_t s = 0; s < d->m->num_states; s++) {
		size_t n = strcspn(d->m->names[s], "+("), p = 0;
		while (p < d->num_places && (strlen(d->places[p]) != n || memcmp(d->places[p], d->m->names[s], n) != 0))
			p++;
		if (p == d->num_places)
			memcpy(d->places[d->num_places++], d->m->names[s], n);
		d->place_of[s] = p;
	}
}

static bool has_mark(const struct machine *m, size_t state, const char *mark, size_t n)
{
	const char *p = strchr(m->names[state], '+');
	for (; p; p = strchr(p + 1, '+'))
		if (strcspn(p + 1, "+") == n && memcmp(p + 1, mark, n) == 0)
			return true;
	return false;
}

static bool alike(const struct sketch *d, size_t a, size_t b, uint8_t input)
{
	return d->m->output[a][input] == d->m->output[b][input] &&
	       d->place_of[d->m->next[a][input]] == d->place_of[d->m->next[b][input]];
}

/* Whether all, or none, of the states of the place that do as this one have the mark, and others differ. */
static void guard_by(const struct sketch *d, size_t state, uint8_t input, const char *mark, size_t n, struct edge *e)
{
	bool all = true, none = true, others_with = false, others_without = false;
	size_t used = strlen(e->guard);
	for (size_t s = 0; s < d->m->num_states; s++) {
		bool has = has_mark(d->m, s, mark, n);
		if (d->place_of[s] != d->place_of[state])
			continue;
		if (alike(d, s, state, input)) {
			all &= has;
			none &= !has;
		} else {
			others_with |= has;
			others_without |= !has;
		}
	}
	if ((all && others_without) || (none && others_with))
		(void)snprintf(e->guard + used, sizeof e->guard - used, "%s%s%.*s", used ? ", " : "", all ? "" : "not ",
			       (int)n, mark);
}

static void guard(const struct sketch *d, size_t state, uint8_t input, struct edge *e)
{
	static const char *const marks[] = {"ccs", "heard", "asked", "early", "certified", "refused"};
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		guard_by(d, state, input, marks[i], strlen(marks[i]), e);
}

/* ---- edges ---- */

/* It is where it was, and what was heard since makes no difference that a reader looks for. */
static bool is_idle(const struct sketch *d, size_t state, uint8_t input)
{
	size_t next = d->m->next[state][input];
	return d->place_of[next] == d->place_of[state] &&
	       has_mark(d->m, next, "asked", 5) == has_mark(d->m, state, "asked", 5);
}

/* What the caption says of all places is not drawn at each. */
static bool is_drawn(const struct sketch *d, const struct system *s, size_t state, uint8_t input)
{
	const char *output = system_output(s, d->m->output[state][input]);
	return !d->m->usual[state][input] && !(is_idle(d, state, input) && strcmp(output, "-") == 0) &&
	       strcmp(output, "failed") != 0 && strcmp(output, "failed+Alert(decode_error)") != 0 &&
	       strcmp(output, "failed+Alert(unexpected_message)") != 0 &&
	       strcmp(d->places[d->place_of[state]], "alerted") != 0;
}

static void add_edge(struct sketch *d, size_t state, uint8_t input)
{
	struct edge e = {.from = d->place_of[state],
			 .to = d->place_of[d->m->next[state][input]],
			 .input = input,
			 .output = d->m->output[state][input]};
	guard(d, state, input, &e);
	for (size_t i = 0; i < d->num_edges; i++)
		if (memcmp(&d->edges[i], &e, sizeof e) == 0)
			return;
	if (d->num_edges < EDGES_MAX)
		d->edges[d->num_edges++] = e;
}

/* "failed+Alert(x)" is Alert(x) to a reader; what is sent is in the order it is sent, at most two to a line. */
static void put_output(struct sketch *d, const char *output)
{
	unsigned parts = 0;
	if (strncmp(output, "failed+", 7) == 0)
		output += 7;
	for (; *output; output++) {
		if (*output != '+')
			put(d, "%c", *output);
		else if (++parts % 2)
			put(d, ", ");
		else
			put(d, ",\\l        ");
	}
}

static void put_label(struct sketch *d, const struct system *s, const struct kind *kind, const struct edge *e)
{
	put(d, " ");
	if (e->guard[0])
		put(d, "[%s] ", e->guard);
	put(d, "%s / ", kind->sayings[e->input].name);
	put_output(d, system_output(s, e->output));
	put(d, "\\l");
}

/* All edges between two places are one arrow. */
static void put_arrow(struct sketch *d, const struct system *s, const struct kind *kind, size_t first)
{
	const struct edge *e = &d->edges[first];
	for (size_t i = 0; i < first; i++)
		if (d->edges[i].from == e->from && d->edges[i].to == e->to)
			return;
	put(d, "\t\"%s\" -> \"%s\" [label=\"", d->places[e->from], d->places[e->to]);
	for (size_t i = first; i < d->num_edges; i++)
		if (d->edges[i].from == e->from && d->edges[i].to == e->to)
			put_label(d, s, kind, &d->edges[i]);
	put(d, "\"];\n");
}

static const char caption[] =
	"\\nA state is called what is due in it. [ccs]: ChangeCipherSpec was heard before; [asked]: "
	"CertificateRequest; "
	"[early]: data.\\nNot drawn: what is ignored; a message out of turn (unexpected_message); a malformed one "
	"(decode_error); the peer's alerts during the handshake, which end it.";

size_t draw(const struct system *s, const struct kind *kind, const struct machine *m, char *out, size_t n)
{
	static struct sketch d;
	d = (struct sketch){.m = m, .out = out, .cap = n};
	find_places(&d);
	for (size_t state = 0; state < m->num_states; state++)
		for (uint8_t a = 0; a < m->num_inputs; a++)
			if (is_drawn(&d, s, state, a))
				add_edge(&d, state, a);
	put(&d,
	    "// Learned by build/model, %zu states, compared with tests/model/. build/model --write makes it anew.\n",
	    m->num_states);
	put(&d, "digraph \"%s\" {\n\tgraph [fontname=Helvetica, fontsize=11, nodesep=0.5, labelloc=b, label=\"",
	    kind->name);
	put(&d, "\\n%s. What is heard / what is sent or told to the application.%s\"];\n", kind->title, caption);
	put(&d,
	    "\tnode [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f4f0\", fontname=Helvetica, fontsize=12];\n"
	    "\tedge [fontname=Helvetica, fontsize=10];\n\t\"%s\" [penwidth=2];\n",
	    d.places[0]);
	for (size_t p = 0; p < d.num_places; p++)
		if (strcmp(d.places[p], "open") == 0)
			put(&d, "\t\"open\" [fillcolor=\"#dcefd8\"];\n");
	for (size_t i = 0; i < d.num_edges; i++)
		put_arrow(&d, s, kind, i);
	put(&d, "}\n");
	return d.n;
}
