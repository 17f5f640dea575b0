/* ladder.c - what happened, line by line: time, who, what. */
#include <stdarg.h>
#include <stdio.h>

#include "sim/host.h"
#include "wire/record13.h"

const char *ladder_message(uint8_t type)
{
	switch (type) {
	case HELLO_REQUEST:
		return "HelloRequest";
	case CLIENT_HELLO:
		return "ClientHello";
	case SERVER_HELLO:
		return "ServerHello";
	case HELLO_VERIFY_REQUEST:
		return "HelloVerifyRequest";
	case NEW_SESSION_TICKET:
		return "NewSessionTicket";
	case CERTIFICATE:
		return "Certificate";
	case SERVER_KEY_EXCHANGE:
		return "ServerKeyExchange";
	case CERTIFICATE_REQUEST:
		return "CertificateRequest";
	case SERVER_HELLO_DONE:
		return "ServerHelloDone";
	case CERTIFICATE_VERIFY:
		return "CertificateVerify";
	case CLIENT_KEY_EXCHANGE:
		return "ClientKeyExchange";
	case FINISHED:
		return "Finished";
	case ENCRYPTED_EXTENSIONS:
		return "EncryptedExtensions";
	case KEY_UPDATE:
		return "KeyUpdate";
	default:
		return "?";
	}
}

const char *ladder_type(uint8_t type)
{
	static const char *const types[] = {"CCS", "Alert", "Handshake", "Data"};
	if (type == CONTENT_ACK)
		return "ACK";
	return type >= 20 && type <= 23 ? types[type - 20] : "?";
}

static void put_record(const struct record12 *r)
{
	struct rd body = rd_of(r->fragment);
	struct fragment f;
	const char *type = ladder_type(r->type);
	if (r->epoch || r->type != CONTENT_HANDSHAKE) {
		printf(" %s[%u/%llu]", type, r->epoch, (unsigned long long)r->seq);
		return;
	}
	while (get_fragment(&body, &f)) {
		printf(" %s#%u", ladder_message(f.type), f.message_seq);
		if (f.body.n != f.length)
			printf("(%u+%zu/%u)", f.offset, f.body.n, f.length);
	}
}

static void stamp(const struct world *w)
{
	uint64_t us = (w->now_ns - w->start_ns) / 1000;
	printf("%6llu.%03llu ms ", (unsigned long long)us / 1000, (unsigned long long)us % 1000);
}

static void put_fate(const struct fate *fate)
{
	if (!fate)
		printf("  <- forged");
	else if (fate->held)
		printf("  <- held back");
	else if (fate->copies == 0)
		printf("  <- lost");
	for (unsigned i = 0; fate && i < fate->copies; i++)
		printf("%s +%llu ms%s", i ? "," : " ", (unsigned long long)(fate->delay_ns[i] / SIM_MS),
		       fate->corrupt[i] ? " damaged" : "");
}

/* fate NULL: it is the attacker's. */
void ladder_datagram(const struct world *w, unsigned from, const uint8_t *p, size_t n, uint64_t number,
		     const struct fate *fate)
{
	struct rd r = rd_of(span_of(p, n));
	struct record12 record;
	struct unified_header unified = {0};
	if (!w->verbose || w->staging)
		return;
	stamp(w);
	printf("%s %3llu %5zu B", from == CLIENT ? "C -->  " : "  <-- S", (unsigned long long)number, n);
	while (get_record12(&r, &record) || get_unified(&r, 0, &unified)) {
		if (unified.header_len)
			printf(" protected[..%u]", unified.epoch_bits);
		else
			put_record(&record);
		unified.header_len = 0;
	}
	put_fate(fate);
	printf("\n");
}

void ladder_note(const struct world *w, unsigned side, const char *format, ...)
{
	va_list args;
	if (!w->verbose || w->staging)
		return;
	stamp(w);
	printf("%s      ", side == CLIENT ? "C *    " : "    * S");
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	printf("\n");
}
