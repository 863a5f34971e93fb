/* Memory that lies free in a list or a block of our own is out of bounds for AddressSanitizer too.
 * Without the sanitizer these are nothing. Whoever marks memory unusable makes it usable again
 * before it is handed out or becomes another owner's (rw_free does so by itself). */
#ifndef RW_BASE_POISON_H
#define RW_BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define RW_POISON(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define RW_UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define RW_POISON(at, bytes) ((void)(at), (void)(bytes))
#define RW_UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

#endif
