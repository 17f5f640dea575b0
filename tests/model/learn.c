/* L*: states are told apart by what they answer to suffixes; a counterexample gives one suffix more. */
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "pcg.h"

#define SUFFIXES_MAX 128
#define SUFFIX_MAX 16
#define WALK_MAX 40

struct word {
	uint8_t n, inputs[WORD_MAX];
};

struct row {
	uint8_t answers[SUFFIXES_MAX][SUFFIX_MAX];
};

struct table {
	struct system *system;
	uint8_t num_inputs;
	size_t num_states, num_suffixes;
	struct word states[STATES_MAX], suffixes[SUFFIXES_MAX];
	struct row rows[STATES_MAX];
};

static void append(struct word *w, const uint8_t *inputs, size_t n)
{
	if (w->n + n > WORD_MAX)
		abort();
	memcpy(w->inputs + w->n, inputs, n);
	w->n = (uint8_t)(w->n + n);
}

/* What the suffix brings behind the prefix. */
static void ask(struct table *t, const struct word *prefix, const struct word *suffix, uint8_t *answers)
{
	struct word w = *prefix;
	uint8_t outputs[WORD_MAX];
	append(&w, suffix->inputs, suffix->n);
	system_answer(t->system, w.inputs, w.n, outputs);
	memcpy(answers, outputs + prefix->n, suffix->n);
}

static void fill_row(struct table *t, const struct word *prefix, size_t from, struct row *row)
{
	for (size_t i = from; i < t->num_suffixes; i++)
		ask(t, prefix, &t->suffixes[i], row->answers[i]);
}

static size_t find_state(const struct table *t, const struct row *row)
{
	size_t s = 0;
	for (; s < t->num_states; s++) {
		size_t i = 0;
		while (i < t->num_suffixes && memcmp(row->answers[i], t->rows[s].answers[i], t->suffixes[i].n) == 0)
			i++;
		if (i == t->num_suffixes)
			break;
	}
	return s;
}

static void add_state(struct table *t, const struct word *access, const struct row *row)
{
	if (t->num_states == STATES_MAX)
		abort();
	t->states[t->num_states] = *access;
	t->rows[t->num_states++] = *row;
}

static void add_suffix(struct table *t, const uint8_t *inputs, size_t n)
{
	struct word *s = &t->suffixes[t->num_suffixes];
	if (t->num_suffixes == SUFFIXES_MAX || n > SUFFIX_MAX)
		abort();
	s->n = 0;
	append(s, inputs, n);
	t->num_suffixes++;
	for (size_t i = 0; i < t->num_states; i++)
		fill_row(t, &t->states[i], t->num_suffixes - 1, &t->rows[i]);
}

/* Every state's successors are states. New ones come in breadth, so their words are shortest. */
static void close_table(struct table *t, struct machine *m)
{
	static struct row row;
	for (size_t s = 0; s < t->num_states; s++)
		for (uint8_t a = 0; a < t->num_inputs; a++) {
			struct word w = t->states[s];
			size_t found;
			append(&w, &a, 1);
			fill_row(t, &w, 0, &row);
			found = find_state(t, &row);
			if (found == t->num_states)
				add_state(t, &w, &row);
			m->next[s][a] = (uint8_t)found;
			m->output[s][a] = t->rows[s].answers[a][0];
		}
	m->num_states = t->num_states;
	m->num_inputs = t->num_inputs;
	for (size_t s = 0; s < t->num_states; s++) {
		m->access_n[s] = t->states[s].n;
		memcpy(m->access[s], t->states[s].inputs, WORD_MAX);
	}
}

/* ---- equivalence ---- */

static size_t state_behind(const struct machine *m, const struct word *w, size_t n)
{
	size_t s = 0;
	for (size_t i = 0; i < n; i++)
		s = m->next[s][w->inputs[i]];
	return s;
}

/* How many answers are as the machine says. */
static size_t agreeing(struct table *t, const struct machine *m, const struct word *w)
{
	uint8_t outputs[WORD_MAX];
	size_t s = 0;
	system_answer(t->system, w->inputs, w->n, outputs);
	for (size_t i = 0; i < w->n; i++) {
		if (outputs[i] != m->output[s][w->inputs[i]])
			return i;
		s = m->next[s][w->inputs[i]];
	}
	return w->n;
}

