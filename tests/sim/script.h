/* script.h - a world driven by input bytes, for the fuzz targets.
 *
 * The first byte chooses the scenario (modulo their number) and by it the version, the second the mode. Even: one host
 * alone, and operations: a byte each (modulo 8), then its operands, big-endian:
 *
 *     0 1 2   a datagram arrives: u16 length, bytes
 *     3       time passes: u16, in units of 4 ms; then what is due happens
 *     4       jobs are answered
 *     5       it closes
 *     6       its MTU becomes: u16
 *     7       it sends data
 *
 * Odd: both hosts, with a whole handshake between them; each datagram takes a byte (modulo 12) that says what becomes
 * of it, see script.c. When the input ends, datagrams arrive untouched. */
#ifndef TERN_TESTS_SIM_SCRIPT_H
#define TERN_TESTS_SIM_SCRIPT_H

#include "sim/world.h"

#define SCRIPT_SEED 1 /* recorded datagrams fit runs with this seed */

enum script_op {
	SCRIPT_FEED = 0,
	SCRIPT_TIME = 3,
	SCRIPT_ANSWER = 4,
	SCRIPT_CLOSE = 5,
	SCRIPT_MTU = 6,
	SCRIPT_DATA = 7
};
enum script_mode { SCRIPT_ALONE, SCRIPT_BOTH };

/* Aborts when an invariant is violated. */
void script_run(enum role side, const uint8_t *data, size_t size);

/* Datagrams (u16 length, bytes) each of which is a server's first. */
void script_listen(const uint8_t *data, size_t size);

#endif
