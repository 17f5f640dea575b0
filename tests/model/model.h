/* model.h - Tern's state machines, learned from outside, and the ones that the RFCs draw.
 *
 * A kind is one role of one version under one config. Its machine is learned over the public API alone: a puppet says
 * words over the kind's alphabet to fresh connections, and what comes back is written down (Angluin's L*, with counter-
 * examples after Rivest and Schapire). It must agree with the automaton in NAME.txt, written from the RFCs. */
#ifndef TERN_TESTS_MODEL_MODEL_H
#define TERN_TESTS_MODEL_MODEL_H

#include "model/puppet.h"

#define WORD_MAX 64
#define INPUTS_MAX 32
#define STATES_MAX 128
#define OUTPUTS_MAX 128

/* ---- kinds.c ---- */

struct kind {
	const char *name;
	const char *title;
	enum role role; /* Tern's; the puppet has the other */
	struct role_play play;
	bool mutual;
	const struct saying *sayings;
	uint8_t num_sayings;
};
extern const struct kind kinds[];
extern const size_t num_kinds;

/* ---- system.c: a connection under test ---- */

struct system;
struct system *system_open(const struct kind *kind);
void system_close(struct system *s);
/* What each input of the word brings: indices of outputs. Each word is said to a fresh connection. */
void system_answer(struct system *s, const uint8_t *word, size_t n, uint8_t *outputs);
const char *system_output(const struct system *s, uint8_t output);
uint8_t system_output_index(struct system *s, const char *text);
uint64_t system_words(const struct system *s);

/* ---- machines: Mealy machines, learned or written ---- */

struct machine {
	size_t num_states;
	uint8_t num_inputs;
	uint8_t next[STATES_MAX][INPUTS_MAX], output[STATES_MAX][INPUTS_MAX];
	uint8_t access[STATES_MAX][WORD_MAX], access_n[STATES_MAX]; /* a shortest word that leads there */
	char names[STATES_MAX][48];
	bool usual[STATES_MAX][INPUTS_MAX]; /* written: by a row for all inputs that have none of their own */
};

/* learn.c. depth: that many inputs between every state and every suffix are tried; walks: random words besides; and
 * every word on which what was learned differs from what was written: what differs in the end is Tern's. */
void learn(struct system *s, const struct kind *kind, unsigned depth, unsigned walks, const struct machine *written,
	   struct machine *out);

/* automaton.c: false, and the reason is printed: it cannot be read. */
bool automaton_read(struct system *s, const struct kind *kind, const char *path, struct machine *out);
/* False: word, of *n inputs, at most WORD_MAX, is a shortest one on which they differ. The names go from the written to
 * the learned. */
bool machines_agree(struct machine *learned, const struct machine *written, uint8_t *word, size_t *n);
/* Prints such a word. */
void machines_tell(const struct system *s, const struct kind *kind, const struct machine *learned,
		   const struct machine *written, const uint8_t *word, size_t n);

/* draw.c: the source of a picture, into a buffer of n bytes; its length. */
size_t draw(const struct system *s, const struct kind *kind, const struct machine *m, char *out, size_t n);

#endif
