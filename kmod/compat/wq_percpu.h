/* SPDX-License-Identifier: GPL-2.0-only */
/* Before 6.17 a workqueue was per CPU unless it was said to be unbound. */
#define WQ_PERCPU 0
