/* json.c - one JSON object a line on stdout. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

static bool first;

static void put_string(const char *text)
{
	putchar('"');
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_key(const char *key)
{
	if (!first)
		putchar(',');
	first = false;
	put_string(key);
	putchar(':');
}

void json_begin(const char *event)
{
	putchar('{');
	first = true;
	json_text("event", event);
}

void json_text(const char *key, const char *text)
{
	put_key(key);
	if (text && text[0])
		put_string(text);
	else
		fputs("null", stdout);
}

void json_number(const char *key, uint64_t number)
{
	put_key(key);
	printf("%" PRIu64, number);
}

void json_bool(const char *key, bool value)
{
	put_key(key);
	fputs(value ? "true" : "false", stdout);
}

void json_base64(const char *key, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	put_key(key);
	putchar('"');
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16;
		v |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
		v |= i + 2 < len ? bytes[i + 2] : 0;
		putchar(digits[v >> 18]);
		putchar(digits[v >> 12 & 63]);
		putchar(i + 1 < len ? digits[v >> 6 & 63] : '=');
		putchar(i + 2 < len ? digits[v & 63] : '=');
	}
	putchar('"');
}

void json_hex(const char *key, const uint8_t *bytes, size_t len)
{
	put_key(key);
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

void json_open(const char *key)
{
	put_key(key);
	putchar('{');
	first = true;
}

void json_close(void)
{
	putchar('}');
	first = false;
}

void json_end(void)
{
	puts("}");
	fflush(stdout);
}
