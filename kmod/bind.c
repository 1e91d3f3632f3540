// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a provider: its banks, the boot log in front of ours, and the comparison
 * of every register with what that boot log explains. Until all of it is there,
 * the log is in state UNSUPPORTED and nothing can be read from it.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"

static const char no_hash[] =
	"this kernel has no hash for the active bank with TCG algorithm 0x%04x";

static int take_banks(struct aael_log *log, const u16 *algs, unsigned int count)
{
	int ret;

	for (unsigned int i = 0; i < count; i++) {
		ret = aael_bank_init(&log->banks[i], algs[i]);
		if (ret == -ENOPKG)
			aael_log_refuse(log, no_hash, algs[i]);
		if (ret)
			return ret;
		log->bank_count++;
	}
	return 0;
}

static struct aael_bank *find_bank(struct aael_log *log, u16 alg)
{
	for (unsigned int i = 0; i < log->bank_count; i++)
		if (log->banks[i].alg == alg)
			return &log->banks[i];
	return NULL;
}

/*
 * The digests of our entries are exactly those of the header: Linux rejects an
 * entry with other ones, Trustee a log with an algorithm that the header lacks.
 * So a bank that the header lacks is extended without being logged, and a header
 * that names an algorithm without a bank cannot stand in front of our entries.
 */
static const char *accept_header(struct aael_log *log, const struct aael_bootlog *bl)
{
	struct aael_bank *bank;

	for (unsigned int i = 0; i < bl->alg_count; i++) {
		bank = find_bank(log, bl->algs[i]);
		if (!bank)
			return "its header names an algorithm that has no active bank";
		if (bank->size != bl->sizes[i])
			return "its header names a wrong digest size";
	}
	for (unsigned int i = 0; i < log->bank_count; i++)
		log->banks[i].logged = false;
	for (unsigned int i = 0; i < bl->alg_count; i++)
		find_bank(log, bl->algs[i])->logged = true;
	return NULL;
}

static const char *read_boot_log(struct aael_log *log, u8 **data, struct aael_bootlog *bl)
{
	size_t len;

	if (!log->provider->boot_log)
		return "this provider has none";
	switch (log->provider->boot_log(log->dev, data, &len)) {
	case 0:
		break;
	case -ENOENT:
		return "the firmware left none";
	case -EFBIG:
		return "it is larger than 16 MiB";
	case -EBADMSG:
		return "the table that names it is malformed";
	case -EACCES:
		return "it lies in memory that the host can write";
	default:
		return "it could not be read";
	}
	if (aael_bootlog_parse(*data, len, bl))
		return bl->why;
	return accept_header(log, bl);
}

static int start_stream(struct aael_log *log, const struct aael_bootlog *bl)
{
	u8 header[AAEL_BOOTLOG_HEADER_MAX_BYTES];
	const u8 *data = bl->data;
	size_t len = bl->len;
	int ret;

	if (!data) {
		len = aael_bootlog_header(log->banks, log->bank_count, header);
		data = header;
	}
	ret = aael_store_reserve(&log->stream, len);
	if (!ret)
		ret = aael_follow_start(log);
	if (ret)
		return ret;
	/* Nothing fails any more: what has been published may not be taken back. */
	aael_store_fill(&log->stream, data, len);
	aael_store_publish(&log->stream, len);
	log->own_offset = len;
	return 0;
}

static int explain_bank(struct aael_log *log, const struct aael_bootlog *bl, unsigned int b)
{
	const struct aael_provider *p = log->provider;
	unsigned int alg = 0;
	int ret = 0;

	while (alg < bl->alg_count && bl->algs[alg] != log->banks[b].alg)
		alg++;
	for (u32 reg = 0; !ret && reg < log->reg_count; reg++) {
		if (alg < bl->alg_count && bl->data)
			ret = aael_bootlog_replay(bl, alg, &log->banks[b], reg, log->base[reg][b]);
		else
			memset(log->base[reg][b], 0, AAEL_DIGEST_MAX_BYTES);
		if (p->starts_zero && !p->starts_zero(reg))
			memset(log->base[reg][b], 0xff, AAEL_DIGEST_MAX_BYTES);
	}
	return ret;
}

