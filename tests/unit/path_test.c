/* src/connection/path.c: the return routability check without records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connection/path.h"
#include "count_heap.h"

#define MS UINT64_C(1000000)
#define RTT (100 * MS)
#define DATAGRAM 40 /* bytes of one with a message */
#define NUM(a) (sizeof(a) / sizeof(a)[0])

static const tern_path home = {.local = {.len = 1, .bytes = {1}}, .remote = {.len = 1, .bytes = {10}}};
static const tern_path away = {.local = {.len = 1, .bytes = {1}}, .remote = {.len = 1, .bytes = {20}}};
static const tern_path third = {.local = {.len = 1, .bytes = {1}}, .remote = {.len = 1, .bytes = {30}}};
static const tern_path other_local = {.local = {.len = 1, .bytes = {2}}, .remote = {.len = 1, .bytes = {10}}};

struct side {
	struct count_heap heap;
	tern_allocator allocator;
	struct paths *p;
	tern_time now;
	uint8_t next_cookie;
	uint8_t last[RRC_COOKIE]; /* sent last */
	tern_path to; /* where */
};

static void open_side(struct side *s, bool enhanced)
{
	*s = (struct side){.now = {.mono_ns = 1}};
	s->allocator = count_heap_allocator(&s->heap);
	s->p = paths_new(&s->allocator, &home);
	assert_non_null(s->p);
	s->p->checks = true;
	s->p->enhanced = enhanced;
}

/* Nothing is left but what an idle connection has. */
static void close_side(struct side *s)
{
	assert_null(s->p->moves);
	paths_free(s->p);
	assert_int_equal(s->heap.live, 0);
}

/* A datagram with one record of data. */
static void data_from(struct side *s, const tern_path *path, bool newest)
{
	paths_feed(s->p, path);
	paths_arrived(s->p, &(struct arrived){.n = DATAGRAM, .newest = newest, .has_cid = true}, RTT, s->now);
	paths_fed(s->p);
}

/* A datagram with one message. */
static bool message_from(struct side *s, const tern_path *path, uint8_t type, const uint8_t *cookie)
{
	struct rrc message = {type, span_of(cookie, RRC_COOKIE)};
	uint64_t rtt;
	bool good;
	paths_feed(s->p, path);
	paths_arrived(s->p, &(struct arrived){.n = DATAGRAM, .newest = true, .has_cid = true, .checks = true}, RTT,
		      s->now);
	good = paths_receive(s->p, &message, DATAGRAM, &rtt, s->now);
	paths_fed(s->p);
	return good;
}

/* The next thing to send, sent. */
static int errand(struct side *s)
{
	struct path_errand e = paths_errand(s->p, DATAGRAM, false);
	if (e.kind == ERRAND_NONE)
		return ERRAND_NONE;
	s->to = *e.to;
	if (e.kind != ERRAND_ANSWER)
		memset(e.cookie, ++s->next_cookie, RRC_COOKIE);
	memcpy(s->last, e.cookie, RRC_COOKIE);
	paths_sent(s->p, &e, DATAGRAM, RTT, s->now);
	return (int)e.kind;
}

static void check_to(struct side *s, const tern_path *to)
{
	assert_int_equal(errand(s), ERRAND_CHECK);
	assert_memory_equal(&s->to, to, sizeof *to);
}

static void check_news(struct side *s, enum path_news want, const tern_path *where)
{
	const tern_path *path = NULL;
	assert_int_equal(paths_news(s->p, &path), want);
	if (want)
		assert_memory_equal(path, where, sizeof *path);
}

static bool is_at(const struct side *s, const tern_path *path)
{
	return memcmp(&s->p->current, path, sizeof *path) == 0;
}

/* Until nothing is asked any more; what is asked is lost. Its number. */
static unsigned run_out(struct side *s)
{
	unsigned sent = 0;
	for (int i = 0; i < 100; i++) {
		while (errand(s) != ERRAND_NONE)
			sent++;
		if (paths_deadline(s->p) == TERN_NEVER)
			return sent;
		s->now.mono_ns = paths_deadline(s->p);
		paths_tick(s->p, RTT, s->now);
	}
	fail_msg("there is no end of it");
	return 0;
}

