#!/bin/sh
# Certificates for tests, made afresh in DIRECTORY: make.sh DIRECTORY
#   ca.pem, other-ca.pem    two authorities that do not know each other
#   NAME.pem, NAME.key      certificates, most of them by ca
set -eu
directory=${1:?usage: make.sh DIRECTORY}
mkdir -p "$directory"
cd "$directory"
exec >make.log 2>&1

# new_key NAME KIND
new_key()
{
    case $2 in
    ec) openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" ;;
    rsa) openssl genrsa -out "$1.key" 2048 ;;
    ed25519) openssl genpkey -algorithm ed25519 -out "$1.key" ;;
    esac
}

# authority NAME
authority()
{
    new_key "$1" ec
    openssl req -x509 -new -key "$1.key" -subj "/O=Ringway Tests/CN=$1" -days 30 -out "$1.pem"
}

# certificate NAME KIND AUTHORITY EXTENSIONS [OPTION...]
certificate()
{
    name=$1 kind=$2 authority=$3
    printf '%b' "$4" >"$name.ext"
    shift 4
    [ -e "$name.key" ] || new_key "$name" "$kind"
    openssl req -new -key "$name.key" -subj "/O=Ringway Tests/CN=$name" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key" \
        -CAcreateserial -extfile "$name.ext" -out "$name.pem" "$@"
}

authority ca
authority other-ca
certificate usual ec ca 'subjectAltName=DNS:usual.example,DNS:localhost,IP:127.0.0.1' -days 30
certificate exact-ec ec ca 'subjectAltName=DNS:exact.example' -days 30
certificate exact-rsa rsa ca 'subjectAltName=DNS:exact.example' -days 30
certificate wild ed25519 ca 'subjectAltName=DNS:*.wild.example' -days 30
certificate named ec ca 'subjectAltName=DNS:named.wild.example' -days 30
certificate foreign ec other-ca 'subjectAltName=DNS:usual.example' -days 30
certificate expired ec ca 'subjectAltName=DNS:usual.example' -days -1
certificate nameless ec ca 'basicConstraints=CA:FALSE' -days 30
certificate client ec ca 'subjectAltName=URI:spiffe://example/agent,email:agent@client.example,DNS:client.example\nextendedKeyUsage=clientAuth' -days 30
certificate stranger ec other-ca 'extendedKeyUsage=clientAuth' -days 30

# A leaf behind an intermediate.
new_key middle ec
certificate middle ec ca 'basicConstraints=critical,CA:TRUE' -days 30
certificate leaf ec middle 'subjectAltName=DNS:leaf.example' -days 30
cat leaf.pem middle.pem >leaf-chain.pem

openssl pkcs8 -topk8 -in usual.key -passout pass:secret -out locked.key
echo 'nothing of the kind' >empty.pem
{ echo '-----BEGIN CERTIFICATE-----'; echo 'AAAA'; echo '-----END CERTIFICATE-----'; } >broken.pem
