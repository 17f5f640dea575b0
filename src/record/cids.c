#include "record/cids.h"

#include "base/heap.h"

struct cid_node {
	struct cid_node *next;
	uint8_t owner, n;
	uint8_t bytes[];
};

static struct cid_node *node_at(const struct cids *c, enum cid_owner owner, size_t i)
{
	for (struct cid_node *node = c->more; node; node = node->next)
		if (node->owner == owner && i-- == 0)
			return node;
	return NULL;
}

struct span cids_at(const struct cids *c, enum cid_owner owner, size_t i)
{
	const union cid_first *first = &c->first[owner];
	const struct cid_node *node;
	if (!c->len[owner])
		return span_of(NULL, 0);
	if (i == 0)
		return span_of(c->len[owner] <= CID_HERE ? first->here : first->node->bytes, c->len[owner]);
	node = node_at(c, owner, i - 1);
	return node ? span_of(node->bytes, node->n) : span_of(NULL, 0);
}

size_t cids_num(const struct cids *c, enum cid_owner owner)
{
	size_t n = 0;
	while (cids_at(c, owner, n).n)
		n++;
	return n;
}

static void node_free(const tern_allocator *heap, struct cid_node *node)
{
	heap_free(heap, node, sizeof *node + node->n);
}

static struct cid_node *node_new(const tern_allocator *heap, enum cid_owner owner, struct span cid)
{
	struct cid_node *node = heap_alloc(heap, sizeof *node + cid.n);
	if (!node)
		return NULL;
	node->owner = (uint8_t)owner;
	node->n = (uint8_t)cid.n;
	memcpy(node->bytes, cid.p, cid.n);
	return node;
}

tern_error cids_add(struct cids *c, const tern_allocator *heap, enum cid_owner owner, struct span cid)
{
	bool first = !c->len[owner];
	struct cid_node *node = NULL, **at = &c->more;
	if (cid.n == 0 || cid.n > CID_MAX)
		return TERN_ERROR_INTERNAL;
	if (cids_num(c, owner) == CIDS_MAX)
		return TERN_ERROR_BUDGET;
	if (!first || cid.n > CID_HERE) {
		node = node_new(heap, owner, cid);
		if (!node)
			return TERN_ERROR_NO_MEMORY;
	}
	if (!first) {
		while (*at)
			at = &(*at)->next;
		*at = node;
		return TERN_OK;
	}
	if (node)
		c->first[owner].node = node;
	else
		memcpy(c->first[owner].here, cid.p, cid.n);
	c->len[owner] = (uint8_t)cid.n;
	return TERN_OK;
}

static struct cid_node *unlink_next(struct cids *c, enum cid_owner owner)
{
	struct cid_node **at = &c->more, *node;
	while (*at && (*at)->owner != owner)
		at = &(*at)->next;
	node = *at;
	if (node)
		*at = node->next;
	return node;
}

void cids_drop_first(struct cids *c, const tern_allocator *heap, enum cid_owner owner)
{
	union cid_first *first = &c->first[owner];
	struct cid_node *next = unlink_next(c, owner);
	if (c->len[owner] > CID_HERE)
		node_free(heap, first->node);
	c->len[owner] = next ? next->n : 0;
	if (next && next->n > CID_HERE) {
		first->node = next;
	} else if (next) {
		memcpy(first->here, next->bytes, next->n);
		node_free(heap, next);
	}
	if (owner == CID_OURS && c->used)
		c->used--;
	if (owner == CID_OURS && c->replaced)
		c->replaced--;
}

void cids_free(struct cids *c, const tern_allocator *heap)
{
	for (int owner = 0; owner < 2; owner++)
		while (c->len[owner])
			cids_drop_first(c, heap, (enum cid_owner)owner);
	c->due = c->moved = false;
}

bool cids_match(const struct cids *c, struct span bytes, size_t *i)
{
	struct span cid;
	for (*i = 0; (cid = cids_at(c, CID_OURS, *i)).n; ++*i)
		if (bytes.n >= cid.n && memcmp(bytes.p, cid.p, cid.n) == 0)
			return true;
	return false;
}

void cids_note(struct cids *c, size_t i)
{
	c->used = (uint8_t)i;
	c->moved = c->replaced && i >= c->replaced;
}
