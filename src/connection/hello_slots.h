/* hello_slots.h - ClientHellos that come in fragments before anything is known of their sender: a fixed array in the
 * pool is all the memory they get. A slot is found by a keyed hash of address and message_seq, so nobody can aim at
 * another's; a newcomer may push out any of the few slots its hash allows. Post-quantum hellos do not fit one datagram.
 */
#ifndef TERN_CONNECTION_HELLO_SLOTS_H
#define TERN_CONNECTION_HELLO_SLOTS_H

#include "crypto/prf.h"
#include "wire/handshake.h"

#define HELLO_MAX 4096 /* bytes of a hello that is put together */

struct hello_slots;

/* NULL: no memory. */
struct hello_slots *hello_slots_new(const tern_allocator *heap);
void hello_slots_free(const tern_allocator *heap, struct hello_slots *s);

/* One more fragment, from record seq. When it completes its message, *whole is that (in the slot, until the next call)
 * and true is returned. key is secret. random: decides who gives way. A fragment that is at odds with what is here,
 * comes late, or from a sender that counts its records from the start again, begins anew: a hello of before must not
 * mix with the next from its address. */
bool hello_slots_put(struct hello_slots *s, const struct hmac_key *key, const tern_path *path, const struct fragment *f,
		     uint64_t seq, uint32_t random, tern_time now, struct fragment *whole);

#endif
