/* The automata of the RFCs: tables of rows, the first that fits counts.
 *
 *     PLACE[MARKS] INPUT OUTPUT NEXT CITATION
 *
 * A state is a place and the marks that are set: what was heard before that still matters. PLACE: one, several with |
 * between them, or * for any; alerted(*) stands for all that begin so, and * in the output for what stands in its
 * parentheses. MARKS: that must be set, or with - before them must not; the kind's own are psk and mutual. INPUT: one,
 * several, or a class: messages (all of the handshake that are not in clear) or any. OUTPUT: - for none. NEXT: a place
 * or same, and marks to set
 * (+) or take away (-). The first line is "start PLACE". */
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"

#define RULES_MAX 96
#define MARKS_MAX 8
#define TOKEN 128

struct rule {
	char place[TOKEN], guards[TOKEN], input[TOKEN], output[TOKEN], next[TOKEN];
};

struct place {
	char name[32];
	unsigned marks;
};

struct reader {
	const struct kind *kind;
	struct rule rules[RULES_MAX];
	size_t num_rules;
	char marks[MARKS_MAX][16];
	size_t num_marks;
	struct place places[STATES_MAX];
	size_t num_places;
};

static void complain(const char *what, const char *where)
{
	printf("the automaton cannot be read: %s: %s\n", what, where);
}

static unsigned mark_of(struct reader *r, const char *name, size_t n)
{
	size_t i = 0;
	while (i < r->num_marks && (strlen(r->marks[i]) != n || memcmp(r->marks[i], name, n) != 0))
		i++;
	if (i == MARKS_MAX || n >= sizeof r->marks[0])
		abort();
	if (i == r->num_marks)
		memcpy(r->marks[r->num_marks++], name, n);
	return 1u << i;
}

/* ---- lines ---- */

static bool read_line(struct reader *r, const char *line)
{
	struct rule *rule = &r->rules[r->num_rules];
	char *bracket;
	if (line[strspn(line, " \t\n")] == 0 || line[0] == '#')
		return true;
	if (r->num_rules == RULES_MAX ||
	    sscanf(line, "%127s %127s %127s %127s %*s", rule->place, rule->input, rule->output, rule->next) != 4) {
		complain("a line", line);
		return false;
	}
	bracket = strchr(rule->place, '[');
	rule->guards[0] = 0;
	if (bracket) {
		memcpy(rule->guards, bracket + 1, strcspn(bracket + 1, "]"));
		rule->guards[strcspn(bracket + 1, "]")] = 0;
		*bracket = 0;
	}
	r->num_rules++;
	return true;
}

static bool read_file(struct reader *r, const char *path, char *start)
{
	char line[512];
	FILE *f = fopen(path, "r");
	bool good = f != NULL;
	*start = 0;
	while (good && fgets(line, sizeof line, f))
		if (sscanf(line, "start %31s", start) != 1)
			good = read_line(r, line);
	if (f)
		(void)fclose(f);
	if (!good || !*start)
		complain("no such file, or no start", path);
	return good && *start;
}

/* ---- matching ---- */

/* One of the list's alternatives, between |, is the text. */
static bool among(const char *list, const char *text)
{
	while (*list) {
		size_t n = strcspn(list, "|");
		if (n == strlen(text) && memcmp(list, text, n) == 0)
			return true;
		list += n + (list[n] == '|');
	}
	return false;
}

/* alerted(x) is one of alerted(*). */
static bool place_fits(const struct rule *rule, const char *place)
{
	char family[32];
	(void)snprintf(family, sizeof family, "%.*s(*)", (int)strcspn(place, "("), place);
	return strcmp(rule->place, "*") == 0 || among(rule->place, place) || among(rule->place, family);
}

static bool guards_fit(struct reader *r, const struct rule *rule, unsigned marks)
{
	const char *p = rule->guards;
	while (*p) {
		size_t n = strcspn(p, ",");
		bool without = *p == '-';
		bool set = marks & mark_of(r, p + without, n - without);
		if (set == without)
			return false;
		p += n + (p[n] == ',');
	}
	return true;
}

static bool is_class(const struct rule *rule)
{
	return strcmp(rule->input, "any") == 0 || strcmp(rule->input, "messages") == 0;
}

static bool input_fits(const struct rule *rule, const struct saying *s)
{
	bool message = s->content == CONTENT_HANDSHAKE && s->form != CLEAR;
	if (is_class(rule))
		return strcmp(rule->input, "any") == 0 || message;
	return among(rule->input, s->name);
}

/* ---- expansion ---- */

static size_t state_of(struct reader *r, const struct place *p)
{
	size_t i = 0;
	while (i < r->num_places && (strcmp(r->places[i].name, p->name) != 0 || r->places[i].marks != p->marks))
		i++;
	if (i == STATES_MAX)
		abort();
	if (i == r->num_places)
		r->places[r->num_places++] = *p;
	return i;
}

static struct place follow(struct reader *r, const struct place *from, const char *next)
{
	struct place to = *from;
	size_t n = strcspn(next, "+-");
	/* Names of places have hyphens: what is behind one is a mark only after a + or at a known one. */
	while (next[n] == '-' && next[n + 1] != 0) {
		size_t len = strcspn(next + n + 1, "+-");
		size_t known = r->num_marks;
		for (size_t i = 0; i < r->num_marks; i++)
			if (strlen(r->marks[i]) == len && memcmp(r->marks[i], next + n + 1, len) == 0)
				known = i;
		if (known < r->num_marks)
			break;
		n += 1 + len;
	}
	if (n != 4 || memcmp(next, "same", 4) != 0) {
		if (n >= sizeof to.name)
			abort();
		memcpy(to.name, next, n);
		to.name[n] = 0;
	}
	for (next += n; *next;) {
		size_t len = strcspn(next + 1, "+-");
		unsigned mark = mark_of(r, next + 1, len);
		to.marks = *next == '+' ? to.marks | mark : to.marks & ~mark;
		next += 1 + len;
	}
	return to;
}

