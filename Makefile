# SPDX-License-Identifier: Apache-2.0
# What a user of the tree asks for by name; the work is done where the things are:
# kmod/Kbuild, helper/Makefile, tests/.
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

KDIR ?= /lib/modules/$(shell uname -r)/build
# As Yocto and others call it.
KERNELDIR ?= $(KDIR)
KERNEL_SRC ?= $(KERNELDIR)
O    ?= $(CURDIR)/build/helper
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
DKMSDIR ?= /usr/src/aael-$(VERSION)

all: helper kmod

# The module for the kernel whose build folder KDIR is; build/kmod-local/kmod/aael.ko.
kmod:
	tests/vm/build-kmod local "$(KDIR)"

# What image builders call, with the kernel's own variables (INSTALL_MOD_PATH, MODLIB, DEPMOD; O for the
# kernel's build folder); kmod/aael.ko, beside its sources.
modules modules_install:
	$(MAKE) -C '$(KERNEL_SRC)' M='$(CURDIR)/kmod' $@

helper:
	$(MAKE) -C helper O="$(O)" all

# What dkms builds from; then `dkms install aael/VERSION`.
dkms-install:
	find kmod uapi \( -name '*.[ch]' -o -name Kbuild \) ! -name '*.mod.c' -type f \
		-exec install -m 644 -D '{}' '$(DESTDIR)$(DKMSDIR)/{}' ';'
	install -m 644 dkms.conf '$(DESTDIR)$(DKMSDIR)/dkms.conf'

# Debian packages, in build/deb.
deb:
	tests/vm/deps deb
	tests/deb/build

deps:
	tests/vm/deps

demo:
	tests/demo/demo $(if $(KEEP),--keep) $(if $(PLATFORM),--platform $(PLATFORM))

check:
	tests/run

# Style, analysers, generated files: all that is said of the code without running it.
lint:
	tests/run style lint

# Ratios, measured in guests: a table, and build/bench/results.json.
bench:
	tests/bench/run $(if $(QUICK),--quick) $(FIGURES)

# Each target for so long, one per processor at a time.
SECONDS ?= 600
fuzz:
	$(MAKE) -s -C tests/fuzz -j$(shell nproc) all
	$(MAKE) -s -C tests/fuzz -j$(shell nproc) -k SECONDS=$(SECONDS) run

clean:
	rm -rf build
	find kmod \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name Module.symvers -o -name modules.order \) -delete

help:
	@echo 'make demo [KEEP=1]   guests with a software TPM and an emulated TDX module: load, measure,'
	@echo '                     verify, and a token that shows it [and stay in the last one]'
	@echo 'make demo PLATFORM=tpm  one of the two; or tdx'
	@echo 'make check           all tests; tests/run -l lists them, tests/run NAME runs one'
	@echo 'make lint            of these, what looks at the code without running it'
	@echo 'make bench [QUICK=1] [FIGURES=…]  how fast and how large, against what it is measured beside'
	@echo 'make fuzz [SECONDS=600]  each fuzzer for longer than in make check'
	@echo 'make kmod [KDIR=…]   the module for the running kernel or any other'
	@echo 'make modules modules_install  the same in kmod/ itself, with the kernel'"'"'s own variables'
	@echo 'make helper [O=…]    daemon and command'
	@echo 'make dkms-install     the sources of the module into /usr/src, for dkms [DESTDIR=…]'
	@echo 'make deb              Debian packages, in build/deb'
	@echo 'make deps            install the Debian packages that the above need'
	@echo 'make clean           remove build/; fetched and built kernels are in ~/.cache/aael'

.PHONY: all kmod modules modules_install helper dkms-install deb deps demo check lint bench fuzz clean help
