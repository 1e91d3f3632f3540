# SPDX-License-Identifier: Apache-2.0
SUMMARY = "Attestation event log in the kernel: the daemon aaeld, and aaelctl"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSES/Apache-2.0;md5=3b83ef96387f14655fc854ddc3c6bd57"
DEPENDS = "cjson curl libevent libnl openssl tomlplusplus tpm2-tss zlib"

inherit pkgconfig systemd useradd

FILESEXTRAPATHS:prepend := "${THISDIR}/../../../..:"
SRC_URI = "${@' '.join('file://%s;subdir=%s' % (name, d.getVar('BP')) for name in 'LICENSES dkms.conf helper uapi'.split())}"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/${BP}"
B = "${WORKDIR}/build"

PACKAGES =+ "aael-tools"
SYSTEMD_PACKAGES = "${PN}"
SYSTEMD_SERVICE:${PN} = "aaeld.service"
# The daemon is in the group of /dev/tpmrm0, the device in ours.
USERADD_PACKAGES = "${PN} aael-tools"
GROUPADD_PARAM:${PN} = "--system tss"
GROUPADD_PARAM:aael-tools = "--system aael"
# Loaded with the first request to a KBS.
RDEPENDS:${PN} = "libcurl"
RRECOMMENDS:${PN} = "aael-tools kernel-module-aael"

do_compile() {
	oe_runmake -C ${S}/helper O=${B} all
}

do_install() {
	install -D -m 0755 ${B}/aaeld/aaeld ${D}${sbindir}/aaeld
	install -D -m 0755 ${B}/aaelctl/aaelctl ${D}${bindir}/aaelctl
	ln -s ../sbin/aaeld ${D}${bindir}/api-server-rest
	install -D -m 0644 ${S}/helper/system/aa.toml ${D}${sysconfdir}/aaeld/aa.toml
	install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/helper/system/aaeld.service ${S}/helper/system/aaeld.socket
	install -D -m 0644 ${S}/helper/system/aaeld.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/aaeld.conf
	install -D -m 0644 ${S}/helper/system/60-aael.rules ${D}${nonarch_base_libdir}/udev/rules.d/60-aael.rules
}

CONFFILES:${PN} = "${sysconfdir}/aaeld/aa.toml"
FILES:aael-tools = "${bindir}/aaelctl ${nonarch_base_libdir}/udev"
FILES:${PN} += "${nonarch_libdir}/tmpfiles.d ${systemd_system_unitdir}"