static void settle(struct side *s)
{
	const tern_path *path;
	while (paths_news(s->p, &path))
		;
	paths_fed(s->p);
}

static void basic_moves(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, false);
	data_from(&s, &away, true);
	check_news(&s, NEWS_PROBING, &away);
	check_to(&s, &away);
	assert_int_equal(errand(&s), ERRAND_NONE);
	assert_true(is_at(&s, &home));
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_true(is_at(&s, &away));
	check_news(&s, NEWS_CHANGED, &away);
	check_news(&s, 0, NULL);
	settle(&s);
	close_side(&s);
}

static void enhanced_moves_when_the_old_path_is_dead(void **state)
{
	struct side s;
	uint64_t begun;
	(void)state;
	open_side(&s, true);
	begun = s.now.mono_ns;
	data_from(&s, &away, true);
	check_news(&s, NEWS_PROBING, &away);
	for (unsigned i = 0; i < PATH_TRIES; i++) {
		check_to(&s, &home);
		assert_int_equal(errand(&s), ERRAND_NONE);
		s.now.mono_ns = paths_deadline(s.p);
		paths_tick(s.p, RTT, s.now);
	}
	assert_int_equal(s.now.mono_ns - begun, 3 * RTT); /* RFC 9853 5.5 */
	check_to(&s, &away);
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_true(is_at(&s, &away));
	check_news(&s, NEWS_CHANGED, &away);
	settle(&s);
	close_side(&s);
}

static void enhanced_asks_on_when_the_peer_left(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, true);
	data_from(&s, &away, true);
	check_to(&s, &home);
	assert_true(message_from(&s, &home, RRC_PATH_DROP, s.last));
	assert_true(is_at(&s, &home));
	check_to(&s, &away);
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_true(is_at(&s, &away));
	settle(&s);
	close_side(&s);
}

/* Somebody who copies our peer's datagrams and is faster brings the answers too. */
static void enhanced_stays_where_the_old_path_answers(void **state)
{
	const tern_path *from[] = {&home, &away, &third};
	(void)state;
	for (size_t i = 0; i < NUM(from); i++) {
		for (unsigned late = 0; late < 2; late++) {
			struct side s;
			uint8_t cookie[RRC_COOKIE];
			open_side(&s, true);
			data_from(&s, &away, true);
			check_news(&s, NEWS_PROBING, &away);
			check_to(&s, &home);
			memcpy(cookie, s.last, sizeof cookie);
			if (late) { /* the new path is being asked */
				s.now.mono_ns += 3 * RTT;
				paths_tick(s.p, RTT, s.now);
				check_to(&s, &away);
			}
			assert_true(message_from(&s, from[i], RRC_PATH_RESPONSE, cookie));
			check_news(&s, NEWS_FAILED, &away);
			assert_int_equal(run_out(&s), 0);
			assert_true(is_at(&s, &home));
			settle(&s);
			close_side(&s);
		}
	}
}

/* What may not move a connection. */
static void nothing_moves(void **state)
{
	static const struct {
		const tern_path *from;
		bool newest, cid;
	} cases[] = {
		{&home, true, true},
		{&away, false, true},
		{&away, true, false},
		{NULL, true, true},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct side s;
		size_t allocs;
		open_side(&s, i & 1);
		allocs = s.heap.allocs;
		paths_feed(s.p, cases[i].from);
		paths_arrived(s.p, &(struct arrived){.n = 1000, .newest = cases[i].newest, .has_cid = cases[i].cid},
			      RTT, s.now);
		paths_fed(s.p);
		if (cases[i].from != &away)
			assert_int_equal(s.heap.allocs, allocs);
		assert_int_equal(errand(&s), ERRAND_NONE);
		check_news(&s, 0, NULL);
		close_side(&s);
	}
}

