/* json.h - one JSON object a line on stdout. All output is ASCII: other bytes of text are escaped. */
#ifndef TERN_CLI_JSON_H
#define TERN_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void json_begin(const char *event);
void json_text(const char *key, const char *text); /* null for NULL and "" */
void json_number(const char *key, uint64_t number);
void json_bool(const char *key, bool value);
void json_base64(const char *key, const uint8_t *bytes, size_t len);
void json_hex(const char *key, const uint8_t *bytes, size_t len);
void json_open(const char *key); /* an object inside, until json_close */
void json_close(void);
void json_end(void); /* ends the line and flushes */

#endif
