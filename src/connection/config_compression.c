/* config_compression.c - certificate compression: which algorithms, and our own chains by each of them. RFC 8879. */
#include "connection/config_parts.h"
#include "handshake/compress13.h"

static bool has(const struct compression_alg *const *algs, size_t num, const struct compression_alg *alg)
{
	for (size_t i = 0; i < num; i++)
		if (algs[i] == alg)
			return true;
	return false;
}

tern_error tern_config_set_certificate_compression(tern_config *config, const char *list)
{
	const struct compression_alg *next[COMPRESSION_ALGS];
	size_t num = 0;
	TRY(config_settable(config));
	for (const char *name = list; name; name = *name ? name + 1 : NULL) {
		struct span s = span_of(name, strcspn(name, ","));
		const struct compression_alg *alg = compression_by_name(s);
		if (!alg || has(next, num, alg))
			return TERN_ERROR_UNKNOWN_NAME;
		next[num++] = alg;
		name += s.n;
	}
	config->num_compression = num;
	for (size_t i = 0; i < num; i++) {
		config->compression[i] = next[i];
		config->compression_ids[2 * i] = (uint8_t)(next[i]->id >> 8);
		config->compression_ids[2 * i + 1] = (uint8_t)next[i]->id;
	}
	return TERN_OK;
}

void config_drop_compressed(tern_config *config, struct compressed_chains *chains)
{
	for (size_t i = 0; i < CONFIG_CREDENTIALS; i++)
		for (size_t k = 0; k < COMPRESSION_ALGS; k++)
			config_drop(config, &chains->of[i][k]);
}

tern_error config_compress(tern_config *config, struct compressed_chains *out)
{
	*out = (struct compressed_chains){0};
	for (size_t i = 0; config->dtls13 && i < config->num_credentials; i++) {
		for (size_t k = 0; k < config->num_compression; k++) {
			tern_error error = compress_chain13(&config->heap, &config->credentials[i],
							    config->compression[k], &out->of[i][k]);
			if (error != TERN_OK) {
				config_drop_compressed(config, out);
				return error;
			}
		}
	}
	return TERN_OK;
}
