#include "inspect/keylog.h"

#define NO_DIGIT 16u

static unsigned digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : NO_DIGIT;
}

/* Bytes in hex up to what is none; 0 when they are odd or more than cap. */
static size_t unhex(struct span text, uint8_t *out, size_t cap)
{
	size_t n = 0;
	while (n < text.n && digit(text.p[n]) != NO_DIGIT)
		n++;
	if (n % 2 || n / 2 > cap)
		return 0;
	for (size_t i = 0; i < n; i += 2)
		out[i / 2] = (uint8_t)(digit(text.p[i]) << 4 | digit(text.p[i + 1]));
	return n / 2;
}

static struct span from(struct span s, size_t at)
{
	return at < s.n ? span_of(s.p + at, s.n - at) : span_of(NULL, 0);
}

static size_t read_line(struct span line, struct span label, struct span random, uint8_t *secret, size_t cap)
{
	uint8_t bytes[64];
	if (line.n <= label.n || memcmp(line.p, label.p, label.n) != 0 || line.p[label.n] != ' ')
		return 0;
	line = from(line, label.n + 1);
	if (random.n > sizeof bytes || unhex(line, bytes, sizeof bytes) != random.n ||
	    memcmp(bytes, random.p, random.n) != 0)
		return 0;
	return unhex(from(line, 2 * random.n + 1), secret, cap);
}

size_t keylog_find(struct span text, const char *label, struct span client_random, uint8_t *secret, size_t cap)
{
	while (text.n) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t len = end ? (size_t)(end - text.p) : text.n;
		size_t n = read_line(span_of(text.p, len), span_of(label, strlen(label)), client_random, secret, cap);
		if (n)
			return n;
		text = from(text, len + 1);
	}
	return 0;
}
