/* inspect.h - for those who look at DTLS from outside: captures, ladders, logs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_INSPECT_H
#define TERN_INSPECT_H

#include "tern/tern.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The name of a handshake message type and of a record's content type as the RFCs spell it: "ClientHello",
 * "ChangeCipherSpec"; "unknown" for a number without one. Never NULL. */
TERN_API const char *tern_message_name(unsigned type);
TERN_API const char *tern_content_name(unsigned type);

#ifdef __cplusplus
}
#endif
#endif
