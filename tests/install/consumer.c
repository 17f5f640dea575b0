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
	/* Which pulls in all of a static library, and what that needs. */
	tern_config *config = tern_config_new(NULL);
	const char *names = tern_compression_names();
	if (!config || tern_config_set_certificate_compression(config, names[0] ? names : NULL) != TERN_OK)
		return 1;
	tern_config_free(config);
	printf("%s, compression: %s\n", tern_version(), names[0] ? names : "none");
	return 0;
}
