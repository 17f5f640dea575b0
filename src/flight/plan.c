#include "flight/plan.h"

#include "wire/hello.h"

/* Less of a body is not worth a record and its header at the end of a datagram. */
#define USEFUL 32

static size_t header_len(const struct outgoing *m)
{
	return m->content_type == CONTENT_HANDSHAKE ? HANDSHAKE_HEADER : 0;
}

static size_t frame_len(const struct record_layer *records, const struct outgoing *m)
{
	return record_overhead(records, m->epoch) + header_len(m);
}

size_t plan_record_len(const struct record_layer *records, const struct outgoing *messages, const struct piece *p)
{
	return frame_len(records, &messages[p->message]) + p->len;
}

/* How much of the left bytes of m goes into room bytes of datagram; 0: nothing (a message without bytes is for the
 * caller). Only a fresh datagram takes a piece that is not useful, or one of a message that is better not split. */
static size_t portion(const struct record_layer *records, const struct outgoing *m, size_t left, size_t room,
		      size_t mtu)
{
	size_t frame = frame_len(records, m), most, limit = records->plaintext_max_out - HANDSHAKE_HEADER;
	bool whole_later = frame + left <= mtu;
	if (room <= frame)
		return 0;
	most = room - frame;
	if (most > limit)
		most = limit;
	if (left <= most)
		return left;
	if (room < mtu && (most < USEFUL || (m->type == FINISHED && whole_later)))
		return 0;
	return most;
}

bool plan_next(struct plan_at *at, struct piece *out, bool *fresh, const struct record_layer *records,
	       const struct outgoing *messages, size_t num_messages, uint16_t mtu)
{
	const struct outgoing *m = &messages[at->message];
	size_t left, len;
	bool fits;
	if (at->message >= num_messages)
		return false;
	left = m->body.n - at->offset;
	*fresh = at->used == 0;
	len = portion(records, m, left, (size_t)mtu - at->used, mtu);
	fits = len != 0 || (left == 0 && frame_len(records, m) <= (size_t)mtu - at->used);
	if (!fits && at->used) {
		*fresh = true;
		at->used = 0;
		len = portion(records, m, left, mtu, mtu);
		fits = len != 0 || (left == 0 && frame_len(records, m) <= mtu);
	}
	if (!fits)
		return false;
	*out = (struct piece){.offset = at->offset, .len = (uint32_t)len, .message = at->message};
	at->used += (uint32_t)plan_record_len(records, messages, out);
	at->offset += (uint32_t)len;
	if (at->offset == m->body.n) {
		at->offset = 0;
		at->message++;
	}
	return true;
}

static void report_sent(const struct tracer *trace, const struct outgoing *m, const struct piece *p, uint64_t seq,
			size_t length, bool retransmission)
{
	tern_trace event = {
		.kind = TERN_TRACE_SENT,
		.content_type = m->content_type,
		.retransmission = retransmission,
		.epoch = m->epoch,
		.record_seq = seq,
		.length = (uint32_t)length,
	};
	if (m->content_type == CONTENT_HANDSHAKE) {
		event.message_type = message_type_shown(m->type, m->body);
		event.message_seq = m->message_seq;
		event.message_len = (uint32_t)m->body.n;
		event.fragment_offset = p->offset;
		event.fragment_len = p->len;
	}
	trace_report(trace, &event);
}

tern_error plan_put(const struct piece *p, struct record_layer *records, const struct outgoing *messages, struct wr *w,
		    const struct tracer *trace, bool retransmission, uint64_t *seq)
{
	const struct outgoing *m = &messages[p->message];
	struct record_mark mark;
	size_t start = w->n;
	uint64_t number;
	TRY(record_begin(records, m->epoch, m->content_type, w, &mark));
	if (m->content_type == CONTENT_HANDSHAKE) {
		struct fragment f = {
			.type = m->type,
			.length = (uint32_t)m->body.n,
			.message_seq = m->message_seq,
			.offset = p->offset,
		};
		put_fragment_header(w, &f, p->len);
	}
	if (p->len)
		wr_bytes(w, span_of(m->body.p + p->offset, p->len));
	TRY(record_end(records, w, &mark, &number));
	report_sent(trace, m, p, number, w->n - start, retransmission);
	if (seq)
		*seq = number;
	return TERN_OK;
}

void trace_report(const struct tracer *trace, const tern_trace *event)
{
	if (trace->fn)
		trace->fn(trace->user, trace->conn, event);
}
