#include "connection/path.h"

#include "base/deadline.h"
#include "base/heap.h"

struct paths *paths_new(const tern_allocator *heap, const tern_path *path)
{
	struct paths *p = heap_alloc(heap, sizeof *p);
	if (!p)
		return NULL;
	p->heap = heap;
	if (path)
		p->current = *path;
	return p;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	heap_free(p->heap, p->moves, sizeof *p->moves);
	heap_free(p->heap, p->pmtud, sizeof *p->pmtud);
	heap_free(p->heap, p->sized, sizeof *p->sized);
	heap_free(p->heap, p, sizeof *p);
}

static bool address_same(const tern_address *a, const tern_address *b)
{
	return a->len == 0 || b->len == 0 || (a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0);
}

bool path_same(const tern_path *a, const tern_path *b)
{
	return address_same(&a->local, &b->local) && address_same(&a->remote, &b->remote);
}

/* ---- challenges ---- */

/* T: RFC 9853 5.5. */
static uint64_t check_time(uint64_t rtt_ns)
{
	if (!rtt_ns || rtt_ns >= TERN_NEVER / 4)
		return PATH_CHECK_NS;
	return 3 * (rtt_ns > PATH_RTT_MIN_NS ? rtt_ns : PATH_RTT_MIN_NS);
}

static bool is_asked(const struct asked *a)
{
	return a->expires_ns != TERN_NEVER;
}

static const struct asked nothing = {.next_ns = TERN_NEVER, .expires_ns = TERN_NEVER};

/* Once per round trip: RFC 9853 5.3. */
static void ask(struct asked *a, uint64_t time_ns, tern_time now)
{
	*a = (struct asked){.due = true,
			    .pace_ns = time_ns / PATH_TRIES,
			    .next_ns = TERN_NEVER,
			    .expires_ns = later(now.mono_ns, time_ns)};
}

static void asked_once(struct asked *a, const uint8_t cookie[RRC_COOKIE], tern_time now)
{
	memcpy(a->each[a->sent].cookie, cookie, RRC_COOKIE);
	a->each[a->sent].sent_ns = now.mono_ns;
	a->sent++;
	a->due = false;
	a->next_ns = a->sent < PATH_TRIES ? later(now.mono_ns, a->pace_ns) : TERN_NEVER;
}

/* Whether the cookie is one of these. *rtt_ns: how long it took. */
static bool answers(const struct asked *a, struct span cookie, uint64_t *rtt_ns, tern_time now)
{
	for (size_t i = 0; i < a->sent; i++) {
		if (!span_equal_secret(cookie, span_of(a->each[i].cookie, RRC_COOKIE)))
			continue;
		*rtt_ns = now.mono_ns > a->each[i].sent_ns ? now.mono_ns - a->each[i].sent_ns : 1;
		return true;
	}
	return false;
}

/* ---- what comes and goes ---- */

static struct moves *moves_of(struct paths *p)
{
	if (p->moves)
		return p->moves;
	p->moves = heap_alloc(p->heap, sizeof *p->moves);
	if (!p->moves)
		return NULL;
	p->moves->phase = CHECK_NONE;
	p->moves->check[CHECK_OLD] = p->moves->check[CHECK_NEW] = p->moves->probe = nothing;
	return p->moves;
}

static void let_go(struct paths *p)
{
	const struct moves *m = p->moves;
	if (!m || p->elsewhere || m->phase != CHECK_NONE || m->seen || m->has_left || is_asked(&m->probe) ||
	    m->num_answers || m->news)
		return;
	heap_free(p->heap, p->moves, sizeof *p->moves);
	p->moves = NULL;
}

void paths_feed(struct paths *p, const tern_path *path)
{
	struct moves *m;
	p->elsewhere = path && path->remote.len && p->current.remote.len && !path_same(path, &p->current);
	m = p->elsewhere ? moves_of(p) : NULL;
	if (m)
		m->from = *path;
}

void paths_fed(struct paths *p)
{
	p->elsewhere = false;
	let_go(p);
}

/* ---- the check ---- */

static void begin_phase(struct moves *m, enum check_phase phase, uint64_t rtt_ns, tern_time now)
{
	m->phase = phase;
	ask(&m->check[phase], check_time(rtt_ns), now);
}

