/* webrtc-echo: answers a browser's offer, and sends its video, sound and data back.
 *
 * main.c has the sockets and the signalling, peer.c one browser's DTLS (the part to read first), stun.c, sdp.c, media.c
 * (SRTP) and channel.c (SCTP) the protocols beside it. ./run webrtc builds and starts it. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/cert.h>
#include <unistd.h>

#include "http.h"
#include "peer.h"

enum { PEERS_MAX = 256, BATCH = 64, SCTP_TICK_MS = 10 };
static const uint64_t MS_NS = 1000000, S_NS = 1000000000;

struct options {
	const char *address, *candidate, *page, *dtls, *srtp, *setup;
	unsigned http, udp, silence; /* s */
};

struct server {
	struct options options;
	tern_pool *pool;
	char fingerprint[TERN_FINGERPRINT_TEXT];
	char candidate_address[64];
	unsigned candidate_port;
	int udp, http;
	struct peer *peers[PEERS_MAX];
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "webrtc-echo: %s: %s\n", what, why);
	exit(1);
}

static void check(const char *what, tern_error error)
{
	if (error != TERN_OK)
		die(what, tern_error_sentence(error));
}

/* ---- DTLS: one config for all browsers ---- */

static tern_config *make_config(const struct options *o, char fingerprint[TERN_FINGERPRINT_TEXT])
{
	tern_config *config = tern_config_new(NULL);
	tern_protocol oldest = strcmp(o->dtls, "1.3") == 0 ? TERN_DTLS13 : TERN_DTLS12;
	tern_protocol newest = strcmp(o->dtls, "1.2") == 0 ? TERN_DTLS12 : TERN_DTLS13;
	if (!config)
		die("config", "out of memory");
	check("policy", tern_config_set_policy(config, "webrtc"));
	check("keypair", tern_config_make_keypair(config, fingerprint, peer_now()));
	check("fingerprints", tern_config_set_conn_fingerprints(config, true));
	check("client_auth", tern_config_set_client_auth(config, TERN_CLIENT_AUTH_REQUIRED));
	check("--dtls", tern_config_set_versions(config, oldest, newest));
	check("--srtp", tern_config_set_srtp(config, o->srtp));
	return config;
}

/* ---- signalling ---- */

static struct peer *find_by_ufrag(const struct server *s, const char *ufrag)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (s->peers[i] && strcmp(s->peers[i]->ufrag, ufrag) == 0)
			return s->peers[i];
	return NULL;
}

static bool answer_offer(struct server *s, const char *text, struct http_reply *reply)
{
	bool active = strcmp(s->options.setup, "active") == 0;
	struct sdp_offer offer;
	struct peer **slot = s->peers;
	while (slot < s->peers + PEERS_MAX && *slot)
		slot++;
	if (slot == s->peers + PEERS_MAX || !sdp_read(&offer, text))
		return false;
	*slot = peer_new(s->pool, s->udp, &offer, active, s->options.silence * S_NS);
	if (!*slot)
		return false;
	const struct sdp_self self = {.ufrag = (*slot)->ufrag,
				      .password = (*slot)->password,
				      .fingerprint = s->fingerprint,
				      .setup = active ? "active" : "passive",
				      .address = s->candidate_address,
				      .port = s->candidate_port};
	reply->type = "application/sdp";
	if (!sdp_answer(reply->body, &offer, &self)) {
		peer_free(*slot);
		*slot = NULL;
		return false;
	}
	reply->len = strlen(reply->body);
	return true;
}

static bool describe_peer(const struct peer *peer, struct http_reply *reply)
{
	tern_info info = {.suite = "", .group = "", .srtp = ""};
	if (!peer)
		return false;
	if (peer->conn)
		tern_conn_info(peer->conn, &info);
	reply->type = "application/json";
	reply->len = (size_t)snprintf(
		reply->body, sizeof reply->body,
		"{\"connected\": %s, \"error\": \"%s\", \"version\": \"%s\", \"suite\": \"%s\", \"group\": \"%s\", "
		"\"srtp\": \"%s\", \"role\": \"%s\", \"mirrored\": %llu, \"retransmissions\": %llu}\n",
		peer->connected ? "true" : "false", peer->error == TERN_OK ? "" : tern_error_name(peer->error),
		!peer->connected	      ? ""
		: info.version == TERN_DTLS13 ? "1.3"
					      : "1.2",
		info.suite, info.group, info.srtp, peer->dtls_client ? "client" : "server",
		(unsigned long long)peer->mirrored, (unsigned long long)info.retransmissions);
	return true;
}

static bool send_file(const char *folder, const char *name, const char *type, struct http_reply *reply)
{
	char path[512];
	FILE *file;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	reply->type = type;
	reply->len = fread(reply->body, 1, sizeof reply->body, file);
	fclose(file);
	return true;
}

static bool handle(void *user, const struct http_request *request, struct http_reply *reply)
{
	struct server *s = user;
	if (strcmp(request->method, "POST") == 0)
		return strcmp(request->path, "/offer") == 0 && answer_offer(s, request->body, reply);
	if (strcmp(request->path, "/") == 0)
		return send_file(s->options.page, "page.html", "text/html; charset=utf-8", reply);
	if (strcmp(request->path, "/echo.js") == 0)
		return send_file(s->options.page, "echo.js", "text/javascript", reply);
	if (strncmp(request->path, "/peer/", 6) == 0)
		return describe_peer(find_by_ufrag(s, request->path + 6), reply);
	return false;
}

/* ---- datagrams ---- */

