/* error.h - how errors travel inside the library: as must-check values, one control-flow macro, and one record of the
 * first failure of a connection. */
#ifndef TERN_BASE_ERROR_H
#define TERN_BASE_ERROR_H

#include "tern/tern.h"

/* Returns from the enclosing function when expr is not TERN_OK. TERN_PENDING travels the same way. */
#define TRY(expr)                                                                                                      \
	do {                                                                                                           \
		tern_error try_error_ = (expr);                                                                        \
		if (try_error_ != TERN_OK)                                                                             \
			return try_error_;                                                                             \
	} while (0)

#define ERROR_STRING2(x) #x
#define ERROR_STRING(x) ERROR_STRING2(x)
#define WHERE __FILE__ ":" ERROR_STRING(__LINE__)

/* The alert that goes with an error; -1 when none is sent. */
int error_alert(tern_error error);

/* Keeps the first failure; returns error, so that handlers can write: return failure_note(f, TERN_ERROR_DECODE, WHERE,
 * "RFC 5246 7.4.1.2"). USAGE, INPUT and PENDING are not failures of a connection and are not kept. */
tern_error failure_note(tern_failure *failure, tern_error error, const char *where, const char *rfc);

#endif
