// SPDX-License-Identifier: Apache-2.0
/* JWE against the RFCs, vectors of another implementation, and everything that is not one. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "jwa.h"
#include "jwe.h"
#include "jwevectors.h"
#include "secret.h"
#include "teekey.h"
#include "teekeys.h"

#define CANNOT "cannot be decrypted: tampered with, or for another key"

static char message[AAEL_JWE_MESSAGE_BYTES];

static struct aael_teekey *import(const char *pem)
{
	struct aael_teekey *key;

	assert_int_equal(aael_teekey_from_pem(pem, &key), 0);
	return key;
}

/* A copy that ends with its last byte, so that ASan sees a read behind it. */
static int decrypt_bytes(const struct aael_teekey *key, const char *text, size_t size,
			 uint8_t **out, size_t *out_size)
{
	char *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, text, size);
	memset(message, 'x', sizeof(message));
	ret = aael_jwe_decrypt(key, copy, size, out, out_size, message);
	free(copy);
	assert_non_null(memchr(message, '\0', sizeof(message)));
	if (ret) {
		assert_null(*out);
		assert_string_not_equal(message, "");
	} else {
		assert_non_null(*out);
		assert_string_equal(message, "");
	}
	return ret;
}

static int decrypt_text(const struct aael_teekey *key, const char *text)
{
	uint8_t *out;
	size_t size;
	int ret = decrypt_bytes(key, text, strlen(text), &out, &size);

	aael_secret_free(out, size);
	return ret;
}

/* To free(). With @more, members each of which ends with a comma. */
static char *text_of(const struct jwe *jwe, const char *more)
{
	char *text;

	assert_true(asprintf(&text,
			     "{%s\"protected\":\"%s\",\"encrypted_key\":\"%s\",\"iv\":\"%s\","
			     "\"ciphertext\":\"%s\",\"tag\":\"%s\"}",
			     more, jwe->protected, jwe->encrypted_key, jwe->iv, jwe->ciphertext,
			     jwe->tag) > 0);
	return text;
}

static int decrypt_with(const struct aael_teekey *key, const struct jwe *jwe, const char *more)
{
	char *text = text_of(jwe, more);
	int ret = decrypt_text(key, text);

	free(text);
	return ret;
}

static void assert_opens(const char *pem, const struct jwe *jwe, const char *expected)
{
	struct aael_teekey *key = import(pem);
	char *text = text_of(jwe, "");
	uint8_t *out;
	size_t size;

	if (decrypt_bytes(key, text, strlen(text), &out, &size))
		fail_msg("%s", message);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(out, expected, size);
	aael_secret_free(out, size);
	free(text);
	aael_teekey_free(key);
}

static void assert_refused(const char *pem, const struct jwe *jwe, const char *more, int err,
			   const char *words)
{
	struct aael_teekey *key = import(pem);

	assert_int_equal(decrypt_with(key, jwe, more), err);
	if (!strstr(message, words))
		fail_msg("said \"%s\", not \"%s\"", message, words);
	aael_teekey_free(key);
}

static char *encode(const void *data, size_t size)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	aael_base64url_put(f, data, size);
	fclose(f);
	return text;
}

static size_t decode(const char *text, uint8_t *out, size_t room)
{
	size_t size;

	assert_int_equal(aael_base64url_decode(text, strlen(text), out, room, &size), 0);
	return size;
}

/* RFC 7518, appendix C */

#define BOB                                                                  \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVEmDZpDXXK8p8N0C\n" \
	"ndsxs924q6nS1RXFASRl6BfUqdyhRANCAATB40nLYexwJIzoAQNMODThuI6+EWHL\n" \
	"Ja84dB94X8/ExHvJZwjvgJUrU/jSVV/nK4Qe0EWIYosdN4pZSTlQDsnJ\n"         \
	"-----END PRIVATE KEY-----\n"
