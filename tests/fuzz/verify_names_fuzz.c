/* Any bytes as a message to the name server of verify: the reply has the form of one, and never
 * more than its room. The first byte chooses how it is disturbed. */
#include "verify/fault/names.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rw_names_record records[] = {
        {.name = "shop.example", .address = {.storage = {.ss_family = AF_INET}}},
        {.name = "shop.example", .address = {.storage = {.ss_family = AF_INET6}}},
        {.name = "_http._tcp.shop.example",
         .address = {.storage = {.ss_family = AF_INET}},
         .target = "shop.example"},
    };
    ((struct sockaddr_in *)&records[2].address.storage)->sin_port = htons(80);
    const struct rw_names_zone zone = {.records = records, .count = 3, .ttl_s = 1};
    if (size == 0)
        return 0;
    /* Exactly as large as it may be, so that a sanitizer sees one byte too far. */
    char *reply = malloc(RW_NAMES_REPLY_MAX);
    struct rw_span message = rw_span((const char *)data + 1, size - 1);
    bool disturbed;
    if (!reply)
        abort();
    size_t len = rw_names_reply(&zone, data[0] % 5, message, reply, &disturbed);
    if (len > RW_NAMES_REPLY_MAX || (len && len < 12))
        abort();
    if (len && (memcmp(reply, message.at, 2) != 0 || !(reply[2] & 0x80)))
        abort();
    free(reply);
    return 0;
}
