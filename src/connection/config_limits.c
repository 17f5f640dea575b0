/* config_limits.c - timers and limits. Their structs begin with their size: one from a caller that was compiled against
 * an older, shorter struct is legal, and what it does not have counts as 0. All fields are at most as wide as they are
 * aligned, so a size that is a multiple of 8 cuts no field. */
#include "connection/config_parts.h"

#include "connection/policy.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define RECORD_NUMBERS ((UINT64_C(1) << 48) - 1)

const tern_limits limits_default = {
	.size = sizeof(tern_limits),
	.mtu = 1200,
	.replay_window = 64, /* RFC 6347 4.1.2.6 */
	.handshake_bytes = 65536,
	.message_bytes = 32768,
	.session_seconds = 86400,
};

/* The caller's struct, of whatever age, as one of ours. */
static tern_error take_struct(void *out, size_t known, const void *in)
{
	size_t size;
	if (!in)
		return TERN_ERROR_USAGE;
	memcpy(&size, in, sizeof size);
	if (size < sizeof size || size > known || size % _Alignof(uint64_t))
		return TERN_ERROR_USAGE;
	memset(out, 0, known);
	memcpy(out, in, size);
	return TERN_OK;
}

static bool between(uint64_t v, uint64_t min, uint64_t max)
{
	return v >= min && v <= max;
}

static bool timers_legal(const tern_timers *t)
{
	return between(t->first_ns, 1 * MS, t->cap_ns) && t->cap_ns <= 3600 * S &&
	       between(t->handshake_ns, 1 * MS, 86400 * S) && t->max_tries <= 255 && t->steady_tries <= 255 &&
	       t->ack_ns <= 250 * MS;
}

/* first_ns is where a caller who knows the round trip brings it in: RFC 9147 5.8.2. */
tern_error tern_config_set_timers(tern_config *config, const tern_timers *timers)
{
	tern_timers t;
	const tern_timers *base;
	TRY(config_settable(config));
	TRY(take_struct(&t, sizeof t, timers));
	base = &config->policy->timers;
	t.size = sizeof t;
	t.first_ns = t.first_ns ? t.first_ns : base->first_ns;
	t.cap_ns = t.cap_ns ? t.cap_ns : base->cap_ns;
	t.handshake_ns = t.handshake_ns ? t.handshake_ns : base->handshake_ns;
	t.max_tries = t.max_tries ? t.max_tries : base->max_tries;
	t.steady_tries = t.steady_tries ? t.steady_tries : base->steady_tries;
	if (!timers_legal(&t))
		return TERN_ERROR_USAGE;
	config->timers = t;
	return TERN_OK;
}

static bool limits_legal(const tern_limits *l)
{
	return between(l->mtu, 96, 65507) &&
	       (l->replay_window == 1 || (between(l->replay_window, 64, 8192) && l->replay_window % 64 == 0)) &&
	       (!l->record_size_limit || between(l->record_size_limit, 64, 16384)) &&
	       (!l->max_fragment_length || l->max_fragment_length == 512 || l->max_fragment_length == 1024 ||
		l->max_fragment_length == 2048 || l->max_fragment_length == 4096) &&
	       between(l->handshake_bytes, 4096, 1 << 24) && between(l->message_bytes, 512, (1 << 24) - 1) &&
	       l->seal_limit <= RECORD_NUMBERS && l->session_seconds <= 604800;
}

tern_error tern_config_set_limits(tern_config *config, const tern_limits *limits)
{
	tern_limits l;
	TRY(config_settable(config));
	TRY(take_struct(&l, sizeof l, limits));
	l.size = sizeof l;
	l.mtu = l.mtu ? l.mtu : limits_default.mtu;
	l.replay_window = l.replay_window ? l.replay_window : limits_default.replay_window;
	l.handshake_bytes = l.handshake_bytes ? l.handshake_bytes : limits_default.handshake_bytes;
	l.message_bytes = l.message_bytes ? l.message_bytes : limits_default.message_bytes;
	l.session_seconds = l.session_seconds ? l.session_seconds : limits_default.session_seconds;
	if (!limits_legal(&l))
		return TERN_ERROR_USAGE;
	config->limits = l;
	return TERN_OK;
}