static const char alice_x[] = "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0";
static const char alice_y[] = "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps";
static const uint8_t rfc7518_z[] = {
	158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
	251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196,
};

static void point_of(struct aael_jwa_point *point, const char *x, const char *y)
{
	size_t size;

	point->bytes[0] = 4;
	size = decode(x, point->bytes + 1, AAEL_JWA_COORDINATE_MAX_BYTES);
	assert_int_equal(decode(y, point->bytes + 1 + size, size), size);
	point->size = 1 + 2 * size;
}

static void rfc7518_agreement(void **state)
{
	struct aael_teekey *bob = import(BOB);
	struct aael_jwa_point alice;
	uint8_t z[AAEL_JWA_COORDINATE_MAX_BYTES];
	size_t size;

	(void)state;
	point_of(&alice, alice_x, alice_y);
	assert_true(aael_jwa_agree(bob, &alice, z, &size));
	assert_int_equal(size, sizeof(rfc7518_z));
	assert_memory_equal(z, rfc7518_z, size);
	aael_teekey_free(bob);
}

static void rfc7518_key_derivation(void **state)
{
	uint8_t key[16];
	char *text, *name;

	(void)state;
	assert_true(aael_jwa_kdf(rfc7518_z, sizeof(rfc7518_z), "A128GCM", "Alice", "Bob", key,
				 sizeof(key)));
	text = encode(key, sizeof(key));
	assert_string_equal(text, "VqqN6vgjbSBcIijNcacQGg");
	free(text);
	name = calloc(1, 1001);
	memset(name, 'a', 1000);
	assert_false(aael_jwa_kdf(rfc7518_z, sizeof(rfc7518_z), name, "", "", key, sizeof(key)));
	assert_false(aael_jwa_kdf(rfc7518_z, sizeof(rfc7518_z), "", "", name, key, sizeof(key)));
	free(name);
}

