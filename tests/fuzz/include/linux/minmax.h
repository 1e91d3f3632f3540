/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AAEL_FUZZ_MINMAX_H
#define AAEL_FUZZ_MINMAX_H

#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

#endif
