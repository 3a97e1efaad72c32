#!/bin/sh
# Installs gossipcheckd and gcheck from a base URL that holds, for each platform, a folder with both
# executables and their SHA256SUMS as `deno task compile` writes them:
#
#   curl -fsSL "$URL/install.sh" | GOSSIPCHECK_BASE_URL="$URL" sh
#
#   GOSSIPCHECK_BASE_URL     base URL, such as https://host/path
#   GOSSIPCHECK_INSTALL_DIR  directory to install to; default /usr/local/bin for root, else ~/.local/bin
#
# Nothing is installed before both files are downloaded and their checksums are verified. The script is
# one function that the last line calls, so that a partial download of the script does nothing.
set -eu

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

# Prints the folder of this platform, named by the target triple of Rust and Deno.
platform() {
  system=$(uname -s)
  machine=$(uname -m)
  [ "$system" = Linux ] ||
    fail "$system is not supported: executables exist for Linux only; run from source with Deno"
  case $machine in
    x86_64 | amd64)
      machine=x86_64
      loader=/lib64/ld-linux-x86-64.so.2
      ;;
    aarch64 | arm64)
      machine=aarch64
      loader=/lib/ld-linux-aarch64.so.1
      ;;
    *) fail "the processor $machine is not supported: executables exist for x86_64 and aarch64" ;;
  esac
  [ -e "$loader" ] ||
    fail "$loader does not exist: the executables need glibc (musl, as on Alpine, is not supported)"
  printf '%s-unknown-linux-gnu\n' "$machine"
}

# fetch URL FILE: downloads a file
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1" || fail "cannot download $1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 20 -O "$2" "$1" || fail "cannot download $1"
  else
    fail "neither curl nor wget was found: install one of them"
  fi
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else
    fail "neither sha256sum nor openssl was found: install one of them to verify the download"
  fi
}

# verify NAME: checks the SHA-256 of a downloaded file
verify() {
  wanted=$(awk -v name="$1" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS does not list $1: nothing was installed"
  found=$(sha256_of "$work/$1")
  [ "$found" = "$wanted" ] ||
    fail "$1: its SHA-256 is $found, expected $wanted as in SHA256SUMS: nothing was installed"
}

# Installs both files by rename, each atomically; if the second fails, the first is rolled back.
replace_both() {
  for name in gossipcheckd gcheck; do
    [ ! -d "$directory/$name" ] || fail "$directory/$name is a folder: nothing was installed"
  done
  if [ -e "$directory/gossipcheckd" ]; then
    cp -p "$directory/gossipcheckd" "$work/gossipcheckd.old"
  fi
  mv -f "$work/gossipcheckd" "$directory/gossipcheckd"
  if ! mv -f "$work/gcheck" "$directory/gcheck"; then
    if [ -e "$work/gossipcheckd.old" ]; then
      mv -f "$work/gossipcheckd.old" "$directory/gossipcheckd"
    else
      rm -f "$directory/gossipcheckd"
    fi
    fail "cannot write $directory/gcheck: nothing was installed"
  fi
}

main() {
  base=${GOSSIPCHECK_BASE_URL:-}
  [ -n "$base" ] || fail "GOSSIPCHECK_BASE_URL is not set: set it to the URL of the executables"
  if [ -n "${GOSSIPCHECK_INSTALL_DIR:-}" ]; then
    directory=$GOSSIPCHECK_INSTALL_DIR
  elif [ "$(id -u)" = 0 ]; then
    directory=/usr/local/bin
  else
    directory=${HOME:?install.sh: HOME is not set: set GOSSIPCHECK_INSTALL_DIR}/.local/bin
  fi
  target=$(platform)

  mkdir -p "$directory" || fail "cannot create $directory: set GOSSIPCHECK_INSTALL_DIR to a writable directory"
  # In the destination directory, so that the rename stays within one file system.
  work=$(mktemp -d "$directory/.gossipcheck-install.XXXXXX") ||
    fail "cannot write to $directory: set GOSSIPCHECK_INSTALL_DIR to a writable directory"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  for name in SHA256SUMS gossipcheckd gcheck; do
    fetch "${base%/}/$target/$name" "$work/$name"
  done
  for name in gossipcheckd gcheck; do
    verify "$name"
    chmod 755 "$work/$name"
  done
  replace_both

  printf 'installed %s and %s\n' "$directory/gossipcheckd" "$directory/gcheck"
  case :${PATH:-}: in
    *":$directory:"*) ;;
    *) printf '%s is not on PATH: add it to your profile\n' "$directory" ;;
  esac
}

main "$@"
