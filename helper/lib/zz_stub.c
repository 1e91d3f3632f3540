#include <errno.h>
#include "jwe.h"
int aael_jwe_decrypt(const struct aael_teekey *key, const char *jwe, size_t size, uint8_t **out, size_t *out_size, char m[AAEL_JWE_MESSAGE_BYTES]) { (void)key;(void)jwe;(void)size;(void)out;(void)out_size;m[0]=0; return -EBADMSG; }