static void wrong_answers(void **state)
{
	static const uint8_t zeros[RRC_COOKIE];
	struct side s;
	uint8_t cookie[RRC_COOKIE];
	(void)state;
	open_side(&s, false);
	assert_false(message_from(&s, &home, RRC_PATH_RESPONSE, zeros)); /* nothing was asked */
	data_from(&s, &away, true);
	check_to(&s, &away);
	memcpy(cookie, s.last, sizeof cookie);
	assert_false(message_from(&s, &away, RRC_PATH_RESPONSE, zeros));
	cookie[7] ^= 1;
	assert_false(message_from(&s, &away, RRC_PATH_RESPONSE, cookie));
	cookie[7] ^= 1;
	assert_false(message_from(&s, &home, RRC_PATH_RESPONSE, cookie)); /* not on the path that was asked */
	assert_false(message_from(&s, &third, RRC_PATH_RESPONSE, cookie));
	assert_true(is_at(&s, &home));
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, cookie)); /* they did no harm */
	assert_true(is_at(&s, &away));
	assert_false(message_from(&s, &away, RRC_PATH_RESPONSE, cookie));
	settle(&s);
	close_side(&s);
	/* The new path is not wanted. */
	open_side(&s, false);
	data_from(&s, &away, true);
	check_to(&s, &away);
	assert_true(message_from(&s, &away, RRC_PATH_DROP, s.last));
	assert_int_equal(run_out(&s), 0);
	assert_true(is_at(&s, &home));
	settle(&s);
	close_side(&s);
}

/* Each of the challenges may be the one that is answered; each has a cookie of its own. */
static void losses(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < PATH_TRIES; lost++) {
		for (unsigned answered = 0; answered <= lost; answered++) {
			struct side s;
			uint8_t cookies[PATH_TRIES][RRC_COOKIE];
			open_side(&s, false);
			for (int i = 0; i < 10; i++)
				data_from(&s, &away, true); /* room for all of them */
			for (unsigned i = 0; i <= lost; i++) {
				if (i) {
					s.now.mono_ns = paths_deadline(s.p);
					paths_tick(s.p, RTT, s.now);
				}
				check_to(&s, &away);
				memcpy(cookies[i], s.last, RRC_COOKIE);
				assert_true(i == 0 || memcmp(cookies[i], cookies[i - 1], RRC_COOKIE) != 0);
			}
			assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, cookies[answered]));
			assert_true(is_at(&s, &away));
			settle(&s);
			close_side(&s);
		}
	}
}

static void time_runs_out(void **state)
{
	(void)state;
	for (unsigned enhanced = 0; enhanced < 2; enhanced++) {
		struct side s;
		uint64_t begun;
		open_side(&s, enhanced);
		begun = s.now.mono_ns;
		for (int i = 0; i < 10; i++)
			data_from(&s, &away, true);
		check_news(&s, NEWS_PROBING, &away);
		assert_int_equal(run_out(&s), (1 + enhanced) * PATH_TRIES);
		assert_int_equal(s.now.mono_ns - begun, (1 + enhanced) * 3 * RTT);
		check_news(&s, NEWS_FAILED, &away);
		assert_true(is_at(&s, &home));
		settle(&s);
		assert_null(s.p->moves);
		data_from(&s, &away, true); /* and anew */
		check_news(&s, NEWS_PROBING, &away);
		(void)run_out(&s);
		settle(&s);
		close_side(&s);
	}
}

static void check_lasts(void **state)
{
	static const struct {
		uint64_t rtt, t;
	} cases[] = {{0, 1000 * MS}, {1, 150 * MS}, {49 * MS, 150 * MS}, {100 * MS, 300 * MS}, {TERN_NEVER, 1000 * MS}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct side s;
		open_side(&s, false);
		assert_int_equal(paths_probe(s.p, cases[i].rtt, s.now), TERN_OK);
		assert_int_equal(paths_deadline(s.p) - s.now.mono_ns, cases[i].t);
		(void)run_out(&s);
		settle(&s);
		close_side(&s);
	}
}

