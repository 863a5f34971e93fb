#include "plan/intake/measured_day.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS 86400.0

/* Of a row: with fewer its rate is more chance than load. */
enum { REQUESTS_MIN = 1000 };

double rw_measured_number(const struct rw_conf_node *map, const char *key)
{
    struct rw_span text = rw_conf_tree_text(map, key);
    char *end = NULL;
    double value = text.len ? strtod(text.at, &end) : NAN;
    return end && *end == 0 ? value : NAN;
}

bool rw_measured_is_day(const struct rw_conf_node *root)
{
    return rw_span_is(rw_conf_tree_text(root, "schema"), "ringway.simulated/1");
}

struct rw_label rw_measured_day(const struct rw_conf_node *root, struct rw_measured_day *day)
{
    const struct rw_conf_entry *row = rw_conf_tree_entries(rw_conf_tree_at(root, "timeline"));
    double seconds = 0, arrived = 0, before = NAN, steepest = 0, busiest_count = 0;
    *day = (struct rw_measured_day){0};
    for (; row; row = row->next) {
        double span = rw_measured_number(row->node, "seconds"),
               count = rw_measured_number(row->node, "arrived");
        if (!(span > 0) || !(count >= 0))
            return RW_TEXTS("has rows without numbers", "含有缺少数字的行");
        double rate = count / span;
        if (rate - before > steepest * span)
            steepest = (rate - before) / span;
        if (rate > day->busiest) {
            day->busiest = rate;
            busiest_count = count;
        }
        before = rate;
        seconds += span;
        arrived += count;
    }
    if (!(seconds >= DAY_SECONDS))
        return RW_TEXTS("simulates less than a day, so it does not know a day's mean",
                        "模拟不足一天，无法得出日均值");
    if (busiest_count < REQUESTS_MIN)
        return RW_TEXTS("has fewer than 1,000 requests in its busiest row: its peak is chance",
                        "最忙时段不足 1,000 次请求：峰值只是偶然");
    day->mean = arrived / seconds;
    day->rise = steepest / day->busiest;
    day->hours = seconds / 3600;
    return (struct rw_label){NULL, NULL};
}
