// SPDX-License-Identifier: Apache-2.0
/*
 * TDREPORT_STRUCT, by ioctl of tdx-guest.
 *
 * Source: Linux, include/uapi/linux/tdx-guest.h, which kernels before 6.2 have not; Intel TDX
 * Module ABI, TDREPORT_STRUCT and TDINFO_STRUCT.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tdreport.h"

#define REPORT_DATA_BYTES 64
#define REPORT_BYTES 1024
#define MRCONFIGID_OFFSET 576 /* TDINFO_STRUCT begins at 512 */

struct report_request {
	uint8_t data[REPORT_DATA_BYTES];
	uint8_t report[REPORT_BYTES];
};

#define GET_REPORT0 _IOWR('T', 1, struct report_request)

int aael_tdreport_mrconfigid(uint8_t out[AAEL_MRCONFIGID_BYTES])
{
	int fd = open(AAEL_TDREPORT_DEVICE, O_RDWR | O_CLOEXEC);
	struct report_request request = { .data = { 0 } };
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, GET_REPORT0, &request) ? -errno : 0;
	close(fd);
	if (!ret)
		memcpy(out, request.report + MRCONFIGID_OFFSET, AAEL_MRCONFIGID_BYTES);
	return ret;
}