static void end_check(struct moves *m, enum path_news news)
{
	m->phase = CHECK_NONE;
	m->check[CHECK_OLD] = m->check[CHECK_NEW] = nothing;
	m->news |= (uint8_t)news;
}

static void begin_check(struct paths *p, size_t n, uint64_t rtt_ns, tern_time now)
{
	struct moves *m = p->moves;
	if (!p->checks && m->seen && path_same(&m->candidate, &m->from))
		return;
	m->candidate = m->from;
	m->in = n;
	m->out = 0;
	m->old_is_newer = false;
	m->seen = !p->checks;
	m->news |= p->checks ? NEWS_PROBING : NEWS_SEEN;
	if (p->checks)
		begin_phase(m, p->enhanced ? CHECK_OLD : CHECK_NEW, rtt_ns, now);
}

static bool is_candidate(const struct moves *m, const tern_path *path)
{
	return m->phase != CHECK_NONE && path_same(&m->candidate, path);
}

/* A rebinding while another is looked into is left alone: RFC 9853 5. */
void paths_arrived(struct paths *p, const struct arrived *a, uint64_t rtt_ns, tern_time now)
{
	struct moves *m = p->moves;
	bool newest = a->newest && !a->checks;
	if (!m)
		return;
	if (!p->elsewhere) {
		m->old_is_newer |= newest;
	} else if (is_candidate(m, &m->from)) {
		m->in += a->n;
		m->old_is_newer &= !newest;
	} else if (m->phase == CHECK_NONE && a->newest && a->has_cid) {
		begin_check(p, a->n, rtt_ns, now);
	}
}

/* Whether the caller has moved away from where this came from: RFC 9853 5.2. Once the peer asks where we are now, it
 * does not ask there any more. */
static bool is_left(struct moves *m, bool elsewhere)
{
	if (!elsewhere)
		m->has_left = false;
	return elsewhere && m->has_left && path_same(&m->left, &m->from);
}

static bool receive_challenge(struct paths *p, struct span cookie, size_t n)
{
	struct moves *m = p->elsewhere ? p->moves : moves_of(p);
	struct path_answer *a;
	if (!m || m->num_answers == PATH_ANSWERS)
		return false;
	a = &m->answers[m->num_answers++];
	*a = (struct path_answer){.to = p->elsewhere ? m->from : p->current, .most = 3 * n};
	a->type = is_left(m, p->elsewhere) ? RRC_PATH_DROP : RRC_PATH_RESPONSE;
	memcpy(a->cookie, cookie.p, RRC_COOKIE);
	return true;
}

static void forget_sizes(struct paths *p)
{
	if (!p->pmtud)
		return;
	pmtud_restart(p->pmtud);
	*p->sized = nothing;
}

static void move(struct paths *p)
{
	struct moves *m = p->moves;
	p->current = m->candidate;
	p->elsewhere = false; /* this datagram came on it */
	m->probe = nothing;
	m->has_left = false;
	end_check(m, NEWS_CHANGED);
	forget_sizes(p);
}

/* The path in use was asked. Wherever the answer comes from, for it may be copied too, that path works and is the one
 * the peer wants. */
static void old_answered(struct moves *m, uint8_t type, uint64_t rtt_ns, tern_time now)
{
	if (type == RRC_PATH_RESPONSE)
		end_check(m, NEWS_FAILED);
	else if (m->phase == CHECK_OLD)
		begin_phase(m, CHECK_NEW, rtt_ns, now);
}

/* The new path was asked: only an answer on it says that it works both ways. */
static bool new_answered(struct paths *p, uint8_t type)
{
	struct moves *m = p->moves;
	if (!p->elsewhere || !path_same(&m->from, &m->candidate))
		return false;
	if (type == RRC_PATH_RESPONSE && !m->old_is_newer)
		move(p);
	else
		end_check(m, NEWS_FAILED);
	return true;
}

