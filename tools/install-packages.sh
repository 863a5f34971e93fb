#!/bin/sh
# Installs what a task needs and is not there yet: tools/install-packages.sh SET...
# The sets are in tools/packages.txt. Needs root or sudo only when something is missing.
# Services that come with a package (nginx, haproxy) are not started: the tests run their own.
set -eu

here=$(dirname "$0")
if [ $# -eq 0 ]; then
    echo "usage: $0 SET... (sets: $(awk '/^[a-z]/ {print $1}' "$here/packages.txt" | sort -u | tr '\n' ' '))" >&2
    exit 2
fi

wanted=
for set in "$@"; do
    packages=$(awk -v set="$set" '$1 == set && NF == 2 {print $2}' "$here/packages.txt")
    [ -n "$packages" ] || { echo "$0: unknown set: $set" >&2; exit 2; }
    # Node from elsewhere brings an npm of its own, and refuses to stand beside Debian's.
    unless=$(awk -v set="$set" '$1 == set && NF == 3 {print $2 ":" $3}' "$here/packages.txt")
    for pair in $unless; do
        command -v "${pair#*:}" >/dev/null || packages="$packages ${pair%%:*}"
    done
    wanted="$wanted $packages"
done
wanted=$(printf '%s\n' $wanted | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system. The packages needed, by their Debian names:" $wanted >&2
    exit 0
fi

is_installed()
{
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

missing=
for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing packages, and neither root nor sudo to install them:$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

# While this file says no, maintainer scripts start no service. One that is there already stays.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
made_policy=
clean_up()
{
    rm -f "$log"
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    made_policy=yes
    $as_root chmod 755 "$policy"
fi

quietly()
{
    if ! $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "failed: $*" >&2
        return 1
    fi
}

install()
{
    quietly apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 $missing
}

echo "Installing:$missing"
# The package lists may be missing or old: fetch them when there are none, or when they fail.
if apt-cache show $missing >/dev/null 2>&1 && install 2>/dev/null; then
    :
else
    quietly apt-get update -q
    install
fi

# Nor do the services start at the next boot, if it is we who brought them.
for service in nginx haproxy; do
    case "$missing " in
    *" $service "*)
        if command -v systemctl >/dev/null; then
            $as_root systemctl disable --quiet "$service" >/dev/null 2>&1 || true
        fi
        ;;
    esac
done
