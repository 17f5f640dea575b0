#include "stun.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101 };
enum { USERNAME = 0x0006, INTEGRITY = 0x0008, XOR_MAPPED = 0x0020, USE_CANDIDATE = 0x0025, FINGERPRINT = 0x8028 };
enum { HEADER = 20, ATTRIBUTE = 4, HMAC_LEN = 20 };

static const uint8_t magic[] = {0x21, 0x12, 0xa4, 0x42};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

/* RFC 8489 14.7: CRC-32 of what precedes the attribute, combined with a constant. */
static void fingerprint(const uint8_t *message, size_t len, uint8_t out[4])
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= message[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	crc = ~crc ^ UINT32_C(0x5354554e);
	put16(put16(out, crc >> 16), crc & 0xffff);
}

/* RFC 8489 14.5: over all before the attribute, with a length in the header that counts the attribute as the last. */
static bool integrity(const uint8_t *message, size_t len, const char *password, uint8_t out[HMAC_LEN])
{
	uint8_t copy[1500];
	unsigned n = HMAC_LEN;
	if (len > sizeof copy)
		return false;
	memcpy(copy, message, len);
	put16(copy + 2, (unsigned)(len + ATTRIBUTE + HMAC_LEN - HEADER));
	return HMAC(EVP_sha1(), password, (int)strlen(password), copy, len, out, &n) != NULL;
}

static bool read_username(char ufrag[33], const uint8_t *value, size_t len)
{
	const uint8_t *colon = memchr(value, ':', len);
	size_t n = colon ? (size_t)(colon - value) : 0;
	if (n == 0 || n > 32 || memchr(value, 0, n))
		return false;
	memcpy(ufrag, value, n);
	ufrag[n] = 0;
	return true;
}

bool stun_read(struct stun_request *request, const uint8_t *datagram, size_t len)
{
	size_t at = HEADER;
	uint8_t crc[4];
	*request = (struct stun_request){.transaction = datagram + 8};
	if (len < HEADER || get16(datagram) != BINDING_REQUEST || get16(datagram + 2) != len - HEADER ||
	    memcmp(datagram + 4, magic, sizeof magic) != 0)
		return false;
	while (len - at >= ATTRIBUTE) {
		unsigned type = get16(datagram + at), n = get16(datagram + at + 2);
		const uint8_t *value = datagram + at + ATTRIBUTE;
		if (n > len - at - ATTRIBUTE)
			return false;
		if (type == FINGERPRINT) {
			fingerprint(datagram, at, crc);
			return n == 4 && memcmp(value, crc, 4) == 0 && request->ufrag[0] && request->integrity_at;
		}
		if (type == INTEGRITY && n == HMAC_LEN)
			request->integrity_at = at;
		else if (type == USERNAME && !request->integrity_at && !read_username(request->ufrag, value, n))
			return false;
		else if (type == USE_CANDIDATE && !request->integrity_at)
			request->nominates = true;
		at += ATTRIBUTE + (n + 3) / 4 * 4;
		if (at > len)
			return false;
	}
	return false;
}

bool stun_is_genuine(const struct stun_request *request, const uint8_t *datagram, const char *password)
{
	uint8_t expected[HMAC_LEN];
	return integrity(datagram, request->integrity_at, password, expected) &&
	       CRYPTO_memcmp(expected, datagram + request->integrity_at + ATTRIBUTE, HMAC_LEN) == 0;
}

size_t stun_answer(uint8_t out[STUN_ANSWER_MAX], const struct stun_request *request, const struct sockaddr_in *from,
		   const char *password)
{
	uint8_t *p = out + HEADER;
	put16(out, BINDING_SUCCESS);
	memcpy(out + 4, magic, sizeof magic);
	memcpy(out + 8, request->transaction, 12);
	p = put16(put16(p, XOR_MAPPED), 8);
	p = put16(p, 1); /* IPv4 */
	p = put16(p, ntohs(from->sin_port) ^ get16(magic));
	for (size_t i = 0; i < 4; i++)
		*p++ = (uint8_t)(((const uint8_t *)&from->sin_addr)[i] ^ magic[i]);
	integrity(out, (size_t)(p - out), password, p + ATTRIBUTE);
	p = put16(put16(p, INTEGRITY), HMAC_LEN) + HMAC_LEN;
	put16(out + 2, (unsigned)(p - out) + ATTRIBUTE + 4 - HEADER);
	fingerprint(out, (size_t)(p - out), p + ATTRIBUTE);
	p = put16(put16(p, FINGERPRINT), 4) + 4;
	return (size_t)(p - out);
}
