/* A client and everything that can happen to it: see tests/sim/script.h. */
#include "sim/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script_run(CLIENT, data, size);
	return 0;
}
