/* What the machine has at this moment. Any thread. */
#ifndef RW_IO_HOST_H
#define RW_IO_HOST_H

#include "io/address.h"

/* Could a socket be bound to it? Its port does not matter, nor whether others use that. An address
 * that cannot be asked about (a family that the kernel lacks, no descriptor) counts as had; a Unix
 * socket, too. */
bool rw_host_has_address(const struct rw_address *address);

bool rw_host_has_interface(const char *name);

#endif
