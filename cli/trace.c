/* trace.c - one line for each thing that happens on the wire. */
#include "trace.h"

#include "tern/inspect.h"

enum { HANDSHAKE = 22, CONTENT_TEXT = 96 };

void trace_content(char *out, size_t cap, const tern_trace *t)
{
	if (t->content_type != HANDSHAKE)
		snprintf(out, cap, "%s", tern_content_name(t->content_type));
	else if (t->fragment_len == t->message_len)
		snprintf(out, cap, "%s", tern_message_name(t->message_type));
	else
		snprintf(out, cap, "%s %u..%u/%u", tern_message_name(t->message_type), t->fragment_offset,
			 t->fragment_offset + t->fragment_len - (t->fragment_len > 0), t->message_len);
}

static void print_record(FILE *out, const char *verb, const tern_trace *t)
{
	char content[CONTENT_TEXT];

	trace_content(content, sizeof content, t);
	fprintf(out, "%s %s", verb, content);
	if (t->content_type == HANDSHAKE)
		fprintf(out, ", message %u", t->message_seq);
	fprintf(out, ", record %u.%llu, %u bytes%s\n", t->epoch, (unsigned long long)t->record_seq, t->length,
		t->retransmission ? ", again" : "");
}

void trace_print(FILE *out, double ms, const char *peer, const tern_trace *t)
{
	flockfile(out); /* one line, though other threads trace too */
	fprintf(out, "%10.3f ms %s ", ms, peer);
	switch (t->kind) {
	case TERN_TRACE_SENT:
		print_record(out, "sent", t);
		break;
	case TERN_TRACE_RECEIVED:
		print_record(out, "received", t);
		break;
	case TERN_TRACE_KEPT:
		fprintf(out, "kept %u bytes until their keys are there\n", t->length);
		break;
	case TERN_TRACE_DROPPED:
		fprintf(out, "dropped %u bytes: %s\n", t->length, tern_drop_sentence((tern_drop)t->drop));
		break;
	case TERN_TRACE_TIMER:
		fprintf(out, "timer set to %.1f ms\n", (double)t->timeout_ns / 1e6);
		break;
	case TERN_TRACE_TIMEOUT:
		fputs("timer ran out: the flight goes out again\n", out);
		break;
	case TERN_TRACE_MTU:
		fprintf(out, "MTU is %u from now on\n", t->length);
		break;
	case TERN_TRACE_KEYS:
		fprintf(out, "keys of epoch %u are in place\n", t->epoch);
		break;
	}
	funlockfile(out);
}
