// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries that another module has logged: what they say is believed only as far as
 * their digests do, and the registers vouch for these. Pure.
 *
 * An entry of ours is bound to its text by its digest. A foreign one is not: whoever
 * hands the log over could pass off any entry as foreign and give it another text. So
 * these keep their digest and lose their text.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "aael.h"

static const char foreign_prefix[] = "aael foreign-extend ";
static const char foreign_json[] = "{\"imported\":true}";

/* Could this register have been given an event? */
static bool may_hold(const struct aael_log *log, u32 reg)
{
	struct aael_mapping map;

	for (u32 index = 0; index < AAEL_REGISTERS_MAX; index++) {
		map = (struct aael_mapping) {};
		if (!log->provider->map(&log->map_config, index, &map) && map.reg == reg)
			return true;
	}
	return false;
}

static bool is_foreign_text(const u8 *text, size_t len)
{
	const size_t n = sizeof(foreign_prefix) - 1;

	return len >= n + sizeof(foreign_json) - 1 && !memcmp(text, foreign_prefix, n);
}

/* The text, which is at the end, becomes the fixed one. Returns the new length. */
static size_t replace_text(u8 *entry, const struct aael_entry_view *view)
{
	size_t n = sizeof(foreign_prefix) - 1, len = n + sizeof(foreign_json) - 1;
	u8 *text = entry + view->text_offset;

	memcpy(text + n, foreign_json, len - n);
	put_unaligned_le32(len, text - 4);
	put_unaligned_le32(len + AAEL_EVENT_HEADER_BYTES, text - 4 - AAEL_EVENT_HEADER_BYTES);
	return view->text_offset + len;
}

/*
 * Digests of the event for all banks; those of the entry that differ are counted.
 * Returns their number or a negative errno.
 */
static int digest(const struct aael_log *log, const u8 *entry,
		  const struct aael_entry_view *view, aael_values_t digests)
{
	const u8 *event = entry + view->text_offset - AAEL_EVENT_HEADER_BYTES;
	const u8 *p = entry + AAEL_ENTRY_DIGESTS_OFFSET;
	int differ = 0, ret;

	for (unsigned int b = 0; b < log->bank_count; b++) {
		ret = aael_bank_digest(&log->banks[b], event,
				       view->len - (event - entry), digests[b]);
		if (ret)
			return ret;
		if (!log->banks[b].logged)
			continue;
		differ += !!memcmp(p + 2, digests[b], log->banks[b].size);
		p += 2 + log->banks[b].size;
	}
	return differ;
}

/* What a foreign entry has; it has them for all banks or is none. */
static int foreign_digests(const struct aael_log *log, const u8 *entry, aael_values_t digests)
{
	const u8 *p = entry + AAEL_ENTRY_DIGESTS_OFFSET;

	for (unsigned int b = 0; b < log->bank_count; b++) {
		if (!log->banks[b].logged)
			return -EBADMSG;
		memcpy(digests[b], p + 2, log->banks[b].size);
		p += 2 + log->banks[b].size;
	}
	return 0;
}

static int replay(const struct aael_log *log, aael_values_t values, const aael_values_t digests)
{
	int ret = 0;

	for (unsigned int b = 0; !ret && b < log->bank_count; b++)
		ret = aael_bank_extend(&log->banks[b], values[b], digests[b]);
	return ret;
}

/* @foreign: out: its text has to be replaced */
static int check_entry(const struct aael_log *log, struct aael_imported *im, const u8 *entry,
		       const struct aael_entry_view *view, bool *foreign)
{
	aael_values_t digests;
	struct aael_event ev;
	int ret;

	if (view->reg < log->provider->first_register || view->reg >= log->reg_count ||
	    aael_event_parse_line(entry + view->text_offset, view->text_len, &ev) ||
	    aael_event_validate(&ev))
		return -EBADMSG;
	ret = digest(log, entry, view, digests);
	*foreign = ret > 0 && log->provider->follow &&
		   is_foreign_text(entry + view->text_offset, view->text_len);
	if (*foreign)
		ret = foreign_digests(log, entry, digests);
	else if (ret > 0 || (!ret && !may_hold(log, view->reg)))
		ret = -EBADMSG;
	return ret ?: replay(log, im->values[view->reg], digests);
}

/**
 * aael_import_check - check entries, and replay them
 * @log: a bound log, whose banks and registers they should be of
 * @im: in: bytes, len; out: both, when the texts of foreign entries have been replaced,
 *	and entries, foreign, used, last, values; or bad
 *
 * Return: 0; -EBADMSG for an entry that is malformed, of a register that no event can
 * go to, or has a digest that is not its event's; the crypto API's errno.
 */
int aael_import_check(const struct aael_log *log, struct aael_imported *im)
{
	struct aael_entry_view view;
	size_t from = 0, to = 0;
	bool foreign;
	int ret;

	for (u32 nr = 0; nr < log->reg_count; nr++)
		memcpy(im->values[nr], log->base[nr], sizeof(im->values[nr]));
	for (; from < im->len; from += view.len) {
		const u8 *entry = im->bytes + from;

		im->bad = im->entries + 1;
		ret = aael_entry_parse(log->banks, log->bank_count, entry, im->len - from, &view);
		if (!ret)
			ret = check_entry(log, im, entry, &view, &foreign);
		if (ret)
			return ret;
		memmove(im->bytes + to, entry, view.len);
		to += foreign ? replace_text(im->bytes + to, &view) : view.len;
		im->entries++;
		im->foreign += foreign;
		im->used |= BIT(view.reg);
		im->last[view.reg] = im->entries;
		cond_resched();
	}
	im->bad = 0;
	im->len = to;
	return 0;
}
