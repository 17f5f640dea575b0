/* src/connection/packets.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tern/tern.h"

/* RFC 9443 3, each first byte. */
static tern_packet by_first_byte(unsigned b)
{
	if (b <= 3)
		return TERN_PACKET_STUN;
	if (b >= 16 && b <= 19)
		return TERN_PACKET_ZRTP;
	if (b >= 20 && b <= 63)
		return TERN_PACKET_DTLS;
	if (b >= 64 && b <= 79)
		return TERN_PACKET_TURN_CHANNEL;
	if ((b >= 80 && b <= 127) || b >= 192)
		return TERN_PACKET_QUIC;
	return b >= 128 ? TERN_PACKET_SRTP : TERN_PACKET_UNKNOWN;
}

static void first_bytes(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		const uint8_t datagram[] = {(uint8_t)b, 0};
		assert_int_equal(tern_packet_of(datagram, sizeof datagram), by_first_byte(b));
		assert_int_equal(tern_packet_of(datagram, 1), by_first_byte(b));
	}
	assert_int_equal(tern_packet_of(NULL, 0), TERN_PACKET_UNKNOWN);
}

/* RFC 5761 4: 192 to 223, whatever the version's other bits. */
static void second_bytes(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		const uint8_t low[] = {128, (uint8_t)b}, high[] = {191, (uint8_t)b};
		tern_packet want = b >= 192 && b <= 223 ? TERN_PACKET_SRTCP : TERN_PACKET_SRTP;
		assert_int_equal(tern_packet_of(low, 2), want);
		assert_int_equal(tern_packet_of(high, 2), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes),
		cmocka_unit_test(second_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
