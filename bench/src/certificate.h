/* The run's own certificate: P-256, self-signed, for bench.test. Written once per run. */
#ifndef BENCH_CERTIFICATE_H
#define BENCH_CERTIFICATE_H

/* Writes cert.pem, key.pem and both.pem (certificate and key, as HAProxy wants) into the directory.
 */
void bench_certificate_write(const char *directory);

/* Links the three files into another directory, so that each contender has them beside its
 * configuration. */
void bench_certificate_link(const char *from, const char *to);

#endif
