/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that answers what a test tells it to, and remembers what it was asked. */
#ifndef FAKEKERNEL_H
#define FAKEKERNEL_H

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "aaeld.h"

struct fake_kernel {
	int append_ret, info_ret, enable_ret, snapshot_ret;
	uint64_t sequence;
	struct aael_info info;
	atomic_int appended; /* events taken */
	atomic_int asked;    /* calls of append */
	atomic_int informed; /* calls of info */
	int enabled;	     /* calls of enable */
	uint32_t enable_index;
	uint32_t index;
	bool once;
	bool prompt; /* nothing has to wait */
	char domain[300], operation[300], content[300];
};

static inline int fake_append(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	struct fake_kernel *k = kernel;

	k->asked++;
	*sequence = k->sequence;
	k->index = event->index;
	k->once = event->once;
	snprintf(k->domain, sizeof(k->domain), "%s", event->domain);
	snprintf(k->operation, sizeof(k->operation), "%s", event->operation);
	snprintf(k->content, sizeof(k->content), "%s", event->content);
	if (!k->append_ret)
		k->appended++;
	return k->append_ret;
}

static inline int fake_append_now(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	struct fake_kernel *k = kernel;

	return k->prompt ? fake_append(kernel, event, sequence) : -EAGAIN;
}

static inline int fake_info(void *kernel, struct aael_info *info)
{
	struct fake_kernel *k = kernel;

	k->informed++;
	*info = k->info;
	return k->info_ret;
}

static inline int fake_snapshot(void *kernel, struct aael_snapshot *snapshot,
				struct aael_snapshot_register *registers)
{
	struct fake_kernel *k = kernel;

	(void)registers;
	memset(snapshot, 0, sizeof(*snapshot));
	return k->snapshot_ret;
}

static inline int fake_enable(void *kernel, uint32_t index, char message[AAELD_MESSAGE_BYTES])
{
	struct fake_kernel *k = kernel;

	k->enabled++;
	k->enable_index = index;
	snprintf(message, AAELD_MESSAGE_BYTES, "%s", k->enable_ret ? "words of the kernel" : "");
	if (!k->enable_ret) {
		k->info.state = AAEL_STATE_ENABLED;
		k->info.index = index;
	}
	return k->enable_ret;
}

static const struct aaeld_kernel_ops fake_ops = {
	.append = fake_append,
	.append_now = fake_append_now,
	.info = fake_info,
	.snapshot = fake_snapshot,
	.enable = fake_enable,
};

static inline void fake_init(struct fake_kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->info.state = AAEL_STATE_ENABLED;
	k->info.index = 17;
	k->info.reg = 14;
	k->info.count = 3;
	strcpy(k->info.provider, "tpm");
}

#endif
