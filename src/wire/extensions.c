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

static bool get_u32(struct rd *r, void *field)
{
	return rd_u32(r, field);
}

static void put_u32(struct wr *w, const void *field)
{
	wr_u32(w, *(const uint32_t *)field);
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

static bool get_list16_behind8(struct rd *r, void *field)
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

static bool get_some16(struct rd *r, void *field)
{
	return rd_span16(r, field) && ((struct span *)field)->n > 0;
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

/* DistinguishedName<1..2^16-1>, RFC 8446 4.2.4. */
static bool get_names(struct rd *r, void *field)
{
	struct span *list = field, name;
	struct rd names;
	if (!rd_span16(r, list) || !list->n)
		return false;
	names = rd_of(*list);
	while (!rd_end(&names))
		if (!rd_span16(&names, &name) || !name.n)
			return false;
	return true;
}

/* Those that fill more than one field of struct extensions, or not the same one everywhere, are given all of it. */

bool get_key_share(struct rd *list, struct key_share *out)
{
	struct rd t = *list;
	struct key_share v;
	if (!(rd_u16(&t, &v.group) && rd_span16(&t, &v.share) && v.share.n > 0))
		return false;
	*list = t;
	*out = v;
	return true;
}

void put_key_share(struct wr *w, const struct key_share *in)
{
	wr_u16(w, in->group);
	wr_vec16(w, in->share);
}

static bool get_key_shares(struct rd *r, void *field)
{
	struct extensions *out = field;
	struct key_share each;
	struct rd shares;
	if (!rd_span16(r, &out->key_shares))
		return false;
	shares = rd_of(out->key_shares);
	while (get_key_share(&shares, &each))
		;
	return rd_end(&shares);
}

static void put_key_shares(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	wr_vec16(w, in->key_shares);
}

static bool get_server_share(struct rd *r, void *field)
{
	struct extensions *out = field;
	struct key_share v;
	if (!get_key_share(r, &v))
		return false;
	out->selected_group = v.group;
	out->share = v.share;
	return true;
}

static void put_server_share(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	const struct key_share v = {in->selected_group, in->share};
	put_key_share(w, &v);
}

static bool get_wanted_group(struct rd *r, void *field)
{
	struct extensions *out = field;
	return rd_u16(r, &out->selected_group);
}

static void put_wanted_group(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	wr_u16(w, in->selected_group);
}

bool get_psk_identity(struct rd *list, struct psk_identity *out)
{
	struct rd t = *list;
	struct psk_identity v;
	if (!(rd_span16(&t, &v.identity) && v.identity.n > 0 && rd_u32(&t, &v.obfuscated_age)))
		return false;
	*list = t;
	*out = v;
	return true;
}

void put_psk_identity(struct wr *w, const struct psk_identity *in)
{
	wr_vec16(w, in->identity);
	wr_u32(w, in->obfuscated_age);
}

#define BINDER_MIN 32 /* RFC 8446 4.2.11 */

bool get_psk_binder(struct rd *list, struct span *out)
{
	struct rd t = *list;
	struct span v;
	if (!(rd_span8(&t, &v) && v.n >= BINDER_MIN))
		return false;
	*list = t;
	*out = v;
	return true;
}

/* Whether both lists are well-formed and not empty. */
static bool psks_valid(struct span identity_list, struct span binder_list, bool *paired)
{
	struct rd identities = rd_of(identity_list), binders = rd_of(binder_list);
	struct psk_identity identity;
	struct span binder;
	size_t num_identities = 0, num_binders = 0;
	while (get_psk_identity(&identities, &identity))
		num_identities++;
	while (get_psk_binder(&binders, &binder))
		num_binders++;
	*paired = num_identities == num_binders;
	return num_identities > 0 && num_binders > 0 && rd_end(&identities) && rd_end(&binders);
}

static bool get_psks(struct rd *r, void *field)
{
	struct extensions *out = field;
	if (!(rd_span16(r, &out->psk_identities) && rd_span16(r, &out->psk_binders)))
		return false;
	out->psk_binders_wire = 2 + out->psk_binders.n;
	return psks_valid(out->psk_identities, out->psk_binders, &out->psks_paired);
}

static void put_psks(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	wr_vec16(w, in->psk_identities);
	wr_vec16(w, in->psk_binders);
}

static bool get_selected_psk(struct rd *r, void *field)
{
	struct extensions *out = field;
	return rd_u16(r, &out->selected_identity);
}

static void put_selected_psk(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	wr_u16(w, in->selected_identity);
}

/* UseSRTPData, RFC 5764 4.1.1. */
static bool get_srtp(struct rd *r, void *field)
{
	struct extensions *out = field;
	return rd_span16(r, &out->srtp_profiles) && list16_valid(out->srtp_profiles) && rd_span8(r, &out->srtp_mki);
}

static bool get_srtp_choice(struct rd *r, void *field)
{
	const struct extensions *out = field;
	return get_srtp(r, field) && out->srtp_profiles.n == 2;
}

static void put_srtp(struct wr *w, const void *field)
{
	const struct extensions *in = field;
	wr_vec16(w, in->srtp_profiles);
	wr_vec8(w, in->srtp_mki);
}

/* ---- The table ---- */

#define CODEC(name, get, put) static const struct codec name[1] = {{get, put}}
CODEC(none, get_nothing, put_nothing);
CODEC(u8, get_u8, put_u8);
CODEC(u16, get_u16, put_u16);
CODEC(u32, get_u32, put_u32);
CODEC(any, get_whole, put_whole);
CODEC(byte, get_one_byte, put_whole);
CODEC(two, get_two_bytes, put_whole);
CODEC(vlist, get_list16_behind8, put_vec8);
CODEC(vec8, get_vec8, put_vec8);
CODEC(list8, get_list8, put_vec8);
CODEC(list16, get_list16, put_vec16);
CODEC(some16, get_some16, put_vec16);
CODEC(host, get_host_name, put_host_name);
CODEC(alpn, get_alpn, put_vec16);
CODEC(alpn1, get_alpn_choice, put_vec16);
CODEC(names, get_names, put_vec16);
CODEC(shares, get_key_shares, put_key_shares);
CODEC(share, get_server_share, put_server_share);
CODEC(group, get_wanted_group, put_wanted_group);
CODEC(srtp, get_srtp, put_srtp);
CODEC(srtp1, get_srtp_choice, put_srtp);
CODEC(psks, get_psks, put_psks);
CODEC(psk, get_selected_psk, put_selected_psk);
#undef CODEC

struct row {
	uint16_t type;
	uint32_t bit;
	size_t field;
	const struct codec *at[NUM_PLACES]; /* NULL: may not be there */
};

/* How bodies are read and written in each place; NO: may not be there. RFC 8446 4.2, RFC 8449 4.
 * The extensions of DTLS 1.2 alone are in no message of DTLS 1.3 but ClientHello. Servers of DTLS 1.2 exist that answer
 * with supported_groups, which RFC 8422 does not foresee. */
/* clang-format off */
#define NO NULL
#define X(name, field, ...) {EXT_##name, HAS_##name, offsetof(struct extensions, field), {__VA_ARGS__}}
static const struct row rows[] = {
	/*                                                      CH      SH12    SH13   HRR     EE      CR      CT NST */
	X(RENEGOTIATION_INFO,        renegotiation_info,        vec8,   vec8,   NO,    NO,     NO,     NO,     NO, NO),
	X(SUPPORTED_VERSIONS,        supported_versions,        vlist,  two,    two,   two,    NO,     NO,     NO, NO),
	X(COOKIE,                    cookie,                    some16, NO,     NO,    some16, NO,     NO,     NO, NO),
	X(SUPPORTED_GROUPS,          supported_groups,          list16, list16, NO,    NO,     list16, NO,     NO, NO),
	X(KEY_SHARE,                 present,                   shares, NO,     share, group,  NO,     NO,     NO, NO),
	X(SERVER_NAME,               server_name,               host,   none,   NO,    NO,     none,   NO,     NO, NO),
	X(MAX_FRAGMENT_LENGTH,       max_fragment_length,       u8,     u8,     NO,    NO,     u8,     NO,     NO, NO),
	X(EC_POINT_FORMATS,          ec_point_formats,          list8,  list8,  NO,    NO,     NO,     NO,     NO, NO),
	X(SIGNATURE_ALGORITHMS,      signature_algorithms,      list16, NO,     NO,    NO,     NO,     list16, NO, NO),
	X(USE_SRTP,                  present,                   srtp,   srtp1,  NO,    NO,     srtp1,  NO,     NO, NO),
	X(ALPN,                      alpn,                      alpn,   alpn1,  NO,    NO,     alpn1,  NO,     NO, NO),
	X(CLIENT_CERTIFICATE_TYPE,   client_certificate_types,  list8,  byte,   NO,    NO,     byte,   NO,     NO, NO),
	X(SERVER_CERTIFICATE_TYPE,   server_certificate_types,  list8,  byte,   NO,    NO,     byte,   NO,     NO, NO),
	X(EXTENDED_MASTER_SECRET,    present,                   none,   none,   NO,    NO,     NO,     NO,     NO, NO),
	X(COMPRESS_CERTIFICATE,      certificate_compressions,  vlist,  NO,     NO,    NO,     NO,     vlist,  NO, NO),
	X(RECORD_SIZE_LIMIT,         record_size_limit,         u16,    u16,    NO,    NO,     u16,    NO,     NO, NO),
	X(SESSION_TICKET,            session_ticket,            any,    none,   NO,    NO,     NO,     NO,     NO, NO),
	X(EARLY_DATA,                max_early_data,            none,   NO,     NO,    NO,     none,   NO,     NO, u32),
	X(PSK_KEY_EXCHANGE_MODES,    psk_modes,                 list8,  NO,     NO,    NO,     NO,     NO,     NO, NO),
	X(CERTIFICATE_AUTHORITIES,   certificate_authorities,   names,  NO,     NO,    NO,     NO,     names,  NO, NO),
	X(CONNECTION_ID,             connection_id,             vec8,   vec8,   vec8,  NO,     NO,     NO,     NO, NO),
	X(RRC,                       present,                   none,   none,   none,  NO,     NO,     NO,     NO, NO),
	X(POST_HANDSHAKE_AUTH,       present,                   none,   NO,     NO,    NO,     NO,     NO,     NO, NO),
	X(SIGNATURE_ALGORITHMS_CERT, signature_algorithms_cert, list16, NO,     NO,    NO,     NO,     list16, NO, NO),
	X(PRE_SHARED_KEY,            present,                   psks,   NO,     psk,   NO,     NO,     NO,     NO, NO),
};
#undef X
#undef NO
/* clang-format on */

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

static bool get_body(struct span body, uint16_t type, enum extension_place place, struct extensions *out)
{
	const struct row *row = row_of(type);
	struct rd r = rd_of(body);
	if (!row) {
		out->unknown = true;
		return true;
	}
	if (!row->at[place]) {
		out->misplaced = true;
		return true;
	}
	out->present |= row->bit;
	return row->at[place]->get(&r, (char *)out + row->field) && rd_end(&r);
}

bool get_extensions(struct span block, enum extension_place place, struct extensions *out)
{
	struct extensions v = {0};
	struct seen seen = {.num = 0};
	struct rd r = rd_of(block);
	struct span body;
	uint16_t type = 0;
	while (!rd_end(&r))
		if (!(rd_u16(&r, &type) && rd_span16(&r, &body) && note_type(&seen, type) &&
		      get_body(body, type, place, &v)))
			return false;
	v.psk_is_last = place == IN_CLIENT_HELLO && (v.present & HAS_PRE_SHARED_KEY) && type == EXT_PRE_SHARED_KEY;
	*out = v;
	return true;
}

void put_extensions(struct wr *w, enum extension_place place, const struct extensions *in)
{
	for (size_t i = 0; i < NUM_ROWS; i++) {
		const struct codec *codec = rows[i].at[place];
		size_t mark;
		if (!codec || !(in->present & rows[i].bit))
			continue;
		wr_u16(w, rows[i].type);
		mark = wr_open16(w);
		codec->put(w, (const char *)in + rows[i].field);
		wr_close16(w, mark);
	}
}
