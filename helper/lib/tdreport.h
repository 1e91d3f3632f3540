/* SPDX-License-Identifier: Apache-2.0 */
/* What the TDX module reports of the guest that asks. */
#ifndef AAEL_LIB_TDREPORT_H
#define AAEL_LIB_TDREPORT_H

#include "initdata.h"

#define AAEL_TDREPORT_DEVICE "/dev/tdx_guest"

/*
 * MRCONFIGID, by TDREPORT through the driver tdx-guest: sysfs has it only from 6.16 on.
 * 0, or -errno of the device.
 */
int aael_tdreport_mrconfigid(uint8_t out[AAEL_MRCONFIGID_BYTES]);

#endif
