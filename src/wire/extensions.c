#include "wire/extensions.h"

#include "wire/hello.h"

/* How one body is read into its field of struct extensions and written from it. A get need not check that the body
 * ends: the loop does. */
struct codec {
	bool (*get)(struct rd *r, void *field);
	void (*put)(struct wr *w, const void *field);
};

static bool get_nothing(struct rd *r, void *field)
{
	(void)r;
	(void)field;
	return true;
}

static void put_nothing(struct wr *w, const void *field)
{
	(void)w;
	(void)field;
}

static bool get_u8(struct rd *r, void *field)
{
	return rd_u8(r, field);
}

static void put_u8(struct wr *w, const void *field)
{
	wr_u8(w, *(const uint8_t *)field);
}

static bool get_u16(struct rd *r, void *field)
{
	return rd_u16(r, field);
}

static void put_u16(struct wr *w, const void *field)
{
	wr_u16(w, *(const uint16_t *)field);
}

static bool get_whole(struct rd *r, void *field)
{
	return rd_bytes(r, rd_left(r), field);
}

static bool get_one_byte(struct rd *r, void *field)
{
	return rd_bytes(r, 1, field);
}

static bool get_two_bytes(struct rd *r, void *field)
{
	return rd_bytes(r, 2, field);
}

static void put_whole(struct wr *w, const void *field)
{
	wr_bytes(w, *(const struct span *)field);
}

static bool get_vec8(struct rd *r, void *field)
{
	return rd_span8(r, field);
}

static bool get_list8(struct rd *r, void *field)
{
	return rd_span8(r, field) && ((struct span *)field)->n > 0;
}

static bool get_versions(struct rd *r, void *field)
{
	return rd_span8(r, field) && list16_valid(*(struct span *)field);
}

static void put_vec8(struct wr *w, const void *field)
{
	wr_vec8(w, *(const struct span *)field);
}

static bool get_list16(struct rd *r, void *field)
{
	return rd_span16(r, field) && list16_valid(*(struct span *)field);
}

static void put_vec16(struct wr *w, const void *field)
{
	wr_vec16(w, *(const struct span *)field);
}

#define HOST_NAME 0 /* NameType, RFC 6066 3 */

/* The list could hold names of other types; none was ever defined, and none can be any more, since deployed peers
 * refuse them. */
static bool get_host_name(struct rd *r, void *field)
{
	struct span list, *name = field;
	struct rd entry;
	uint8_t type;
	if (!rd_span16(r, &list))
		return false;
	entry = rd_of(list);
	return rd_u8(&entry, &type) && type == HOST_NAME && rd_span16(&entry, name) && name->n > 0 && rd_end(&entry);
}

static void put_host_name(struct wr *w, const void *field)
{
	size_t mark = wr_open16(w);
	wr_u8(w, HOST_NAME);
	wr_vec16(w, *(const struct span *)field);
	wr_close16(w, mark);
}

bool get_alpn_name(struct rd *r, struct span *out)
{
	struct rd t = *r;
	struct span name;
	if (!rd_span8(&t, &name) || !name.n)
		return false;
	*r = t;
	*out = name;
	return true;
}

static bool get_alpn(struct rd *r, void *field)
{
	struct span *list = field, name;
	struct rd names;
	if (!rd_span16(r, list) || !list->n)
		return false;
	names = rd_of(*list);
	while (get_alpn_name(&names, &name))
		;
	return rd_end(&names);
}

static bool get_alpn_choice(struct rd *r, void *field)
{
	struct span *list = field, name;
	struct rd names;
	if (!rd_span16(r, list))
		return false;
	names = rd_of(*list);
	return get_alpn_name(&names, &name) && rd_end(&names);
}

static const struct codec nothing = {get_nothing, put_nothing};
static const struct codec u8 = {get_u8, put_u8};
static const struct codec u16 = {get_u16, put_u16};
static const struct codec whole = {get_whole, put_whole};
static const struct codec one_byte = {get_one_byte, put_whole};
static const struct codec two_bytes = {get_two_bytes, put_whole};
static const struct codec vec8 = {get_vec8, put_vec8};
static const struct codec list8 = {get_list8, put_vec8};
static const struct codec list16 = {get_list16, put_vec16};
static const struct codec versions = {get_versions, put_vec8};
static const struct codec host_name = {get_host_name, put_host_name};
static const struct codec alpn = {get_alpn, put_vec16};
static const struct codec alpn_choice = {get_alpn_choice, put_vec16};

struct row {
	uint16_t type;
	uint16_t bit;
	size_t field;
	const struct codec *client, *server;
};

