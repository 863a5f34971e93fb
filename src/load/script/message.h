/* Messages that are not text: from what a scenario file says to the bytes that are sent.
 *
 * A step's body is a template; when it has been filled in (or, if it is constant, when the file is
 * read) rw_load_message_put makes the bytes. The fields of a message of protocol buffers are JSON
 * by numbers, so no description of them is needed:
 *
 *     {"1": "Ann", "2": 7, "3": {"1": true}, "4": ["a", "b"], "5:sint": -1, "6:bytes": "AAE="}
 *
 * A string is one, an integer a varint, a number with a point a double, an object a message within,
 * a list the field repeated. After ":" stands a type that JSON does not tell: sint (zigzag), bytes
 * (base64), float, double, fixed32, fixed64. Any thread.
 */
#ifndef RW_LOAD_SCRIPT_MESSAGE_H
#define RW_LOAD_SCRIPT_MESSAGE_H

#include "http/h1.h"
#include "load/script/script.h"

/* A message of protocol buffers with gRPC's five bytes before it. */
void rw_load_grpc_put(struct rw_span message, struct rw_h1_out *out);

/* Appends `text` in that form to `out`, whose `overflow` tells when it does not fit. NULL, or what
 * is wrong with the text, as static words. */
const char *rw_load_message_put(enum rw_load_form form, struct rw_span text, struct rw_h1_out *out);

#endif
