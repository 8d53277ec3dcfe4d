#!/bin/sh
# Sets everything up: Debian packages (where apt can), then .venv with Assay and what it needs.
# Does nothing that is done already.
set -eu
cd "$(dirname "$0")/.."

system_packages() {
    wanted=$(grep -v '^#' scripts/packages.txt)
    if ! command -v dpkg-query >/dev/null; then
        echo "setup: no dpkg here. Please install by hand what these Debian packages hold:" >&2
        echo "$wanted" | tr '\n' ' ' >&2
        echo >&2
        return
    fi
    missing=""
    for package in $wanted; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -z "$missing" ] && return
    if [ "$(id -u)" -eq 0 ]; then
        become=""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        become="sudo"
    else
        echo "setup: these packages are missing and this user may not install them. As root:" >&2
        echo "    apt-get install$missing" >&2
        echo "setup: going on without them; \`assay doctor\` says what that costs." >&2
        return
    fi
    echo "setup: installing$missing" >&2
    # shellcheck disable=SC2086
    { $become apt-get -qq update || true; } </dev/null >&2
    # shellcheck disable=SC2086
    $become env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y --no-install-recommends install $missing </dev/null >/dev/null || {
        echo "setup: apt-get could not install$missing; going on without" >&2
    }
}

python_packages() {
    lock=$(cat requirements.lock pyproject.toml | sha256sum | cut -d ' ' -f 1)
    [ -x .venv/bin/assay ] && [ "$(cat .venv/lock 2>/dev/null)" = "$lock" ] && return
    python=""
    for candidate in python3.11 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || { echo "setup: Python 3.11 or newer with venv is needed" >&2; exit 1; }
    echo "setup: making .venv with $python" >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$lock" > .venv/lock
}

system_packages
python_packages
