/* decode.c - tern decode: what was said in a capture, association by association, as a ladder or as JSON. */
#include "capture.h"
#include "commands.h"
#include "files.h"
#include "json.h"
#include "ladder.h"
#include "options.h"
#include "trace.h"

#include "tern/inspect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 4096, PIECES = 64, PIECE_TEXT = 128, FILTER_TEXT = 1024, QUOTE = 40 };
enum { ALERT = 21, APPLICATION_DATA = 23 };

struct decode_options {
	const char *keylog;
	bool json;
};

/* Two addresses, and what flew between them. */
struct association {
	struct association *next; /* of its bucket */
	struct association *later; /* in order of appearance */
	unsigned number;
	struct capture_end client, server; /* where they were last */
	tern_inspector *inspector;
	double began_s;
	bool agreed; /* what was agreed on has been told */
	FILE *text; /* the ladder so far: its lines are shown together at the end */
	char *lines;
	size_t num_lines;
	uint64_t datagrams;
};

struct decoder {
	const struct decode_options *options;
	struct file keylog;
	struct ladder ladder; /* how to draw */
	struct association *buckets[BUCKETS];
	struct association *first, *last;
	unsigned num;
	uint64_t strangers, others;
	bool failed; /* out of memory */
};

static const struct option_row rows[] = {
	{"keylog", OPTION_TEXT, offsetof(struct decode_options, keylog), "FILE",
	 "key log with the secrets, as SSLKEYLOGFILE and --keylog write it; default $SSLKEYLOGFILE", 0, 0},
	{"json", OPTION_FLAG, offsetof(struct decode_options, json), NULL,
	 "one JSON object a line and record on stdout", 0, 0},
};

static const struct command_line decode_line = {
	.command = "tern decode",
	.usage = "FILE [FILTER] [OPTION]...",
	.examples = "  tcpdump -i lo -w dtls.pcap udp port 4444\n"
		    "  tern decode dtls.pcap --keylog keys.log\n"
		    "  tern decode dtls.pcap 'host 10.0.0.7 and port 4444' --json\n",
	.rows = rows,
	.num_rows = sizeof rows / sizeof rows[0],
};

/* ---- associations ---- */

static struct association **bucket_of(struct decoder *d, const struct capture_end *client,
				      const struct capture_end *server)
{
	struct capture_end ends[2] = {*client, *server};
	const uint8_t *p = (const uint8_t *)ends;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof ends; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return &d->buckets[hash % BUCKETS];
}

