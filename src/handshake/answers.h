/* answers.h - what a server's answer to our extensions means, where both versions agree: in ServerHello of DTLS 1.2, in
 * EncryptedExtensions of 1.3. */
#ifndef TERN_HANDSHAKE_ANSWERS_H
#define TERN_HANDSHAKE_ANSWERS_H

#include "handshake/handshake.h"

/* Nothing is answered that was not asked, and answers are among what was offered. */
tern_error check_answers(struct handshake *hs, const struct extensions *ext);
tern_error take_alpn(struct handshake *hs, const struct extensions *ext);
tern_error take_srtp(struct handshake *hs, const struct extensions *ext);
/* counted: bytes that a record_size_limit counts beside the content: in DTLS 1.3 its type (RFC 8449 4). */
void take_limits(struct handshake *hs, const struct extensions *ext, uint16_t counted);
void take_certificate_types(struct handshake *hs, const struct extensions *ext);

/* The server's side: values in a hello that are not allowed in any version. */
tern_error check_questions(struct handshake *hs, const struct extensions *ext);
/* Limits (RFC 8449, RFC 6066 4), certificate types (RFC 7250 4.2), the profile of SRTP (RFC 5764 4.1), the name
 * (RFC 6066 3) and the application protocol (RFC 7301) that it answers with. */
void answer_limits(struct handshake *hs, const struct extensions *ext, uint16_t counted, struct extensions *answer);
tern_error answer_certificate_types(struct handshake *hs, const struct extensions *ext, struct extensions *answer);
tern_error answer_srtp(struct handshake *hs, const struct extensions *ext, struct extensions *answer);
tern_error answer_names(struct handshake *hs, const struct extensions *ext, struct span alpn,
			struct extensions *answer);

/* What both sides key SRTP with (RFC 5764 4.2); o->srtp is not NULL. */
tern_error srtp_keys(const struct provider *p, const struct outcome *o, tern_srtp_keys *out);

#endif
