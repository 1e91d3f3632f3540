/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys that only tests use, and their public numbers in base64url. */
#ifndef AAEL_TEST_TEEKEYS_H
#define AAEL_TEST_TEEKEYS_H

/* RFC 7515, A.3 */
#define TEST_KEY_P256                                                        \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n" \
	"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n" \
	"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_KEY_P256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define TEST_KEY_P256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

/* Both coordinates begin with a zero byte */
#define TEST_KEY_P256_ZEROS                                                  \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN6ftfxUNSB9gBCtq\n" \
	"npHnbXKokaekMuHganLAQTH4gIChRANCAAQAYeOf/82fyXWVEjBDBti0u3pbPOEE\n" \
	"H96eiHo+rrLVgAAlhi9+weBFtPOCVx3/TsR2LTYC+G3dy6pkruu10pb6\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_KEY_P256_ZEROS_X "AGHjn__Nn8l1lRIwQwbYtLt6WzzhBB_enoh6Pq6y1YA"
#define TEST_KEY_P256_ZEROS_Y "ACWGL37B4EW084JXHf9OxHYtNgL4bd3LqmSu67XSlvo"

/* As above: x with two */
#define TEST_KEY_P521                                                        \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBy8xOvnWiTHNBRr94\n" \
	"J/ybVBaWL3vAlXYgnY8FoE3R9EOXmsZ5IX8jmxlbdJM3OimyiXPzxhg5GGg1RhBu\n" \
	"kZFhqEahgYkDgYYABAAAQ0zJkBLjf1gJfT+lBiBRIyZknBf4c1AFjCUSzP31jjs4\n" \
	"yHnAD1mhZsxMaembtgc1VPKQ86yYjHL9HWZgnHIV8wBPSl13LMcGoYz3qKJLj7la\n" \
	"7DqFBnLw6HNbGjeRIU7JiRikfZrjh3/Ms84Y6ZQdyu7fxA7QA0LNukhWWNrpO/13\n" \
	"Lg==\n"                                                             \
	"-----END PRIVATE KEY-----\n"

#define TEST_KEY_P521_X \
	"AABDTMmQEuN_WAl9P6UGIFEjJmScF_hzUAWMJRLM_fWOOzjIecAPWaFmzExp6Zu2BzVU8pDzrJiMcv0dZmCcchXz"
#define TEST_KEY_P521_Y \
	"AE9KXXcsxwahjPeookuPuVrsOoUGcvDoc1saN5EhTsmJGKR9muOHf8yzzhjplB3K7t_EDtADQs26SFZY2uk7_Xcu"

