#!/bin/sh
# Evaluates a router's firmware image that is put together from real Debian packages.
# Where there is no apt, wheels with native libraries are evaluated instead.
set -eu
cd "$(dirname "$0")/.."

echo "demo: a router image is put together from Debian packages (the first time alone)" >&2
if image=$(.venv/bin/python -m tests.corpus router armhf); then
    set -- "$image" --vendor Acme --product AR-1000 --release R22
else
    echo "demo: no router image can be built here (see above): evaluating wheels from PyPI instead" >&2
    wheels=$(.venv/bin/python -m tests.corpus wheels)
    set -- "$wheels" --vendor PyPI --product wheels --release today
fi
exec .venv/bin/assay evaluate "$@" --out report --workspace .workspace
