// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which provider has the registers, and which register an index stands for.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "aael.h"

/* In the order in which "auto" tries them; soft only by name. */
static const struct aael_provider *const providers[] = {
	&aael_register_tsm,
#ifdef CONFIG_X86_64
	&aael_register_tdcall,
#endif
	&aael_register_tpm,
	&aael_register_soft,
};

/**
 * aael_register_find - bind the log to a provider
 * @log: an unbound log
 * @name: "auto", or the name of one
 *
 * Return: 0; -ENODEV if there is no such device here; -EPROBE_DEFER if there will be;
 * -EINVAL for a name that no
 * provider has; other errnos of aael_log_bind().
 */
int aael_register_find(struct aael_log *log, const char *name)
{
	bool any = !strcmp(name, "auto");
	int ret = any ? -ENODEV : -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		if (any ? providers[i]->flags & AAEL_INFO_F_SOFT :
			  strcmp(name, providers[i]->name))
			continue;
		ret = aael_log_bind(log, providers[i], !any);
		if (ret != -ENODEV)
			break;
	}
	return ret;
}

static int refuse(struct aael_mapping *map, const char *why)
{
	map->why = why;
	return -EINVAL;
}

/* The PCRs that Linux can extend and nobody at locality 0 can reset. */
static int map_same(u32 index, struct aael_mapping *map, const char *why)
{
	*map = (struct aael_mapping) { .reg = index, .why = why };
	return 0;
}

static const char resettable_16[] =
	"PCR 16 is for debugging: locality 0 can reset it (allow_resettable=1 overrides)";
static const char resettable_23[] =
	"PCR 23 is for applications: locality 0 can reset it (allow_resettable=1 overrides)";

static int map_resettable(const struct aael_map_config *cfg, u32 index,
			  struct aael_mapping *map)
{
	if (!cfg->allow_resettable)
		return refuse(map, index == 16 ? resettable_16 : resettable_23);
	*map = (struct aael_mapping) {
		.reg = index,
		.resettable = true,
		.why = "allow_resettable=1: locality 0 can reset this PCR, it proves nothing",
	};
	return 0;
}

/*
 * tpm_pcr stands for 17..22. It is the administrator's word, so it needs no
 * privilege of the writer, but it must be a PCR that works.
 */
static int map_drtm(const struct aael_map_config *cfg, struct aael_mapping *map)
{
	if (cfg->tpm_pcr == 16 || cfg->tpm_pcr == 23)
		return map_resettable(cfg, cfg->tpm_pcr, map);
	if (cfg->tpm_pcr < 9 || cfg->tpm_pcr > 15)
		return refuse(map, "tpm_pcr must be one of PCR 9 to 15");
	return map_same(cfg->tpm_pcr, map,
			"PCRs 17 to 22 refuse locality 0, where Linux runs: tpm_pcr stands for them");
}

/**
 * aael_register_map_pcr - PCR for an index
 * @cfg: what it depends on
 * @index: as the user gave it
 * @map: out; on a refusal only @map->why
 *
 * Return: 0, or -EINVAL for an index that is refused to everybody.
 * Source: TCG PC Client Platform Firmware Profile, table 1, for the uses of PCRs.
 */
int aael_register_map_pcr(const struct aael_map_config *cfg, u32 index,
			  struct aael_mapping *map)
{
	int ret;

	switch (index) {
	case 0 ... 7:
		return refuse(map, "PCRs 0 to 7 belong to the firmware");
	case 8:
		return refuse(map, "PCR 8 is kept for the binding of Init-Data");
	case 9 ... 15:
		ret = map_same(index, map, "the PCR of that number");
		map->privileged = true;
		return ret;
	case 16:
	case 23:
		return map_resettable(cfg, index, map);
	case 17 ... 22:
		return map_drtm(cfg, map);
	default:
		return refuse(map, "a TPM has PCRs 0 to 23");
	}
}

/* RTMR n is CC measurement register n + 1. */
static int map_rtmr(u32 reg, bool privileged, const char *why, struct aael_mapping *map)
{
	*map = (struct aael_mapping) { .reg = reg, .privileged = privileged, .why = why };
	return 0;
}

/**
 * aael_register_map_cc - CC measurement register for an index
 * @cfg: unused
 * @index: as the user gave it, a PCR number
 * @map: out; on a refusal only @map->why
 *
 * Return: 0, or -EINVAL for an index that is refused to everybody.
 * Source: UEFI Specification 2.10, 38.4.1, table "TDX register mapping".
 */
int aael_register_map_cc(const struct aael_map_config *cfg, u32 index, struct aael_mapping *map)
{
	switch (index) {
	case 0:
		return refuse(map, "index 0 is MRTD, which cannot be extended");
	case 1:
	case 7:
		return refuse(map, "indexes 1 and 7 are RTMR0, which belongs to the firmware");
	case 2 ... 6:
		return refuse(map, "indexes 2 to 6 are RTMR1, which belongs to the boot");
	case 8 ... 15:
		return map_rtmr(3, true, "indexes 8 to 15 are RTMR2 (register 3)", map);
	case 16 ... 23:
		return map_rtmr(4, false, "indexes 16 to 23 are RTMR3 (register 4)", map);
	default:
		return refuse(map, "there are indexes 0 to 23");
	}
}
