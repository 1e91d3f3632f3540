// SPDX-License-Identifier: Apache-2.0
/* aaelctl append: one event by ioctl; the kernel is the one that validates. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static void explain(const struct ctl_verb *verb, const struct aael_event *event, int err,
		    uint64_t sequence)
{
	const char *field, *why;

	if (aael_event_check(event, &field, &why) == -err)
		ctl_error(verb, "%s %s (%s)", field, why, strerrorname_np(err));
	else if (err == EEXIST)
		ctl_error(verb, "%s as entry %llu (EEXIST)", aael_dev_strerror(err),
			  (unsigned long long)sequence);
	else if (err == EINVAL && event->index != AAEL_INDEX_DEFAULT)
		ctl_error(verb, "index %u does not exist, or is refused to everybody (EINVAL)",
			  event->index);
	else
		ctl_error(verb, "%s (%s)", aael_dev_strerror(err), strerrorname_np(err));
}

static int append(const struct ctl_verb *verb, const struct aael_event *event)
{
	uint64_t sequence = 0;
	uint32_t reg = 0;
	int fd = ctl_open(verb, O_WRONLY), ret;

	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_extend(fd, event, &sequence, &reg);
	close(fd);
	if (ret < 0) {
		explain(verb, event, -ret, sequence);
		return CTL_MISMATCH;
	}
	if (ret)
		printf("already logged as %llu\n", (unsigned long long)sequence);
	else
		printf("%llu %u\n", (unsigned long long)sequence, reg);
	return ctl_finish(verb, CTL_OK);
}

/* One byte more than the kernel takes, so that it is the kernel who says "too long". */
static int append_from_stdin(const struct ctl_verb *verb, struct aael_event *event)
{
	uint8_t *content;
	int code;

	if (ctl_read_file(verb, "-", AAEL_CONTENT_MAX_BYTES + 2, &content, &event->content_size))
		return CTL_UNREADABLE;
	if (event->content_size && content[event->content_size - 1] == '\n')
		event->content_size--;
	event->content = (const char *)content;
	code = append(verb, event);
	free(content);
	return code;
}

int ctl_append_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "index", required_argument, NULL, 'i' },
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct aael_event event = { .index = AAEL_INDEX_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "i:oh", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c != 'i' && c != 'o')
			return ctl_usage(verb, NULL);
		if (c == 'o')
			event.flags |= AAEL_EXTEND_F_ONCE;
		else if (ctl_index(verb, optarg, CTL_INDEX_MAX, &event.index))
			return CTL_USAGE;
	}
	if (argc - optind != 3)
		return ctl_usage(verb, "takes three operands: DOMAIN OPERATION CONTENT");
	event.domain = argv[optind];
	event.domain_size = strlen(event.domain);
	event.operation = argv[optind + 1];
	event.operation_size = strlen(event.operation);
	if (!strcmp(argv[optind + 2], "-"))
		return append_from_stdin(verb, &event);
	event.content = argv[optind + 2];
	event.content_size = strlen(event.content);
	return append(verb, &event);
}
