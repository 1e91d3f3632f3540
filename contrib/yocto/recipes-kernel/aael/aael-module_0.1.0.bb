# SPDX-License-Identifier: Apache-2.0
SUMMARY = "Attestation event log in the kernel: the module"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://LICENSES/GPL-2.0;md5=b234ee4d69f5fce4486a80fdaf4a4263"

inherit module

# From the tree that this layer is part of, into a folder of its own.
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../..:"
SRC_URI = "${@' '.join('file://%s;subdir=%s' % (name, d.getVar('BP')) for name in 'LICENSES Makefile dkms.conf kmod uapi'.split())}"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/${BP}"

# Not the helper, which has a recipe of its own.
MAKE_TARGETS = "modules"
MODULES_MODULE_SYMVERS_LOCATION = "kmod"

RPROVIDES:${PN} += "kernel-module-aael"
KERNEL_MODULE_AUTOLOAD += "aael"
# To enable the log at boot, without aaeld:
#   KERNEL_MODULE_PROBECONF += "aael"
#   module_conf_aael = "options aael enable=1"
