#include "handshake/compress13.h"

#include "base/heap.h"
#include "handshake/messages13.h"
#include "wire/messages13.h"

void offer_compression13(const struct tern_config *config, struct extensions *ext)
{
	if (!config->num_compression)
		return;
	ext->present |= HAS_COMPRESS_CERTIFICATE;
	ext->certificate_compressions = span_of(config->compression_ids, 2 * config->num_compression);
}

void take_compression13(struct handshake *hs, const struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	hs->peer_decompresses = 0;
	for (size_t i = 0; i < config->num_compression; i++)
		if (list16_has(ext->certificate_compressions, config->compression[i]->id))
			hs->peer_decompresses |= (uint8_t)(1u << i);
}

/* Ours is compressed with an empty context, as in every handshake. */
static struct span own_compressed(const struct handshake *hs)
{
	const struct credential *c = hs->credential;
	for (size_t i = 0; c && !hs->raw_own && !hs->request_context.n && i < COMPRESSION_ALGS; i++)
		if ((hs->peer_decompresses >> i & 1) && c->compressed[i].n)
			return c->compressed[i];
	return span_of(NULL, 0);
}

bool sends_compressed13(const struct handshake *hs)
{
	return own_compressed(hs).n > 0;
}

bool takes_compressed13(const struct handshake *hs)
{
	if (hs->role == CLIENT)
		return hs->offered.present & HAS_COMPRESS_CERTIFICATE;
	return hs->pool->config->num_compression > 0;
}

tern_error put_compressed13(struct handshake *hs, struct wr *w)
{
	wr_bytes(w, own_compressed(hs));
	hs->compressed[hs->role] = true;
	return TERN_OK;
}

static const struct compression_alg *taken_alg(const struct tern_config *config, uint16_t id)
{
	for (size_t i = 0; i < config->num_compression; i++)
		if (config->compression[i]->id == id)
			return config->compression[i];
	return NULL;
}

/* The length is somebody's claim: it is held against the limit of a message that comes plain before any memory is. */
static tern_error get_compressed(struct handshake *hs, struct span body,
				 tern_error (*get)(struct handshake *hs, struct span body))
{
	const struct tern_config *config = hs->pool->config;
	const struct compression_alg *alg;
	struct compressed_certificate message;
	struct rd r = rd_of(body);
	uint8_t *plain;
	tern_error error;
	if (!get_compressed_certificate(&r, &message))
		return FAIL(hs, ERROR_DECODE, "RFC 8879 4");
	alg = taken_alg(config, message.algorithm);
	if (!alg)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8879 4");
	if (message.uncompressed_length == 0 || message.uncompressed_length > config->limits.message_bytes)
		return FAIL(hs, ERROR_CERTIFICATE_COMPRESSION, "RFC 8879 5");
	plain = heap_alloc(&config->heap, message.uncompressed_length);
	if (!plain)
		return FAIL(hs, ERROR_NO_MEMORY, "");
	error = alg->decompress(&config->heap, plain, message.uncompressed_length, message.compressed);
	if (error == TERN_OK) {
		hs->outcome.compression = alg;
		error = get(hs, span_of(plain, message.uncompressed_length));
	} else {
		error = FAILED(hs, error, "RFC 8879 4");
	}
	heap_free(&config->heap, plain, message.uncompressed_length);
	if (error == TERN_OK)
		hs->compressed[hs->role == CLIENT ? SERVER : CLIENT] = true;
	return error;
}

tern_error get_server_compressed13(struct handshake *hs, struct span body)
{
	return get_compressed(hs, body, get_server_certificate13);
}

tern_error get_client_compressed13(struct handshake *hs, struct span body)
{
	return get_compressed(hs, body, get_client_certificate13);
}

/* ---- at freezing ---- */

static struct span plain_message(const struct credential *c, uint8_t *out, size_t cap)
{
	struct certificate13 message = {0};
	struct wr w = wr_of(out, cap);
	for (size_t i = 0; i < c->num_chain; i++)
		message.list.chain[message.list.num++] = c->chain[i];
	put_certificate13(&w, &message);
	return wr_span(&w);
}

/* work: twice as long as plain. */
static struct span compressed_message(const struct compression_alg *alg, struct span plain, uint8_t *work)
{
	struct compressed_certificate message = {.algorithm = alg->id, .uncompressed_length = (uint32_t)plain.n};
	struct wr w = wr_of(work + plain.n, plain.n);
	message.compressed = span_of(work, alg->compress(work, plain.n, plain));
	if (!message.compressed.n || COMPRESSED_CERTIFICATE_OVERHEAD + message.compressed.n >= plain.n)
		return span_of(NULL, 0);
	put_compressed_certificate(&w, &message);
	return wr_span(&w);
}

tern_error compress_chain13(const tern_allocator *heap, const struct credential *c, const struct compression_alg *alg,
			    struct span *out)
{
	size_t size = 4;
	uint8_t *work;
	struct span made;
	*out = span_of(NULL, 0);
	if (c->raw || !c->num_chain)
		return TERN_OK;
	for (size_t i = 0; i < c->num_chain; i++)
		size += 5 + c->chain[i].n;
	if (size > POOL_SCRATCH)
		return TERN_OK; /* it could not be sent plain either */
	work = heap_alloc(heap, 3 * size);
	if (!work)
		return TERN_ERROR_NO_MEMORY;
	made = compressed_message(alg, plain_message(c, work, size), work + size);
	if (made.n)
		*out = span_of(heap_copy(heap, made.p, made.n), made.n);
	heap_free(heap, work, 3 * size);
	return made.n && !out->p ? TERN_ERROR_NO_MEMORY : TERN_OK;
}