/* At most three times what came from there goes there, whatever is asked of us: RFC 9853 2. */
static void amplification(void **state)
{
	static const uint8_t zeros[RRC_COOKIE];
	(void)state;
	for (size_t n = 1; n <= 60; n++) {
		struct side s;
		size_t in = 0, out = 0;
		open_side(&s, false);
		for (int i = 0; i < 40; i++) {
			struct rrc message = {RRC_PATH_CHALLENGE, span_of(zeros, RRC_COOKIE)};
			uint64_t rtt;
			paths_feed(s.p, &away);
			paths_arrived(s.p, &(struct arrived){n, i == 0, true, i != 0}, RTT, s.now);
			in += n;
			(void)(i % 3 && paths_receive(s.p, &message, n, &rtt, s.now));
			paths_fed(s.p);
			while (errand(&s) != ERRAND_NONE) {
				assert_memory_equal(&s.to, &away, sizeof s.to);
				out += DATAGRAM;
			}
			assert_true(out <= 3 * in);
			s.now.mono_ns += RTT / 10;
			paths_tick(s.p, RTT, s.now);
		}
		(void)run_out(&s);
		settle(&s);
		close_side(&s);
	}
}

/* A check waits for bytes; when they come it goes on. */
static void waits_for_bytes(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, false);
	paths_feed(s.p, &away);
	paths_arrived(s.p, &(struct arrived){DATAGRAM / 4, true, true, false}, RTT, s.now);
	paths_fed(s.p);
	assert_int_equal(errand(&s), ERRAND_NONE);
	paths_feed(s.p, &away);
	paths_arrived(s.p, &(struct arrived){DATAGRAM / 4, false, true, false}, RTT, s.now);
	paths_fed(s.p);
	check_to(&s, &away);
	assert_int_equal(run_out(&s), 0);
	settle(&s);
	close_side(&s);
}

static void another_rebinding_is_left_alone(void **state)
{
	struct side s;
	uint8_t cookie[RRC_COOKIE];
	(void)state;
	open_side(&s, false);
	data_from(&s, &away, true);
	check_to(&s, &away);
	memcpy(cookie, s.last, sizeof cookie);
	data_from(&s, &third, true);
	assert_int_equal(errand(&s), ERRAND_NONE);
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, cookie));
	assert_true(is_at(&s, &away));
	settle(&s);
	close_side(&s);
}

static void bytes_from(struct side *s, const tern_path *path, size_t n)
{
	paths_feed(s->p, path);
	paths_arrived(s->p, &(struct arrived){n, true, true, false}, RTT, s->now);
	paths_fed(s->p);
}

/* What a third address sends is no budget for the candidate, and does not speak for it. */
static void a_third_address_adds_nothing(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, false);
	bytes_from(&s, &away, DATAGRAM / 4);
	bytes_from(&s, &third, 1000);
	assert_int_equal(errand(&s), ERRAND_NONE);
	bytes_from(&s, &away, DATAGRAM / 4);
	check_to(&s, &away);
	data_from(&s, &home, true);
	data_from(&s, &third, true);
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_true(is_at(&s, &home));
	settle(&s);
	close_side(&s);
}

/* An answer that comes when the check is over, and not told of yet. */
static void stale_answers(void **state)
{
	(void)state;
	for (int dropped = 0; dropped < 2; dropped++) {
		struct side s;
		uint8_t cookie[RRC_COOKIE];
		uint64_t rtt;
		open_side(&s, false);
		data_from(&s, &away, true);
		check_to(&s, &away);
		memcpy(cookie, s.last, sizeof cookie);
		if (dropped)
			assert_true(message_from(&s, &away, RRC_PATH_DROP, cookie));
		else
			(void)run_out(&s);
		paths_feed(s.p, &away);
		paths_arrived(s.p, &(struct arrived){DATAGRAM, false, true, true}, RTT, s.now);
		assert_false(paths_receive(s.p, &(struct rrc){RRC_PATH_RESPONSE, span_of(cookie, RRC_COOKIE)}, DATAGRAM,
					   &rtt, s.now));
		paths_fed(s.p);
		assert_true(is_at(&s, &home));
		check_news(&s, NEWS_FAILED, &away);
		settle(&s);
		close_side(&s);
	}
}

