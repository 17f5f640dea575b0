/* What a datagram is, where DTLS shares its port with others: RFC 7983 7, RFC 9443 3. */
#include "tern/tern.h"

/* RFC 5761 4: packet types of RTCP look like payload types of RTP that nobody uses there. */
static tern_packet rtp_or_rtcp(const uint8_t *datagram, size_t len)
{
	return len > 1 && datagram[1] >= 192 && datagram[1] <= 223 ? TERN_PACKET_SRTCP : TERN_PACKET_SRTP;
}

tern_packet tern_packet_of(const uint8_t *datagram, size_t len)
{
	static const struct {
		uint8_t first, last;
		tern_packet packet;
	} ranges[] = {{0, 3, TERN_PACKET_STUN},		  {16, 19, TERN_PACKET_ZRTP},  {20, 63, TERN_PACKET_DTLS},
		      {64, 79, TERN_PACKET_TURN_CHANNEL}, {80, 127, TERN_PACKET_QUIC}, {128, 191, TERN_PACKET_SRTP},
		      {192, 255, TERN_PACKET_QUIC}};
	for (size_t i = 0; len && i < sizeof ranges / sizeof ranges[0]; i++) {
		if (datagram[0] < ranges[i].first || datagram[0] > ranges[i].last)
			continue;
		return ranges[i].packet == TERN_PACKET_SRTP ? rtp_or_rtcp(datagram, len) : ranges[i].packet;
	}
	return TERN_PACKET_UNKNOWN;
}