static bool receive_answer(struct paths *p, const struct rrc *message, uint64_t *rtt_ns, tern_time now)
{
	struct moves *m = p->moves;
	if (m && answers(&m->check[CHECK_OLD], message->cookie, rtt_ns, now)) {
		old_answered(m, message->type, *rtt_ns, now);
		return true;
	}
	if (m && answers(&m->check[CHECK_NEW], message->cookie, rtt_ns, now))
		return new_answered(p, message->type);
	if (m && answers(&m->probe, message->cookie, rtt_ns, now)) {
		m->probe = nothing;
		m->news |= NEWS_ALIVE;
		return true;
	}
	/* Not of a size that was given up. */
	if (!p->sized || p->pmtud->count == 0 || !answers(p->sized, message->cookie, rtt_ns, now))
		return false;
	pmtud_arrived(p->pmtud, now);
	*p->sized = nothing;
	return true;
}

bool paths_receive(struct paths *p, const struct rrc *message, size_t n, uint64_t *rtt_ns, tern_time now)
{
	*rtt_ns = 0;
	if (message->type > RRC_PATH_DROP)
		return true;
	if (message->type == RRC_PATH_CHALLENGE)
		return receive_challenge(p, message->cookie, n);
	return receive_answer(p, message, rtt_ns, now);
}

/* ---- sending ---- */

static void pop_answer(struct moves *m)
{
	m->num_answers--;
	memmove(m->answers, m->answers + 1, m->num_answers * sizeof *m->answers);
}

/* At most three times what came from an address that has not proved itself: RFC 9853 2. */
static bool may_answer(const struct paths *p, const struct path_answer *a, size_t n, bool current_only)
{
	const struct moves *m = p->moves;
	if (path_same(&a->to, &p->current))
		return true;
	if (current_only)
		return false;
	return is_candidate(m, &a->to) ? m->out + n <= 3 * m->in : n <= a->most;
}

static struct path_errand answer_errand(struct paths *p, size_t n, bool current_only)
{
	struct moves *m = p->moves;
	struct path_errand e = {.kind = ERRAND_NONE};
	while (m->num_answers && !may_answer(p, m->answers, n, current_only))
		pop_answer(m);
	if (m->num_answers) {
		e = (struct path_errand){.kind = ERRAND_ANSWER, .type = m->answers[0].type, .to = &m->answers[0].to};
		memcpy(e.cookie, m->answers[0].cookie, RRC_COOKIE);
	}
	return e;
}

static bool may_check(const struct moves *m, size_t n, bool current_only)
{
	if (m->phase == CHECK_NONE || !m->check[m->phase].due)
		return false;
	return m->phase == CHECK_OLD || (!current_only && m->out + n <= 3 * m->in);
}

struct path_errand paths_errand(struct paths *p, size_t n, bool current_only)
{
	struct moves *m = p->moves;
	struct path_errand e = {.kind = ERRAND_NONE, .type = RRC_PATH_CHALLENGE, .to = &p->current};
	if (m && m->num_answers) {
		struct path_errand answer = answer_errand(p, n, current_only);
		if (answer.kind != ERRAND_NONE)
			return answer;
	}
	if (m && may_check(m, n, current_only)) {
		e.kind = ERRAND_CHECK;
		if (m->phase == CHECK_NEW)
			e.to = &m->candidate;
	} else if (m && m->probe.due) {
		e.kind = ERRAND_PROBE;
	} else if (p->pmtud && pmtud_wanted(p->pmtud) && (!m || m->phase == CHECK_NONE)) {
		e.kind = ERRAND_SIZE;
		e.size = pmtud_wanted(p->pmtud);
	}
	if (e.kind == ERRAND_NONE)
		let_go(p);
	return e;
}

void paths_sent(struct paths *p, const struct path_errand *e, size_t n, uint64_t rtt_ns, tern_time now)
{
	struct moves *m = p->moves;
	if (!m && e->kind != ERRAND_SIZE) /* the others are errands of moves */
		return;
	if (m && is_candidate(m, e->to) && !path_same(e->to, &p->current))
		m->out += n;
	switch (e->kind) {
	case ERRAND_ANSWER:
		pop_answer(m);
		break;
	case ERRAND_CHECK:
		asked_once(&m->check[m->phase], e->cookie, now);
		break;
	case ERRAND_PROBE:
		asked_once(&m->probe, e->cookie, now);
		break;
	default:
		if (p->pmtud->count == 0) /* another size: what is asked of it is new */
			*p->sized = nothing;
		asked_once(p->sized, e->cookie, now);
		pmtud_sent(p->pmtud, rtt_ns, now);
		break;
	}
	let_go(p);
}

