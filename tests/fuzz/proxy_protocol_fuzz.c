/* Any bytes: a header or none. A header never depends on what follows it, nothing is said before
 * its last byte, and what it says can be said again. */
#include "http/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct rw_proxy_header *header, unsigned version)
{
    struct rw_proxy_header again;
    const char *reason;
    char text[RW_PROXY_WRITE_BYTES_MAX];
    size_t len = rw_proxy_write(text, version, (const struct sockaddr *)&header->source,
                                (const struct sockaddr *)&header->destination);
    rw_assert(len <= sizeof(text));
    rw_assert(rw_proxy_parse(rw_span(text, len), &again, &reason) == RW_PROXY_COMPLETE);
    rw_assert(again.bytes == len && again.version == version);
    bool told = header->source.ss_family == AF_INET || header->source.ss_family == AF_INET6;
    rw_assert(again.local == !told);
    if (!told)
        return;
    rw_assert(memcmp(&again.source, &header->source, sizeof(again.source)) == 0);
    rw_assert(memcmp(&again.destination, &header->destination, sizeof(again.destination)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span bytes = rw_span((const char *)data, size);
    struct rw_proxy_header header, shorter;
    const char *reason;
    enum rw_proxy_result result = rw_proxy_parse(bytes, &header, &reason);
    if (result == RW_PROXY_BAD)
        rw_assert(*reason);
    if (result == RW_PROXY_INCOMPLETE)
        rw_assert(size < RW_PROXY_HEADER_BYTES_MAX);
    if (result != RW_PROXY_COMPLETE)
        return 0;
    rw_assert(header.bytes <= size && header.bytes <= RW_PROXY_HEADER_BYTES_MAX);
    rw_assert(rw_proxy_parse(rw_span(bytes.at, header.bytes), &shorter, &reason) == result);
    for (size_t len = 0; len < header.bytes && len < 300; len++)
        rw_assert(rw_proxy_parse(rw_span(bytes.at, len), &shorter, &reason) == RW_PROXY_INCOMPLETE);
    check_again(&header, 1);
    check_again(&header, 2);
    return 0;
}