static void points_beside_the_curve_are_refused(void **state)
{
	struct aael_teekey *bob = import(BOB);
	struct aael_jwa_point point;
	uint8_t z[AAEL_JWA_COORDINATE_MAX_BYTES];
	size_t size;

	(void)state;
	for (size_t bit = 0; bit < 64 * 8; bit++) {
		point_of(&point, alice_x, alice_y);
		point.bytes[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(aael_jwa_agree(bob, &point, z, &size));
	}
	/* No coordinates, and those of another curve */
	memset(point.bytes + 1, 0, 64);
	assert_false(aael_jwa_agree(bob, &point, z, &size));
	memset(point.bytes + 1, 0xff, 64);
	assert_false(aael_jwa_agree(bob, &point, z, &size));
	point_of(&point, TEST_KEY_P521_X, TEST_KEY_P521_Y);
	assert_false(aael_jwa_agree(bob, &point, z, &size));
	/* At infinity */
	memset(&point, 0, sizeof(point));
	point.size = 1;
	assert_false(aael_jwa_agree(bob, &point, z, &size));
	aael_teekey_free(bob);
}

/* RFC 7516, A.1: how its key is encrypted is RSA-OAEP with SHA-1, which we have not. */
static void rfc7516_content(void **state)
{
	static const uint8_t cek[] = {
		177, 161, 244, 128, 84,	 143, 225, 115, 63, 180, 3,   255, 107, 154, 212, 246,
		138, 7,	  110, 91,  112, 46,  34,  105, 47, 130, 203, 46,  122, 234, 64,  252,
	};
	static const char aad[] = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
	static const char text[] =
		"The true sign of intelligence is not knowledge but imagination.";
	uint8_t iv[AAEL_JWA_IV_BYTES], tag[AAEL_JWA_TAG_BYTES], data[64], out[64], zero[64] = { 0 };
	size_t size;

	(void)state;
	assert_int_equal(decode("48V1_ALb6US04U3b", iv, sizeof(iv)), sizeof(iv));
	assert_int_equal(decode("XFBoMYUZodetZdvTiFvSkQ", tag, sizeof(tag)), sizeof(tag));
	size = decode("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQ"
		      "zaBtQD_A",
		      data, sizeof(data));
	assert_int_equal(size, strlen(text));
	assert_true(aael_jwa_open(cek, iv, aad, data, size, tag, out));
	assert_memory_equal(out, text, size);
	/* What was not authentic is not left behind. */
	tag[15] ^= 1;
	assert_false(aael_jwa_open(cek, iv, aad, data, size, tag, out));
	assert_memory_equal(out, zero, size);
}

static void vectors_open(void **state)
{
	(void)state;
	assert_opens(TEST_KEY_P256, &jwe_p256, TEST_JWE_TEXT);
	assert_opens(TEST_KEY_P256_ZEROS, &jwe_p256_zeros, TEST_JWE_TEXT);
	assert_opens(TEST_KEY_P521, &jwe_p521, TEST_JWE_TEXT);
	assert_opens(TEST_KEY_RSA, &jwe_rsa, TEST_JWE_TEXT);
	assert_opens(TEST_KEY_P256, &jwe_empty, "");
}

/* @member of @jwe, with each of its bits flipped in turn. */
static void assert_every_bit_counts(const struct aael_teekey *key, const struct jwe *jwe,
				    const char **member, bool is_header)
{
	const char *whole = *member;
	uint8_t bytes[512];
	size_t size = decode(whole, bytes, sizeof(bytes));

	for (size_t bit = 0; bit < 8 * size; bit++) {
		char *text;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		text = encode(bytes, size);
		*member = text;
		if (!decrypt_with(key, jwe, ""))
			fail_msg("bit %zu of \"%s\" does not count", bit, whole);
		if (!is_header)
			assert_string_equal(message, CANNOT);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		free(text);
	}
	*member = whole;
}

static void whatever_bit_is_flipped(void **state)
{
	static const struct {
		const char *pem;
		const struct jwe *jwe;
	} cases[] = {
		{ TEST_KEY_P256, &jwe_p256 },
		{ TEST_KEY_P256, &jwe_empty },
		{ TEST_KEY_RSA, &jwe_rsa },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aael_teekey *key = import(cases[i].pem);
		struct jwe jwe = *cases[i].jwe;

		assert_every_bit_counts(key, &jwe, &jwe.protected, true);
		assert_every_bit_counts(key, &jwe, &jwe.encrypted_key, false);
		assert_every_bit_counts(key, &jwe, &jwe.iv, false);
		assert_every_bit_counts(key, &jwe, &jwe.ciphertext, false);
		assert_every_bit_counts(key, &jwe, &jwe.tag, false);
		aael_teekey_free(key);
	}
}

static void cut_or_longer_content_does_not_open(void **state)
{
	struct jwe jwe = jwe_p256;
	uint8_t bytes[64] = { 0 };
	size_t size = decode(jwe.ciphertext, bytes, sizeof(bytes));

	(void)state;
	for (size_t n = 0; n <= size + 1; n++) {
		char *text = encode(bytes, n);

		jwe.ciphertext = text;
		if (n != size)
			assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, CANNOT);
		free(text);
	}
}

static void other_keys_do_not_open_it(void **state)
{
	struct aael_teekey *key;

	(void)state;
	assert_refused(TEST_KEY_P256_ZEROS, &jwe_p256, "", -EBADMSG, CANNOT);
	assert_refused(TEST_KEY_P256, &jwe_p256_zeros, "", -EBADMSG, CANNOT);
	assert_refused(TEST_KEY_P521, &jwe_p256, "", -EBADMSG, "crv: must be P-521");
	assert_refused(TEST_KEY_P256, &jwe_p521, "", -EBADMSG, "crv: must be P-256");
	assert_refused(TEST_KEY_RSA, &jwe_p256, "", -EOPNOTSUPP, "alg: must be RSA-OAEP-256");
	assert_refused(TEST_KEY_P256, &jwe_rsa, "", -EOPNOTSUPP, "alg: must be ECDH-ES+A256KW");
	for (int alg = AAEL_TEEKEY_P521; alg <= AAEL_TEEKEY_RSA; alg++) {
		assert_int_equal(aael_teekey_new((enum aael_teekey_alg)alg, &key), 0);
		assert_int_equal(
			decrypt_with(key, alg == AAEL_TEEKEY_RSA ? &jwe_rsa : &jwe_p521, ""),
			-EBADMSG);
		assert_string_equal(message, CANNOT);
		aael_teekey_free(key);
	}
}

