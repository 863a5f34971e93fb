/* One access record as a line of JSON. Called by rw_access_write on the worker thread, with room in
 * the ring behind it; apart from it for tests and the fuzzer. */
#ifndef RW_WATCH_ACCESS_LINE_H
#define RW_WATCH_ACCESS_LINE_H

#include "watch/access.h"

/* The last time text, of which most lines need but other milliseconds. Zeroed at start, one thread.
 */
struct rw_access_clock {
    uint64_t second; /* since 1970, plus one; 0: none yet */
    char text[24];   /* RFC 3339, up to the milliseconds */
};

enum {
    /* Keys, numbers, address, and the slack that copying in blocks needs. */
    RW_ACCESS_LINE_FIXED_BYTES = 1056,
    /* Every byte of a text can become six (\u001f). Eleven texts besides the path and the labels.
     */
    RW_ACCESS_LINE_BYTES_MAX =
        RW_ACCESS_LINE_FIXED_BYTES +
        6 * (RW_ACCESS_PATH_BYTES_MAX + 11 * RW_ACCESS_TEXT_BYTES_MAX) +
        6 * (RW_ACCESS_PLACE_BYTES_MAX + RW_ACCESS_FAULT_BYTES_MAX + 4 * RW_ACCESS_LABEL_BYTES_MAX)
};

/* Room that the record's line may need, at most RW_ACCESS_LINE_BYTES_MAX. */
size_t rw_access_line_room(const struct rw_access_record *record);

/* Writes the line with its newline; returns its length. Bytes behind it, within the room, may be
 * overwritten. */
size_t rw_access_line(char *to, struct rw_access_clock *clock,
                      const struct rw_access_record *record);

#endif
