/* The `files` origin: files below one directory, for GET and HEAD.
 *
 * The directory is opened when the configuration is compiled, and every path is resolved by the
 * kernel below that descriptor (openat2 with RESOLVE_BENEATH): neither ".." nor a symbolic link
 * leads out of it. Where the route's path ends in "*", the path of the file is what stands behind
 * that; else it is the whole path of the request; after a rewrite, the rewritten path.
 *
 * Files are read on the worker thread, 256 KiB at a time: from the page cache in the usual case; a
 * disk that is slow holds up the thread for as long as it takes. After FILES_PIECES_PER_TURN of
 * them the loop's other connections have their turn. */
#ifndef RW_ORIGIN_FILES_H
#define RW_ORIGIN_FILES_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_files;

#endif