/* The longest suffix that tells the state it is asked in from the one the machine takes it for (Rivest, Schapire). */
static void split(struct table *t, const struct machine *m, const struct word *w, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct word *access = &t->states[state_behind(m, w, i)];
		struct word suffix = {.n = 0};
		uint8_t there[WORD_MAX], here[WORD_MAX];
		struct word prefix = {.n = 0};
		append(&prefix, w->inputs, i);
		append(&suffix, w->inputs + i, n - i);
		if (suffix.n > SUFFIX_MAX)
			continue;
		ask(t, &prefix, &suffix, there);
		ask(t, access, &suffix, here);
		if (memcmp(there, here, suffix.n) != 0) {
			add_suffix(t, suffix.inputs, suffix.n);
			return;
		}
	}
	abort(); /* not deterministic */
}

/* True: the word is no counterexample. */
static bool holds(struct table *t, const struct machine *m, const struct word *w)
{
	size_t good = agreeing(t, m, w);
	if (good == w->n)
		return true;
	split(t, m, w, good + 1);
	return false;
}

/* There is no way out. */
static bool is_sink(const struct machine *m, size_t s)
{
	for (size_t a = 0; a < m->num_inputs; a++)
		if (m->next[s][a] != s)
			return false;
	return true;
}

/* Every state, depth inputs, every suffix (Chow's W-method); in a sink one input more. */
static bool try_middles(struct table *t, const struct machine *m, const struct word *prefix, unsigned depth)
{
	bool sinks = is_sink(m, state_behind(m, prefix, prefix->n));
	for (size_t i = 0; i < t->num_suffixes; i++) {
		struct word w = *prefix;
		append(&w, t->suffixes[i].inputs, t->suffixes[i].n);
		if (!holds(t, m, &w))
			return false;
	}
	for (uint8_t a = 0; depth && a < t->num_inputs; a++) {
		struct word w = *prefix;
		append(&w, &a, 1);
		if (!try_middles(t, m, &w, sinks ? 0 : depth - 1))
			return false;
	}
	return true;
}

/* Of the inputs, mostly such as do not end it. */
static uint8_t choose(const struct machine *m, size_t s, struct pcg *rng)
{
	uint8_t a = 0;
	unsigned tries = pcg_percent(rng, 20) ? 1 : 8;
	for (unsigned i = 0; i < tries; i++) {
		a = (uint8_t)pcg_below(rng, (uint32_t)m->num_inputs);
		if (!is_sink(m, m->next[s][a]))
			break;
	}
	return a;
}

static bool walk(struct table *t, const struct machine *m, struct pcg *rng)
{
	struct word w = {.n = 0};
	size_t s = 0;
	while (w.n < WALK_MAX && !(is_sink(m, s) && pcg_percent(rng, 50))) {
		uint8_t a = choose(m, s, rng);
		append(&w, &a, 1);
		s = m->next[s][a];
	}
	return holds(t, m, &w);
}

static bool equivalent(struct table *t, const struct machine *m, unsigned depth, unsigned walks)
{
	struct pcg rng;
	pcg_seed(&rng, 1, t->num_suffixes);
	for (size_t s = 0; s < t->num_states; s++)
		if (!try_middles(t, m, &t->states[s], 1))
			return false;
	for (unsigned i = 0; i < walks; i++)
		if (!walk(t, m, &rng))
			return false;
	for (size_t s = 0; depth > 1 && s < t->num_states; s++)
		if (!try_middles(t, m, &t->states[s], depth))
			return false;
	return true;
}

/* The written machine knows words that nobody would think of. */
static bool survives(struct table *t, struct machine *m, const struct machine *written)
{
	struct word w = {.n = 0};
	size_t n;
	memset(m->names, 0, sizeof m->names);
	if (machines_agree(m, written, w.inputs, &n))
		return true;
	w.n = (uint8_t)n;
	return holds(t, m, &w);
}

void learn(struct system *s, const struct kind *kind, unsigned depth, unsigned walks, const struct machine *written,
	   struct machine *out)
{
	static struct table table;
	struct word empty = {.n = 0};
	table = (struct table){.system = s, .num_inputs = kind->num_sayings};
	for (uint8_t a = 0; a < kind->num_sayings; a++)
		add_suffix(&table, &a, 1);
	fill_row(&table, &empty, 0, &table.rows[0]);
	table.num_states = 1;
	do
		close_table(&table, out);
	while (!survives(&table, out, written) || !equivalent(&table, out, depth, walks));
}
