// SPDX-License-Identifier: GPL-2.0-only
/* The module around the suites; KUnit runs them when it is loaded. */
#include <linux/module.h>

MODULE_DESCRIPTION("KUnit suites of aael");
MODULE_LICENSE("GPL");
