/* files.h - whole files in and out, with errors that name the option and the file. */
#ifndef TERN_CLI_FILES_H
#define TERN_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct file {
	uint8_t *bytes;
	size_t len;
};

/* Reads path, named by option. On failure it has said why. A file holds secrets until shown otherwise: file_free wipes.
 */
bool file_read(struct file *file, const char *option, const char *path);
void file_free(struct file *file);

/* Creates path with mode; an existing file is replaced only with replace. Never leaves half a file under that name. */
bool file_write(const char *option, const char *path, unsigned mode, bool replace, const void *bytes, size_t len);

/* Opens path to append lines to, mode 0600. NULL: it has said why. */
FILE *file_append(const char *option, const char *path);

#endif
