/* late.h - a signer and a verifier of the stub provider that answer later: what was to be signed is kept. */
#ifndef TERN_TESTS_LATE_H
#define TERN_TESTS_LATE_H

#include <string.h>

#include "crypto/stub/stub.h"
#include "pair.h"

static uint8_t tbs[200];
static size_t tbs_len;
static uint16_t scheme_id;

static tern_error sign_later(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *bytes, size_t n,
			     uint8_t *signature, size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)signature;
	(void)cap;
	(void)len;
	assert_true(n <= sizeof tbs);
	memcpy(tbs, bytes, n);
	tbs_len = n;
	scheme_id = scheme;
	return TERN_PENDING;
}

static tern_error verify_later(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t n, bool raw)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)chain;
	(void)n;
	(void)raw;
	return TERN_PENDING;
}

static struct private_key *signer;
static struct credential_pem own;

static int load_signer(const char *name)
{
	OK(provider_stub.credential_load(&heap_default, &own, span_of(NULL, 0), span_of(name, strlen(name))));
	signer = own.key;
	return 0;
}

static int free_signer(void **state)
{
	(void)state;
	heap_free_copy(&heap_default, (void *)(uintptr_t)own.spki.p, own.spki.n);
	stub_private_key_free(signer);
	return 0;
}

#endif
