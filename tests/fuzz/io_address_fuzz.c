/* Any text: parsed or refused; what is parsed formats to a text that parses to the same address. */
#include "io/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_address address, again;
    char text[RW_ADDRESS_TEXT_MAX], host[RW_ADDRESS_HOST_TEXT_MAX];
    if (rw_address_parse(rw_span((const char *)data, size), &address))
        return 0;
    size_t len = rw_address_format(text, &address.storage);
    rw_assert(len <= sizeof(text));
    rw_assert(rw_address_parse(rw_span(text, len), &again) == RW_OK);
    rw_assert(rw_address_eq(&address.storage, &again.storage) && address.bytes == again.bytes);
    rw_assert(rw_address_format_host(host, rw_address_sockaddr(&address)) <= sizeof(host));
    return 0;
}
