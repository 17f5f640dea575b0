/* config_parts.h - what the files of config share. Every setter builds what is new beside the config and puts it in
 * place when nothing can fail any more: a setter that fails has changed nothing. */
#ifndef TERN_CONNECTION_CONFIG_PARTS_H
#define TERN_CONNECTION_CONFIG_PARTS_H

#include "base/heap.h"
#include "handshake/config.h"

/* USAGE when config is NULL or frozen. */
tern_error config_settable(const tern_config *config);

/* A heap copy in place of what *slot held; n = 0 leaves it empty. NO_MEMORY. */
tern_error config_replace(tern_config *config, struct span *slot, const void *p, size_t n);
void config_drop(tern_config *config, struct span *slot);

/* config_lists.c: takes the groups of the policy that the provider has. */
/* Sorts suites by version into the two lists. */
void config_apply_suites(tern_config *config, const uint16_t *ids, size_t num);
void config_apply_groups(tern_config *config);

/* config_compression.c: the CompressedCertificates of our credentials, by each algorithm. Changes nothing of the
 * config. NO_MEMORY, and nothing is kept. */
struct compressed_chains {
	struct span of[CONFIG_CREDENTIALS][COMPRESSION_ALGS]; /* heap copies */
};
tern_error config_compress(tern_config *config, struct compressed_chains *out);
void config_drop_compressed(tern_config *config, struct compressed_chains *chains);

/* config_limits.c */
extern const tern_limits limits_default;

/* config_credentials.c: everything it keeps. */
void config_drop_credentials(tern_config *config);

/* config_verify.c */
/* Comma-separated fingerprints. Of several hash functions the strongest is taken alone: RFC 8122 5.1. USAGE: more than
 * max. BAD_FINGERPRINT. */
tern_error fingerprints_from_list(const char *list, struct fingerprint *out, size_t max, size_t *num);
void config_drop_trust(tern_config *config);

/* config_psk.c */
void config_drop_psks(tern_config *config);

#endif
