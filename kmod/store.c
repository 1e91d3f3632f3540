// SPDX-License-Identifier: GPL-2.0-only
/*
 * An append-only stream of bytes in single pages, found through pages of
 * pointers: reading at any position costs the same, and growing moves nothing.
 *
 * One writer at a time (a transaction). Readers take no lock: whatever lies below
 * the acquire-loaded length has been filled before and never changes. Bytes are
 * filled in only once the register has been extended, so that no reader, not even
 * one with the page mapped, sees an entry that was not measured.
 */
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "aael.h"

#define POINTERS	(PAGE_SIZE / sizeof(u8 *))
#define DIR_BYTES	(POINTERS * PAGE_SIZE)
#define STORE_GFP	(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)

static u8 *at(const struct aael_store *s, u64 pos)
{
	return s->dirs[pos / DIR_BYTES][pos / PAGE_SIZE % POINTERS] + pos % PAGE_SIZE;
}

/**
 * aael_store_reserve - make sure that bytes can be filled in
 * @s: the store
 * @more: bytes behind the published length
 *
 * Pages stay reserved until they are used or the store is destroyed.
 *
 * Context: the writer. Return: 0, -ENOMEM, or -ENOSPC beyond the largest store.
 */
int aael_store_reserve(struct aael_store *s, size_t more)
{
	u64 end = s->len + more;
	u8 ***dir, **page;

	if (end > (u64)AAEL_STORE_DIRS * DIR_BYTES)
		return -ENOSPC;
	for (u64 pos = round_down(s->len, PAGE_SIZE); pos < end; pos += PAGE_SIZE) {
		dir = &s->dirs[pos / DIR_BYTES];
		if (!*dir)
			*dir = (u8 **)__get_free_page(STORE_GFP);
		if (!*dir)
			return -ENOMEM;
		page = &(*dir)[pos / PAGE_SIZE % POINTERS];
		if (!*page)
			*page = (u8 *)__get_free_page(STORE_GFP);
		if (!*page)
			return -ENOMEM;
	}
	return 0;
}

/**
 * aael_store_fill - copy bytes behind the published length
 * @s: the store
 * @data: bytes
 * @len: number of them, reserved
 *
 * Context: the writer. Nobody sees them before aael_store_publish().
 */
void aael_store_fill(struct aael_store *s, const void *data, size_t len)
{
	u64 pos = s->len;

	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - pos % PAGE_SIZE);

		memcpy(at(s, pos), data, n);
		data += n;
		pos += n;
		len -= n;
	}
}

/**
 * aael_store_publish - show what has been filled in
 * @s: the store
 * @len: bytes of it
 *
 * Context: the writer.
 */
void aael_store_publish(struct aael_store *s, size_t len)
{
	/* Pairs with aael_store_len(): the bytes are there before the length. */
	smp_store_release(&s->len, s->len + len);
}

/**
 * aael_store_len - published bytes
 * @s: the store
 *
 * Context: anybody.
 */
u64 aael_store_len(const struct aael_store *s)
{
	/* Pairs with aael_store_publish(). */
	return smp_load_acquire(&s->len);
}

/**
 * aael_store_read - copy published bytes
 * @s: the store
 * @pos: position of the first
 * @buf: out
 * @len: bytes of @buf
 *
 * Context: anybody. Return: bytes copied, fewer than @len at the end.
 */
size_t aael_store_read(const struct aael_store *s, u64 pos, void *buf, size_t len)
{
	u64 end = aael_store_len(s);
	size_t done = 0;

	while (done < len && pos < end) {
		size_t n = min3(len - done, (size_t)(PAGE_SIZE - pos % PAGE_SIZE),
				(size_t)min_t(u64, end - pos, PAGE_SIZE));

		memcpy(buf + done, at(s, pos), n);
		done += n;
		pos += n;
	}
	return done;
}

/**
 * aael_store_read_user - copy published bytes to user space
 * @s: the store
 * @pos: position of the first
 * @buf: out
 * @len: bytes of @buf
 *
 * Context: may sleep. Return: bytes copied, or -EFAULT if not even one was.
 */
ssize_t aael_store_read_user(const struct aael_store *s, u64 pos, char __user *buf, size_t len)
{
	u64 end = aael_store_len(s);
	size_t done = 0;

	len = min_t(size_t, len, MAX_RW_COUNT);
	while (done < len && pos < end) {
		size_t n = min3(len - done, (size_t)(PAGE_SIZE - pos % PAGE_SIZE),
				(size_t)min_t(u64, end - pos, PAGE_SIZE));

		if (copy_to_user(buf + done, at(s, pos), n))
			return done ? done : -EFAULT;
		done += n;
		pos += n;
		cond_resched();
	}
	return done;
}

/**
 * aael_store_page - a page with published bytes
 * @s: the store
 * @index: which, from 0
 *
 * Context: anybody. Return: the page with a reference of its own, or NULL if none of
 * its bytes is published. What is behind the published bytes is zero, until more of
 * them are.
 */
struct page *aael_store_page(const struct aael_store *s, u64 index)
{
	struct page *page;

	if (index >= DIV_ROUND_UP_ULL(aael_store_len(s), PAGE_SIZE))
		return NULL;
	page = virt_to_page(at(s, index * PAGE_SIZE));
	get_page(page);
	return page;
}

/**
 * aael_store_destroy - free all pages, but for those that somebody else holds
 * @s: a store without readers
 */
void aael_store_destroy(struct aael_store *s)
{
	for (size_t i = 0; i < AAEL_STORE_DIRS; i++) {
		for (size_t j = 0; s->dirs[i] && j < POINTERS; j++)
			free_page((unsigned long)s->dirs[i][j]);
		free_page((unsigned long)s->dirs[i]);
		s->dirs[i] = NULL;
	}
	s->len = 0;
}
