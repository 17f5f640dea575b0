/* The smallest user of an installed Tern: builds, links, runs, and is of the version that its header says. */
#include <stdio.h>
#include <string.h>
#include <tern/tern.h>

int main(void)
{
	if (strcmp(tern_version(), TERN_VERSION_TEXT) != 0) {
		fprintf(stderr, "header %s, library %s\n", TERN_VERSION_TEXT, tern_version());
		return 1;
	}
	puts(tern_version());
	return 0;
}
