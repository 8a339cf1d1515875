#!/bin/bash
# A guest's way through a release that customers have not met: looks around, fills a cart, buys, and finds the order again.
# PREVIEW_URL (http://host:port) says where. Needs bash and nothing else. Ends with 1 and a sentence when something is wrong.
set -u
address=${PREVIEW_URL:?http://host:port of the shop}
address=${address#http://}
address=${address%%/*}
guest=preview-$(date +%s)-$RANDOM$RANDOM$RANDOM

# ask STATUS METHOD PATH [BODY]: leaves what came back in `answer`; ends everything when the status is another one.
ask() {
    local body=${4:-} status
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}" || fail "nobody listens at $address"
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nX-Cart-Id: %s\r\nIdempotency-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
        "$2" "$3" "$address" "$guest" "$guest" "${#body}" "$body" >&3
    answer=$(tr -d '\0' <&3)
    exec 3>&-
    status=${answer#* }
    [ "${status%% *}" = "$1" ] || fail "$2 $3 gives ${status%% *} instead of $1: ${answer##*$'\r\n\r\n'}"
}

# says WORD: what came back must hold it.
says() {
    [[ $answer == *"$1"* ]] || fail "the answer does not say $1: ${answer##*$'\r\n\r\n'}"
}

fail() {
    echo "$1" >&2
    exit 1
}

ask 200 GET /
says '<html'
ask 200 GET '/api/v1/products?limit=1'
[[ $answer =~ \"sku\":\"([A-Z0-9-]+)\" ]] || fail "no product is for sale"
sku=${BASH_REMATCH[1]}
ask 200 GET "/products/$sku"
ask 200 POST /api/v1/cart/items "{\"sku\":\"$sku\",\"quantity\":1}"
ask 200 GET /api/v1/cart
says "\"$sku\""
ask 201 POST /api/v1/checkout '{"email":"preview@example.com","address":{"name":"Erika Muster","street":"Hafenstr. 7","postcode":"20359","city":"Hamburg","country":"DE"},"payment":{"card":"4242424242424242"}}'
says '"status":"paid"'
[[ $answer =~ \"id\":\"([0-9a-f-]+)\" ]] || fail "the order has no id"
ask 200 GET "/api/v1/orders/${BASH_REMATCH[1]}"
says '"status":"paid"'
echo "a guest bought $sku"
