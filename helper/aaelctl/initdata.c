// SPDX-License-Identifier: Apache-2.0
/* aaelctl initdata: Init-Data from one form to another, and what a verifier will expect of it. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "initdata.h"

struct initdata_args {
	char option; /* the one of f, k, r that was given */
	enum aael_initdata_form form;
	const char *key;
	const char *path;
};

static int print(const struct ctl_verb *verb, const void *data, size_t size)
{
	fwrite(data, 1, size, stdout);
	return ctl_finish(verb, CTL_OK);
}

static int pack(const struct ctl_verb *verb, const struct initdata_args *args,
		const struct aael_initdata *initdata)
{
	uint8_t *out;
	size_t size;
	int code;

	if (aael_initdata_pack(initdata, args->form, &out, &size)) {
		ctl_error(verb, "no memory");
		return CTL_UNREADABLE;
	}
	code = print(verb, out, size);
	free(out);
	if (args->form != AAEL_INITDATA_ANNOTATION || code)
		return code;
	return print(verb, "\n", 1);
}

static int unpack(const struct ctl_verb *verb, const struct initdata_args *args,
		  const struct aael_initdata *initdata)
{
	const char *text = initdata->document;
	size_t size = initdata->size;

	if (args->key)
		text = aael_initdata_get(initdata, args->key, &size);
	if (text)
		return print(verb, text, size);
	ctl_error(verb, "%s: there is no \"%s\" in data", args->path, args->key);
	return CTL_UNREADABLE;
}

static int digest(const struct ctl_verb *verb, const struct initdata_args *args,
		  const struct aael_initdata *initdata)
{
	uint8_t value[AAEL_TCG2_DIGEST_MAX_BYTES], id[AAEL_MRCONFIGID_BYTES];
	char hex[2 * AAEL_TCG2_DIGEST_MAX_BYTES + 1];
	int size;

	size = aael_initdata_digest(initdata, value);
	if (size < 0) {
		ctl_error(verb, "%s cannot be computed: %s", initdata->alg->name, strerror(-size));
		return CTL_UNREADABLE;
	}
	aael_hex_encode(value, (size_t)size, hex);
	printf("%s:%s\n", initdata->alg->name, hex);
	if (args->option == 'r') {
		aael_initdata_mrconfigid(value, (size_t)size, id);
		aael_hex_encode(id, sizeof(id), hex);
		printf("mrconfigid:%s\n", hex);
	}
	return ctl_finish(verb, CTL_OK);
}

static const struct {
	const char *name;
	char option; /* the one that belongs to it */
	int (*run)(const struct ctl_verb *verb, const struct initdata_args *args,
		   const struct aael_initdata *initdata);
} actions[] = {
	{ "pack", 'f', pack },
	{ "unpack", 'k', unpack },
	{ "digest", 'r', digest },
};

static const char other_option[] = "--form is for pack, --key for unpack, --register for digest";

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static int run_action(const struct ctl_verb *verb, size_t action, struct initdata_args *args)
{
	char message[AAEL_INITDATA_MESSAGE_BYTES];
	struct aael_initdata initdata;
	uint8_t *data;
	size_t size;
	int ret;

	if (ctl_read_file(verb, args->path, AAEL_INITDATA_FILE_MAX_BYTES, &data, &size))
		return CTL_UNREADABLE;
	if (!strcmp(args->path, "-"))
		args->path = "standard input";
	ret = aael_initdata_open(&initdata, data, size, args->path, message);
	free(data);
	if (ret) {
		ctl_error(verb, "%s", message);
		return CTL_UNREADABLE;
	}
	ret = actions[action].run(verb, args, &initdata);
	aael_initdata_close(&initdata);
	return ret;
}

int ctl_initdata_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "form", required_argument, NULL, 'f' },
		{ "key", required_argument, NULL, 'k' },
		{ "register", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct initdata_args args = { .form = AAEL_INITDATA_ANNOTATION };
	size_t action = 0;
	int c;

	while ((c = getopt_long(argc, argv, "f:k:r:h", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c == '?')
			return ctl_usage(verb, NULL);
		if (args.option && args.option != c)
			return ctl_usage(verb, other_option);
		args.option = (char)c;
		if (c == 'f' && aael_initdata_form_by_name(optarg, &args.form))
			return ctl_usage(verb, "the form is annotation, block or file");
		if (c == 'r' && strcmp(optarg, "tdx"))
			return ctl_usage(verb, "the register is tdx");
		if (c == 'k')
			args.key = optarg;
	}
	if (argc - optind != 2)
		return ctl_usage(verb, "takes two operands: pack, unpack or digest, and FILE");
	while (action < ACTION_COUNT && strcmp(argv[optind], actions[action].name))
		action++;
	if (action == ACTION_COUNT)
		return ctl_usage(verb, "the first operand is pack, unpack or digest");
	if (args.option && args.option != actions[action].option)
		return ctl_usage(verb, other_option);
	args.path = argv[optind + 1];
	return run_action(verb, action, &args);
}
