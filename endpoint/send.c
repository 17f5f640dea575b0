/* What the application sends: sealed where it is sent from. */
#include "endpoint.h"

typedef tern_error seal_fn(tern_conn *conn, uint8_t *out, size_t cap, size_t *out_len, const uint8_t *data, size_t len,
			   tern_time now);

/* Room for a record of len bytes. NULL: there is none, and WRITABLE will tell when there is. */
static uint8_t *record_room(tern_endpoint *endpoint, const struct slot *slot, size_t len, size_t *room)
{
	uint8_t *to =
		slot->flags & SLOT_BLOCKED ? NULL : sends_room(endpoint, len + tern_conn_overhead(slot->conn), room);

	endpoint->sends.told = endpoint->sends.told || !to;
	return to;
}

static void note_failure(tern_endpoint *endpoint, uint32_t index, tern_error error)
{
	if (tern_error_class_of(error) != TERN_CLASS_USAGE)
		life_end(endpoint, index, TERN_GONE_FAILED);
}

static tern_error send_by(tern_endpoint *endpoint, seal_fn *seal, tern_peer peer, const void *data, size_t len)
{
	uint32_t index = slot_of(endpoint, peer);
	struct slot *slot = index ? slot_at(endpoint, index) : NULL;
	size_t room, sealed;
	uint8_t *to;
	tern_error error;

	if (!slot)
		return TERN_ERROR_NOT_CONNECTED;
	if (len > DATAGRAM_MAX)
		return TERN_ERROR_TOO_LARGE;
	to = record_room(endpoint, slot, len, &room);
	if (!to)
		return TERN_WOULD_BLOCK;
	error = seal(slot->conn, to, room, &sealed, data, len, endpoint->now);
	if (error != TERN_OK) {
		note_failure(endpoint, index, error);
		return error;
	}
	sends_add(endpoint, &slot->route, sealed);
	COUNT(endpoint, records_sent, 1);
	return TERN_OK;
}

tern_error tern_endpoint_send(tern_endpoint *endpoint, tern_peer peer, const void *data, size_t len)
{
	return send_by(endpoint, tern_conn_seal, peer, data, len);
}

tern_error tern_endpoint_send_early(tern_endpoint *endpoint, tern_peer peer, const void *data, size_t len)
{
	return send_by(endpoint, tern_conn_seal_early_data, peer, data, len);
}

/* Some of data, one at least. The batch may need a message for each. */
static tern_error send_some(tern_endpoint *endpoint, uint32_t index, const tern_bytes *data, size_t num, size_t *taken)
{
	struct slot *slot = slot_at(endpoint, index);
	size_t room, most;
	tern_batch batch;
	tern_error error;
	uint8_t *to;

	if (data->len > DATAGRAM_MAX)
		return TERN_ERROR_TOO_LARGE;
	to = record_room(endpoint, slot, data->len, &room);
	if (!to)
		return TERN_WOULD_BLOCK;
	most = SENDS - endpoint->sends.num;
	error = tern_conn_seal_many(slot->conn, to, room, &batch, data, num < most ? num : most, endpoint->now);
	if (error != TERN_OK) {
		note_failure(endpoint, index, error);
		return error;
	}
	for (size_t i = 1; i < batch.num; i++)
		sends_add(endpoint, &slot->route, batch.segment);
	sends_add(endpoint, &slot->route, batch.total - (batch.num - 1) * batch.segment);
	COUNT(endpoint, records_sent, batch.num);
	*taken = batch.num;
	return TERN_OK;
}

tern_error tern_endpoint_send_many(tern_endpoint *endpoint, tern_peer peer, const tern_bytes *data, size_t num,
				   size_t *accepted)
{
	uint32_t index = slot_of(endpoint, peer);
	tern_error error = index ? TERN_OK : TERN_ERROR_NOT_CONNECTED;
	size_t taken;

	*accepted = 0;
	while (error == TERN_OK && *accepted < num) {
		error = send_some(endpoint, index, data + *accepted, num - *accepted, &taken);
		if (error == TERN_OK)
			*accepted += taken;
	}
	return error;
}

bool tern_endpoint_flush(tern_endpoint *endpoint)
{
	return sends_flush(endpoint);
}
