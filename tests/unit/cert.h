/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for tests (P-256, CN=kbs.example, self-signed); its key is not kept. */
#ifndef AAEL_TEST_CERT_H
#define AAEL_TEST_CERT_H

#define TEST_CERT                                                            \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIBgDCCASegAwIBAgIUXefmMfKykkHh1Tu6HArKGbu6fr8wCgYIKoZIzj0EAwIw\n" \
	"FjEUMBIGA1UEAwwLa2JzLmV4YW1wbGUwHhcNMjYxMTI1MjExNjUzWhcNMzYxMTIy\n" \
	"MjExNjUzWjAWMRQwEgYDVQQDDAtrYnMuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG\n" \
	"SM49AwEHA0IABNjFAPJ3EqCQcXr5v20QA8R7Blb/34GhU31ONNyoaOZ4njrRZGG6\n" \
	"3ogH7gfdHZqzIoX4ZKXJT2UdnXhtBuzIvPSjUzBRMB0GA1UdDgQWBBSBbt57tOEw\n" \
	"cyCAXr3jLoAth5YrMzAfBgNVHSMEGDAWgBSBbt57tOEwcyCAXr3jLoAth5YrMzAP\n" \
	"BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIAR5ej3yIK/7Q9sIGWFp\n" \
	"lT+vBIXY5HjxZxt8HzcL11FlAiBDWKcC8K3m3gqDCLUgumJtrYw8emmjjxJCItnn\n" \
	"mK/0ow==\n"                                                         \
	"-----END CERTIFICATE-----\n"

#endif
