/* An echo server whose private key is used by other threads, as it would be where a signature takes long or a service
 * makes it: the endpoint's thread asks, goes on with other clients, and passes the answer to the handshake when it is
 * there. Here threads of libcrypto's sign, with an ECDSA key.
 *
 *     cc -o signer_pool signer_pool.c $(pkg-config --cflags --libs tern libcrypto) -pthread
 *     ./signer_pool 127.0.0.1:4444 cert.pem key.pem */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <tern/endpoint.h>
#include <time.h>

enum { THREADS = 4, DIGEST_MAX = 64, SIGNATURE_MAX = 256 };

/* One signature: asked for, then in a queue, then answered. */
struct task {
	struct task *next;
	tern_peer peer;
	uint64_t job;
	uint8_t digest[DIGEST_MAX], signature[SIGNATURE_MAX];
	size_t digest_len, signature_len; /* no signature: it failed */
};

struct signer {
	EVP_PKEY *key;
	struct task *asked; /* by the callback, which does not know the peer */
	pthread_mutex_t lock; /* over the queues */
	pthread_cond_t wanted;
	struct task *queue, **queue_end, *done;
	int wake; /* eventfd: something is done */
};

static void check(tern_error error)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "signer_pool: %s\n", tern_error_sentence(error));
	exit(1);
}

static tern_time now(void)
{
	struct timespec mono, real;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (tern_time){(uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec, real.tv_sec};
}

/* ---- The threads that sign ---- */

static void sign(EVP_PKEY *key, struct task *task)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t len = sizeof task->signature;
	if (ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, task->signature, &len, task->digest, task->digest_len) == 1)
		task->signature_len = len;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
}

static void *work(void *user)
{
	struct signer *signer = user;
	for (;;) {
		pthread_mutex_lock(&signer->lock);
		while (!signer->queue)
			pthread_cond_wait(&signer->wanted, &signer->lock);
		struct task *task = signer->queue;
		signer->queue = task->next;
		if (!signer->queue)
			signer->queue_end = &signer->queue;
		pthread_mutex_unlock(&signer->lock);
		sign(signer->key, task);
		pthread_mutex_lock(&signer->lock);
		task->next = signer->done;
		signer->done = task;
		pthread_mutex_unlock(&signer->lock);
		eventfd_write(signer->wake, 1);
	}
	return NULL;
}

/* ---- The endpoint's thread ---- */

static tern_error ask(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
		      uint8_t *signature, size_t cap, size_t *len)
{
	struct signer *signer = user;
	struct task *task = tbs_len <= DIGEST_MAX ? calloc(1, sizeof *task) : NULL;
	(void)conn, (void)scheme, (void)signature, (void)cap, (void)len;
	if (!task)
		return TERN_ERROR_NO_MEMORY;
	task->job = job;
	task->digest_len = tbs_len;
	memcpy(task->digest, tbs, tbs_len);
	task->next = signer->asked;
	signer->asked = task;
	return TERN_PENDING;
}

/* TERN_EVENT_PENDING follows the callback and tells whose handshake it is. */
static void enqueue(struct signer *signer, const tern_endpoint_event *event)
{
	struct task *task = signer->asked;
	if (!task)
		return;
	signer->asked = task->next;
	task->next = NULL;
	task->peer = event->peer;
	pthread_mutex_lock(&signer->lock);
	*signer->queue_end = task;
	signer->queue_end = &task->next;
	pthread_mutex_unlock(&signer->lock);
	pthread_cond_signal(&signer->wanted);
}

static void answer(tern_endpoint *endpoint, const struct task *task)
{
	tern_answer answer = {TERN_OK, task->signature, task->signature_len, NULL};
	tern_conn *conn = tern_endpoint_conn(endpoint, task->peer);
	if (!conn)
		return; /* the peer did not wait for it */
	if (!task->signature_len)
		answer = (tern_answer){.error = TERN_ERROR_CRYPTO};
	tern_error error = tern_conn_resume(conn, task->job, &answer, now());
	if (error != TERN_OK)
		fprintf(stderr, "not answered: %s\n", tern_error_sentence(error));
	tern_endpoint_touch(endpoint, task->peer);
}

static void answer_all(struct signer *signer, tern_endpoint *endpoint)
{
	eventfd_t times;
	eventfd_read(signer->wake, &times);
	pthread_mutex_lock(&signer->lock);
	struct task *task = signer->done;
	signer->done = NULL;
	pthread_mutex_unlock(&signer->lock);
	while (task) {
		struct task *next = task->next;
		answer(endpoint, task);
		free(task);
		task = next;
	}
}

static void take_events(struct signer *signer, tern_endpoint *endpoint)
{
	tern_endpoint_event event;
	while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
		if (event.kind != TERN_ENDPOINT_EVENT)
			continue;
		if (event.event.kind == TERN_EVENT_PENDING)
			enqueue(signer, &event);
		/* When the network takes no more, an echo may as well be lost. */
		if (event.event.kind == TERN_EVENT_DATA &&
		    tern_endpoint_send(endpoint, event.peer, event.event.data, event.event.len) != TERN_OK)
			fprintf(stderr, "not sent back\n");
	}
}

static int milliseconds_until(uint64_t deadline_ns)
{
	uint64_t now_ns = now().mono_ns;
	if (deadline_ns == TERN_NEVER)
		return -1;
	return deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / 1000000) + 1 : 0;
}

static void start(struct signer *signer)
{
	pthread_t thread;
	signer->queue_end = &signer->queue;
	signer->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&signer->lock, NULL);
	pthread_cond_init(&signer->wanted, NULL);
	for (int i = 0; i < THREADS; i++)
		if (signer->wake < 0 || pthread_create(&thread, NULL, work, signer) != 0)
			perror("signer_pool"), exit(1);
}

int main(int argc, char **argv)
{
	static char chain[16384];
	char name[TERN_ADDRESS_TEXT];
	static struct signer signer;
	tern_config *config = tern_config_new(NULL);
	tern_endpoint *endpoint;
	tern_address listen;
	tern_endpoint_options options = {.size = sizeof options, .listen = &listen, .num_listen = 1};
	FILE *cert = argc == 4 ? fopen(argv[2], "rb") : NULL, *key = argc == 4 ? fopen(argv[3], "rb") : NULL;
	if (!cert || !key || !tern_endpoint_parse(&listen, argv[1])) {
		fprintf(stderr, "usage: signer_pool ADDRESS:PORT CERTIFICATE.pem KEY.pem\n");
		return 2;
	}
	signer.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
	if (!signer.key || !EVP_PKEY_is_a(signer.key, "EC")) {
		fprintf(stderr, "signer_pool: %s holds no ECDSA key\n", argv[3]);
		return 1;
	}
	check(tern_config_add_signer(config, chain, fread(chain, 1, sizeof chain, cert), ask, &signer));
	fclose(cert);
	fclose(key);
	start(&signer);
	check(tern_endpoint_open(&endpoint, config, &options));
	if (tern_endpoint_bound(endpoint, &listen, 0))
		tern_endpoint_text(name, &listen), fprintf(stderr, "listening on %s\n", name);
	for (;;) {
		struct pollfd fds[] = {{tern_endpoint_fd(endpoint), POLLIN, 0}, {signer.wake, POLLIN, 0}};
		poll(fds, 2, milliseconds_until(tern_endpoint_deadline(endpoint)));
		if (fds[1].revents)
			answer_all(&signer, endpoint);
		check(tern_endpoint_run(endpoint, 0));
		take_events(&signer, endpoint);
	}
}
