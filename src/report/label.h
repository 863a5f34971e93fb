/* Text for people in the planner: both languages side by side in one entry, so that neither is
 * forgotten. A label's texts are literals or live in the sheet's arena. */
#ifndef RW_REPORT_LABEL_H
#define RW_REPORT_LABEL_H

enum rw_language { RW_LANGUAGE_EN, RW_LANGUAGE_ZH };

struct rw_label {
    const char *en, *zh; /* both or neither; UTF-8 */
};

/* Initialises a label: {.label = RW_LABEL("Users", "用户数")}. */
#define RW_LABEL(english, chinese)                                                                 \
    {                                                                                              \
        .en = (english), .zh = (chinese)                                                           \
    }

/* The same as a value, for an argument. */
#define RW_TEXTS(english, chinese) ((struct rw_label)RW_LABEL(english, chinese))

static inline const char *rw_label_in(struct rw_label label, enum rw_language language)
{
    const char *text = language == RW_LANGUAGE_ZH ? label.zh : label.en;
    return text ? text : "";
}

#endif
