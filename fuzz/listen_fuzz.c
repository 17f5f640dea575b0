/* First datagrams at a server: see tests/sim/script.h. */
#include "sim/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script_listen(data, size);
	return 0;
}
