# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Debian systems of their own, kept in the cache as they are unpacked, each with a name that changes
# with what is in it: those that packages are installed in, and those that they are built in.
. "$(dirname "${BASH_SOURCE[0]}")/../vm/lib.sh"

# What users have.
common=(dkms linux-headers-cloud-amd64 gcc libc6-dev systemd systemd-sysv udev kmod dbus curl jq procps)
# What apt would fetch for the packages: so that they are all that comes and goes.
declare -A needed=(
	[bookworm]='tpm-udev libcjson1 libcurl4 libevent-2.1-7 libnl-genl-3-200 libtss2-esys-3.0.2-0 libtss2-rc0'
	[trixie]='tpm-udev libcjson1 libcurl4t64 libevent-2.1-7t64 libnl-genl-3-200 libtss2-esys-3.0.2-0t64 libtss2-rc0t64'
)

# unpack SUITE TARGET PACKAGE… [-- MORE ARGUMENTS OF MMDEBSTRAP]
unpack()
{
	local suite=$1 target=$2 packages=() uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		packages+=("$1")
		shift
	done
	uri=$(mirror)
	[ -n "$uri" ] || die "apt knows no Debian mirror"
	say "unpacking a Debian system ($suite)"
	mmdebstrap --quiet --variant=apt --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
		--include="$(IFS=,; echo "${packages[*]}")" "${@:2}" \
		"$suite" "$target" "deb [signed-by=$keyring] $uri $suite main"
}

# hash_of WORD…: of an unpacked system's name.
hash_of() { printf '%s\n' "$@" | sha256sum | cut -c 1-12; }

# clean_root SUITE: a system as users have, packed, is $clean_root. The kernel of its headers, which is
# not installed in it, is one that tests/vm/kernel knows as $clean_kernel.
clean_root()
{
	local suite=$1 packages folder env
	read -ra packages <<<"${needed[$suite]:?no such suite}"
	packages=("${common[@]}" "${packages[@]}")
	clean_kernel=$suite-$(hash_of "${packages[@]}")
	clean_root=$cache/roots/$clean_kernel.tar
	folder=$cache/kernels/$clean_kernel
	env=$folder.env
	lock "root-$suite"
	[ ! -e "$env" ] || [ ! -e "$clean_root" ] || return 0
	rm -rf "$folder" && mkdir -p "$folder" "$cache/roots"
	# shellcheck disable=SC2016
	kernel_folder=$folder unpack "$suite" "$clean_root" "${packages[@]}" -- --customize-hook='
		release=$(cd "$1/lib/modules" && echo *-cloud-amd64)
		cd "$kernel_folder"
		APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q download "linux-image-$release" >&2
		dpkg-deb -x linux-image-*.deb . && rm linux-image-*.deb'
	set -- "$folder"/boot/vmlinuz-*
	cat >"$env.new" <<-END
		KERNEL_RELEASE=${1##*/vmlinuz-}
		KERNEL_IMAGE=$1
		KERNEL_MODULES=$(find "$folder" -type d -path "*/lib/modules/${1##*/vmlinuz-}")
	END
	mv "$env.new" "$env"
}

# build_root SUITE: where packages are built and checked, a folder that nobody writes to: $build_root.
build_root()
{
	local suite=$1 packages
	mapfile -t packages < <("$top/tests/vm/deps" --list deb)
	build_root=$cache/roots/$suite-build-$(hash_of "${packages[@]}")
	lock "root-$suite-build"
	[ ! -e "$build_root" ] || return 0
	rm -rf "$build_root.new"
	unpack "$suite" "$build_root.new" "${packages[@]}"
	rm -rf "$build_root.new"/var/{cache,lib}/apt/*
	mv "$build_root.new" "$build_root"
}

# within ROOT FOLDER COMMAND…: runs it in a system that sees FOLDER as /mnt, where it begins.
within()
{
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child sh -euc '
		mount -t proc proc "$1/proc"
		mount --bind "$2" "$1/mnt"
		root=$1
		shift 2
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ="${TZ-}" \
			chroot "$root" sh -euc "cd /mnt && exec \"\$@\"" sh "$@"
	' sh "$@"
}
