/* libssl's part on the wire: a connected socket for each connection, as its datagram BIO wants it. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "wire.h"

enum { TURNS_MAX = 1000 };

struct openssl_party {
	const struct wire_row *row;
	void *context[NUM_SIDES];
	size_t num;
	SSL *ssl[NUM_SIDES][WIRE_PEERS];
	int fd[NUM_SIDES][WIRE_PEERS], epoll[NUM_SIDES];
};

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

static SSL *new_ssl(struct openssl_party *p, enum side side, int fd, struct sockaddr_in *peer)
{
	SSL *ssl = SSL_new(openssl_side_ctx(p->context[side]));
	BIO *bio = BIO_new_dgram(fd, BIO_CLOSE);

	check(ssl && bio, "out of memory");
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_mtu(ssl, BENCH_MTU);
	if (side == SERVER_SIDE)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

static void open_pair(struct openssl_party *p, size_t i)
{
	struct sockaddr_in at[NUM_SIDES];

	for (enum side side = 0; side < NUM_SIDES; side++)
		p->fd[side][i] = wire_socket(&at[side]);
	for (enum side side = 0; side < NUM_SIDES; side++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
		struct sockaddr_in *peer = &at[side == CLIENT_SIDE ? SERVER_SIDE : CLIENT_SIDE];
		wire_connect(p->fd[side][i], peer);
		check(epoll_ctl(p->epoll[side], EPOLL_CTL_ADD, p->fd[side][i], &event) == 0, "epoll");
		p->ssl[side][i] = new_ssl(p, side, p->fd[side][i], peer);
	}
	for (int turns = 0, done = 0; done != 2; turns++) {
		check(turns < TURNS_MAX, "libssl: a handshake does not end");
		done = (SSL_do_handshake(p->ssl[CLIENT_SIDE][i]) == 1) +
		       (SSL_do_handshake(p->ssl[SERVER_SIDE][i]) == 1);
	}
}

static void *open_party(const struct wire_row *row)
{
	struct openssl_party *p;

	if (!row->scenario->openssl_suite || row->work == WIRE_HELLO)
		return NULL;
	p = calloc(1, sizeof *p);
	check(p != NULL, "out of memory");
	p->row = row;
	p->num = row->work == WIRE_ECHO ? WIRE_PEERS : 1;
	for (enum side side = 0; side < NUM_SIDES; side++) {
		p->context[side] = openssl_implementation.context_new(row->scenario, side);
		p->epoll[side] = epoll_create1(0);
		check(p->context[side] && p->epoll[side] >= 0, "cannot set up a context");
	}
	for (size_t i = 0; i < p->num; i++)
		open_pair(p, i);
	return p;
}

static void write_records(struct openssl_party *p, size_t num)
{
	static const uint8_t data[WIRE_DATAGRAM];

	for (size_t i = 0; i < num; i++)
		check(SSL_write(p->ssl[CLIENT_SIDE][i % p->num], data, (int)p->row->n) == (int)p->row->n, "SSL_write");
}

static void read_records(struct openssl_party *p, enum side side, size_t num)
{
	uint8_t data[WIRE_DATAGRAM];

	for (size_t i = 0; i < num; i++)
		check(SSL_read(p->ssl[side][i % p->num], data, sizeof data) == (int)p->row->n,
		      "libssl: a record got lost");
}

static void echo(struct openssl_party *p)
{
	struct epoll_event events[WIRE_PEERS];
	uint8_t data[WIRE_DATAGRAM];
	int num = epoll_wait(p->epoll[SERVER_SIDE], events, WIRE_PEERS, 0);

	check(num == (int)p->num, "libssl: a record got lost");
	for (int i = 0; i < num; i++) {
		SSL *ssl = p->ssl[SERVER_SIDE][events[i].data.u64];
		int n = SSL_read(ssl, data, sizeof data);
		check(n == (int)p->row->n && SSL_write(ssl, data, n) == n, "libssl: an echo failed");
	}
}

static void before(void *party)
{
	struct openssl_party *p = party;

	if (p->row->work != WIRE_SEND)
		write_records(p, wire_batch(p->row));
}

static void work(void *party)
{
	struct openssl_party *p = party;

	if (p->row->work == WIRE_ECHO)
		echo(p);
	else if (p->row->work == WIRE_SEND)
		write_records(p, wire_batch(p->row));
	else
		read_records(p, SERVER_SIDE, wire_batch(p->row));
}

static void after(void *party)
{
	struct openssl_party *p = party;

	if (p->row->work == WIRE_ECHO)
		read_records(p, CLIENT_SIDE, p->num);
	else if (p->row->work == WIRE_SEND)
		read_records(p, SERVER_SIDE, wire_batch(p->row));
}

static void close_party(void *party)
{
	struct openssl_party *p = party;

	for (enum side side = 0; side < NUM_SIDES; side++) {
		for (size_t i = 0; i < p->num; i++)
			SSL_free(p->ssl[side][i]);
		close(p->epoll[side]);
		openssl_implementation.context_free(p->context[side]);
	}
	free(p);
}

const struct wire_party wire_openssl = {open_party, before, work, after, close_party};
