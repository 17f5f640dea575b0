/* tuning.c - from numbers and modes on the command line to a config and an endpoint. */
#include "tuning.h"

#include <string.h>

#include "commands.h"
#include "files.h"

enum { SECRET_LEAST = 32 };
static const uint64_t SECOND_NS = 1000000000, MS_NS = 1000000;

/* The place of text among num names; -1: none of them. */
static int place_of(const char *text, const char *const *names, int num)
{
	for (int i = 0; i < num; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -1;
}

static int io_of(const struct options *o)
{
	static const char *const names[] = {[TERN_ENDPOINT_IO_OFFLOAD] = "offload",
					    [TERN_ENDPOINT_IO_BATCH] = "batch",
					    [TERN_ENDPOINT_IO_PLAIN] = "plain"};

	return o->io ? place_of(o->io, names, 3) : TERN_ENDPOINT_IO_OFFLOAD;
}

static int rrc_of(const struct options *o)
{
	static const char *const names[] = {
		[TERN_RRC_OFF] = "off", [TERN_RRC_BASIC] = "basic", [TERN_RRC_ENHANCED] = "enhanced"};

	return o->rrc ? place_of(o->rrc, names, 3) : TERN_RRC_ENHANCED;
}

/* What a table of options cannot see. */
static int check(const struct options *o)
{
	bool iot = o->policy && strcmp(o->policy, "iot") == 0; /* has them by itself */
	int64_t fragment = o->max_fragment_length, window = o->replay_window, mtu = o->mtu ? o->mtu : 1200;

	if (io_of(o) < 0)
		return usage_error("--io %s: say offload, batch or plain", o->io);
	if (rrc_of(o) < 0)
		return usage_error("--rrc %s: say off, basic or enhanced", o->rrc);
	if (rrc_of(o) == TERN_RRC_OFF && (o->keep_alive_s || o->pmtud))
		return usage_error("--rrc off: %s asks the peer by a return routability check: leave one of them out",
				   o->pmtud ? "--pmtud" : "--keep-alive");
	if (o->cid_length == UNSAID && !iot && (o->rrc || o->keep_alive_s || o->pmtud))
		return usage_error("%s: works beside connection IDs: give --cid-length too", o->pmtud ? "--pmtud"
											     : o->keep_alive_s
												     ? "--keep-alive"
												     : "--rrc");
	if (o->mtu_max && !o->pmtud)
		return usage_error("--mtu-max: says how far --pmtud looks: give that too");
	if (o->mtu_max && o->mtu_max < mtu)
		return usage_error("--mtu-max %lld: is less than the %lld of --mtu", (long long)o->mtu_max,
				   (long long)mtu);
	if (window > 1 && window % 64)
		return usage_error("--replay-window %lld: give a multiple of 64, or 1 for none", (long long)window);
	if (fragment && (fragment & (fragment - 1)))
		return usage_error("--max-fragment-length %lld: give 512, 1024, 2048 or 4096", (long long)fragment);
	return OPTIONS_GO;
}

static tern_error set_limits(tern_config *config, const struct options *o)
{
	const tern_limits limits = {
		.size = sizeof limits,
		.mtu = (uint16_t)o->mtu,
		.mtu_max = (uint16_t)o->mtu_max,
		.replay_window = (uint16_t)o->replay_window,
		.record_size_limit = (uint16_t)o->record_size_limit,
		.max_fragment_length = (uint16_t)o->max_fragment_length,
		.session_seconds = (uint32_t)o->session_s,
	};

	return tern_config_set_limits(config, &limits);
}

static tern_error set_timers(tern_config *config, const struct options *o)
{
	const tern_timers timers = {
		.size = sizeof timers,
		.first_ns = (uint64_t)o->rto_ms * MS_NS,
		.handshake_ns = (uint64_t)o->handshake_s * SECOND_NS,
		.max_tries = (uint32_t)o->tries,
		.ack_ns = (uint64_t)o->ack_delay_ms * MS_NS,
	};

	return tern_config_set_timers(config, &timers);
}

static tern_error set_sides(tern_config *config, const struct options *o, bool server)
{
	tern_error error = TERN_OK;

	if (server) {
		error = tern_config_set_cookie(config, !o->no_cookie);
		if (error == TERN_OK && o->psk_hint)
			error = tern_config_set_psk_hint(config, o->psk_hint, strlen(o->psk_hint));
		return error;
	}
	if (o->psk_ke)
		error = tern_config_set_psk_ke(config, true);
	if (error == TERN_OK && o->must_authenticate)
		error = tern_config_set_must_authenticate(config, true);
	return error;
}

/* --secret */
static int set_keyring(tern_config *config, const char *path)
{
	struct file file;
	tern_keyring *keyring;
	tern_error error;

	if (!file_read(&file, "--secret", path))
		return STATUS_FAILURE;
	if (file.len < SECRET_LEAST) {
		file_free(&file);
		return complain("--secret %s: is shorter than %d bytes: head -c 48 /dev/urandom >FILE makes one", path,
				SECRET_LEAST);
	}
	error = tern_keyring_new(&keyring, file.bytes, file.len);
	file_free(&file);
	if (error == TERN_OK) {
		error = tern_config_set_keyring(config, keyring);
		tern_keyring_free(keyring); /* the config holds it */
	}
	return error == TERN_OK ? OPTIONS_GO : complain("--secret %s: %s", path, tern_error_sentence(error));
}

int tuning_config(tern_config *config, const struct options *o, bool server)
{
	int status = check(o);
	tern_error error;

	if (status != OPTIONS_GO)
		return status;
	error = set_limits(config, o);
	if (error == TERN_OK)
		error = set_timers(config, o);
	if (error == TERN_OK)
		error = set_sides(config, o, server);
	if (error == TERN_OK)
		error = tern_config_set_rrc(config, (tern_rrc)rrc_of(o));
	if (error == TERN_OK)
		error = tern_config_set_pmtud(config, o->pmtud);
	if (error == TERN_OK && o->no_tickets)
		error = tern_config_set_tickets(config, false);
	if (error != TERN_OK)
		return usage_error("a number among the options does not go with the others: %s",
				   tern_error_sentence(error));
	return o->secret ? set_keyring(config, o->secret) : OPTIONS_GO;
}

void tuning_endpoint(tern_endpoint_options *to, const struct options *o)
{
	to->size = sizeof *to;
	to->io = (tern_endpoint_io)io_of(o);
	to->socket_buffer = (uint32_t)o->socket_buffer;
	to->keep_alive_ns = (uint64_t)o->keep_alive_s * SECOND_NS;
	to->shard = (uint16_t)o->shard;
	if (o->idle_s != UNSAID)
		to->idle_ns = o->idle_s ? (uint64_t)o->idle_s * SECOND_NS : TERN_NEVER;
	if (o->max_peers)
		to->max_peers = (uint32_t)o->max_peers;
	to->max_handshakes = (uint32_t)o->max_handshakes;
	to->max_handshakes_per_prefix = (uint32_t)o->max_handshakes_per_prefix;
	to->signatures_per_s = (uint32_t)o->max_signatures;
}

void tuning_check(const struct options *o, const tern_info *info)
{
	if (!info->rrc && (o->keep_alive_s || o->pmtud))
		complain("%s: the server agrees on no return routability check, so nothing can be asked: is "
			 "--cid-length set there too?",
			 o->pmtud ? "--pmtud" : "--keep-alive");
	else if (o->pmtud && info->version == TERN_DTLS12 && !info->peer_cid_len)
		complain("--pmtud: in DTLS 1.2 it works only where the server wants a connection ID: --cid-length 8 "
			 "there");
}