static bool same_end(const struct capture_end *a, const struct capture_end *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static struct association *find(struct decoder *d, const struct capture_end *client, const struct capture_end *server)
{
	struct association *a = *bucket_of(d, client, server);

	while (a && !(same_end(&a->client, client) && same_end(&a->server, server)))
		a = a->next;
	return a;
}

/* An address has changed. */
static void move(struct decoder *d, struct association *a, const struct capture_end *client,
		 const struct capture_end *server)
{
	struct association **at = bucket_of(d, &a->client, &a->server);

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->client = *client;
	a->server = *server;
	at = bucket_of(d, client, server);
	a->next = *at;
	*at = a;
}

/* By connection ID, when one side is still where it was. */
static struct association *find_moved(struct decoder *d, const struct captured *c, bool *from_client)
{
	for (struct association *a = d->first; a; a = a->later) {
		if (same_end(&a->server, &c->to) && tern_inspector_knows(a->inspector, true, c->bytes, c->len)) {
			*from_client = true;
			move(d, a, &c->from, &c->to);
			return a;
		}
		if (same_end(&a->client, &c->to) && tern_inspector_knows(a->inspector, false, c->bytes, c->len)) {
			*from_client = false;
			move(d, a, &c->to, &c->from);
			return a;
		}
	}
	return NULL;
}

static struct association *add(struct decoder *d, const struct captured *c)
{
	struct association *a = calloc(1, sizeof *a), **bucket = bucket_of(d, &c->from, &c->to);

	if (!a || tern_inspector_new(&a->inspector, (const char *)d->keylog.bytes, d->keylog.len) != TERN_OK ||
	    !(a->text = open_memstream(&a->lines, &a->num_lines))) {
		tern_inspector_free(a ? a->inspector : NULL);
		free(a);
		d->failed = true;
		return NULL;
	}
	a->client = c->from;
	a->server = c->to;
	a->began_s = c->s;
	a->number = ++d->num;
	a->next = *bucket;
	*bucket = a;
	*(d->last ? &d->last->later : &d->first) = a;
	d->last = a;
	return a;
}

static struct association *association_of(struct decoder *d, const struct captured *c, bool *from_client)
{
	struct association *a = find(d, &c->from, &c->to);

	*from_client = true;
	if (a)
		return a;
	a = find(d, &c->to, &c->from);
	if (a) {
		*from_client = false;
		return a;
	}
	if (tern_peek(c->bytes, c->len).client_hello)
		return add(d, c);
	return find_moved(d, c, from_client);
}

/* ---- what is shown of a record ---- */

/* "text" where it is short and can be read, with its line ends as \n. */
static bool quote(char *out, size_t cap, const tern_bytes *data)
{
	size_t n = 0;

	if (data->len == 0 || data->len > QUOTE || cap < 2 * QUOTE + 3)
		return false;
	out[n++] = '"';
	for (size_t i = 0; i < data->len; i++) {
		if (data->data[i] != '\n' && !(data->data[i] < 128 && isprint(data->data[i])))
			return false;
		if (data->data[i] == '\n')
			out[n++] = '\\';
		out[n++] = data->data[i] == '\n' ? 'n' : (char)data->data[i];
	}
	out[n++] = '"';
	out[n] = 0;
	return true;
}

/* What it is, its size where it has one of its own, and what else there is to say. */
static void describe(char *out, size_t cap, const tern_trace *t, const tern_bytes *data)
{
	char content[PIECE_TEXT], size[16] = "", remark[PIECE_TEXT] = "";

	if (t->kind == TERN_TRACE_DROPPED)
		snprintf(content, sizeof content, "%s",
			 t->content_type ? tern_content_name(t->content_type) : "record");
	else if (t->content_type == ALERT && data->len == 2)
		snprintf(content, sizeof content, "Alert %s", tern_alert_name(data->data[1]));
	else if (t->content_type != APPLICATION_DATA || !quote(content, sizeof content, data))
		trace_content(content, sizeof content, t);
	if (t->length)
		snprintf(size, sizeof size, " %u", t->length);
	if (t->kind == TERN_TRACE_DROPPED && t->drop == TERN_DROP_EPOCH)
		snprintf(remark, sizeof remark, " (encrypted, epoch %u)", t->epoch);
	else if (t->kind == TERN_TRACE_DROPPED)
		snprintf(remark, sizeof remark, " (%s)", tern_drop_sentence((tern_drop)t->drop));
	else if (t->retransmission)
		snprintf(remark, sizeof remark, " (again)");
	snprintf(out, cap, "%s%s%s", content, size, remark);
}

static void print_json(const struct association *a, const struct captured *c, bool from_client, const tern_trace *t,
		       const tern_bytes *data)
{
	bool opened = t->kind == TERN_TRACE_RECEIVED;

	json_begin("record");
	json_number("association", a->number);
	json_number("time_us", (uint64_t)(c->s * 1e6 + 0.5));
	json_text("from", from_client ? "client" : "server");
	json_text("content", t->content_type ? tern_content_name(t->content_type) : NULL);
	json_number("epoch", t->epoch);
	json_number("record_seq", t->record_seq);
	json_number("length", t->length);
	json_text("dropped", opened ? NULL : tern_drop_sentence((tern_drop)t->drop));
	if (opened && t->content_type == 22) {
		json_text("message", tern_message_name(t->message_type));
		json_number("message_seq", t->message_seq);
		json_number("message_length", t->message_len);
		json_number("fragment_offset", t->fragment_offset);
		json_number("fragment_length", t->fragment_len);
		json_bool("again", t->retransmission);
	}
	if (opened && t->content_type == ALERT && data->len == 2)
		json_text("alert", tern_alert_name(data->data[1]));
	if (opened && t->content_type == APPLICATION_DATA)
		json_base64("data", data->data, data->len);
	json_end();
}

static void draw_agreement(struct decoder *d, const struct association *a, double ms)
{
	tern_inspection info = tern_inspector_info(a->inspector);
	char text[160];

	snprintf(text, sizeof text, "%s, %s%s", info.version == TERN_DTLS13 ? "DTLS 1.3" : "DTLS 1.2",
		 info.suite ? info.suite : "a cipher suite that Tern does not know",
		 !d->keylog.bytes   ? ""
		 : info.has_secrets ? "; the key log has its secrets"
				    : "; not in the key log");
	ladder_note(&d->ladder, ms, false, info.has_secrets || !d->keylog.bytes ? LADDER_GOOD : LADDER_BAD, text);
}

static void draw(struct decoder *d, struct association *a, const struct captured *c, bool from_client)
{
	char texts[PIECES][2 * PIECE_TEXT + 16];
	const char *pieces[PIECES];
	struct ladder_arrow arrow = {.ms = (c->s - a->began_s) * 1e3,
				     .from_client = from_client,
				     .again = true,
				     .pieces = pieces,
				     .bytes = c->len};
	tern_trace trace;
	tern_bytes data;

	while (tern_inspector_next(a->inspector, &trace, &data)) {
		size_t i = arrow.num_pieces;
		if (i == PIECES)
			continue;
		describe(texts[i], sizeof texts[i], &trace, &data);
		arrow.again &=
			trace.retransmission || (trace.kind == TERN_TRACE_DROPPED && trace.drop == TERN_DROP_REPLAYED);
		pieces[arrow.num_pieces++] = texts[i];
	}
	d->ladder.out = a->text;
	ladder_draw(&d->ladder, &arrow);
	if (!a->agreed && tern_inspector_info(a->inspector).version) {
		a->agreed = true;
		draw_agreement(d, a, arrow.ms);
	}
}

static void take(struct decoder *d, const struct captured *c)
{
	struct association *a;
	bool from_client;
	tern_trace trace;
	tern_bytes data;

	if (tern_packet_of(c->bytes, c->len) != TERN_PACKET_DTLS) {
		d->others++;
		return;
	}
	a = association_of(d, c, &from_client);
	if (!a) {
		d->strangers++;
		return;
	}
	a->datagrams++;
	tern_inspector_feed(a->inspector, from_client, c->bytes, c->len);
	if (!d->options->json)
		draw(d, a, c, from_client);
	else
		while (tern_inspector_next(a->inspector, &trace, &data))
			print_json(a, c, from_client, &trace, &data);
}

/* ---- the whole of it ---- */

static void print_ladders(struct decoder *d)
{
	for (struct association *a = d->first; a; a = a->later) {
		char client[CAPTURE_END_TEXT], server[CAPTURE_END_TEXT], when[32], heading[2 * CAPTURE_END_TEXT + 64];
		time_t began = (time_t)a->began_s;
		struct tm tm;
		fflush(a->text);
		gmtime_r(&began, &tm);
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
		capture_end_text(client, &a->client);
		capture_end_text(server, &a->server);
		snprintf(heading, sizeof heading, "%s to %s, %s.%03d UTC", client, server, when,
			 (int)((a->began_s - (double)began) * 1e3));
		d->ladder.out = stdout;
		ladder_heading(&d->ladder, heading);
		ladder_top(&d->ladder);
		fwrite(a->lines, 1, a->num_lines, stdout);
	}
}

static void count(uint64_t n, const char *what)
{
	if (n)
		fprintf(stderr, "%llu %s\n", (unsigned long long)n, what);
}

static int summarize(const struct decoder *d, const struct capture *capture, const char *path)
{
	struct capture_skips skips = capture_skipped(capture);

	count(d->strangers, "datagrams of DTLS belong to associations whose ClientHello is not there");
	count(skips.cut, "datagrams were not captured whole: capture with tcpdump -s 0");
	count(skips.fragments, "fragments of IP packets were passed over");
	if (d->failed)
		return complain("out of memory");
	if (!d->num) {
		count(d->others, "datagrams are not of DTLS");
		count(skips.other, "packets are not of UDP");
		return complain("%s: no ClientHello in it", path);
	}
	return capture_whole(capture) ? STATUS_OK : STATUS_FAILURE;
}

static void release(struct decoder *d)
{
	for (struct association *a = d->first, *later; a; a = later) {
		later = a->later;
		tern_inspector_free(a->inspector);
		fclose(a->text);
		free(a->lines);
		free(a);
	}
	file_free(&d->keylog);
	free(d);
}

static int decode(struct decoder *d, const char *path, const char *filter)
{
	struct capture *capture;
	struct captured c;
	int status = capture_open(&capture, path, filter);

	if (status != STATUS_OK)
		return status;
	ladder_init(&d->ladder, stdout);
	while (!d->failed && capture_next(capture, &c))
		take(d, &c);
	if (!d->options->json)
		print_ladders(d);
	status = summarize(d, capture, path);
	capture_close(capture);
	return status;
}

/* The operands behind the file are a filter, whose words may come one by one. */
static bool join(char *filter, size_t cap, const struct texts *operands)
{
	size_t n = 0;

	for (size_t i = 1; i < operands->num && n < cap; i++)
		n += (size_t)snprintf(filter + n, cap - n, "%s%s", i > 1 ? " " : "", operands->text[i]);
	return n < cap;
}

int command_decode(int argc, char **argv)
{
	struct decode_options options = {.keylog = getenv("SSLKEYLOGFILE")};
	char filter[FILTER_TEXT] = "";
	struct texts operands;
	struct decoder *d;
	int status = options_parse(&decode_line, &options, &operands, argc, argv);

	if (status != OPTIONS_GO)
		return status;
	if (!operands.num)
		return usage_error(
			"a file is missing: give a capture of tcpdump or Wireshark, or - for standard input");
	if (!join(filter, sizeof filter, &operands))
		return usage_error("the filter is longer than %d characters", FILTER_TEXT - 1);
	d = calloc(1, sizeof *d);
	if (!d)
		return complain("out of memory");
	d->options = &options;
	if (options.keylog && !file_read(&d->keylog, "--keylog", options.keylog))
		status = STATUS_FAILURE;
	else
		status = decode(d, operands.text[0], operands.num > 1 ? filter : NULL);
	release(d);
	return status;
}
