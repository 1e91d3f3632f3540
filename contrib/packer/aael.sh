#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In the image, as root: installs the packages in /tmp/aael, with the headers of every kernel that is there.
set -eu
export DEBIAN_FRONTEND=noninteractive

headers=
for modules in /lib/modules/*/kernel; do
	release=$(basename "$(dirname "$modules")")
	headers="$headers linux-headers-$release"
done
apt-get -q update
# shellcheck disable=SC2086
apt-get -q -y install $headers /tmp/aael/*.deb
for name in $headers; do
	release=${name#linux-headers-}
	if [ -z "$(modinfo -k "$release" -F vermagic aael)" ]; then
		dkms status >&2
		echo "aael.sh: no module for kernel $release" >&2
		exit 1
	fi
done
rm -r /tmp/aael