static void note_unexplained(struct aael_log *log, u32 reg, unsigned int b)
{
	struct aael_unexplained *u = &log->unexplained[log->unexplained_count++];

	u->reg = reg;
	u->bank = b;
	memcpy(u->live, log->scratch.live[b], sizeof(u->live));
	memcpy(u->explained, log->base[reg][b], sizeof(u->explained));
}

/*
 * A device that cannot be read is asked once: it may take minutes to say so. Using
 * the registers that were not compared will fail clearly.
 */
static void survey(struct aael_log *log)
{
	log->surveyed = log->provider->first_register;
	for (u32 reg = log->surveyed; reg < log->reg_count; reg++) {
		if (log->provider->read(log->dev, reg, log->scratch.live))
			return;
		log->surveyed = reg + 1;
		for (unsigned int b = 0; b < log->bank_count; b++)
			if (log->banks[b].logged &&
			    memcmp(log->scratch.live[b], log->base[reg][b], log->banks[b].size))
				note_unexplained(log, reg, b);
	}
}

static int explain(struct aael_log *log, const struct aael_bootlog *bl)
{
	struct aael_bootlog_entry e;
	size_t pos = 0;
	int ret = 0;

	log->base = kvcalloc(log->reg_count, sizeof(*log->base), GFP_KERNEL);
	log->unexplained = kvcalloc(log->reg_count * log->bank_count,
				    sizeof(*log->unexplained), GFP_KERNEL);
	if (!log->base || !log->unexplained)
		return -ENOMEM;
	for (unsigned int b = 0; !ret && b < log->bank_count; b++)
		ret = explain_bank(log, bl, b);
	if (ret)
		return ret;
	while (bl->data && aael_bootlog_next(bl, &pos, &e))
		log->boot_log_entries++;
	survey(log);
	return 0;
}

static int take_boot_log(struct aael_log *log)
{
	struct aael_bootlog bl = {};
	u8 *data = NULL;
	int ret;

	log->boot_log_why = read_boot_log(log, &data, &bl);
	log->boot_log_taken = !log->boot_log_why;
	if (log->boot_log_taken)
		log->boot_log_why = bl.why;
	else
		bl.data = NULL;
	ret = explain(log, &bl);
	if (!ret)
		ret = start_stream(log, &bl);
	kvfree(data);
	return ret;
}

/**
 * aael_bind_provider - take a provider
 * @log: a log without one
 * @provider: which
 * @pinned: the user named it
 *
 * Return: 0; -ENODEV if it has no device; -EPROBE_DEFER if that is sure to come;
 * -ENOPKG if the kernel lacks a hash; -ENOMEM; errnos of aael_follow_start(). On an
 * error the log is as it was before, but for its refusal text.
 */
int aael_bind_provider(struct aael_log *log, const struct aael_provider *provider, bool pinned)
{
	u16 algs[AAEL_BANKS_MAX] = {};
	unsigned int count = 0;
	int ret;

	ret = provider->bind(&log->dev, algs, &count, &log->reg_count, pinned);
	if (ret)
		return ret;
	log->provider = provider;
	ret = take_banks(log, algs, count);
	if (!ret)
		ret = take_boot_log(log);
	if (ret)
		aael_bind_release(log);
	return ret;
}

/**
 * aael_bind_release - give the provider back
 * @log: a log without entries of ours, or one that nobody can reach any more
 */
void aael_bind_release(struct aael_log *log)
{
	aael_follow_stop(log);
	if (log->provider)
		log->provider->unbind(log->dev);
	log->provider = NULL;
	while (log->bank_count)
		aael_bank_destroy(&log->banks[--log->bank_count]);
	aael_store_destroy(&log->stream);
	kvfree(log->base);
	kvfree(log->unexplained);
	log->base = NULL;
	log->unexplained = NULL;
	log->unexplained_count = 0;
	log->surveyed = 0;
	log->boot_log_entries = 0;
}