/* What is newer than the candidate's came on the old path: the peer is there still. */
static void the_old_path_goes_on(void **state)
{
	static const struct {
		bool newest, again, moves;
	} cases[] = {{true, false, false}, {true, true, true}, {false, false, true}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct side s;
		open_side(&s, false);
		data_from(&s, &away, true);
		check_to(&s, &away);
		data_from(&s, &home, cases[i].newest);
		if (cases[i].again)
			data_from(&s, &away, true);
		assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
		assert_int_equal(is_at(&s, &away), cases[i].moves);
		settle(&s);
		close_side(&s);
	}
}

static void answers_go_where_the_challenge_came_from(void **state)
{
	static const uint8_t cookie[RRC_COOKIE] = {1, 2, 3, 4, 5, 6, 7, 8};
	const tern_path *from[] = {&home, &away, &other_local};
	(void)state;
	for (size_t i = 0; i < NUM(from); i++) {
		struct side s;
		struct path_errand e;
		open_side(&s, true);
		assert_true(message_from(&s, from[i], RRC_PATH_CHALLENGE, cookie));
		e = paths_errand(s.p, DATAGRAM, false);
		assert_int_equal(e.kind, ERRAND_ANSWER);
		assert_int_equal(e.type, RRC_PATH_RESPONSE);
		assert_memory_equal(e.to, from[i], sizeof *from[i]);
		assert_memory_equal(e.cookie, cookie, sizeof cookie);
		assert_int_equal(errand(&s), ERRAND_ANSWER);
		(void)run_out(&s);
		assert_true(is_at(&s, &home));
		settle(&s);
		close_side(&s);
	}
}

static void one_answer_to_each(void **state)
{
	struct side s;
	uint8_t cookie[RRC_COOKIE] = {0};
	(void)state;
	open_side(&s, false);
	for (uint8_t i = 0; i < PATH_ANSWERS + 1; i++) {
		cookie[0] = i;
		assert_int_equal(message_from(&s, &home, RRC_PATH_CHALLENGE, cookie), i < PATH_ANSWERS);
	}
	for (uint8_t i = 0; i < PATH_ANSWERS; i++) {
		assert_int_equal(errand(&s), ERRAND_ANSWER);
		assert_int_equal(s.last[0], i);
	}
	assert_int_equal(errand(&s), ERRAND_NONE);
	close_side(&s);
}

/* A caller who does not tell paths apart has nothing sent elsewhere. */
static void current_only(void **state)
{
	static const uint8_t cookie[RRC_COOKIE];
	struct side s;
	(void)state;
	open_side(&s, false);
	assert_true(message_from(&s, &away, RRC_PATH_CHALLENGE, cookie));
	assert_int_equal(paths_errand(s.p, DATAGRAM, true).kind, ERRAND_NONE);
	assert_true(message_from(&s, &home, RRC_PATH_CHALLENGE, cookie));
	assert_int_equal(paths_errand(s.p, DATAGRAM, true).kind, ERRAND_ANSWER);
	(void)run_out(&s);
	settle(&s);
	close_side(&s);
}

/* RFC 9853 5.2. */
static void after_a_voluntary_move(void **state)
{
	static const uint8_t cookie[RRC_COOKIE];
	static const struct {
		const tern_path *from;
		uint8_t type;
	} rows[] = {
		{&other_local, RRC_PATH_DROP}, /* where we were */
		{&third, RRC_PATH_RESPONSE}, /* where we never were */
		{&other_local, RRC_PATH_DROP},	   {&home, RRC_PATH_RESPONSE}, /* where we are: the peer knows it now */
		{&other_local, RRC_PATH_RESPONSE},
	};
	struct side s;
	(void)state;
	open_side(&s, true);
	assert_int_equal(paths_move(s.p, &other_local), TERN_OK);
	assert_int_equal(paths_move(s.p, &home), TERN_OK);
	for (size_t i = 0; i < NUM(rows); i++) {
		assert_true(message_from(&s, rows[i].from, RRC_PATH_CHALLENGE, cookie));
		assert_int_equal(paths_errand(s.p, DATAGRAM, false).type, rows[i].type);
		(void)run_out(&s);
		settle(&s);
	}
	close_side(&s);
}