/* A key that cannot be unwrapped is replaced by one that nobody can know. */
static void a_wrong_key_is_random(void **state)
{
	static const char *const pems[] = { TEST_KEY_P256, TEST_KEY_RSA };
	uint8_t wrapped[AAEL_JWA_WRAPPED_MAX_BYTES] = { 0 };
	uint8_t a[AAEL_JWA_CEK_BYTES], b[AAEL_JWA_CEK_BYTES], zero[AAEL_JWA_CEK_BYTES] = { 0 };
	struct aael_jwa_point point;

	(void)state;
	point_of(&point, TEST_KEY_P256_X, TEST_KEY_P256_Y);
	for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
		struct aael_teekey *key = import(pems[i]);

		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		assert_false(aael_jwa_unwrap(key, &point, wrapped, a));
		assert_false(aael_jwa_unwrap(key, &point, wrapped, b));
		assert_memory_not_equal(a, zero, sizeof(a));
		assert_memory_not_equal(a, b, sizeof(a));
		aael_teekey_free(key);
	}
}

static void assert_header_refused(const char *header, int err, const char *words)
{
	struct jwe jwe = jwe_p256;
	char *text = encode(header, strlen(header));

	jwe.protected = text;
	assert_refused(TEST_KEY_P256, &jwe, "", err, words);
	free(text);
}

#define ALG "\"alg\":\"ECDH-ES+A256KW\","
#define ENC "\"enc\":\"A256GCM\","
#define X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EPK "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\"," X "," Y "}"

static void other_algorithms_are_refused(void **state)
{
	static const char *const algs[] = {
		"RSA1_5",
		"RSA-OAEP",
		"RSA-OAEP-256",
		"ECDH-ES",
		"ECDH-ES+A128KW",
		"ecdh-es+a256kw",
		"ECDH-ES+A256KW ",
		"dir",
		"A256KW",
		"none",
		"",
	};
	static const char *const encs[] = { "A128GCM", "A192GCM", "A256CBC-HS512", "a256gcm", "" };
	static const char *const more[] = { "crit", "zip", "apu", "apv" };
	char header[400];

	(void)state;
	assert_header_refused("{" ALG ENC EPK "}", -EBADMSG, CANNOT);
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"," ENC EPK "}", algs[i]);
		assert_header_refused(header, -EOPNOTSUPP, "alg: must be ECDH-ES+A256KW");
	}
	for (size_t i = 0; i < sizeof(encs) / sizeof(encs[0]); i++) {
		snprintf(header, sizeof(header), "{\"enc\":\"%s\"," ALG EPK "}", encs[i]);
		assert_header_refused(header, -EOPNOTSUPP, "enc: must be A256GCM");
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(header, sizeof(header), "{\"%s\":\"DEF\"," ALG ENC EPK "}", more[i]);
		assert_header_refused(header, -EOPNOTSUPP, more[i]);
	}
}

