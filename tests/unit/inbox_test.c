/* src/flight/inbox.c. RFC 6347 4.2.2, 4.2.3, RFC 9147 5.2, 5.5. */
#include "flight/inbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pcg.h"
#include "unit/inbox_model.h"

static const uint8_t text[] = "the arctic tern makes the longest flights of any animal, and gets through";

static struct fragment part(uint16_t seq, uint32_t length, uint32_t offset, size_t n)
{
	return (struct fragment){CERTIFICATE, length, seq, offset, span_of(text + offset, n)};
}

struct fixture {
	struct count_heap h;
	tern_allocator heap;
	struct inbox in;
};

static void set_up(struct fixture *x, uint32_t budget)
{
	memset(x, 0, sizeof *x);
	x->heap = count_heap_allocator(&x->h);
	inbox_init(&x->in, &x->heap, 0, budget, 32768);
}

static void tear_down(struct fixture *x)
{
	assert_int_equal(x->in.used, x->h.live);
	inbox_free(&x->in);
	assert_int_equal(x->h.live, 0);
	assert_int_equal(x->h.blocks, 0);
}

/* Type 0 stands for CERTIFICATE. */
static const struct verdict {
	const char *name;
	struct {
		uint8_t type;
		uint16_t epoch;
		uint32_t length;
		uint16_t seq;
		uint32_t offset;
		size_t n;
		tern_drop want;
	} puts[4];
	size_t num;
	size_t complete; /* length of the message that is then next; SIZE_MAX: none */
} all_verdicts[] = {
	{"whole", {{0, 0, 9, 0, 0, 9, TERN_DROP_NONE}}, 1, 9},
	{"whole again", {{0, 0, 9, 0, 0, 9, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 9, TERN_DROP_OLD_MESSAGE}}, 2, 9},
	{"empty message", {{0, 0, 0, 0, 0, 0, TERN_DROP_NONE}}, 1, 0},
	{"empty message ahead",
	 {{0, 0, 0, 1, 0, 0, TERN_DROP_NONE},
	  {0, 0, 0, 1, 0, 0, TERN_DROP_OLD_MESSAGE},
	  {0, 0, 4, 0, 0, 4, TERN_DROP_NONE}},
	 3,
	 4},
	{"empty piece first", {{0, 0, 9, 0, 0, 0, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"empty piece at the end", {{0, 0, 9, 0, 9, 0, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"two halves", {{0, 0, 9, 0, 0, 5, TERN_DROP_NONE}, {0, 0, 9, 0, 5, 4, TERN_DROP_NONE}}, 2, 9},
	{"two halves reversed", {{0, 0, 9, 0, 5, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 5, TERN_DROP_NONE}}, 2, 9},
	{"overlap", {{0, 0, 9, 0, 0, 6, TERN_DROP_NONE}, {0, 0, 9, 0, 3, 6, TERN_DROP_NONE}}, 2, 9},
	{"whole over a piece", {{0, 0, 9, 0, 3, 2, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 9, TERN_DROP_NONE}}, 2, 9},
	{"piece twice", {{0, 0, 9, 0, 3, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 4, 2, TERN_DROP_OLD_MESSAGE}}, 2, SIZE_MAX},
	{"middle missing", {{0, 0, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 5, 4, TERN_DROP_NONE}}, 2, SIZE_MAX},
	{"another length", {{0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 1, 8, 0, 4, 4, TERN_DROP_FRAGMENT}}, 2, SIZE_MAX},
	{"another type", {{0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {1, 1, 9, 0, 4, 5, TERN_DROP_FRAGMENT}}, 2, SIZE_MAX},
	{"whole at odds with a piece",
	 {{0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 1, 8, 0, 0, 8, TERN_DROP_FRAGMENT}},
	 2,
	 SIZE_MAX},
	{"in clear, another length displaces",
	 {{0, 0, 8, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 4, 5, TERN_DROP_NONE}},
	 3,
	 9},
	{"in clear, another type displaces",
	 {{1, 0, 9, 0, 4, 5, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 4, 5, TERN_DROP_NONE}},
	 3,
	 9},
	{"in clear, the whole displaces a piece",
	 {{1, 0, 4000, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 0, 9, TERN_DROP_NONE}},
	 2,
	 9},
	{"in clear, the whole displaces a whole that is ahead",
	 {{1, 0, 9, 1, 0, 9, TERN_DROP_NONE},
	  {0, 0, 8, 1, 0, 8, TERN_DROP_NONE},
	  {0, 0, 8, 1, 0, 8, TERN_DROP_OLD_MESSAGE},
	  {0, 0, 4, 0, 0, 4, TERN_DROP_NONE}},
	 4,
	 4},
	{"lower epoch", {{0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 0, 9, 0, 4, 5, TERN_DROP_FRAGMENT}}, 2, SIZE_MAX},
	{"protected displaces plaintext",
	 {{1, 0, 8, 0, 0, 4, TERN_DROP_NONE}, {0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 1, 9, 0, 4, 5, TERN_DROP_NONE}},
	 3,
	 9},
	{"between protected epochs nothing is displaced",
	 {{0, 1, 9, 0, 0, 4, TERN_DROP_NONE}, {0, 2, 9, 0, 4, 5, TERN_DROP_FRAGMENT}},
	 2,
	 SIZE_MAX},
	{"beyond the end", {{0, 0, 9, 0, 5, 5, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"offset beyond the end", {{0, 0, 9, 0, 10, 0, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"empty message with offset", {{0, 0, 0, 0, 1, 0, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"too long", {{0, 0, 32769, 0, 0, 9, TERN_DROP_FRAGMENT}}, 1, SIZE_MAX},
	{"longest", {{0, 0, 32768, 0, 0, 9, TERN_DROP_NONE}}, 1, SIZE_MAX},
	{"last of the window", {{0, 0, 9, INBOX_WINDOW - 1, 0, 9, TERN_DROP_NONE}}, 1, SIZE_MAX},
	{"beyond the window", {{0, 0, 9, INBOX_WINDOW, 0, 9, TERN_DROP_FUTURE_MESSAGE}}, 1, SIZE_MAX},
	{"far beyond", {{0, 0, 9, 65535, 0, 9, TERN_DROP_FUTURE_MESSAGE}}, 1, SIZE_MAX},
};

static void check_verdict(const struct verdict *v)
{
	struct fixture x;
	struct message m;
	bool complete;
	set_up(&x, 65536);
	for (size_t k = 0; k < v->num; k++) {
		struct fragment f = part(v->puts[k].seq, v->puts[k].length, v->puts[k].offset, v->puts[k].n);
		tern_drop got;
		f.type = v->puts[k].type ? v->puts[k].type : CERTIFICATE;
		got = inbox_put(&x.in, &f, v->puts[k].epoch);
		if (got != v->puts[k].want)
			fail_msg("%s: put %zu: %s", v->name, k, tern_drop_sentence(got));
	}
	complete = inbox_next(&x.in, &m);
	if (complete != (v->complete != SIZE_MAX) || (complete && m.body.n != v->complete))
		fail_msg("%s: complete", v->name);
	if (complete && (m.type != CERTIFICATE || memcmp(m.body.p, text, m.body.n) != 0))
		fail_msg("%s: content", v->name);
	tear_down(&x);
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all_verdicts / sizeof all_verdicts[0]; i++)
		check_verdict(&all_verdicts[i]);
}

static void whole_is_lent(void **state)
{
	struct fragment f = part(0, 20, 0, 20);
	struct fixture x;
	struct message m, again;
	(void)state;
	set_up(&x, 0);
	assert_int_equal(inbox_put(&x.in, &f, 1), TERN_DROP_NONE);
	assert_true(inbox_next(&x.in, &m));
	assert_ptr_equal(m.body.p, text);
	assert_int_equal(m.epoch, 1);
	assert_true(inbox_next(&x.in, &again));
	assert_ptr_equal(again.body.p, text);
	inbox_done(&x.in);
	assert_false(inbox_next(&x.in, &m));
	assert_int_equal(x.in.next, 1);
	assert_int_equal(x.h.allocs, 0);
	assert_int_equal(inbox_put(&x.in, &f, 1), TERN_DROP_OLD_MESSAGE);
	tear_down(&x);
}

static void discarding(void **state)
{
	struct fragment a = part(0, 20, 0, 20), b = part(0, 20, 4, 4), c = part(1, 20, 0, 20);
	struct fixture x;
	struct message m;
	(void)state;
	set_up(&x, 4096);
	assert_int_equal(inbox_put(&x.in, &c, 0), TERN_DROP_NONE);
	for (size_t round = 0; round < 3; round++) {
		assert_int_equal(inbox_put(&x.in, round == 1 ? &b : &a, 0), TERN_DROP_NONE);
		if (round == 2)
			assert_int_equal(inbox_keep(&x.in), TERN_OK);
		inbox_discard(&x.in);
		assert_false(inbox_next(&x.in, &m));
		assert_int_equal(x.in.next, 0);
	}
	assert_int_equal(inbox_put(&x.in, &a, 0), TERN_DROP_NONE);
	inbox_done(&x.in);
	assert_true(inbox_next(&x.in, &m));
	assert_int_equal(m.seq, 1);
	inbox_done(&x.in);
	assert_int_equal(x.in.used, 0);
	tear_down(&x);
}

static void keeping(void **state)
{
	uint8_t datagram[] = "twenty bytes of body";
	struct fragment f = {FINISHED, 20, 0, 0, span_of(datagram, 20)};
	struct fixture x;
	struct message m;
	(void)state;
	set_up(&x, 19);
	assert_int_equal(inbox_keep(&x.in), TERN_OK);
	assert_int_equal(inbox_put(&x.in, &f, 1), TERN_DROP_NONE);
	assert_int_equal(inbox_keep(&x.in), TERN_ERROR_BUDGET);
	x.in.budget = 20;
	x.h.fail_at = x.h.allocs + 1;
	assert_int_equal(inbox_keep(&x.in), TERN_ERROR_NO_MEMORY);
	assert_true(inbox_next(&x.in, &m));
	assert_ptr_equal(m.body.p, datagram);
	assert_int_equal(inbox_keep(&x.in), TERN_OK);
	memset(datagram, 0, sizeof datagram);
	assert_int_equal(inbox_keep(&x.in), TERN_OK);
	assert_true(inbox_next(&x.in, &m));
	assert_true(span_equal(m.body, span_of("twenty bytes of body", 20)));
	assert_int_equal(m.type, FINISHED);
	assert_int_equal(x.in.used, 20);
	inbox_done(&x.in);
	assert_int_equal(x.in.used, 0);
	tear_down(&x);
}

/* Somebody who claims long messages and sends one byte of each takes no more than a little. */
static void claims_cost_nothing(void **state)
{
	struct fixture x;
	(void)state;
	set_up(&x, 65536);
	for (uint16_t i = 0; i < INBOX_WINDOW; i++) {
		struct fragment f = part(i, 32768, 7, 1);
		assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	}
	assert_true(x.in.used <= INBOX_WINDOW * 80);
	tear_down(&x);
}

static void pieces_are_bounded(void **state)
{
	static const uint8_t zeros[512];
	struct fragment f = {CERTIFICATE, 512, 0, 0, span_of(zeros, 1)};
	struct fixture x;
	struct message m;
	size_t taken = 0;
	(void)state;
	set_up(&x, 65536);
	for (f.offset = 0; f.offset < 512; f.offset += 2)
		taken += inbox_put(&x.in, &f, 0) == TERN_DROP_NONE;
	assert_int_equal(taken, 64);
	f.offset = 127;
	assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	f.offset = 300;
	assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_BUDGET);
	f.offset = 1;
	assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	f.offset = 300;
	assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	f.offset = 0;
	f.body = span_of(zeros, 512);
	assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	assert_true(inbox_next(&x.in, &m));
	tear_down(&x);
}

/* Pieces of the next message that lie behind others which are not here. */
static void gaps(void **state)
{
	static const struct {
		uint16_t seq;
		uint32_t offset;
		size_t n, want;
	} steps[] = {{1, 9, 3, 0},  {0, 9, 3, 1}, {0, 12, 3, 1}, {0, 0, 3, 1},
		     {0, 20, 3, 2}, {0, 3, 6, 1}, {0, 15, 5, 0}};
	struct fixture x;
	(void)state;
	set_up(&x, 65536);
	assert_int_equal(inbox_gaps(&x.in), 0);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct fragment f = part(steps[i].seq, 30, steps[i].offset, steps[i].n);
		assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
		assert_int_equal(inbox_gaps(&x.in), steps[i].want);
	}
	inbox_done(&x.in);
	assert_int_equal(inbox_gaps(&x.in), 1); /* of the one that is next now */
	tear_down(&x);
}

/* A message of half the budget comes through whatever the order of its pieces. */
static void budget(void **state)
{
	static uint8_t body[8192];
	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(i * 31);
	for (int backwards = 0; backwards < 2; backwards++) {
		struct fixture x;
		struct message m;
		set_up(&x, 16384);
		for (uint32_t i = 0; i < 8; i++) {
			uint32_t offset = 1024 * (backwards ? 7 - i : i);
			struct fragment f = {CERTIFICATE, 8192, 0, offset, span_of(body + offset, 1024)};
			assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
		}
		assert_true(inbox_next(&x.in, &m));
		assert_true(span_equal(m.body, span_of(body, sizeof body)));
		assert_true(x.in.used < 8192 + 128);
		tear_down(&x);
	}
}

/* What lies far ahead makes room for what is needed first, and only as much as must be. */
static void eviction(void **state)
{
	static const uint8_t body[200];
	struct fixture x;
	struct message m;
	(void)state;
	set_up(&x, 1100);
	for (uint16_t seq = 1; seq < 5; seq++) {
		struct fragment f = {CERTIFICATE, 200, seq, 0, span_of(body, 200)};
		assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	}
	for (uint32_t offset = 0; offset < 200; offset += 100) {
		struct fragment last = {CERTIFICATE, 200, 5, 0, span_of(body, 200)};
		struct fragment f = {CERTIFICATE, 200, 0, offset, span_of(body, 100)};
		assert_int_equal(inbox_put(&x.in, &last, 0), TERN_DROP_BUDGET);
		assert_int_equal(inbox_put(&x.in, &f, 0), TERN_DROP_NONE);
	}
	for (uint16_t seq = 0; seq < 4; seq++) {
		assert_true(inbox_next(&x.in, &m));
		assert_int_equal(m.seq, seq);
		assert_true(span_equal(m.body, span_of(body, 200)));
		inbox_done(&x.in);
	}
	assert_false(inbox_next(&x.in, &m));
	assert_int_equal(x.in.used, 0);
	tear_down(&x);
}

/* Allocation number k fails: the fragment is dropped and comes again later. */
static void out_of_memory(void **state)
{
	(void)state;
	for (size_t k = 1; k <= 12; k++) {
		struct fixture x;
		struct message m;
		size_t dropped = 0;
		set_up(&x, 4096);
		x.h.fail_at = k;
		for (size_t round = 0; round < 2; round++) {
			for (uint32_t i = 0; i < 7; i++) {
				struct fragment f = part(0, 70, 10 * (i * 3 % 7), 10);
				dropped += inbox_put(&x.in, &f, 0) == TERN_DROP_BUDGET;
			}
		}
		assert_true(inbox_next(&x.in, &m));
		assert_memory_equal(m.body.p, text, 70);
		assert_true(dropped <= 1);
		if (k == 1)
			assert_int_equal(dropped, 1);
		tear_down(&x);
	}
}

/* Every sequence of three pieces of a message of five bytes, in order and ahead, each piece with bytes of its own. */
static void all_overlaps(void **state)
{
	enum { LENGTH = 5, PIECES = 21 };
	static struct model model;
	struct {
		uint32_t offset, n;
	} pieces[PIECES];
	size_t num = 0;
	(void)state;
	for (uint32_t offset = 0; offset <= LENGTH; offset++)
		for (uint32_t n = 0; offset + n <= LENGTH; n++) {
			pieces[num].offset = offset;
			pieces[num++].n = n;
		}
	assert_int_equal(num, PIECES);
	for (size_t i = 0; i < 2 * PIECES * PIECES * PIECES; i++) {
		size_t choice = i / 2;
		uint8_t bytes[3][LENGTH];
		struct fixture x;
		set_up(&x, 65536);
		model = (struct model){.next = 0};
		for (uint8_t k = 0; k < 3; k++, choice /= PIECES) {
			struct fragment f = {CERTIFICATE, LENGTH, i % 2, pieces[choice % PIECES].offset,
					     span_of(bytes[k], pieces[choice % PIECES].n)};
			memset(bytes[k], 'a' + k, LENGTH);
			model_put(&model, &x.in, &x.h, &f, 0);
		}
		if (i % 2) {
			struct fragment f = part(0, 3, 0, 3);
			model_put(&model, &x.in, &x.h, &f, 0);
			model_done(&model, &x.in);
		}
		tear_down(&x);
	}
}

static void random_operation(struct pcg *r, struct model *model, struct fixture *x, uint8_t *datagram)
{
	static const uint32_t lengths[] = {0, 1, 7, 60, 200, MODEL_MAX};
	struct fragment f = {CERTIFICATE, 0, 0, 0, {NULL, 0}};
	uint32_t dice = pcg_below(r, 20), most;
	if (dice == 0) {
		model_discard(model, &x->in);
		return;
	}
	f.message_seq = (uint16_t)(model->next + pcg_below(r, dice == 1 ? 20 : 4));
	if (f.message_seq && dice == 2)
		f.message_seq--;
	f.length = lengths[f.message_seq * 5u % 6];
	if (dice == 3)
		f.length = lengths[pcg_below(r, 6)];
	f.offset = f.length ? pcg_below(r, f.length) : 0;
	most = f.length - f.offset;
	if (pcg_below(r, 3))
		most = most < 40 ? most : 40;
	f.body = span_of(datagram, most ? pcg_below(r, most + 1) : 0);
	if (dice == 4) {
		f.offset = 0;
		f.body.n = f.length;
	}
	pcg_fill(r, datagram, f.body.n);
	model_put(model, &x->in, &x->h, &f, (uint16_t)(pcg_below(r, 40) == 0));
	if (pcg_below(r, 2))
		model_keep(model, &x->in, &x->h, datagram, MODEL_MAX);
	else if (x->in.has_view || pcg_below(r, 2))
		model_done(model, &x->in);
}

static void random_operations(void **state)
{
	static struct model model;
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct pcg r = {seed};
		uint8_t datagram[MODEL_MAX];
		struct fixture x;
		/* Some with little room. */
		set_up(&x, seed % 3 ? 65536 : 600);
		model = (struct model){.next = 0};
		for (size_t i = 0; i < 1000; i++) {
			random_operation(&r, &model, &x, datagram);
			if (x.in.has_view)
				model_keep(&model, &x.in, &x.h, datagram, sizeof datagram);
		}
		assert_true(model.next > 3);
		tear_down(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(whole_is_lent),
		cmocka_unit_test(discarding),
		cmocka_unit_test(keeping),
		cmocka_unit_test(claims_cost_nothing),
		cmocka_unit_test(pieces_are_bounded),
		cmocka_unit_test(gaps),
		cmocka_unit_test(budget),
		cmocka_unit_test(eviction),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(all_overlaps),
		cmocka_unit_test(random_operations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
