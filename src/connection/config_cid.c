/* config_cid.c - connection IDs: the setters, and how datagrams and IDs are taken apart. */
#include "connection/config_parts.h"

#include "record/cids.h"
#include "wire/record.h"
#include "wire/record13.h"

#define BUILT_IN_MAX 20

tern_error tern_config_set_cid(tern_config *config, const tern_cid_codec *codec)
{
	TRY(config_settable(config));
	if (codec && (codec->size != sizeof *codec || !codec->make || !codec->length))
		return TERN_ERROR_USAGE;
	config->cid_codec = codec ? *codec : (tern_cid_codec){0};
	config->cids = codec != NULL;
	config->cid_length = 0;
	return TERN_OK;
}

tern_error tern_config_set_cid_length(tern_config *config, unsigned n)
{
	TRY(config_settable(config));
	if (n > BUILT_IN_MAX)
		return TERN_ERROR_USAGE;
	config->cid_codec = (tern_cid_codec){0};
	config->cids = true;
	config->cid_length = (uint8_t)n;
	return TERN_OK;
}

/* RFC 9146 4, RFC 9147 4. */
bool tern_find_cid(const tern_config *config, const uint8_t *datagram, size_t len, tern_bytes *cid)
{
	const tern_cid_codec *codec = &config->cid_codec;
	size_t at, n;
	if (len && datagram[0] == CONTENT_TLS12_CID)
		at = RECORD12_CID_AT;
	else if (len && (datagram[0] & (UNIFIED_FIXED_MASK | UNIFIED_CID)) == (UNIFIED_FIXED | UNIFIED_CID))
		at = 1;
	else
		return false;
	if (!config->cids || len <= at)
		return false;
	n = codec->make ? codec->length(codec->user, datagram + at, len - at) : config->cid_length;
	if (n == 0 || n > CID_MAX || n > len - at)
		return false;
	*cid = (tern_bytes){datagram + at, n};
	return true;
}

/* ---- the form for servers that are several ---- */

#define FORM_MASK 0xe0
#define FORM 0x80

void tern_cid_format(uint8_t cid[TERN_CID_LEN], uint16_t shard, uint8_t worker, const uint8_t unique[5])
{
	cid[0] = (uint8_t)(FORM | (unique[0] & ~FORM_MASK));
	cid[1] = (uint8_t)(shard >> 8);
	cid[2] = (uint8_t)shard;
	cid[3] = worker;
	memcpy(cid + 4, unique + 1, 4);
}

bool tern_cid_parse(const uint8_t *bytes, size_t len, uint16_t *shard, uint8_t *worker)
{
	if (len < TERN_CID_LEN || (bytes[0] & FORM_MASK) != FORM)
		return false;
	if (shard)
		*shard = (uint16_t)(bytes[1] << 8 | bytes[2]);
	if (worker)
		*worker = bytes[3];
	return true;
}