static void vouching_ends_a_check(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, false);
	data_from(&s, &away, true);
	check_to(&s, &away);
	assert_int_equal(paths_move(s.p, &away), TERN_OK);
	assert_true(is_at(&s, &away));
	assert_false(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_int_equal(run_out(&s), 0);
	s.p->moves->has_left = false;
	settle(&s);
	close_side(&s);
}

static void probes(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, true);
	assert_int_equal(paths_probe(s.p, RTT, s.now), TERN_OK);
	assert_int_equal(paths_probe(s.p, RTT, s.now), TERN_OK); /* one at a time */
	assert_int_equal(errand(&s), ERRAND_PROBE);
	assert_int_equal(errand(&s), ERRAND_NONE);
	assert_memory_equal(&s.to, &home, sizeof home);
	assert_true(message_from(&s, &home, RRC_PATH_RESPONSE, s.last));
	check_news(&s, NEWS_ALIVE, &home);
	assert_int_equal(paths_probe(s.p, RTT, s.now), TERN_OK);
	assert_int_equal(run_out(&s), PATH_TRIES);
	check_news(&s, NEWS_SILENT, &home);
	settle(&s);
	close_side(&s);
}

/* Nothing was agreed on: told once, and only the caller moves it. */
static void without_checks(void **state)
{
	struct side s;
	(void)state;
	open_side(&s, true);
	s.p->checks = false;
	data_from(&s, &away, true);
	check_news(&s, NEWS_SEEN, &away);
	data_from(&s, &away, true);
	check_news(&s, 0, NULL);
	data_from(&s, &third, true);
	check_news(&s, NEWS_SEEN, &third);
	assert_int_equal(run_out(&s), 0);
	assert_true(is_at(&s, &home));
	assert_int_equal(paths_move(s.p, &third), TERN_OK);
	data_from(&s, &third, true);
	check_news(&s, 0, NULL);
	close_side(&s);
}

static void measures(void **state)
{
	struct side s;
	struct path_errand e;
	(void)state;
	open_side(&s, false);
	assert_int_equal(paths_measure(s.p, 96, 1200, 1472), TERN_OK);
	e = paths_errand(s.p, DATAGRAM, false);
	assert_int_equal(e.kind, ERRAND_SIZE);
	assert_int_equal(e.size, 1200);
	assert_int_equal(errand(&s), ERRAND_SIZE);
	assert_true(message_from(&s, &home, RRC_PATH_RESPONSE, s.last));
	assert_int_equal(s.p->pmtud->size, 1200);
	assert_int_equal(errand(&s), ERRAND_SIZE);
	for (int i = 0; i < PMTUD_MAX_PROBES; i++) { /* 1472 is lost */
		(void)errand(&s);
		s.now.mono_ns = paths_deadline(s.p);
		paths_tick(s.p, RTT, s.now);
	}
	assert_int_equal(paths_errand(s.p, DATAGRAM, false).size, 1452);
	assert_false(message_from(&s, &home, RRC_PATH_RESPONSE, s.last)); /* of a size that was given up */
	assert_int_equal(s.p->pmtud->size, 1200);
	/* While another path is checked nothing is measured; the next one is measured anew. */
	data_from(&s, &away, true);
	check_to(&s, &away);
	assert_int_equal(errand(&s), ERRAND_NONE);
	assert_true(message_from(&s, &away, RRC_PATH_RESPONSE, s.last));
	assert_true(is_at(&s, &away));
	assert_int_equal(paths_errand(s.p, DATAGRAM, false).size, 1200);
	settle(&s);
	close_side(&s);
}

