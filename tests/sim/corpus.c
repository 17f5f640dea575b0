/* corpus.c - what the hosts of clean runs received, as inputs for the fuzz targets: see script.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/writer.h"
#include "sim/campaign.h"
#include "sim/script.h"

#define INPUT_MAX 65536

struct recording {
	struct wr client, server, listen;
	uint8_t bytes[3][INPUT_MAX];
};

/* Of a long run, the start. */
static void note_feed(struct wr *w, const struct buffer *b, bool with_op)
{
	if (w->cap - w->n < 4u + b->n)
		return;
	if (with_op)
		wr_u8(w, SCRIPT_FEED);
	wr_u16(w, b->n);
	wr_bytes(w, span_of(b->bytes, b->n));
	if (with_op)
		wr_u8(w, SCRIPT_ANSWER);
}

static void record(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct recording *r = user;
	(void)fate;
	note_feed(to == CLIENT ? &r->client : &r->server, b, true);
	if (to == SERVER && b->bytes[0] == CONTENT_HANDSHAKE)
		note_feed(&r->listen, b, false);
}

static bool write_file(const char *dir, const char *target, const char *name, struct span input)
{
	char path[512];
	FILE *f;
	bool good;
	(void)snprintf(path, sizeof path, "%s/%s", dir, target);
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return false;
	(void)snprintf(path, sizeof path, "%s/%s/%s", dir, target, name);
	f = fopen(path, "wb");
	if (!f)
		return false;
	good = fwrite(input.p, 1, input.n, f) == input.n;
	return fclose(f) == 0 && good;
}

/* A few that let the input meddle from the start. */
static bool write_meddling(const char *dir, uint8_t scenario)
{
	uint8_t input[20] = {scenario, SCRIPT_BOTH};
	char name[64];
	for (uint8_t op = 0; op < 10; op++) {
		memset(input + 2, 0, sizeof input - 2);
		input[2 + op % 6] = op;
		(void)snprintf(name, sizeof name, "%s-both-%u", scenarios[scenario].name, op);
		if (!write_file(dir, "client_fuzz", name, span_of(input, sizeof input)))
			return false;
	}
	return true;
}

static bool write_scenario(const char *dir, uint8_t index)
{
	static struct recording r;
	const struct schedule quiet = {.seed = SCRIPT_SEED, .swap = NO_SWAP};
	const char *name = scenarios[index].name;
	struct world *w = world_open(&scenarios[index]);
	struct wr *writers[] = {&r.client, &r.server, &r.listen};
	if (!w)
		return false;
	for (size_t i = 0; i < 3; i++) {
		*writers[i] = wr_of(r.bytes[i], INPUT_MAX);
		wr_u8(writers[i], index);
		if (i < 2)
			wr_u8(writers[i], SCRIPT_ALONE);
	}
	w->meddle = record;
	w->meddler = &r;
	(void)world_run(w, &quiet);
	world_close(w);
	for (size_t i = 0; i < 3; i++)
		if (!wr_ok(writers[i]))
			return false;
	return write_file(dir, "client_fuzz", name, wr_span(&r.client)) &&
	       write_file(dir, "server_fuzz", name, wr_span(&r.server)) &&
	       write_file(dir, "listen_fuzz", name, wr_span(&r.listen)) && write_meddling(dir, index);
}

bool write_corpus(const char *dir)
{
	if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
		perror(dir);
		return false;
	}
	for (size_t i = 0; i < num_scenarios; i++) {
		if (!write_scenario(dir, (uint8_t)i)) {
			fprintf(stderr, "sim: cannot write the inputs of %s to %s\n", scenarios[i].name, dir);
			return false;
		}
	}
	return true;
}