#define FIELD(name) offsetof(struct extensions, name)
static const struct row rows[] = {
	{EXT_RENEGOTIATION_INFO, HAS_RENEGOTIATION_INFO, FIELD(renegotiation_info), &vec8, &vec8},
	{EXT_SUPPORTED_VERSIONS, HAS_SUPPORTED_VERSIONS, FIELD(supported_versions), &versions, &two_bytes},
	{EXT_SERVER_NAME, HAS_SERVER_NAME, FIELD(server_name), &host_name, &nothing},
	{EXT_MAX_FRAGMENT_LENGTH, HAS_MAX_FRAGMENT_LENGTH, FIELD(max_fragment_length), &u8, &u8},
	{EXT_SUPPORTED_GROUPS, HAS_SUPPORTED_GROUPS, FIELD(supported_groups), &list16, &list16},
	{EXT_EC_POINT_FORMATS, HAS_EC_POINT_FORMATS, FIELD(ec_point_formats), &list8, &list8},
	{EXT_SIGNATURE_ALGORITHMS, HAS_SIGNATURE_ALGORITHMS, FIELD(signature_algorithms), &list16, &list16},
	{EXT_ALPN, HAS_ALPN, FIELD(alpn), &alpn, &alpn_choice},
	{EXT_CLIENT_CERTIFICATE_TYPE, HAS_CLIENT_CERTIFICATE_TYPE, FIELD(client_certificate_types), &list8, &one_byte},
	{EXT_SERVER_CERTIFICATE_TYPE, HAS_SERVER_CERTIFICATE_TYPE, FIELD(server_certificate_types), &list8, &one_byte},
	{EXT_EXTENDED_MASTER_SECRET, HAS_EXTENDED_MASTER_SECRET, FIELD(present), &nothing, &nothing},
	{EXT_RECORD_SIZE_LIMIT, HAS_RECORD_SIZE_LIMIT, FIELD(record_size_limit), &u16, &u16},
	{EXT_SESSION_TICKET, HAS_SESSION_TICKET, FIELD(session_ticket), &whole, &nothing},
};
#undef FIELD

#define NUM_ROWS (sizeof rows / sizeof rows[0])

static const struct row *row_of(uint16_t type)
{
	for (size_t i = 0; i < NUM_ROWS; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

/* Types seen so far. The bound keeps the search for repeated ones cheap; no hello needs as many. */
struct seen {
	uint16_t types[WIRE_EXTENSIONS_MAX];
	size_t num;
};

static bool note_type(struct seen *seen, uint16_t type)
{
	for (size_t i = 0; i < seen->num; i++)
		if (seen->types[i] == type)
			return false;
	if (seen->num == WIRE_EXTENSIONS_MAX)
		return false;
	seen->types[seen->num++] = type;
	return true;
}

static bool get_body(struct span body, uint16_t type, bool server, struct extensions *out)
{
	const struct row *row = row_of(type);
	const struct codec *codec;
	struct rd r = rd_of(body);
	if (!row) {
		out->unknown = true;
		return true;
	}
	codec = server ? row->server : row->client;
	out->present |= row->bit;
	return codec->get(&r, (char *)out + row->field) && rd_end(&r);
}

static bool get_extensions(struct span block, bool server, struct extensions *out)
{
	struct extensions v = {0};
	struct seen seen = {.num = 0};
	struct rd r = rd_of(block);
	struct span body;
	uint16_t type;
	while (!rd_end(&r))
		if (!(rd_u16(&r, &type) && rd_span16(&r, &body) && note_type(&seen, type) &&
		      get_body(body, type, server, &v)))
			return false;
	*out = v;
	return true;
}

static void put_extensions(struct wr *w, bool server, const struct extensions *in)
{
	for (size_t i = 0; i < NUM_ROWS; i++) {
		const struct codec *codec = server ? rows[i].server : rows[i].client;
		size_t mark;
		if (!(in->present & rows[i].bit))
			continue;
		wr_u16(w, rows[i].type);
		mark = wr_open16(w);
		codec->put(w, (const char *)in + rows[i].field);
		wr_close16(w, mark);
	}
}

bool get_client_extensions(struct span block, struct extensions *out)
{
	return get_extensions(block, false, out);
}

void put_client_extensions(struct wr *w, const struct extensions *in)
{
	put_extensions(w, false, in);
}

bool get_server_extensions(struct span block, struct extensions *out)
{
	return get_extensions(block, true, out);
}

void put_server_extensions(struct wr *w, const struct extensions *in)
{
	put_extensions(w, true, in);
}