/* What was to be sent may have ended meanwhile; a size is asked of the path in use, whether or not anything moves. */
static void sent_when_nothing_moves(void **state)
{
	static const uint8_t cookie[RRC_COOKIE];
	struct side s;
	struct path_errand probe;
	(void)state;
	open_side(&s, false);
	assert_int_equal(paths_probe(s.p, RTT, s.now), TERN_OK);
	probe = paths_errand(s.p, DATAGRAM, false);
	assert_int_equal(probe.kind, ERRAND_PROBE);
	assert_int_equal(paths_move(s.p, &home), TERN_OK);
	assert_null(s.p->moves);
	paths_sent(s.p, &probe, DATAGRAM, RTT, s.now);
	assert_null(s.p->moves);
	assert_int_equal(paths_deadline(s.p), TERN_NEVER);
	assert_false(message_from(&s, &home, RRC_PATH_RESPONSE, cookie));
	assert_int_equal(paths_measure(s.p, 96, 1200, 1472), TERN_OK);
	assert_int_equal(errand(&s), ERRAND_SIZE);
	assert_null(s.p->moves);
	assert_true(paths_deadline(s.p) != TERN_NEVER);
	assert_true(message_from(&s, &home, RRC_PATH_RESPONSE, s.last));
	assert_int_equal(s.p->pmtud->size, 1200);
	close_side(&s);
}

static void memory_runs_out(void **state)
{
	static const uint8_t cookie[RRC_COOKIE];
	struct side s;
	(void)state;
	for (size_t i = 1; i <= 2; i++) {
		open_side(&s, false);
		s.heap.fail_at = s.heap.allocs + i;
		assert_int_equal(paths_measure(s.p, 96, 1200, 1472), TERN_ERROR_NO_MEMORY);
		assert_null(s.p->pmtud);
		close_side(&s);
	}
	open_side(&s, false);
	s.heap.fail_at = s.heap.allocs + 1;
	data_from(&s, &away, true);
	assert_int_equal(errand(&s), ERRAND_NONE);
	s.heap.fail_at = s.heap.allocs + 1;
	assert_false(message_from(&s, &away, RRC_PATH_CHALLENGE, cookie));
	s.heap.fail_at = s.heap.allocs + 1;
	assert_false(message_from(&s, &home, RRC_PATH_CHALLENGE, cookie));
	s.heap.fail_at = s.heap.allocs + 1;
	assert_int_equal(paths_move(s.p, &away), TERN_ERROR_NO_MEMORY);
	assert_true(is_at(&s, &home));
	s.heap.fail_at = s.heap.allocs + 1;
	assert_int_equal(paths_probe(s.p, RTT, s.now), TERN_ERROR_NO_MEMORY);
	close_side(&s);
}

static void same_paths(void **state)
{
	const tern_path untold = {.remote = home.remote};
	(void)state;
	assert_true(path_same(&home, &home) && path_same(&home, &untold) && path_same(&untold, &home));
	assert_false(path_same(&home, &away) || path_same(&home, &other_local) || path_same(&untold, &away));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basic_moves),
		cmocka_unit_test(enhanced_moves_when_the_old_path_is_dead),
		cmocka_unit_test(enhanced_asks_on_when_the_peer_left),
		cmocka_unit_test(enhanced_stays_where_the_old_path_answers),
		cmocka_unit_test(nothing_moves),
		cmocka_unit_test(wrong_answers),
		cmocka_unit_test(losses),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(check_lasts),
		cmocka_unit_test(amplification),
		cmocka_unit_test(waits_for_bytes),
		cmocka_unit_test(another_rebinding_is_left_alone),
		cmocka_unit_test(a_third_address_adds_nothing),
		cmocka_unit_test(stale_answers),
		cmocka_unit_test(the_old_path_goes_on),
		cmocka_unit_test(answers_go_where_the_challenge_came_from),
		cmocka_unit_test(one_answer_to_each),
		cmocka_unit_test(current_only),
		cmocka_unit_test(after_a_voluntary_move),
		cmocka_unit_test(vouching_ends_a_check),
		cmocka_unit_test(probes),
		cmocka_unit_test(without_checks),
		cmocka_unit_test(measures),
		cmocka_unit_test(sent_when_nothing_moves),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(same_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
