/* usual_pair.h - what most tests of connections start from: a root, a leaf for a.test, and a client that trusts it. */
#ifndef TESTS_USUAL_PAIR_H
#define TESTS_USUAL_PAIR_H

#include "pair.h"

extern struct cert root, leaf; /* between make_certs and free_certs */

/* cmocka's setup and teardown of a group. */
int make_certs(void **state);
int free_certs(void **state);

/* DTLS 1.2, by role: the server has leaf, the client trusts root. */
void usual_configs(tern_config *c[2]);
/* Takes the configs over and connects, with no loss. */
void connect_pair(struct pair *p, tern_config *c[2]);
/* Both: a connected pair of usual configs. */
void connected_pair(struct pair *p);

#endif
