# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What every script of the VM harness shares: where things are and how to stop.
# Nothing outside $top/build and the cache is ever written.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${AAEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aael}
build=${AAEL_BUILD:-$top/build}
export LC_ALL=C.UTF-8

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die()
{
	say "$*"
	exit 1
}

# lock NAME: one process at a time prepares NAME in the cache; held until exit. What
# takes longest is to build the debug kernel, on a slow machine more than half an hour.
lock()
{
	mkdir -p "$cache/locks"
	exec {lock_fd}>"$cache/locks/$1"
	flock -w 5400 "$lock_fd" || die "another process holds $cache/locks/$1"
}

# mirror: the Debian mirror that this machine's own apt uses; nothing without package lists.
mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1
}

# apt_suite SUITE ARGS…: apt-get on one suite alone, with sources, state and
# cache of its own under the cache, so that the host's apt is not changed.
# Signatures are checked against Debian's archive keyring.
apt_suite()
{
	local suite=$1 dir=$cache/apt/$1 uri source keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	shift
	uri=$(mirror)
	if [ -z "$uri" ]; then
		apt-get -q update </dev/null >&2 || true
		uri=$(mirror)
	fi
	[ -n "$uri" ] || { say "apt knows no Debian mirror"; return 1; }
	source="deb [signed-by=$keyring] $uri $suite main"
	if [ "$(cat "$dir/sources.list" 2>/dev/null)" != "$source" ]; then
		mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
		: >"$dir/status"
		echo "$source" >"$dir/sources.list.new"
		mv "$dir/sources.list.new" "$dir/sources.list"
	fi
	apt-get -q -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$dir" -o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o APT::Default-Release= -o APT::Sandbox::User=root \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o APT::Update::Error-Mode=any "$@"
}

# apt_show SUITE PACKAGE: its control data in that suite's index.
apt_show()
{
	local dir=$cache/apt/$1
	apt-cache -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$dir" -o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status" \
		-o Dir::Cache="$dir/cache" "${@:3}" show --no-all-versions "$2"
}
