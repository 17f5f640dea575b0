/* campaign.h - many runs: all small scripts of a scenario, or random schedules. */
#ifndef TERN_TESTS_SIM_CAMPAIGN_H
#define TERN_TESTS_SIM_CAMPAIGN_H

#include "sim/world.h"

#define EXHAUSTIVE_DATAGRAMS 8
#define SUBSET_DATAGRAMS 10
#define PAIR_DATAGRAMS 22
#define MTU_DATAGRAMS 24
#define FAULT_SEED 2 /* not that of the handshake whose session is resumed */

struct tally {
	uint64_t considered, runs, failed;
};

/* Every subset of the first 8 datagrams lost; every one and every pair doubled; every two neighbors exchanged. scenario
 * NULL: those that are meant for it. Failures are printed with the command that repeats them. */
void run_exhaustive(struct tally *t, const struct scenario *scenario);

/* DTLS 1.3 and mixed versions: every subset of the first 10 datagrams lost where the scenario wants it; in all, every
 * one and every pair of the first 22 lost or doubled, and every two neighbors exchanged. Of all these, one in sample.
 */
void run_exhaustive13(struct tally *t, const struct scenario *scenario, unsigned sample);

/* Every three of the first 22 datagrams lost. */
void run_triples(struct tally *t, const struct scenario *scenario, unsigned sample);

/* Every order and every loss of the records of a handshake's flights (shuffle.h): count schedules of the scenario's
 * space from the first on; evenly spread over the space of each that is meant for it when scenario is NULL. */
void run_shuffles(struct tally *t, const struct scenario *scenario, uint64_t first, uint64_t count);

/* Every MTU from the least to 1500, on a quiet path and with each of the first datagrams lost. */
void run_mtus(struct tally *t, const struct scenario *scenario, unsigned sample);

/* Everything that can fail at either side of a clean run fails once (see fault.h): it must end cleanly. One in sample.
 */
void run_faults(struct tally *t, const struct scenario *scenario, unsigned sample);

/* schedules runs with the seeds from first on; shared among all scenarios when scenario is NULL. */
void run_random(struct tally *t, const struct scenario *scenario, uint64_t first, uint64_t schedules, enum chaos chaos);

/* corpus.c: datagrams of clean runs as inputs for the fuzz targets, in DIR/client_fuzz and so on. */
bool write_corpus(const char *dir);

#endif
