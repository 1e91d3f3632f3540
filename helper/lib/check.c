// SPDX-License-Identifier: Apache-2.0
/*
 * Does an entry of ours say what its digests are of? Of boot events nothing is known: the digest
 * is often of something else than the text.
 */
#include <errno.h>
#include <string.h>

#include "check.h"

bool aael_check_digest(const struct aael_tcg2_entry *e, const struct aael_tcg2_digest *d)
{
	uint8_t hash[AAEL_DIGEST_MAX_BYTES];

	return aael_alg_hash(d->alg, e->event, e->event_size, "", 0, hash) == d->size &&
	       !memcmp(hash, d->value, d->size);
}

/* Its digest is the one that somebody else extended. */
static bool is_foreign(const struct aael_text *text)
{
	static const char begin[] = "aael foreign-extend ";

	return text->text_size >= sizeof(begin) - 1 &&
	       !memcmp(text->text, begin, sizeof(begin) - 1);
}

const char *aael_check_entry(const struct aael_tcg2_entry *e)
{
	struct aael_event event = {};
	const char *field, *why;
	struct aael_text text;
	int ret = aael_text_decode(e, &text);

	if (ret == -ENOENT)
		return NULL;
	if (ret)
		return "its text has no three fields";
	event.domain = text.domain;
	event.domain_size = text.domain_size;
	event.operation = text.operation;
	event.operation_size = text.operation_size;
	event.content = text.content;
	event.content_size = text.content_size;
	if (aael_event_check(&event, &field, &why))
		return "the kernel would not have logged such a text";
	if (is_foreign(&text))
		return NULL;
	for (uint32_t i = 0; i < e->digest_count; i++)
		if (aael_alg_by_id(e->digests[i].alg) && !aael_check_digest(e, &e->digests[i]))
			return "a digest is not that of its event";
	return NULL;
}
