/* Files, as the file system tells of them. */
#ifndef RW_BASE_FILE_H
#define RW_BASE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/* Is it the same file, and has nobody written to it between the two looks? A write within the
 * clock's step (some ms) of the first look that leaves the size is not seen. */
bool rw_file_same(const struct stat *a, const struct stat *b);

#endif
