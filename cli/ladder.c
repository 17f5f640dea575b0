/* ladder.c - draws datagrams between two sides. A line is built of ASCII text and runs of one glyph, so that its width
 * is known whatever the locale: TIME_WIDTH columns of time, a rail, INNER columns, a rail. */
#include "ladder.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIME_WIDTH = 8, INNER = 84, TEXT_MAX = 512, WRAP = INNER - 26, LOST_AT = 52 };

enum glyph { RAIL, DASH, CROSS, HEAD_RIGHT, HEAD_LEFT };

static const char *const glyphs[][2] = {
	[RAIL] = {"|", "\xe2\x94\x82"},	      [DASH] = {"-", "\xe2\x94\x80"},	   [CROSS] = {"x", "\xe2\x9c\x97"},
	[HEAD_RIGHT] = {">", "\xe2\x96\xb6"}, [HEAD_LEFT] = {"<", "\xe2\x97\x80"},
};

static const char RED[] = "31", YELLOW[] = "33", GREEN[] = "32", CYAN[] = "36", DIM[] = "2", BOLD[] = "1";

void ladder_init(struct ladder *l, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	l->out = out;
	l->color = out && isatty(fileno(out)) && !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
	l->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void color(const struct ladder *l, const char *code)
{
	if (l->color)
		fprintf(l->out, "\x1b[%sm", code);
}

static void plain(const struct ladder *l)
{
	if (l->color)
		fputs("\x1b[0m", l->out);
}

static void put(const struct ladder *l, enum glyph glyph, size_t times)
{
	for (size_t i = 0; i < times; i++)
		fputs(glyphs[glyph][l->utf8], l->out);
}

static void spaces(const struct ladder *l, size_t n)
{
	fprintf(l->out, "%*s", (int)n, "");
}

static void rail(const struct ladder *l)
{
	color(l, DIM);
	put(l, RAIL, 1);
	plain(l);
}

static void open_line(const struct ladder *l, double ms)
{
	char text[32] = "";

	if (ms >= 0)
		snprintf(text, sizeof text, "%.0f", ms);
	color(l, DIM);
	fprintf(l->out, "%*s ", TIME_WIDTH - 1, text);
	plain(l);
	rail(l);
}

static void close_line(const struct ladder *l)
{
	rail(l);
	fputc('\n', l->out);
	fflush(l->out);
}

static size_t rest(size_t used)
{
	return used < INNER ? INNER - used : 0;
}

void ladder_heading(const struct ladder *l, const char *text)
{
	if (!l->out)
		return;
	fputc('\n', l->out);
	color(l, BOLD);
	fprintf(l->out, "%*s%s\n", TIME_WIDTH, "", text);
	plain(l);
}

void ladder_top(const struct ladder *l)
{
	if (!l->out)
		return;
	color(l, DIM);
	fprintf(l->out, "%*s client%*sserver\n", TIME_WIDTH - 1, "ms", INNER - 10, "");
	plain(l);
	fflush(l->out);
}

/* Text on one side of an otherwise empty line. */
static void draw_text(const struct ladder *l, double ms, bool left, const char *code, const char *text)
{
	size_t len = strlen(text);

	open_line(l, ms);
	spaces(l, left ? 1 : rest(len + 1));
	color(l, code);
	fputs(text, l->out);
	plain(l);
	spaces(l, left ? rest(len + 1) : 1);
	close_line(l);
}

/* "| text ------------ 120 bytes ->|" */
static void arrow_right(const struct ladder *l, const char *text, const char *size)
{
	fprintf(l->out, " %s ", text);
	put(l, DASH, rest(strlen(text) + strlen(size) + 6));
	fprintf(l->out, " %s ", size);
	put(l, DASH, 1);
	put(l, HEAD_RIGHT, 1);
}

static void arrow_left(const struct ladder *l, const char *text, const char *size)
{
	put(l, HEAD_LEFT, 1);
	put(l, DASH, 1);
	fprintf(l->out, " %s ", size);
	put(l, DASH, rest(strlen(text) + strlen(size) + 6));
	fprintf(l->out, " %s ", text);
}

/* The arrow breaks off at a cross in the middle. */
static void lost_right(const struct ladder *l, const char *text, const char *why)
{
	size_t len = strlen(text) + 2, dashes = len + 3 < LOST_AT ? LOST_AT - len : 3;

	fprintf(l->out, " %s ", text);
	put(l, DASH, dashes);
	put(l, CROSS, 1);
	fprintf(l->out, " %s", why);
	spaces(l, rest(len + dashes + 2 + strlen(why)));
}

static void lost_left(const struct ladder *l, const char *text, const char *why)
{
	size_t len = strlen(text) + 2, dashes = len + 3 < LOST_AT ? LOST_AT - len : 3;

	spaces(l, rest(len + dashes + 2 + strlen(why)));
	fprintf(l->out, "%s ", why);
	put(l, CROSS, 1);
	put(l, DASH, dashes);
	fprintf(l->out, " %s ", text);
}

static void draw_arrow(const struct ladder *l, const struct ladder_arrow *a, double ms, const char *code,
		       const char *text)
{
	char size[32];

	snprintf(size, sizeof size, "%zu bytes", a->bytes);
	open_line(l, ms);
	color(l, code);
	if (a->lost && a->from_client)
		lost_right(l, text, a->lost);
	else if (a->lost)
		lost_left(l, text, a->lost);
	else if (a->from_client)
		arrow_right(l, text, size);
	else
		arrow_left(l, text, size);
	plain(l);
	close_line(l);
}

void ladder_draw(const struct ladder *l, const struct ladder_arrow *a)
{
	const char *code = a->lost ? RED : a->again ? YELLOW : a->from_client ? CYAN : GREEN;
	char text[TEXT_MAX] = "";
	double ms = a->ms;

	if (!l->out)
		return;
	for (size_t i = 0; i < a->num_pieces; i++) {
		size_t len = strlen(text);
		if (len && len + strlen(a->pieces[i]) + 2 > WRAP) {
			strncat(text, ",", sizeof text - len - 1);
			draw_text(l, ms, a->from_client, code, text);
			ms = -1; /* the time stands at the first line of a datagram */
			len = 0;
		}
		snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "", a->pieces[i]);
	}
	draw_arrow(l, a, ms, code, text);
}

void ladder_note(const struct ladder *l, double ms, bool at_client, enum ladder_mood mood, const char *text)
{
	static const char *const codes[] = {
		[LADDER_PLAIN] = DIM, [LADDER_GOOD] = BOLD, [LADDER_TIMER] = YELLOW, [LADDER_BAD] = RED};
	char line[INNER];

	if (!l->out)
		return;
	snprintf(line, sizeof line, "* %s", text);
	draw_text(l, ms, at_client, codes[mood], line);
}

void ladder_fact(const struct ladder *l, const char *label, const char *text)
{
	if (l->out)
		fprintf(l->out, "%*s%-16s %s\n", TIME_WIDTH, "", label, text);
}
