/* files.c - whole files in and out. */
#define _GNU_SOURCE /* mkostemp */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"

enum { FILE_LIMIT = 4 << 20, PATH_LIMIT = 4096 };

static bool read_open(struct file *file, int fd, const char *option, const char *path)
{
	size_t cap = 0;

	for (;;) {
		if (file->len == cap) {
			uint8_t *bigger = cap < FILE_LIMIT ? realloc(file->bytes, cap = cap ? cap * 2 : 16384) : NULL;
			if (!bigger) {
				complain("%s %s: the file is larger than %d bytes: is it the right one?", option, path,
					 FILE_LIMIT);
				return false;
			}
			file->bytes = bigger;
		}
		ssize_t n = read(fd, file->bytes + file->len, cap - file->len);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR) {
			complain("%s %s: cannot read: %s", option, path, strerror(errno));
			return false;
		}
		file->len += n > 0 ? (size_t)n : 0;
	}
}

bool file_read(struct file *file, const char *option, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*file = (struct file){NULL, 0};
	if (fd < 0) {
		complain("%s %s: cannot open: %s", option, path, strerror(errno));
		return false;
	}
	bool ok = read_open(file, fd, option, path);
	close(fd);
	if (!ok)
		file_free(file);
	return ok;
}

void file_free(struct file *file)
{
	if (file->bytes)
		explicit_bzero(file->bytes, file->len);
	free(file->bytes);
	*file = (struct file){NULL, 0};
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return false;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* link() refuses an existing name, rename() replaces it: both in one step, so a reader sees all or nothing. */
static bool put_in_place(const char *temporary, const char *path, bool replace)
{
	if (replace)
		return rename(temporary, path) == 0;
	bool ok = link(temporary, path) == 0;
	int saved = errno;
	unlink(temporary);
	errno = saved;
	return ok;
}

bool file_write(const char *option, const char *path, unsigned mode, bool replace, const void *bytes, size_t len)
{
	char temporary[PATH_LIMIT];
	bool ok = false;

	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary) {
		complain("%s %s: the name is too long", option, path);
		return false;
	}
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd >= 0) {
		ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, bytes, len);
		ok = close(fd) == 0 && ok;
		ok = ok && put_in_place(temporary, path, replace);
		if (!ok) {
			int saved = errno;
			unlink(temporary);
			errno = saved;
		}
	}
	if (!ok && errno == EEXIST)
		complain("%s %s: the file exists: give --force to replace it, or another name", option, path);
	else if (!ok)
		complain("%s %s: cannot write: %s", option, path, strerror(errno));
	return ok;
}

FILE *file_append(const char *option, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "a") : NULL;

	if (!file)
		complain("%s %s: cannot open to append: %s", option, path, strerror(errno));
	if (!file && fd >= 0)
		close(fd);
	return file;
}
