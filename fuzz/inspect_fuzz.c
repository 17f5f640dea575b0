/* An onlooker: any datagrams of either side, with a key log that has lines for whatever random they begin with. */
#include <stdlib.h>
#include <string.h>

#include "tern/inspect.h"

/* For a client random of zeros. */
static const char keylog[] =
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
	"CLIENT_RANDOM " ZEROS " " ZEROS "00000000000000000000000000000000\n"
	"CLIENT_EARLY_TRAFFIC_SECRET " ZEROS " " ZEROS "\n"
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET " ZEROS " " ZEROS "\n"
	"SERVER_HANDSHAKE_TRAFFIC_SECRET " ZEROS " " ZEROS "\n"
	"CLIENT_TRAFFIC_SECRET_0 " ZEROS " " ZEROS "\n"
	"SERVER_TRAFFIC_SECRET_0 " ZEROS " " ZEROS "\n";

/* Input: datagrams behind two bytes, side and length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tern_inspector *inspector;
	if (tern_inspector_new(&inspector, keylog, sizeof keylog - 1) != TERN_OK)
		return 0;
	while (size >= 2) {
		size_t n = (size_t)(data[0] & 0x7f) << 8 | data[1];
		bool from_client = data[0] >> 7;
		n = n < size - 2 ? n : size - 2;
		uint8_t *copy = malloc(n ? n : 1);
		if (!copy)
			break;
		memcpy(copy, data + 2, n);
		tern_trace trace;
		tern_bytes bytes;
		size_t sum = 0;
		(void)tern_inspector_knows(inspector, from_client, copy, n);
		tern_inspector_feed(inspector, from_client, copy, n);
		while (tern_inspector_next(inspector, &trace, &bytes)) {
			sum += trace.length;
			if (bytes.len && (bytes.data < copy || bytes.data + bytes.len > copy + n))
				abort();
		}
		if (sum != n)
			abort();
		free(copy);
		data += 2 + n;
		size -= 2 + n;
	}
	tern_inspector_free(inspector);
	return 0;
}
