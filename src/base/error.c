#include "base/error.h"

static const struct {
	const char *name, *sentence;
	tern_error_class class;
	int alert;
} errors[] = {
#define X(name, class, alert, sentence) {"TERN_" #name, sentence, TERN_CLASS_##class, alert},
	TERN_ERRORS(X)
#undef X
};

#define NUM_ERRORS (sizeof errors / sizeof errors[0])

static size_t row(tern_error error)
{
	return (size_t)error < NUM_ERRORS ? (size_t)error : (size_t)TERN_ERROR_INTERNAL;
}

const char *tern_error_name(tern_error error)
{
	return errors[row(error)].name;
}

const char *tern_error_sentence(tern_error error)
{
	return errors[row(error)].sentence;
}

tern_error_class tern_error_class_of(tern_error error)
{
	return errors[row(error)].class;
}

int error_alert(tern_error error)
{
	return errors[row(error)].alert;
}

const char *tern_version(void)
{
	return TERN_VERSION_TEXT;
}

const char *tern_drop_sentence(tern_drop drop)
{
	static const char *const sentences[] = {
#define X(name, sentence) sentence,
		TERN_DROPS(X)
#undef X
	};
	return (size_t)drop < TERN_NUM_DROPS ? sentences[drop] : "unknown";
}

const char *tern_early_reason_sentence(tern_early_reason reason)
{
	static const char *const sentences[] = {
#define X(name, sentence) sentence,
		TERN_EARLY_REASONS(X)
#undef X
	};
	return (size_t)reason < sizeof sentences / sizeof sentences[0] ? sentences[reason] : "unknown";
}

const char *tern_alert_name(unsigned alert)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {
		{0, "close_notify"},
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{21, "decryption_failed"},
		{22, "record_overflow"},
		{30, "decompression_failure"},
		{40, "handshake_failure"},
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{52, "too_many_cids_requested"},
		{60, "export_restriction"},
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{90, "user_canceled"},
		{100, "no_renegotiation"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{112, "unrecognized_name"},
		{115, "unknown_psk_identity"},
		{116, "certificate_required"},
		{120, "no_application_protocol"},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number == alert)
			return names[i].name;
	return "unknown";
}

tern_error failure_note(tern_failure *failure, tern_error error, const char *where, const char *rfc)
{
	tern_error_class class = tern_error_class_of(error);
	if (failure->error != TERN_OK || class <= TERN_CLASS_INPUT)
		return error;
	failure->error = error;
	failure->where = where;
	failure->rfc = rfc;
	return error;
}