/* The same for a key of RSA, for which SHA-1 and PKCS#1 v1.5 are tempting. */
static void other_rsa_is_refused(void **state)
{
	static const char *const algs[] = { "RSA1_5", "RSA-OAEP", "RSA-OAEP-384", "RSA-OAEP-512" };
	struct jwe jwe = jwe_rsa;
	char header[100], *text;

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"enc\":\"A256GCM\"}", algs[i]);
		text = encode(header, strlen(header));
		jwe.protected = text;
		assert_refused(TEST_KEY_RSA, &jwe, "", -EOPNOTSUPP, "alg: must be RSA-OAEP-256");
		free(text);
	}
}

static void headers_must_be_whole(void **state)
{
	(void)state;
	assert_header_refused("", -EBADMSG, "protected: ");
	assert_header_refused("[]", -EBADMSG, "protected: not a JSON object");
	assert_header_refused("{" ALG ENC EPK, -EBADMSG, "protected: ");
	assert_header_refused("{" ALG ENC ALG EPK "}", -EBADMSG, "alg: the member appears twice");
	assert_header_refused("{" ENC EPK "}", -EBADMSG, "alg: the member is missing");
	assert_header_refused("{" ALG EPK "}", -EBADMSG, "enc: the member is missing");
	assert_header_refused("{\"alg\":1," ENC EPK "}", -EBADMSG, "alg: must be a string");
	assert_header_refused("{" ALG "\"enc\":\"A256GCM\"}", -EBADMSG, "epk: must be an object");
	assert_header_refused("{" ALG ENC "\"epk\":\"\"}", -EBADMSG, "epk: must be an object");
	assert_header_refused("{" ALG ENC "\"epk\":{}}", -EBADMSG, "kty: the member is missing");
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"OKP\",\"crv\":\"P-256\"," X "," Y
			      "}}",
			      -EBADMSG, "kty: must be EC");
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"X25519\"," X "," Y
			      "}}",
			      -EBADMSG, "crv: must be P-256");
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\"," X "}}",
			      -EBADMSG, "y: the member is missing");
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\"," Y
			      "}}",
			      -EBADMSG, "x: must have 32 bytes");
	/* Without its leading zero, and with one too many */
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
			      "\"x\":\"YeOf_82fyXWVEjBDBti0u3pbPOEEH96eiHo-rrLVgA\"," Y "}}",
			      -EBADMSG, "x: must have 32 bytes");
	assert_header_refused("{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
			      "\"x\":\"AABh45__zZ_JdZUSMEMG2LS7els84QQf3p6Iej6ustWA\"," Y "}}",
			      -EBADMSG, "x: must have 32 bytes");
	assert_header_refused("{" ALG ENC
			      "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f8 O\"," Y "}}",
			      -EBADMSG, "x: not base64url");
}

static void members_have_their_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 11, 13, 15, 17, 39, 41, 48, 255, 257 };
	uint8_t zeros[300] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text = encode(zeros, sizes[i]);
		struct jwe jwe = jwe_p256;

		jwe.iv = text;
		assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, "iv: must have 12 bytes");
		jwe = jwe_p256;
		jwe.tag = text;
		assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, "tag: must have 16 bytes");
		jwe = jwe_p256;
		jwe.encrypted_key = text;
		assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG,
			       "encrypted_key: must have 40 bytes");
		jwe = jwe_rsa;
		jwe.encrypted_key = text;
		assert_refused(TEST_KEY_RSA, &jwe, "", -EBADMSG,
			       "encrypted_key: must have 256 bytes");
		free(text);
	}
}

static void base64url_is_strict(void **state)
{
	static const char *const tags[] = { "-C+KmuMlQONEOtAb5LT1Gg",
					    "-C-KmuMlQONEOtAb5LT1Gg==", "-C-KmuMlQONEOtAb5LT1Gh",
					    "-C-KmuMlQONEOtAb5LT1G", " -C-KmuMlQONEOtAb5LT1Gg" };
	struct jwe jwe = jwe_p256;

	(void)state;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		jwe.tag = tags[i];
		assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, "tag: not base64url");
	}
	jwe = jwe_p256;
	jwe.ciphertext = "7GzVblWNvYHpasqmU9Co79TcC1RoA2jgBqCGOg==";
	assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, "ciphertext: not base64url");
	jwe = jwe_p256;
	jwe.protected = "e30=";
	assert_refused(TEST_KEY_P256, &jwe, "", -EBADMSG, "protected: not base64url");
}