/* * in the output is what stands in the place's parentheses. */
static void output_of(const struct rule *rule, const char *place, char *out, size_t cap)
{
	const char *star = strchr(rule->output, '*'), *inner = strchr(place, '(');
	if (star && inner)
		(void)snprintf(out, cap, "%.*s%.*s%s", (int)(star - rule->output), rule->output,
			       (int)strcspn(inner + 1, ")"), inner + 1, star + 1);
	else
		(void)snprintf(out, cap, "%s", rule->output);
}

static bool expand(struct reader *r, struct system *s, size_t state, uint8_t input, struct machine *out)
{
	const struct saying *saying = &r->kind->sayings[input];
	struct place at = r->places[state], to;
	char text[TOKEN];
	for (size_t i = 0; i < r->num_rules; i++) {
		const struct rule *rule = &r->rules[i];
		if (!place_fits(rule, at.name) || !guards_fit(r, rule, at.marks) || !input_fits(rule, saying))
			continue;
		to = follow(r, &at, rule->next);
		output_of(rule, at.name, text, sizeof text);
		out->output[state][input] = system_output_index(s, text);
		out->next[state][input] = (uint8_t)state_of(r, &to);
		out->usual[state][input] = is_class(rule);
		return true;
	}
	printf("the automaton has no row for %s at %s\n", saying->name, at.name);
	return false;
}

/* The kind's own marks are no news. */
static void name_state(const struct reader *r, const struct place *p, char *out, size_t cap)
{
	int n = snprintf(out, cap, "%s", p->name);
	for (size_t i = 0; i < r->num_marks; i++)
		if ((p->marks >> i & 1) && strcmp(r->marks[i], "psk") != 0 && strcmp(r->marks[i], "mutual") != 0)
			n += snprintf(out + n, cap - (size_t)n, "+%s", r->marks[i]);
}

bool automaton_read(struct system *s, const struct kind *kind, const char *path, struct machine *out)
{
	static struct reader r;
	struct place start = {.marks = 0};
	r = (struct reader){.kind = kind};
	*out = (struct machine){.num_inputs = kind->num_sayings};
	if (!read_file(&r, path, start.name))
		return false;
	for (size_t i = 0; i < r.num_rules; i++)
		(void)guards_fit(&r, &r.rules[i], ~0u); /* learns the marks' names */
	if (kind->play.psk)
		start.marks |= mark_of(&r, "psk", 3);
	if (kind->mutual)
		start.marks |= mark_of(&r, "mutual", 6);
	(void)state_of(&r, &start);
	for (size_t state = 0; state < r.num_places; state++) {
		name_state(&r, &r.places[state], out->names[state], sizeof out->names[state]);
		for (uint8_t a = 0; a < kind->num_sayings; a++)
			if (!expand(&r, s, state, a, out))
				return false;
	}
	out->num_states = r.num_places;
	return true;
}

/* ---- comparison ---- */

struct both {
	uint8_t learned, written, length, word[WORD_MAX];
};

static void take_name(struct machine *learned, const struct machine *written, const struct both *p)
{
	if (learned->names[p->learned][0])
		return;
	memcpy(learned->names[p->learned], written->names[p->written], sizeof learned->names[0]);
	memcpy(learned->usual[p->learned], written->usual[p->written], sizeof learned->usual[0]);
}

/* In breadth, so that the word is a shortest one. */
bool machines_agree(struct machine *learned, const struct machine *written, uint8_t *word, size_t *n)
{
	static bool seen[STATES_MAX][STATES_MAX];
	static struct both queue[STATES_MAX * STATES_MAX];
	size_t end = 1;
	memset(seen, 0, sizeof seen);
	queue[0] = (struct both){0};
	seen[0][0] = true;
	for (size_t at = 0; at < end; at++) {
		take_name(learned, written, &queue[at]);
		for (uint8_t a = 0; a < learned->num_inputs; a++) {
			struct both to = queue[at];
			bool differ = learned->output[to.learned][a] != written->output[to.written][a];
			to.learned = learned->next[to.learned][a];
			to.written = written->next[to.written][a];
			to.word[to.length++] = a;
			if (differ) {
				memcpy(word, to.word, to.length);
				*n = to.length;
				return false;
			}
			if (!seen[to.learned][to.written])
				queue[end++] = to;
			seen[to.learned][to.written] = true;
		}
	}
	return true;
}

void machines_tell(const struct system *s, const struct kind *kind, const struct machine *learned,
		   const struct machine *written, const uint8_t *word, size_t n)
{
	size_t l = 0, w = 0;
	printf("%s: after", kind->name);
	for (size_t i = 0; i + 1 < n; i++) {
		printf(" %s", kind->sayings[word[i]].name);
		l = learned->next[l][word[i]];
		w = written->next[w][word[i]];
	}
	printf(", at %s: to %s\n  Tern answers    %s\n  by the RFCs     %s\n", written->names[w],
	       kind->sayings[word[n - 1]].name, system_output(s, learned->output[l][word[n - 1]]),
	       system_output(s, written->output[w][word[n - 1]]));
}
