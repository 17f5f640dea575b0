#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "usual_pair.h"

struct cert root, leaf;

int make_certs(void **state)
{
	(void)state;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	cert_make(&leaf, &(struct cert_options){.issuer = &root, .san = "DNS:a.test"});
	return 0;
}

int free_certs(void **state)
{
	(void)state;
	cert_free(&root);
	cert_free(&leaf);
	certs_cleanup();
	return 0;
}

void usual_configs(tern_config *c[2])
{
	c[CLIENT] = new_config(NULL);
	c[SERVER] = new_config(NULL);
	add_trust(c[CLIENT], &root);
	add_cert(c[SERVER], &leaf);
}

void connect_pair(struct pair *p, tern_config *c[2])
{
	pair_init(p, c[CLIENT], c[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_settle(p);
	assert_true(pair_connected(p));
}

void connected_pair(struct pair *p)
{
	tern_config *c[2];
	usual_configs(c);
	connect_pair(p, c);
}
