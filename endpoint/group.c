/* Connection IDs that tell where a connection lives: the worker in clear, for the kernel's filter and for balancers,
 * its place there enciphered, so that two IDs of one connection have nothing in common. A datagram that reaches the
 * wrong worker, for example since its peer has a new address, is handed over through a ring of bytes behind a lock,
 * which only such datagrams meet. */
#include "endpoint.h"

#include <errno.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

enum { ROUNDS = 4, CID_RECORD = 25, CID_HEADER = 0x30, CID_HEADER_MASK = 0xf0, CID_REST_MAX = 12 };

struct worker {
	_Atomic uintptr_t thread; /* that is within the endpoint now; 0: none */
	tern_endpoint *endpoint;
	int wake; /* eventfd */
	pthread_mutex_t lock; /* over the ring */
	struct backlog ring;
};

struct group {
	atomic_size_t users;
	uint64_t key[2];
	_Atomic(tern_config *) named; /* that has its IDs from here */
	unsigned num;
	uint8_t cid_length;
	struct worker workers[];
};

/* Four rounds over halves of 16 bits: no secret depends on it, only that IDs do not show what belongs together. */
static uint32_t encipher(const struct group *group, uint32_t tweak, uint32_t place, bool back)
{
	uint16_t half[2] = {(uint16_t)(place >> 16), (uint16_t)place};

	for (int i = 0; i < ROUNDS; i++) {
		int round = back ? ROUNDS - 1 - i : i, from = (round + 1) % 2;
		uint32_t input[3] = {tweak, (uint32_t)round, half[from]};
		half[1 - from] ^= (uint16_t)siphash(group->key, input, sizeof input);
	}
	return (uint32_t)half[0] << 16 | half[1];
}

/* The endpoint that this thread is in. */
static tern_endpoint *caller(const struct group *group)
{
	for (unsigned i = 0; i < group->num; i++)
		if (atomic_load_explicit(&group->workers[i].thread, memory_order_relaxed) == (uintptr_t)pthread_self())
			return group->workers[i].endpoint;
	return NULL;
}

static size_t make_cid(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	const struct group *group = user;
	const tern_endpoint *endpoint = caller(group);
	const size_t rest = group->cid_length - TERN_CID_LEN;
	uint8_t unique[5], drawn[2 + CID_REST_MAX];
	uint32_t place;

	(void)conn;
	if (!endpoint || cap < group->cid_length || getrandom(drawn, 2 + rest, 0) != (ssize_t)(2 + rest))
		return 0;
	memcpy(unique, drawn, 2);
	unique[0] &= 0x1f;
	place = encipher(group, unique[0], endpoint->course.slot << 8 | unique[1], false);
	memcpy(unique + 1, &place, sizeof place);
	tern_cid_format(cid, endpoint->options.shard, endpoint->worker, unique);
	memcpy(cid + TERN_CID_LEN, drawn + 2, rest);
	return group->cid_length;
}

static size_t cid_length(void *user, const uint8_t *bytes, size_t n)
{
	const struct group *group = user;

	return tern_cid_parse(bytes, n, NULL, NULL) ? group->cid_length : 0;
}

