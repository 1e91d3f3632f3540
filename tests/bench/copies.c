// SPDX-License-Identifier: Apache-2.0
/*
 * Counts the bytes that a program copies, by standing before libc (LD_PRELOAD):
 *
 *	COPIES=FILE LD_PRELOAD=copies.so program	FILE: u64 counters, in the order of enum kind
 *
 * What a program, and libraries of it, tell libc to copy, receive or send counts with its bytes:
 * memcpy, memmove, mempcpy, strcpy, strdup; a realloc that moves; all that comes from or goes to a
 * descriptor; all that is put into a stream, and what open_memstream copies when it grows, which is
 * what it has, each time that it doubles. What compilers copy in place (small structures), what
 * a loop of the program's own writes, and what the kernel does behind a call, is not seen.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#undef memcpy
#undef memmove
#undef mempcpy
#undef strcpy
#undef strdup
#undef strndup

#define PUBLIC __attribute__((visibility("default")))
#define STREAMS_MAX 16
#define STREAM_FIRST_BYTES 8192

enum kind { MEMORY, MOVED, IN, OUT, STREAM, GROWN, KINDS };

static uint64_t unseen[KINDS], *counters = unseen;

static void count(enum kind kind, size_t size)
{
	__atomic_fetch_add(&counters[kind], size, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COPIES");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (fd >= 0)
		at = mmap(NULL, sizeof(unseen), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	close(fd);
	counters = at;
}

/* libc's, by name: what only looks it up copies nothing. */
#define REAL(name)                       \
	static __typeof__(&(name)) real; \
	if (!real)                       \
	real = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name)

/* ---- memory ------------------------------------------------------------------------- */

/* Not libc's: it is needed before anything can be looked up. */
static void *copy(void *to, const void *from, size_t size)
{
	void *at = to;

	count(MEMORY, size);
	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
	return to;
}

static void *copy_down(void *to, const void *from, size_t size)
{
	char *last = (char *)to + size - 1;
	const char *source = (const char *)from + size - 1;

	count(MEMORY, size);
	__asm__ volatile("std; rep movsb; cld" : "+D"(last), "+S"(source), "+c"(size) : : "memory");
	return to;
}

PUBLIC void *memcpy(void *to, const void *from, size_t size)
{
	return copy(to, from, size);
}

PUBLIC void *memmove(void *to, const void *from, size_t size)
{
	return (uintptr_t)to - (uintptr_t)from < size ? copy_down(to, from, size)
						      : copy(to, from, size);
}

PUBLIC void *mempcpy(void *to, const void *from, size_t size)
{
	return (char *)copy(to, from, size) + size;
}

void *__memcpy_chk(void *to, const void *from, size_t size, size_t room);
void *__memmove_chk(void *to, const void *from, size_t size, size_t room);
void *__mempcpy_chk(void *to, const void *from, size_t size, size_t room);
char *__strcpy_chk(char *to, const char *from, size_t room);

PUBLIC void *__memcpy_chk(void *to, const void *from, size_t size, size_t room)
{
	if (size > room)
		abort();
	return copy(to, from, size);
}

PUBLIC void *__memmove_chk(void *to, const void *from, size_t size, size_t room)
{
	if (size > room)
		abort();
	return memmove(to, from, size);
}

PUBLIC void *__mempcpy_chk(void *to, const void *from, size_t size, size_t room)
{
	if (size > room)
		abort();
	return mempcpy(to, from, size);
}

PUBLIC char *strcpy(char *to, const char *from)
{
	return copy(to, from, strlen(from) + 1);
}

PUBLIC char *__strcpy_chk(char *to, const char *from, size_t room)
{
	return __memcpy_chk(to, from, strlen(from) + 1, room);
}

PUBLIC char *strndup(const char *text, size_t max)
{
	size_t size = strnlen(text, max);
	char *made = malloc(size + 1);

	if (!made)
		return NULL;
	copy(made, text, size);
	made[size] = '\0';
	return made;
}

PUBLIC char *strdup(const char *text)
{
	return strndup(text, strlen(text));
}

