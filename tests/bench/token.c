// SPDX-License-Identifier: Apache-2.0
/*
 * What a token takes, and what it is made of, on connections that are kept:
 *
 *	token fresh BLOCK ROUNDS AAELD KBS BYTES
 *	    "token"      GET /aa/token, no-cache
 *	    "floor"      a quote and one round trip to the KBS with so many BYTES: the PCRs read once,
 *	                 TPM2_Quote, by ESYS, which has the TPM open and knows the attestation key
 *	    "handshake"  the least that the protocol demands: a key pair, POST auth, floor
 *	token cached BLOCK ROUNDS AAELD
 *	    "cached"     GET /aa/token, of a log that has not changed
 *	    "info"       GET /info
 *
 * AAELD, KBS: ports.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti_device.h>

#include "bench.h"

#define AK_HANDLE 0x81010002u
#define PCRS 24
#define ANSWER_BYTES (64 * 1024)
#define AUTH                                                       \
	"{\"version\":\"0.4.0\",\"tee\":\"tpm\",\"extra-params\":" \
	"{\"supported-hash-algorithms\":[\"sha384\",\"sha256\",\"sha512\"]}}"

/* ---- HTTP -------------------------------------------------------------------------- */

struct request {
	int fd;
	char *text;
	size_t size;
};

static int connect_to(const char *port)
{
	int fd = bench_connect((uint16_t)bench_number(port));

	errno = fd < 0 ? -fd : 0;
	if (fd < 0)
		bench_die("port %s", port);
	return fd;
}

static struct request get(int fd, const char *path, const char *header)
{
	struct request r = { .fd = fd };
	int n = asprintf(&r.text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path, header);

	if (n < 0)
		bench_die("%s", path);
	r.size = (size_t)n;
	return r;
}

/* @body, with blanks behind it to be of @size bytes. */
static struct request post(int fd, const char *path, const char *body, size_t size)
{
	struct request r = { .fd = fd };
	int n = asprintf(&r.text,
			 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n%-*s",
			 path, size, (int)size, body);

	if (n < 0)
		bench_die("%s", path);
	r.size = (size_t)n;
	return r;
}

/* 0: a whole answer of 200 is there; it is shorter than ANSWER_BYTES. */
static int take_answer(int fd)
{
	static char answer[ANSWER_BYTES];
	const char *body, *length;
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, answer + size, sizeof(answer) - 1 - size, 0)) > 0) {
		size += (size_t)n;
		answer[size] = '\0';
		body = strstr(answer, "\r\n\r\n");
		length = strstr(answer, "Content-Length: ");
		if (!body || !length)
			continue;
		if (size == (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10))
			return strncmp(answer, "HTTP/1.1 200 ", 13) ? -EPROTO : 0;
	}
	return n < 0 ? -errno : -EPIPE;
}

static int exchange(const struct request *r)
{
	for (size_t at = 0; at < r->size;) {
		ssize_t n = send(r->fd, r->text + at, r->size - at, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return take_answer(r->fd);
}

static int64_t timed_exchange(void *arg)
{
	int64_t begin = bench_now_ns();
	int ret = exchange(arg);

	return ret ? ret : bench_now_ns() - begin;
}

/* ---- the TPM ------------------------------------------------------------------------ */

static ESYS_CONTEXT *esys;
static ESYS_TR ak;

static void open_tpm(void)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	size_t size = 0;

	if (!Tss2_Tcti_Device_Init(NULL, &size, NULL))
		tcti = calloc(1, size);
	if (!tcti || Tss2_Tcti_Device_Init(tcti, &size, "/dev/tpmrm0") ||
	    Esys_Initialize(&esys, tcti, NULL) ||
	    Esys_TR_FromTPMPublic(esys, AK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ak))
		bench_die("the TPM");
}

static TPML_PCR_SELECTION select_pcrs(uint32_t bits)
{
	return (TPML_PCR_SELECTION){
		.count = 1,
		.pcrSelections[0] = {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = 3,
			.pcrSelect = { (uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16) },
		},
	};
}

/* A TPM gives eight at a time. */
static int read_pcrs(void)
{
	for (unsigned int first = 0; first < PCRS; first += 8) {
		TPML_PCR_SELECTION want = select_pcrs(0xffu << first), *have = NULL;
		TPML_DIGEST *values = NULL;

		if (Esys_PCR_Read(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, NULL,
				  &have, &values))
			return -EIO;
		Esys_Free(have);
		Esys_Free(values);
	}
	return 0;
}

static int quote(void)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
	const TPML_PCR_SELECTION pcrs = select_pcrs(0xffffff);
	const TPM2B_DATA data = { .size = 32 };
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_ATTEST *message = NULL;

	if (Esys_Quote(esys, ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme,
		       &pcrs, &message, &signature))
		return -EIO;
	Esys_Free(message);
	Esys_Free(signature);
	return 0;
}

/* ---- what is timed ------------------------------------------------------------------- */

static struct request auth, attest;

static int floor_once(void)
{
	int ret = read_pcrs();

	if (!ret)
		ret = quote();
	return ret ? ret : exchange(&attest);
}

static int64_t time_floor(void *arg)
{
	int64_t begin = bench_now_ns();
	int ret = floor_once();

	(void)arg;
	return ret ? ret : bench_now_ns() - begin;
}

static int64_t time_handshake(void *arg)
{
	int64_t begin = bench_now_ns();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int ret = key ? exchange(&auth) : -EIO;

	(void)arg;
	if (!ret)
		ret = floor_once();
	EVP_PKEY_free(key);
	return ret ? ret : bench_now_ns() - begin;
}

static void fresh(unsigned int block, unsigned int rounds, char **args)
{
	int kbs = connect_to(args[1]);
	struct request token =
		get(connect_to(args[0]), "/aa/token?token_type=kbs", "Cache-Control: no-cache\r\n");
	const struct bench_op ops[] = {
		{ "token", timed_exchange, &token },
		{ "floor", time_floor, NULL },
		{ "handshake", time_handshake, NULL },
	};

	open_tpm();
	auth = post(kbs, "/kbs/v0/auth", AUTH, strlen(AUTH));
	attest = post(kbs, "/kbs/v0/attest", "{}", bench_number(args[2]));
	bench_blocks_of(block, ops, 3, rounds);
}

static void cached(unsigned int block, unsigned int rounds, char **args)
{
	int aaeld = connect_to(args[0]);
	struct request token = get(aaeld, "/aa/token?token_type=kbs", "");
	struct request info = get(aaeld, "/info", "");
	const struct bench_op ops[] = {
		{ "cached", timed_exchange, &token },
		{ "info", timed_exchange, &info },
	};

	bench_blocks_of(block, ops, 2, rounds);
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "fresh"))
		fresh(bench_number(argv[2]), bench_number(argv[3]), argv + 4);
	else if (argc == 5 && !strcmp(argv[1], "cached"))
		cached(bench_number(argv[2]), bench_number(argv[3]), argv + 4);
	else
		return 2;
	return 0;
}