static void other_members(void **state)
{
	static const char *const refused[] = { "header", "unprotected", "recipients", "aad" };
	struct aael_teekey *key = import(TEST_KEY_P256);
	char more[64];

	(void)state;
	assert_int_equal(decrypt_with(key, &jwe_p256, "\"unknown\":{\"a\":[1]},"), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(more, sizeof(more), "\"%s\":null,", refused[i]);
		assert_int_equal(decrypt_with(key, &jwe_p256, more), 0);
		snprintf(more, sizeof(more), "\"%s\":{},", refused[i]);
		assert_int_equal(decrypt_with(key, &jwe_p256, more), -EBADMSG);
		assert_non_null(strstr(message, refused[i]));
		snprintf(more, sizeof(more), "\"%s\":\"\",", refused[i]);
		assert_int_equal(decrypt_with(key, &jwe_p256, more), -EBADMSG);
		assert_non_null(strstr(message, refused[i]));
	}
	assert_int_equal(decrypt_with(key, &jwe_p256, "\"tag\":\"\","), -EBADMSG);
	assert_string_equal(message, "tag: the member appears twice");
	aael_teekey_free(key);
}

static void members_are_needed(void **state)
{
	static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext",
					     "tag" };
	struct aael_teekey *key = import(TEST_KEY_P256);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = text_of(&jwe_p256, ""), *name, expected[64];

		snprintf(expected, sizeof(expected), "\"%s\":", names[i]);
		name = strstr(text, expected);
		name[1] ^= 0x20;
		assert_int_equal(decrypt_text(key, text), -EBADMSG);
		snprintf(expected, sizeof(expected), "%s: the member is missing", names[i]);
		assert_string_equal(message, expected);
		free(text);
	}
	aael_teekey_free(key);
}

static void refuses_every_truncation(void **state)
{
	struct aael_teekey *key = import(TEST_KEY_P256);
	char *text = text_of(&jwe_p256, "");
	uint8_t *out;
	size_t size;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(decrypt_bytes(key, text, n, &out, &size), -EBADMSG);
	assert_int_equal(decrypt_text(key, "[]"), -EBADMSG);
	assert_int_equal(decrypt_text(key, "\"eyJ.a.b.c.d\""), -EBADMSG);
	/* It must not be looked at. */
	assert_int_equal(aael_jwe_decrypt(key, text, (size_t)INT_MAX + 1, &out, &size, message),
			 -EBADMSG);
	assert_null(out);
	assert_non_null(strstr(message, "2147483648 bytes are too many"));
	free(text);
	aael_teekey_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7518_agreement),
		cmocka_unit_test(rfc7518_key_derivation),
		cmocka_unit_test(points_beside_the_curve_are_refused),
		cmocka_unit_test(rfc7516_content),
		cmocka_unit_test(vectors_open),
		cmocka_unit_test(whatever_bit_is_flipped),
		cmocka_unit_test(cut_or_longer_content_does_not_open),
		cmocka_unit_test(other_keys_do_not_open_it),
		cmocka_unit_test(a_wrong_key_is_random),
		cmocka_unit_test(other_algorithms_are_refused),
		cmocka_unit_test(other_rsa_is_refused),
		cmocka_unit_test(headers_must_be_whole),
		cmocka_unit_test(members_have_their_sizes),
		cmocka_unit_test(base64url_is_strict),
		cmocka_unit_test(other_members),
		cmocka_unit_test(members_are_needed),
		cmocka_unit_test(refuses_every_truncation),
	};

	return cmocka_run_group_tests_name("jwe", tests, NULL, NULL);
}
