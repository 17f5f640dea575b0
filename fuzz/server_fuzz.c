/* A server and everything that can happen to it: see tests/sim/script.h. */
#include "sim/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script_run(SERVER, data, size);
	return 0;
}