/* ---- the caller ---- */

tern_error paths_measure(struct paths *p, uint16_t min, uint16_t base, uint16_t max)
{
	struct pmtud *pmtud = heap_alloc(p->heap, sizeof *pmtud);
	struct asked *sized = heap_alloc(p->heap, sizeof *sized);
	if (!pmtud || !sized) {
		heap_free(p->heap, pmtud, sizeof *pmtud);
		heap_free(p->heap, sized, sizeof *sized);
		return TERN_ERROR_NO_MEMORY;
	}
	*sized = nothing;
	pmtud_start(pmtud, min, base, max);
	p->pmtud = pmtud;
	p->sized = sized;
	return TERN_OK;
}

tern_error paths_move(struct paths *p, const tern_path *path)
{
	bool leaves = p->checks && p->current.remote.len && !path_same(path, &p->current);
	struct moves *m = leaves ? moves_of(p) : p->moves;
	if (leaves && !m)
		return TERN_ERROR_NO_MEMORY;
	if (m) {
		m->has_left = leaves;
		m->left = p->current;
		m->seen = false;
		m->probe = nothing;
		end_check(m, 0);
	}
	p->current = *path;
	if (leaves)
		forget_sizes(p);
	let_go(p);
	return TERN_OK;
}

tern_error paths_probe(struct paths *p, uint64_t rtt_ns, tern_time now)
{
	struct moves *m = moves_of(p);
	if (!m)
		return TERN_ERROR_NO_MEMORY;
	if (!is_asked(&m->probe))
		ask(&m->probe, check_time(rtt_ns), now);
	return TERN_OK;
}

/* In this order: what ended, then what begins. */
enum path_news paths_news(struct paths *p, const tern_path **path)
{
	struct moves *m = p->moves;
	for (unsigned bit = NEWS_FAILED; m && bit <= NEWS_PROBING; bit <<= 1) {
		if (!(m->news & bit))
			continue;
		m->news &= (uint8_t)~bit;
		*path = bit & (NEWS_CHANGED | NEWS_ALIVE | NEWS_SILENT) ? &p->current : &m->candidate;
		return bit;
	}
	return 0;
}

/* ---- time ---- */

static void sooner(uint64_t *deadline, const struct asked *a)
{
	uint64_t mine = a->next_ns < a->expires_ns ? a->next_ns : a->expires_ns;
	if (mine < *deadline)
		*deadline = mine;
}

uint64_t paths_deadline(const struct paths *p)
{
	uint64_t deadline = p->pmtud ? pmtud_deadline(p->pmtud) : TERN_NEVER;
	if (p->moves) {
		sooner(&deadline, &p->moves->probe);
		if (p->moves->phase != CHECK_NONE)
			sooner(&deadline, &p->moves->check[p->moves->phase]);
	}
	return deadline;
}

/* Whether all is over. */
static bool tick(struct asked *a, tern_time now)
{
	if (now.mono_ns >= a->next_ns) {
		a->due = true;
		a->next_ns = TERN_NEVER;
	}
	return is_asked(a) && now.mono_ns >= a->expires_ns;
}

void paths_tick(struct paths *p, uint64_t rtt_ns, tern_time now)
{
	struct moves *m = p->moves;
	if (p->pmtud)
		pmtud_tick(p->pmtud, now);
	if (!m)
		return;
	if (tick(&m->probe, now)) {
		m->probe = nothing;
		m->news |= NEWS_SILENT;
	}
	if (m->phase == CHECK_NONE || !tick(&m->check[m->phase], now))
		return;
	if (m->phase == CHECK_OLD) { /* its late answer still counts */
		m->check[CHECK_OLD].expires_ns = m->check[CHECK_OLD].next_ns = TERN_NEVER;
		m->check[CHECK_OLD].due = false;
		begin_phase(m, CHECK_NEW, rtt_ns, now);
	} else {
		end_check(m, NEWS_FAILED);
	}
}
