/* Within intake: what the YAML reader and the reader of the questionnaire share. */
#ifndef RW_PLAN_INTAKE_READER_H
#define RW_PLAN_INTAKE_READER_H

#include "plan/intake/intake.h"

struct rw_intake_reader {
    struct rw_intake *intake;
    struct rw_conf_report *report;
    enum rw_err err;
};

/* A mistake in the language of the report; both formats take the same arguments. */
#define rw_intake_tell(report, place, en, zh, ...)                                                 \
    rw_conf_mistake_at(report, place, (report)->voice == RW_CONF_VOICE_CHINESE ? (zh) : (en),      \
                       ##__VA_ARGS__)

/* What a message calls a field: its key, or what it is in Chinese. */
const char *rw_intake_called(const struct rw_conf_report *report,
                             const struct rw_intake_field *field);

/* An empty intake: one row for each section that is no list. */
RW_MUST_CHECK enum rw_err rw_intake_begin(struct rw_intake *intake, const char *name);

/* A further row of a list; NULL after an error (kept in reader->err) or at the limit (told). */
struct rw_intake_row *rw_intake_add_row(struct rw_intake_reader *reader,
                                        const struct rw_intake_section *section,
                                        struct rw_conf_place place);

struct rw_intake_value *rw_intake_slot(struct rw_intake_row *row,
                                       const struct rw_intake_field *field);
struct rw_intake_row *rw_intake_single(struct rw_intake *intake,
                                       const struct rw_intake_section *section);

/* Puts the texts (at `places`) into the value by the field's kind, or tells what is wrong. */
void rw_intake_put(struct rw_intake_reader *reader, struct rw_intake_value *value,
                   const struct rw_span *texts, const struct rw_conf_place *places, size_t count);

/* "未知", "unknown", "n/a"... */
bool rw_intake_is_unknown(struct rw_span text);

void rw_intake_read_yaml(struct rw_intake_reader *reader, struct rw_span text, const char *name);
void rw_intake_read_questionnaire(struct rw_intake_reader *reader, struct rw_span text);
/* Whether it is the questionnaire rather than YAML. */
bool rw_intake_is_questionnaire(struct rw_span text);

#endif
