/* trace.c - what connections report goes to the ledger, and to a reader. */
#include "sim/host.h"

static const char *kind_name(tern_trace_kind kind)
{
	static const char *const names[] = {"sent", "received", "dropped", "timer", "timeout", "MTU", "keys", "kept"};
	return names[kind];
}

static void show(const struct host *h, const tern_trace *t)
{
	const char *type = ladder_type(t->content_type);
	if (t->kind > TERN_TRACE_DROPPED)
		ladder_note(h->world, h->side, "  %s %u %u", kind_name(t->kind), t->epoch, t->writing);
	else if (t->kind == TERN_TRACE_DROPPED)
		ladder_note(h->world, h->side, "  dropped %s[%u/%llu]: %s", type, t->epoch,
			    (unsigned long long)t->record_seq, tern_drop_sentence((tern_drop)t->drop));
	else if (t->content_type == CONTENT_HANDSHAKE)
		ladder_note(h->world, h->side, "  %s %s#%u(%u+%u/%u)[%u/%llu]", kind_name(t->kind),
			    ladder_message(t->message_type), t->message_seq, t->fragment_offset, t->fragment_len,
			    t->message_len, t->epoch, (unsigned long long)t->record_seq);
	else
		ladder_note(h->world, h->side, "  %s %s[%u/%llu]", kind_name(t->kind), type, t->epoch,
			    (unsigned long long)t->record_seq);
}

void on_trace(void *user, const tern_conn *conn, const tern_trace *trace)
{
	struct host *h = user;
	const struct peer *p = peer_of(h, conn);
	bool handshake = trace->content_type == CONTENT_HANDSHAKE || trace->content_type == CONTENT_CHANGE_CIPHER_SPEC;
	if (trace->kind == TERN_TRACE_SENT)
		shuffle_report(&h->reported, trace->length,
			       handshake && trace->message_type != CLIENT_HELLO && !trace->retransmission);
	if (h->world->verbose && !h->world->staging)
		show(h, trace);
	if (h->world->traced)
		h->world->traced(h->world->meddler, h->side, trace);
	if (p && p->serial && scenario_is_13(h->world->scenario))
		ledger_trace(&h->world->ledger, p->serial, trace);
}
