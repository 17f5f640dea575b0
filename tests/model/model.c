/* model - learns Tern's state machines and compares them with those of the RFCs, and with the pictures in docs/. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
	"usage: model [--tables DIR] [--pictures DIR] [--depth N] [--walks N] [--write] [--list] [NAME]\n";

#define PICTURE_MAX 65536

struct options {
	const char *tables, *pictures, *name;
	unsigned depth, walks;
	bool write, list;
};

static void list(const struct system *s, const struct kind *kind, const struct machine *m)
{
	for (size_t q = 0; q < m->num_states; q++) {
		printf("%zu %s\n", q, m->names[q]);
		for (size_t a = 0; a < m->num_inputs; a++)
			printf("\t%-24s %-60s %u\n", kind->sayings[a].name, system_output(s, m->output[q][a]),
			       (unsigned)m->next[q][a]);
	}
}

/* client12-psk goes by client12. */
static void table_path(const struct options *o, const struct kind *kind, char *out, size_t n)
{
	(void)snprintf(out, n, "%s/%.*s.txt", o->tables, (int)strcspn(kind->name, "-"), kind->name);
}

static bool write_picture(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");
	bool good = f && fwrite(text, 1, n, f) == n;
	if (f)
		good &= fclose(f) == 0;
	if (!good)
		printf("%s cannot be written\n", path);
	return good;
}

static bool is_picture(const char *path, const char *text, size_t n)
{
	static char there[PICTURE_MAX];
	FILE *f = fopen(path, "r");
	size_t got = f ? fread(there, 1, sizeof there, f) : 0;
	bool same = f && got == n && memcmp(there, text, n) == 0;
	if (f)
		(void)fclose(f);
	if (!same)
		printf("%s shows another machine than the one that was learned: build/model --write\n", path);
	return same;
}

static bool check_picture(const struct options *o, const struct system *s, const struct kind *kind,
			  const struct machine *m)
{
	static char text[PICTURE_MAX];
	size_t n = draw(s, kind, m, text, sizeof text);
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s.dot", o->pictures, kind->name);
	return o->write ? write_picture(path, text, n) : is_picture(path, text, n);
}

static bool compare(const struct options *o, struct system *s, const struct kind *kind, struct machine *learned)
{
	static struct machine written;
	uint8_t word[WORD_MAX];
	char path[1024];
	size_t n;
	table_path(o, kind, path, sizeof path);
	if (!automaton_read(s, kind, path, &written))
		return false;
	*learned = (struct machine){0};
	learn(s, kind, o->depth, o->walks, &written, learned);
	if (machines_agree(learned, &written, word, &n))
		return true;
	machines_tell(s, kind, learned, &written, word, n);
	return false;
}

static bool check(const struct options *o, const struct kind *kind)
{
	static struct machine learned;
	struct system *s = system_open(kind);
	bool good = compare(o, s, kind, &learned);
	printf("%-16s %2zu states, %2u inputs, %7llu words: %s\n", kind->name, learned.num_states, learned.num_inputs,
	       (unsigned long long)system_words(s), good ? "as the RFCs have it" : "differs");
	if (o->list)
		list(s, kind, &learned);
	if (good)
		good = check_picture(o, s, kind, &learned);
	system_close(s);
	return good;
}

static bool parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--write") == 0) {
			o->write = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			o->list = true;
		} else if (argv[i][0] != '-') {
			o->name = argv[i];
		} else if (!value) {
			return false;
		} else {
			i++;
			if (strcmp(argv[i - 1], "--tables") == 0)
				o->tables = value;
			else if (strcmp(argv[i - 1], "--pictures") == 0)
				o->pictures = value;
			else if (strcmp(argv[i - 1], "--depth") == 0)
				o->depth = (unsigned)strtoul(value, NULL, 10);
			else if (strcmp(argv[i - 1], "--walks") == 0)
				o->walks = (unsigned)strtoul(value, NULL, 10);
			else
				return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.tables = "tests/model", .pictures = "docs/machines", .depth = 1, .walks = 20000};
	unsigned passed = 0, failed = 0;
	if (!parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	for (size_t i = 0; i < num_kinds; i++) {
		bool good;
		if (o.name && strcmp(o.name, kinds[i].name) != 0)
			continue;
		good = check(&o, &kinds[i]);
		passed += good;
		failed += !good;
	}
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed ? 1 : 0;
}
