/* A part of the gateway alone, in a program of its own that prints one number. */
#include "cases.h"
#include "run.h"

#include <stdio.h>

bool bench_measure_limit_check(struct bench_laboratory *laboratory, const struct bench_case *each,
                               struct bench_instance *instance, struct bench_sample *sample)
{
    (void)instance;
    char command[512];
    snprintf(command, sizeof command, "taskset -c %d '%s/bench_limit_check' %ld",
             BENCH_GATEWAY_CORE, laboratory->programs, bench_run_ms(each));
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        return false;
    }
    bool read = fscanf(pipe, "%lf", &sample->value) == 1;
    return pclose(pipe) == 0 && read;
}