/* 2048 bits */
#define TEST_KEY_RSA                                                         \
	"-----BEGIN RSA PRIVATE KEY-----\n"                                  \
	"MIIEowIBAAKCAQEA9G/edRB2hveCs5KZRCnoPGp/oDnnrgQ2B+XGx17foo0+Rhno\n" \
	"Thw9mUPKS7XdzcHm5VY0U0UPB6WVxlK/JVw7ji5d5wJWQapw1AlsPvW1SymGYbYu\n" \
	"k0jAaj1aY8R2NFWmjhmzuva+grypRDbOK3Z14wBQYb/2+DiuYlBAwTjBDlxGZs/o\n" \
	"VCEtEd1qizCayxPGUl0KFlj5nZpmCtFqR1S6jB7eay7C3pSn6xh1oRvFK7xQEefM\n" \
	"u6Aa/VSt0Mdrnpe2wzYqkFvz+nBoHPppEMx5kdeDV9NEu7p37qT8w33fYpdcAJZS\n" \
	"pPsfaC0SKPiBLY3tjRIwG8pJonLLAHvTIJrgGwIDAQABAoIBACh+nKAl1TpV0x7U\n" \
	"Xgocq98lFjX2nIBH1/r7S4Y9nEHt2/pkEggCsLJtOHHOKXaMCtLv3Y+f+gtJGM94\n" \
	"EjeVGJQHmsHfBr2D3YObI1t+JtsoAB28Pz9iMZJII2syIb0DetTBbZ+Uf1+MSWRw\n" \
	"yeYJuXedATQNx9M7x1P9Oe++Fb7pd/62cTN4GvY33DfDiaFQtBDUZKKOOwn8pV1d\n" \
	"TA927eRRufH7Em+tiIFuYk+fvtu+lsc/ISvj9puePkDb8oF/k0Q+uAyIxe1iJGOt\n" \
	"afNJUC7yndcRvJ2MpRm8LCoyld5BOHnRf9zICvlBzbgm5fsYY1J2Uo4nsGsIz742\n" \
	"HST6Cp0CgYEA+k4VAzRLntTMcW7xggYQFPjhRoVjzFdq0pX0ADSyVdFLhE19cMGr\n" \
	"VtvK4LSFGrDz4iBBirQ9mDINMdANmC/y2Kmrk+qyqsO5MNWHC6kCj+/TTCqgTMHB\n" \
	"LP5z2jZBWldLWHyYng3w2DEBBJCSsAg4JGhik6/05D6y93yCw0M41u8CgYEA+f+b\n" \
	"tMMfZABIuxdK9Z3usdQFH6WftYACO70kZn+TswiK82G8rQsBAlSntdUPNKHt1z1H\n" \
	"6rEwYNerZiiTzN3kKa2lCXxwEZtpYihb0HxAvz5gdAyIW/S9soz5LkD68/6U9h4w\n" \
	"kpgqk0QfRRzkgtgrHB/5gsOUoohFhBXl8F9+qZUCgYADYFJAPNBYUB6B2TFAw7wr\n" \
	"zD+dp+b0tqkmNgeYiR1usugF3NW4U6RwA371EPpKpeBkSHMZ39yE1QgAiAHm756i\n" \
	"9Ybu89d9Hi69TeQIcDssnduHx3tqDaMBbF07sEepZEwL4YJdf2qkP+T3nsubvECl\n" \
	"nRLXUyRGf+ICHJfW8m0t2QKBgDLPiM4MemzQwfeEnG+fUcxC02fDOdqh0dJidut+\n" \
	"Mn7I1bTxwG9LNUFMA2opi5We88AzbFJ/AN4t92AkDyYsUxtFd62d5QkvFRQmL8MH\n" \
	"/gDgpKnxgiVucL/Bd0O3YUoGDDCZojWpR732soRRgwA0/04QEZ5KMgN2vupBqSJZ\n" \
	"xlyhAoGBAL0aHNCYYDQOj7A34eeSWsokYDhV7t6JAlBZCeeO0iw1VWg5f3BsdgBV\n" \
	"/dFLcfhoqZjwgP/ToSr7kKboBzvUAhii946vlpxGqYtl2EXoAKmySWBMT431Vknf\n" \
	"q4zykxq4hP+6CELumS6Im1XUahhNKztJ40pPm6yqfi4Q0nMBBqPj\n"             \
	"-----END RSA PRIVATE KEY-----\n"

#define TEST_KEY_RSA_N                                                                             \
	"9G_edRB2hveCs5KZRCnoPGp_oDnnrgQ2B-XGx17foo0-RhnoThw9mUPKS7XdzcHm5VY0U0UPB6WVxlK_"         \
	"JVw7ji5d5wJWQapw1AlsPvW1SymGYbYuk0jAaj1aY8R2NFWmjhmzuva-grypRDbOK3Z14wBQYb_2-"            \
	"DiuYlBAwTjBDlxGZs_oVCEtEd1qizCayxPGUl0KFlj5nZpmCtFqR1S6jB7eay7C3pSn6xh1oRvFK7xQEefMu6Aa_" \
	"VSt0Mdrnpe2wzYqkFvz-"                                                                     \
	"nBoHPppEMx5kdeDV9NEu7p37qT8w33fYpdcAJZSpPsfaC0SKPiBLY3tjRIwG8pJonLLAHvTIJrgGw"

#endif
