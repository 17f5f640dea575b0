/* epochs.h - the live keys of a record layer: the newest of each direction in its struct, older ones in lists beside
 * it, and which of them a record means. */
#ifndef TERN_RECORD_EPOCHS_H
#define TERN_RECORD_EPOCHS_H

#include "record/record.h"

#define EPOCHS_ALIVE 4 /* in each direction, so that two bits can tell them apart */

struct older_read {
	struct older_read *next;
	struct read_epoch e;
};

struct older_write {
	struct older_write *next;
	struct write_epoch e;
};

/* NULL: not alive. An epoch without keys is one whose records do not open: RFC 9147 6.1. */
struct read_epoch *epochs_read(struct record_layer *l, uint16_t epoch);
struct write_epoch *epochs_write(struct record_layer *l, uint16_t epoch);
const struct write_epoch *epochs_peek_write(const struct record_layer *l, uint16_t epoch);

/* The newest live read epoch with these low two bits: RFC 9147 4.2.2, 8. */
bool epochs_by_bits(const struct record_layer *l, uint8_t bits, uint16_t *epoch);
/* The next epoch with these bits whose keys may come yet. */
uint16_t epochs_expected(const struct record_layer *l, uint8_t bits);

/* Forgets one of the older read epochs. */
void epochs_drop_older_read(struct record_layer *l, const struct read_epoch *e);

#endif
