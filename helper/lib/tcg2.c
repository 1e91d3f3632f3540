// SPDX-License-Identifier: Apache-2.0
/*
 * Reader of TCG2 logs. Invariant: pos never exceeds size, and every access goes
 * through take(), which compares before it moves.
 */
#include <errno.h>
#include <string.h>

#include "le.h"
#include "libaael.h"

#define SPEC_ID_SIGNATURE_BYTES 16
#define MARK_BYTES 8

static const char spec_id_signature[SPEC_ID_SIGNATURE_BYTES] = "Spec ID Event03";

/* A window into the log that shrinks from the front. */
struct span {
	const uint8_t *p;
	size_t left;
};

static const uint8_t *take(struct span *s, size_t n)
{
	const uint8_t *p = s->p;

	if (n > s->left)
		return NULL;
	s->p += n;
	s->left -= n;
	return p;
}

static bool take32(struct span *s, uint32_t *value)
{
	const uint8_t *p = take(s, 4);

	if (p)
		*value = get32(p);
	return p;
}

static bool take16(struct span *s, uint16_t *value)
{
	const uint8_t *p = take(s, 2);

	if (p)
		*value = get16(p);
	return p;
}

static int fail(struct aael_tcg2 *r, const struct span *at, const char *reason)
{
	r->error.offset = r->size - at->left;
	r->error.reason = reason;
	return -EBADMSG;
}

static const struct aael_tcg2_alg *header_alg(const struct aael_tcg2 *r, uint16_t id)
{
	for (uint32_t i = 0; i < r->alg_count; i++)
		if (r->algs[i].id == id)
			return &r->algs[i];
	return NULL;
}

/* u32 count { u16 alg  u16 digest size } × count  u8 vendor size  vendor[] */
static int parse_algs(struct aael_tcg2 *r, struct span *ev, const struct span *at)
{
	const uint8_t *vendor;
	uint32_t count;

	if (!take32(ev, &count))
		return fail(r, at, "the header ends before its algorithm count");
	if (count == 0 || count > AAEL_TCG2_ALGS_MAX)
		return fail(r, at, "the header's algorithm count is not 1 to 16");
	for (uint32_t i = 0; i < count; i++) {
		struct aael_tcg2_alg alg;
		const struct aael_alg *known;

		if (!take16(ev, &alg.id) || !take16(ev, &alg.size))
			return fail(r, at, "the header ends within its algorithms");
		known = aael_alg_by_id(alg.id);
		if (alg.size == 0 || (known && known->size != alg.size))
			return fail(r, at, "the header gives an algorithm a wrong digest size");
		if (header_alg(r, alg.id))
			return fail(r, at, "the header names an algorithm twice");
		r->algs[r->alg_count++] = alg;
	}
	vendor = take(ev, 1);
	if (!vendor || !take(ev, *vendor))
		return fail(r, at, "the header's vendor information is cut off");
	return 0;
}

/*
 * u32 register  u32 type = EV_NO_ACTION  u8 sha1[20]  u32 size  event[size]
 * event = signature[16]  u32 platform class  u8 minor, major, errata, uintn size  algorithms
 */
static int parse_header(struct aael_tcg2 *r)
{
	struct span at = { r->data, r->size };
	struct span s = at, ev;
	uint32_t reg, type, size;
	int ret;

	if (!take32(&s, &reg) || !take32(&s, &type) || !take(&s, 20) || !take32(&s, &size))
		return fail(r, &at, "too short for a header");
	if (type != AAEL_EV_NO_ACTION)
		return fail(r, &at, "does not begin with an EV_NO_ACTION entry");
	ev.p = take(&s, size);
	ev.left = size;
	if (!ev.p)
		return fail(r, &at, "the header reaches past the end");
	if (size < SPEC_ID_SIGNATURE_BYTES ||
	    memcmp(ev.p, spec_id_signature, SPEC_ID_SIGNATURE_BYTES))
		return fail(r, &at, "the header's signature is not \"Spec ID Event03\"");
	if (!take(&ev, SPEC_ID_SIGNATURE_BYTES + 8))
		return fail(r, &at, "the header ends before its algorithm count");
	ret = parse_algs(r, &ev, &at);
	if (ret)
		return ret;
	r->pos = r->size - s.left;
	r->has_header = true;
	return 0;
}

static bool looks_like_header(const uint8_t *data, size_t size)
{
	return size >= 32 + SPEC_ID_SIGNATURE_BYTES && get32(data + 4) == AAEL_EV_NO_ACTION &&
	       !memcmp(data + 32, spec_id_signature, SPEC_ID_SIGNATURE_BYTES);
}

int aael_tcg2_open(struct aael_tcg2 *r, const void *data, size_t size, unsigned int flags)
{
	memset(r, 0, sizeof(*r));
	r->data = data;
	r->size = size;
	r->flags = flags;
	if (flags & AAEL_TCG2_F_DETECT && !looks_like_header(data, size))
		r->flags |= AAEL_TCG2_F_HEADERLESS;
	if (!(r->flags & AAEL_TCG2_F_HEADERLESS))
		return parse_header(r);
	for (unsigned int i = 0; i < AAEL_ALG_KNOWN_MAX; i++) {
		const struct aael_alg *alg = aael_alg_at(i);

		r->algs[r->alg_count++] = (struct aael_tcg2_alg){ alg->id, alg->size };
	}
	return 0;
}

