#include "tern/inspect.h"

struct name {
	uint8_t number;
	const char *text;
};

/* RFC 5246 7.4, RFC 6347 4.3.2, RFC 5077 3.3, RFC 6066 12, RFC 4680 2, RFC 8446 4, RFC 8879 7, RFC 9147 9. */
static const struct name messages[] = {
	{0, "HelloRequest"},	    {1, "ClientHello"},		{2, "ServerHello"},
	{3, "HelloVerifyRequest"},  {4, "NewSessionTicket"},	{5, "EndOfEarlyData"},
	{6, "HelloRetryRequest"}, /* on the wire a ServerHello */
	{8, "EncryptedExtensions"}, {9, "RequestConnectionId"}, {10, "NewConnectionId"},
	{11, "Certificate"},	    {12, "ServerKeyExchange"},	{13, "CertificateRequest"},
	{14, "ServerHelloDone"},    {15, "CertificateVerify"},	{16, "ClientKeyExchange"},
	{20, "Finished"},	    {21, "CertificateURL"},	{22, "CertificateStatus"},
	{23, "SupplementalData"},   {24, "KeyUpdate"},		{25, "CompressedCertificate"},
};

/* RFC 5246 6.2.1, RFC 6520 3, RFC 9146 4, RFC 9147 7. */
static const struct name contents[] = {
	{20, "ChangeCipherSpec"}, {21, "Alert"},     {22, "Handshake"}, {23, "ApplicationData"},
	{24, "Heartbeat"},	  {25, "tls12_cid"}, {26, "ACK"},
};

static const char *find(const struct name *names, size_t num, unsigned number)
{
	for (size_t i = 0; i < num; i++)
		if (names[i].number == number)
			return names[i].text;
	return "unknown";
}

const char *tern_message_name(unsigned type)
{
	return find(messages, sizeof messages / sizeof messages[0], type);
}

const char *tern_content_name(unsigned type)
{
	return find(contents, sizeof contents / sizeof contents[0], type);
}