/* Sends a datagram with one of our IDs to the socket of the worker it names; all others by their addresses. */
static bool steer(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CID_RECORD, 2, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, CID_HEADER_MASK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CID_HEADER, 2, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 11 + 3), /* behind type, version, epoch, number */
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1 + 3),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* no such worker: by the addresses */
	};
	struct sock_fprog program = {sizeof code / sizeof code[0], code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

tern_error group_new(struct group **out, size_t num, uint8_t cid_length)
{
	struct group *group = calloc(1, sizeof *group + num * sizeof group->workers[0]);

	if (!group)
		return TERN_ERROR_NO_MEMORY;
	group->num = (unsigned)num;
	group->cid_length = cid_length;
	atomic_init(&group->users, 1);
	for (size_t i = 0; i < num; i++) {
		struct worker *w = &group->workers[i];
		w->wake = -1;
		pthread_mutex_init(&w->lock, NULL);
	}
	if (getrandom(group->key, sizeof group->key, 0) != (ssize_t)sizeof group->key) {
		group_release(group);
		return TERN_ERROR_SYSTEM;
	}
	*out = group;
	return TERN_OK;
}

void group_release(struct group *group)
{
	if (!group || atomic_fetch_sub(&group->users, 1) > 1)
		return;
	for (unsigned i = 0; i < group->num; i++) {
		struct worker *w = &group->workers[i];
		if (w->wake >= 0)
			close(w->wake);
		free(w->ring.bytes);
		pthread_mutex_destroy(&w->lock);
	}
	free(group);
}

tern_error group_join(struct group *group, tern_endpoint *endpoint, uint8_t worker, int *wake)
{
	struct worker *w = &group->workers[worker];

	w->ring.bytes = malloc(BACKLOG_BYTES);
	if (!w->ring.bytes)
		return TERN_ERROR_NO_MEMORY;
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake < 0)
		return TERN_ERROR_SYSTEM;
	w->endpoint = endpoint;
	endpoint->worker = worker;
	endpoint->group = group;
	atomic_fetch_add(&group->users, 1);
	*wake = w->wake;
	return TERN_OK;
}

/* Each worker brings the same config, which is in use when the second one does. */
tern_error group_name(struct group *group, tern_config *config)
{
	tern_cid_codec codec = {.size = sizeof codec, .make = make_cid, .length = cid_length, .user = group};
	tern_error error = tern_config_set_cid(config, &codec);

	if (error != TERN_OK)
		return atomic_load(&group->named) == config ? TERN_OK : error;
	atomic_store(&group->named, config);
	return TERN_OK;
}

bool group_steer(const struct group *group, int fd)
{
	return group->num == 1 || steer(fd);
}

void group_enter(tern_endpoint *endpoint)
{
	if (endpoint->group)
		atomic_store_explicit(&endpoint->group->workers[endpoint->worker].thread, (uintptr_t)pthread_self(),
				      memory_order_relaxed);
}

void group_leave(tern_endpoint *endpoint)
{
	if (endpoint->group)
		atomic_store_explicit(&endpoint->group->workers[endpoint->worker].thread, 0, memory_order_relaxed);
}

bool group_find(const tern_endpoint *endpoint, const struct arrival *arrival, uint8_t *worker, uint32_t *index)
{
	const uint8_t first = arrival->len ? arrival->bytes[0] : 0;
	tern_bytes cid;
	uint32_t place;

	if (!endpoint->group || (first != CID_RECORD && (first & CID_HEADER_MASK) != CID_HEADER))
		return false;
	if (!tern_find_cid(endpoint->pool->config, arrival->bytes, arrival->len, &cid))
		return false;
	memcpy(&place, cid.data + 4, sizeof place);
	place = encipher(endpoint->group, cid.data[0] & 0x1f, place, true);
	*worker = cid.data[3];
	*index = place >> 8;
	return *worker < endpoint->group->num;
}

void group_hand_over(tern_endpoint *endpoint, uint8_t worker, const struct arrival *arrival)
{
	struct worker *w = &endpoint->group->workers[worker];
	const uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	bool put = backlog_put(&w->ring, arrival);
	pthread_mutex_unlock(&w->lock);
	COUNT(endpoint, handed_over, 1);
	if (!put)
		COUNT(endpoint, dropped_handover, 1);
	else if (write(w->wake, &one, sizeof one) < 0 && errno != EAGAIN) /* EAGAIN: it is awake for sure */
		COUNT(endpoint, dropped_handover, 1);
}

void group_woken(const tern_endpoint *endpoint)
{
	uint64_t times;

	if (read(endpoint->group->workers[endpoint->worker].wake, &times, sizeof times) < 0)
		return; /* nobody had called */
}

bool group_take(tern_endpoint *endpoint, struct arrival *arrival)
{
	struct worker *w = &endpoint->group->workers[endpoint->worker];

	pthread_mutex_lock(&w->lock);
	bool taken = backlog_get(&w->ring, arrival, endpoint->late);
	pthread_mutex_unlock(&w->lock);
	return taken;
}