static bool all_bytes(const uint8_t *p, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

static bool at_mark(const struct aael_tcg2 *r, const struct span *s)
{
	if (s->left < MARK_BYTES)
		return false;
	if (all_bytes(s->p, MARK_BYTES, 0xff))
		return true;
	if (!all_bytes(s->p, MARK_BYTES, 0))
		return false;
	if (r->flags & AAEL_TCG2_F_ZERO_ENDS)
		return true;
	return s->left < MARK_BYTES + 4 || get32(s->p + MARK_BYTES) == 0;
}

/* u32 count { u16 alg  u8 digest[] } × count */
static int parse_digests(struct aael_tcg2 *r, struct span *s, struct aael_tcg2_entry *e)
{
	struct span at = *s;
	uint32_t count;

	if (!take32(s, &count))
		return fail(r, &at, "the entry ends before its digest count");
	if (count == 0)
		return fail(r, &at, "the entry has no digest");
	if (count > r->alg_count)
		return fail(r, &at, "the entry has more digests than there are algorithms");
	for (uint32_t i = 0; i < count; i++) {
		struct aael_tcg2_digest *d = &e->digests[i];
		const struct aael_tcg2_alg *alg;
		uint16_t id;

		at = *s;
		if (!take16(s, &id))
			return fail(r, &at, "the entry ends within its digests");
		alg = header_alg(r, id);
		if (!alg)
			return fail(r, &at, "the entry has a digest of an undeclared algorithm");
		if (aael_tcg2_digest(e, id))
			return fail(r, &at, "the entry has two digests of one algorithm");
		d->alg = id;
		d->size = alg->size;
		d->value = take(s, alg->size);
		if (!d->value)
			return fail(r, &at, "the entry ends within its digests");
		e->digest_count++;
	}
	return 0;
}

int aael_tcg2_next(struct aael_tcg2 *r, struct aael_tcg2_entry *entry)
{
	struct span s = { r->data + r->pos, r->size - r->pos };
	struct span at = s;
	int ret;

	memset(entry, 0, sizeof(*entry));
	if (r->error.reason)
		return -EBADMSG;
	if (s.left == 0 || r->end_mark)
		return 0;
	if (at_mark(r, &s)) {
		r->end_mark = true;
		return 0;
	}
	if (!take32(&s, &entry->reg) || !take32(&s, &entry->type))
		return fail(r, &at, "too short for an entry");
	ret = parse_digests(r, &s, entry);
	if (ret)
		return ret;
	at = s;
	if (!take32(&s, &entry->event_size))
		return fail(r, &at, "the entry ends before its event size");
	entry->event = take(&s, entry->event_size);
	if (!entry->event)
		return fail(r, &at, "the event reaches past the end");
	entry->number = r->count++;
	entry->offset = r->pos;
	r->pos = r->size - s.left;
	entry->size = r->pos - entry->offset;
	return 1;
}

const struct aael_tcg2_digest *aael_tcg2_digest(const struct aael_tcg2_entry *entry, uint16_t alg)
{
	for (uint32_t i = 0; i < entry->digest_count; i++)
		if (entry->digests[i].alg == alg)
			return &entry->digests[i];
	return NULL;
}

/* u32 tag  u32 text size  text[] */
int aael_text_decode(const struct aael_tcg2_entry *entry, struct aael_text *text)
{
	const char *end, *first, *second;

	memset(text, 0, sizeof(*text));
	if (entry->type != AAEL_EVENT_TYPE || entry->event_size < 8 ||
	    get32(entry->event) != AAEL_EVENT_TAG)
		return -ENOENT;
	if (get32(entry->event + 4) != entry->event_size - 8)
		return -EBADMSG;
	text->text = (const char *)entry->event + 8;
	text->text_size = entry->event_size - 8;
	end = text->text + text->text_size;
	first = memchr(text->text, ' ', text->text_size);
	if (!first)
		return -EBADMSG;
	second = memchr(first + 1, ' ', (size_t)(end - first - 1));
	if (!second)
		return -EBADMSG;
	text->domain = text->text;
	text->domain_size = (size_t)(first - text->domain);
	text->operation = first + 1;
	text->operation_size = (size_t)(second - text->operation);
	text->content = second + 1;
	text->content_size = (size_t)(end - text->content);
	return 0;
}

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x00000000, "EV_PREBOOT_CERT" },
	{ 0x00000001, "EV_POST_CODE" },
	{ 0x00000002, "EV_UNUSED" },
	{ 0x00000003, "EV_NO_ACTION" },
	{ 0x00000004, "EV_SEPARATOR" },
	{ 0x00000005, "EV_ACTION" },
	{ 0x00000006, "EV_EVENT_TAG" },
	{ 0x00000007, "EV_S_CRTM_CONTENTS" },
	{ 0x00000008, "EV_S_CRTM_VERSION" },
	{ 0x00000009, "EV_CPU_MICROCODE" },
	{ 0x0000000a, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0000000b, "EV_TABLE_OF_DEVICES" },
	{ 0x0000000c, "EV_COMPACT_HASH" },
	{ 0x0000000d, "EV_IPL" },
	{ 0x0000000e, "EV_IPL_PARTITION_DATA" },
	{ 0x0000000f, "EV_NONHOST_CODE" },
	{ 0x00000010, "EV_NONHOST_CONFIG" },
	{ 0x00000011, "EV_NONHOST_INFO" },
	{ 0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x00000013, "EV_POST_CODE2" },
	{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ 0x80000002, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" },
	{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
	{ 0x8000000c, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
	{ 0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY" },
	{ 0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY" },
};

const char *aael_tcg2_type_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}
