/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made by python3-jwcrypto for the keys of teekeys.h. All but the last one hold TEST_JWE_TEXT.
 */
#ifndef AAEL_TEST_JWEVECTORS_H
#define AAEL_TEST_JWEVECTORS_H

#define TEST_JWE_TEXT "correct horse battery staple"

struct jwe {
	const char *protected;
	const char *encrypted_key;
	const char *iv;
	const char *ciphertext;
	const char *tag;
};

/* P-256, with a member of the header that nobody knows */
static const struct jwe jwe_p256 = {
	.protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijoi"
		     "UC0yNTYiLCJrdHkiOiJFQyIsIngiOiJRWkRUYkRtYTVVd3E2OXBTZnZnMmpOM2RJNzJCcFVC"
		     "TkNKd0MyakhNdGZJIiwieSI6Ik9oVHAwMG8wUjVGaTNjTGhRME5kUFltVFVCLUg0SWVEX3ZO"
		     "V0Rld0xZNTAifSwia2lkIjoiMSJ9",
	.encrypted_key = "hn3glYqwsNdK07zCn2vjib4T8pgpNDZr5wcn1fjfpIMTTJvGyfrSfA",
	.iv = "bOiNYCH308asIVc7",
	.ciphertext = "7GzVblWNvYHpasqmU9Co79TcC1RoA2jgBqCGOg",
	.tag = "-C-KmuMlQONEOtAb5LT1Gg",
};

/* P-256; a coordinate of epk and the shared secret begin with a zero byte */
static const struct jwe jwe_p256_zeros = {
	.protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijoi"
		     "UC0yNTYiLCJrdHkiOiJFQyIsIngiOiJBRnoyM3B4SS1UZS0zUGduNDJDQ0NXNkIwSWJjQ2tO"
		     "MGdBcmt6aktXb3dZIiwieSI6Indmc3lhcUpWbU9JODV4Z3ZBZzZIMFoyTlVkUWlaQjllLWp2"
		     "c211enNqT2MifX0",
	.encrypted_key = "-XqzqjPZVAUOFcAZh_t5joS4UUhVfjGfWv1nBhQrWaZVbgZXGJ0feA",
	.iv = "1GBhkQl59Rqx9dCG",
	.ciphertext = "W8NBHxVac30lhGgclkCgy_ZK4toX-yW8cfYXSw",
	.tag = "sCpVrlLN-hDM1hQ37kG02g",
};

/* P-521, the same */
static const struct jwe jwe_p521 = {
	.protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijoi"
		     "UC01MjEiLCJrdHkiOiJFQyIsIngiOiJBR2FWaHFXNWhNR2Nfdmxkc3N4VzI0Z2tMNUR2MkY3"
		     "ZzdDWDh2YTlUUTY0T3JISWxnR3BJMHpETzM0YWQtMUl4cVVtZlFzYmFEN0ZEVHpMcDlYdGpQ"
		     "eEJuIiwieSI6IkFBc1Vibl9ZQnFxYThicXp3VTNIaWlYMTNKbkVkZ1c4YkpjRFdTTUJ4YXJ0"
		     "VWlfcHpZYjJJSE1sNUJRRjR6TlVEVWEwekRrNGJUUkYzcmRkSjNfeTJYZUgifX0",
	.encrypted_key = "ZJ0XWtd5BsqV7ctAFTk7zCR9ynaONgC9MGEPrLqswKJB-KDOmvGKWQ",
	.iv = "4qiMyC8-PfG9e1CZ",
	.ciphertext = "bZUQEpQnk9Yn2ez2lQLO_1-4uPdvSrGeiyfXgw",
	.tag = "vk_AQoSt1JLwq0KenKuHFA",
};

/* RSA-2048 */
static const struct jwe jwe_rsa = {
	.protected = "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0",
	.encrypted_key = "2RVkpH6yBcGgps-whmLBoCP3BVc9bXsOibAlW-PKlTu9ppw26lJHcuxOhtWmckMkcDtpKNvs"
			 "gmOazGyFvihixI13aCG1E4d4tZp-uKLsh8qmII-6Ku3bFBxxbIxXmunBBRFY27tqc9w5fMq9"
			 "1nH0LVZI9qwHPMnigrgdmqwUOYLIQQI8MOm2ygmr1RUebLYVOzXRx2AZfOx8ywmoXZMD3nW8"
			 "cXfQmqTOUu7FTri-jZKdSJ9j0i-jUyfD37WL5cxk6w7MhSCN9P4rTR_xtBXuSyE0-2V8YNoT"
			 "_u8nxE5O-FK0VCPbiP6Y7s4xVCaB_Urr6iWGjvuYras9-cNYB7iIQQ",
	.iv = "7vuZsYuv47VQD0Sk",
	.ciphertext = "wRAvCDGsEl-hSsUMfs-vwrZVQdvOA-48rsfRxg",
	.tag = "qStqbvYarerVQYbyxaswMw",
};

/* P-256, nothing in it */
static const struct jwe jwe_empty = {
	.protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2Ijoi"
		     "UC0yNTYiLCJrdHkiOiJFQyIsIngiOiJnVlNmNFdkQTdFak80cmpuVDkzSUhlOXlvRmhVR1lX"
		     "WTZKR3hQcmpDTlk0IiwieSI6IjlGZjZ0cDhRc3ZpZVpHSFJSVGRVUnJiSEpwSFlGRTBSMldx"
		     "TDdZTVFTVVkifX0",
	.encrypted_key = "gdpK2LG2ardG2pSKv23q-Pp_9cB48TZ9LaHvCjoJRwMv_QjkvvBffg",
	.iv = "bgszuDHdIhTdb3N8",
	.ciphertext = "",
	.tag = "ITtOLCtJO7M5yS6ifGggbw",
};

#endif
