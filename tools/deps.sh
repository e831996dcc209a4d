#!/bin/sh
# Installs the Debian packages named as arguments, as far as they are missing.
# Says which are; uses apt-get where it may (root, or sudo that asks for no
# password), else prints the one line to type. On a system without dpkg it
# names what is needed, and looks for it with pkg-config and in PATH.
set -u

has_debian_package() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# What a package stands for, where packages have other names.
has_elsewhere() {
  case $1 in
    gcc) command -v "${CC:-cc}" >/dev/null ;;
    pkg-config | make | cppcheck | valgrind | clang-format | clang-tidy)
      command -v "$1" >/dev/null ;;
    lua5.4) command -v "${LUA:-lua5.4}" >/dev/null ;;
    rtpengine-daemon) command -v rtpengine >/dev/null ;;
    sipvicious) command -v svmap >/dev/null ;;
    sip-tester) command -v sipp >/dev/null ;;
    iproute2) command -v ip >/dev/null ;;
    lua-check) command -v luacheck >/dev/null ;;
    lua-busted) "${LUA:-lua5.4}" -e 'require "busted"' 2>/dev/null ;;
    lua-luv) "${LUA:-lua5.4}" -e 'require "luv"' 2>/dev/null ;;
    liblua5.4-dev) pkg-config --exists lua5.4 || pkg-config --exists lua ;;
    libuv1-dev) pkg-config --exists libuv ;;
    libosip2-dev) pkg-config --exists libosip2 ;;
    libssl-dev) pkg-config --exists libcrypto ;;
    libcmocka-dev) pkg-config --exists cmocka ;;
    *) true ;;
  esac
}

# A package list may be absent (a fresh container) or out of date.
apt_install() {
  # shellcheck disable=SC2086
  run="$1 env DEBIAN_FRONTEND=noninteractive apt-get -q -y
    -o DPkg::Lock::Timeout=300"
  shift
  $run install --no-install-recommends "$@" ||
    { $run update && $run install --no-install-recommends "$@"; }
}

missing=
if command -v dpkg-query >/dev/null; then
  for package; do
    has_debian_package "$package" || missing="$missing $package"
  done
else
  for package; do
    has_elsewhere "$package" || missing="$missing $package"
  done
  [ -z "$missing" ] && exit 0
  echo "Not found here, by the names Debian gives them:$missing"
  exit 1
fi
[ -z "$missing" ] && exit 0

echo "Missing Debian packages:$missing"
# shellcheck disable=SC2086
if [ "$(id -u)" = 0 ]; then
  apt_install '' $missing
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  apt_install 'sudo -n' $missing
else
  echo "Install them with:"
  echo "  sudo apt-get install$missing"
  exit 1
fi || {
  echo "apt-get failed; the packages are:$missing" >&2
  exit 1
}
