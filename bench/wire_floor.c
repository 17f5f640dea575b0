/* The same system calls with bytes that are already there, and the AEAD where records are sealed. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "floor.h"
#include "wire.h"

enum { SEGMENTED_MAX = 64000, SEGMENTS_MAX = 64, CALL_MAX = 64, OVERHEAD12 = 37, OVERHEAD13 = 22, RETRY = 60 };

struct floor_party {
	const struct wire_row *row;
	struct floor_aead *aead; /* NULL: nothing is sealed */
	struct wire_crowd crowd; /* one client, or all */
	int server, epoll;
	size_t size, answer_size; /* of datagrams */
	struct mmsghdr messages[WIRE_SENDS];
	struct iovec iov[WIRE_SENDS];
	struct sockaddr_in names[WIRE_SENDS];
	_Alignas(8) uint8_t control[WIRE_SENDS][CMSG_SPACE(sizeof(uint16_t))];
	size_t num_messages;
	uint8_t bytes[WIRE_SENDS * WIRE_DATAGRAM];
};

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

static void put_segment(struct floor_party *p, struct msghdr *header, uint16_t size)
{
	header->msg_control = p->control[p->num_messages];
	header->msg_controllen = sizeof p->control[0];
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof size);
	memcpy(CMSG_DATA(c), &size, sizeof size);
}

/* What is to be sent does not change, so it is set up once. */
static void prepare_sends(struct floor_party *p)
{
	size_t most = p->row->offload ? SEGMENTED_MAX / p->size : 1;

	most = most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
	for (size_t at = 0; at < WIRE_SENDS; p->num_messages++) {
		size_t num = WIRE_SENDS - at < most ? WIRE_SENDS - at : most;
		struct msghdr *header = &p->messages[p->num_messages].msg_hdr;
		p->iov[p->num_messages] = (struct iovec){p->bytes + at * p->size, num * p->size};
		*header = (struct msghdr){.msg_iov = &p->iov[p->num_messages], .msg_iovlen = 1};
		if (num > 1)
			put_segment(p, header, (uint16_t)p->size);
		at += num;
	}
}

static void prepare_receives(struct floor_party *p)
{
	for (size_t i = 0; i < CALL_MAX; i++) {
		p->iov[i] = (struct iovec){p->bytes + i * WIRE_DATAGRAM, WIRE_DATAGRAM};
		p->messages[i].msg_hdr = (struct msghdr){.msg_iov = &p->iov[i],
							 .msg_iovlen = 1,
							 .msg_name = &p->names[i],
							 .msg_namelen = sizeof p->names[i]};
	}
}

static void *open_party(const struct wire_row *row)
{
	struct floor_party *p = calloc(1, sizeof *p);
	struct epoll_event event = {.events = EPOLLIN};
	bool answers = row->work == WIRE_ECHO || row->work == WIRE_HELLO;
	struct sockaddr_in at;
	int yes = 1;

	check(p != NULL, "out of memory");
	p->row = row;
	p->size = p->answer_size = row->n + (row->scenario->dtls13 ? OVERHEAD13 : OVERHEAD12);
	if (row->work == WIRE_HELLO) {
		p->size = wire_first_hello(row->scenario, p->bytes);
		p->answer_size = RETRY;
	}
	if (row->work == WIRE_SEND || row->work == WIRE_RECEIVE)
		p->aead = floor_aead_new(row->scenario);
	p->server = wire_socket(&at);
	if (row->offload)
		(void)setsockopt(p->server, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes);
	p->epoll = epoll_create1(0);
	check(epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->server, &event) == 0, "epoll");
	wire_crowd_open(&p->crowd, answers ? WIRE_PEERS : 1, &at);
	if (answers)
		prepare_receives(p);
	else
		prepare_sends(p);
	return p;
}

static void crypt_all(struct floor_party *p, bool opening)
{
	size_t front = p->size - p->row->n - (p->row->scenario->dtls13 ? 17 : 24);

	for (size_t i = 0; i < WIRE_SENDS; i++)
		check(floor_aead_crypt(p->aead, opening, p->bytes + i * p->size + front, p->row->n, i), "AEAD");
}

static void send_all(int fd, struct mmsghdr *messages, size_t num)
{
	for (size_t at = 0; at < num; at += CALL_MAX) {
		unsigned most = (unsigned)(num - at < CALL_MAX ? num - at : CALL_MAX);
		check(sendmmsg(fd, messages + at, most, 0) == (int)most, "sendmmsg");
	}
}

static void before(void *party)
{
	struct floor_party *p = party;

	if (p->row->work == WIRE_ECHO || p->row->work == WIRE_HELLO) {
		wire_crowd_send(&p->crowd, p->bytes, p->size);
	} else if (p->row->work == WIRE_RECEIVE) {
		crypt_all(p, false);
		send_all(p->crowd.clients[0], p->messages, p->num_messages);
	}
}

static void echo(struct floor_party *p)
{
	struct epoll_event event;
	int num = epoll_wait(p->epoll, &event, 1, 0);

	if (num == 1)
		num = recvmmsg(p->server, p->messages, CALL_MAX, MSG_DONTWAIT, NULL);
	check(num == WIRE_PEERS, "recvmmsg");
	for (int i = 0; i < num; i++)
		p->iov[i].iov_len = p->answer_size;
	send_all(p->server, p->messages, (size_t)num);
	for (int i = 0; i < num; i++)
		p->iov[i].iov_len = WIRE_DATAGRAM;
}

/* Where they were sent from, so that they lie side by side. */
static void receive_all(struct floor_party *p)
{
	struct epoll_event event;
	size_t total = 0, room = sizeof p->bytes;
	ssize_t n;

	(void)epoll_wait(p->epoll, &event, 1, 0);
	while (total < WIRE_SENDS * p->size && (n = recv(p->server, p->bytes + total, room - total, 0)) > 0)
		total += (size_t)n;
	check(total == WIRE_SENDS * p->size, "a datagram got lost");
}

static void work(void *party)
{
	struct floor_party *p = party;

	if (p->row->work == WIRE_ECHO || p->row->work == WIRE_HELLO) {
		echo(p);
	} else if (p->row->work == WIRE_RECEIVE) {
		receive_all(p);
		crypt_all(p, true);
	} else {
		if (p->aead)
			crypt_all(p, false);
		send_all(p->crowd.clients[0], p->messages, p->num_messages);
	}
}

static void after(void *party)
{
	struct floor_party *p = party;

	if (p->row->work == WIRE_ECHO || p->row->work == WIRE_HELLO)
		wire_crowd_receive(&p->crowd, p->answer_size);
	else if (p->row->work != WIRE_RECEIVE)
		receive_all(p);
}

static void close_party(void *party)
{
	struct floor_party *p = party;

	if (p->aead)
		floor_aead_free(p->aead);
	wire_crowd_close(&p->crowd);
	close(p->server);
	close(p->epoll);
	free(p);
}

const struct wire_party wire_floor = {open_party, before, work, after, close_party};
