/* hex.h - lower-case hexadecimal, for key logs. */
#ifndef TERN_BASE_HEX_H
#define TERN_BASE_HEX_H

#include "base/span.h"

/* 2 * s.n characters, no terminator; returns their number. */
static inline size_t hex_put(char *out, struct span s)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < s.n; i++) {
		*out++ = digits[s.p[i] >> 4];
		*out++ = digits[s.p[i] & 15];
	}
	return 2 * s.n;
}

#endif