PUBLIC void *realloc(void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	uintptr_t before = (uintptr_t)old;
	void *made;
	REAL(realloc);

	made = real(old, size);
	if (before && made && (uintptr_t)made != before)
		count(MOVED, had < size ? had : size);
	return made;
}

/* ---- descriptors -------------------------------------------------------------------- */

#define CALL(kind, name, type, parameters, ...) \
	PUBLIC type name parameters             \
	{                                       \
		type n;                         \
		REAL(name);                     \
                                                \
		n = real(__VA_ARGS__);          \
		if (n > 0)                      \
			count(kind, (size_t)n); \
		return n;                       \
	}

CALL(IN, read, ssize_t, (int fd, void *to, size_t size), fd, to, size)
CALL(IN, pread, ssize_t, (int fd, void *to, size_t size, off_t at), fd, to, size, at)
CALL(IN, pread64, ssize_t, (int fd, void *to, size_t size, off64_t at), fd, to, size, at)
CALL(IN, readv, ssize_t, (int fd, const struct iovec *to, int parts), fd, to, parts)
CALL(IN, recv, ssize_t, (int fd, void *to, size_t size, int flags), fd, to, size, flags)
CALL(IN, recvfrom, ssize_t,
     (int fd, void *to, size_t size, int flags, struct sockaddr *who, socklen_t *len), fd, to, size,
     flags, who, len)
CALL(IN, recvmsg, ssize_t, (int fd, struct msghdr *to, int flags), fd, to, flags)
CALL(OUT, write, ssize_t, (int fd, const void *data, size_t size), fd, data, size)
CALL(OUT, writev, ssize_t, (int fd, const struct iovec *data, int parts), fd, data, parts)
CALL(OUT, send, ssize_t, (int fd, const void *data, size_t size, int flags), fd, data, size, flags)
CALL(OUT, sendto, ssize_t,
     (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t len),
     fd, data, size, flags, to, len)
CALL(OUT, sendmsg, ssize_t, (int fd, const struct msghdr *data, int flags), fd, data, flags)

/* ---- streams ------------------------------------------------------------------------ */

static struct {
	FILE *stream;
	size_t *size;
} streams[STREAMS_MAX];

PUBLIC FILE *open_memstream(char **text, size_t *size)
{
	FILE *stream, *none;
	REAL(open_memstream);

	stream = real(text, size);
	for (size_t i = 0; stream && i < STREAMS_MAX; i++) {
		none = NULL;
		if (!__atomic_compare_exchange_n(&streams[i].stream, &none, stream, 0,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		streams[i].size = size;
		return stream;
	}
	abort();
}

static void count_growth(size_t size)
{
	for (size_t room = STREAM_FIRST_BYTES; room < size; room *= 2)
		count(GROWN, room);
}

PUBLIC int fclose(FILE *stream)
{
	size_t *size = NULL;
	int ret;
	REAL(fclose);

	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (__atomic_load_n(&streams[i].stream, __ATOMIC_SEQ_CST) == stream) {
			size = streams[i].size;
			__atomic_store_n(&streams[i].stream, NULL, __ATOMIC_SEQ_CST);
		}
	ret = real(stream);
	if (size)
		count_growth(*size);
	return ret;
}

PUBLIC size_t fwrite(const void *data, size_t size, size_t n, FILE *stream)
{
	REAL(fwrite);

	count(STREAM, size * n);
	return real(data, size, n, stream);
}

PUBLIC int fputs(const char *text, FILE *stream)
{
	REAL(fputs);

	count(STREAM, strlen(text));
	return real(text, stream);
}

PUBLIC int fputc(int c, FILE *stream)
{
	REAL(fputc);

	count(STREAM, 1);
	return real(c, stream);
}

PUBLIC int vfprintf(FILE *stream, const char *format, va_list ap)
{
	int n;
	REAL(vfprintf);

	n = real(stream, format, ap);
	count(STREAM, n > 0 ? (size_t)n : 0);
	return n;
}

PUBLIC int fprintf(FILE *stream, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vfprintf(stream, format, ap);
	va_end(ap);
	return n;
}

int __fprintf_chk(FILE *stream, int flag, const char *format, ...);

PUBLIC int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, format);
	n = vfprintf(stream, format, ap);
	va_end(ap);
	return n;
}