static struct peer *find_by_address(const struct server *s, const struct sockaddr_in *from)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *p = s->peers[i];
		if (p && p->has_address && p->address.sin_port == from->sin_port &&
		    p->address.sin_addr.s_addr == from->sin_addr.s_addr)
			return p;
	}
	return NULL;
}

static void take_datagram(struct server *s, uint8_t *datagram, size_t len, const struct sockaddr_in *from)
{
	struct stun_request request;
	struct peer *peer;
	if (tern_packet_of(datagram, len) != TERN_PACKET_STUN) {
		peer = find_by_address(s, from);
		if (peer)
			peer_take(peer, datagram, len);
		return;
	}
	peer = stun_read(&request, datagram, len) ? find_by_ufrag(s, request.ufrag) : NULL;
	if (peer && stun_is_genuine(&request, datagram, peer->password))
		peer_take_request(peer, &request, from);
}

static void receive_batch(struct server *s)
{
	static uint8_t datagram[2048 + MEDIA_ROOM];
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_in from = {0};
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(s->udp, datagram, sizeof datagram - MEDIA_ROOM, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);
		if (n < 0)
			return;
		take_datagram(s, datagram, (size_t)n, &from);
	}
}

/* ---- time ---- */

static int wait_ms(const struct server *s)
{
	uint64_t now = peer_now().mono_ns, deadline = TERN_NEVER;
	bool ticks = false;
	for (size_t i = 0; i < PEERS_MAX; i++) {
		uint64_t at = s->peers[i] ? peer_deadline(s->peers[i]) : TERN_NEVER;
		deadline = at < deadline ? at : deadline;
		ticks |= s->peers[i] && s->peers[i]->channels;
	}
	if (ticks && deadline > now + SCTP_TICK_MS * MS_NS)
		return SCTP_TICK_MS;
	return deadline == TERN_NEVER ? -1 : deadline > now ? (int)((deadline - now) / MS_NS) + 1 : 0;
}

static void tick(struct server *s)
{
	static uint64_t sctp_ns;
	uint64_t now = peer_now().mono_ns, elapsed = sctp_ns ? (now - sctp_ns) / MS_NS : 0;
	if (elapsed || !sctp_ns) {
		channels_tick((uint32_t)elapsed);
		sctp_ns = now;
	}
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *p = s->peers[i];
		if (!p)
			continue;
		peer_tick(p);
		if (peer_is_silent(p)) {
			peer_free(p);
			s->peers[i] = NULL;
		}
	}
}

/* ---- the rest ---- */

static int open_udp(const char *address, unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 4 << 20;
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		die("--address", "not an IPv4 address");
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
		die("UDP", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return fd;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option rows[] = {{"address", 1, NULL, 'a'}, {"candidate", 1, NULL, 'c'},
					     {"http", 1, NULL, 'h'},	{"udp", 1, NULL, 'u'},
					     {"page", 1, NULL, 'p'},	{"dtls", 1, NULL, 'd'},
					     {"srtp", 1, NULL, 's'},	{"setup", 1, NULL, 'r'},
					     {"silence", 1, NULL, 'q'}, {NULL, 0, NULL, 0}};
	for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
		const char **text = c == 'a'   ? &o->address
				    : c == 'c' ? &o->candidate
				    : c == 'p' ? &o->page
				    : c == 'd' ? &o->dtls
				    : c == 's' ? &o->srtp
				    : c == 'r' ? &o->setup
					       : NULL;
		if (text)
			*text = optarg;
		else if (c == 'h')
			o->http = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'u')
			o->udp = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'q')
			o->silence = (unsigned)strtoul(optarg, NULL, 10);
		else
			die("usage", "webrtc-echo [--address IP] [--candidate IP:PORT] [--udp PORT] [--http PORT] "
				     "[--page FOLDER] [--dtls 1.2|1.3|both] [--srtp PROFILES] [--setup passive|active] "
				     "[--silence SECONDS]");
	}
}

int main(int argc, char **argv)
{
	static struct server s = {
		.options = {.address = "127.0.0.1",
			    .page = ".",
			    .dtls = "both",
			    .srtp = "SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80",
			    .setup = "passive",
			    .silence = 30, /* RFC 7675 5.1: consent to send expires */
			    .http = 8080,
			    .udp = 5004}};
	tern_config *config;
	read_options(&s.options, argc, argv);
	snprintf(s.candidate_address, sizeof s.candidate_address, "%s", s.options.address);
	s.candidate_port = s.options.udp;
	if (s.options.candidate &&
	    sscanf(s.options.candidate, "%63[^:]:%u", s.candidate_address, &s.candidate_port) != 2)
		die("--candidate", "not of the form IP:PORT");
	config = make_config(&s.options, s.fingerprint);
	check("pool", tern_pool_new(&s.pool, config));
	tern_config_free(config);
	if (!media_init())
		die("libsrtp2", "does not start");
	channels_init(peer_send_packet);
	s.udp = open_udp(s.options.address, s.options.udp);
	s.http = http_listen((uint16_t)s.options.http);
	if (s.http < 0)
		die("HTTP", strerror(errno));
	printf("open http://localhost:%u\n", s.options.http);
	fflush(stdout);
	for (;;) {
		struct pollfd fds[] = {{.fd = s.udp, .events = POLLIN}, {.fd = s.http, .events = POLLIN}};
		if (poll(fds, 2, wait_ms(&s)) < 0 && errno != EINTR)
			die("poll", strerror(errno));
		if (fds[0].revents)
			receive_batch(&s);
		if (fds[1].revents)
			http_serve(s.http, handle, &s);
		tick(&s);
	}
}
