/* The words that a proposal itself brings along (what comes from the plan has its own): for each
 * one entry with the Chinese and the English beside each other. {0}, {1}... stand for what is
 * filled in.
 *
 * Chapters have theirs in chapter_texts.h, in the same form.
 */
#ifndef RW_REPORT_TEXTS_H
#define RW_REPORT_TEXTS_H

#include "base/span.h"
#include "report/label.h"

#define RW_REPORT_TEXTS(X)                                                                         \
    X(LANGUAGE_TAG, "zh-Hans", "en")                                                               \
    X(TABLE_NUMBER, "表 ", "Table ")                                                               \
    X(CHART_NUMBER, "图 ", "Figure ")                                                              \
    X(COLON, "：", ": ")                                                                           \
    X(OPEN_FIGURE, "查看出处", "show the source")                                                  \
    X(CONTENTS, "目录", "Contents")                                                                \
    X(SKIP, "跳到正文", "Skip to the text")                                                        \
    X(TOTAL, "合计", "Total")                                                                      \
    X(UNIT, "单位", "Unit")                                                                        \
    X(VALUE, "数值", "Value")                                                                      \
    X(ORIGIN, "来历", "Origin")                                                                    \
    X(FORMULA, "公式", "Formula")                                                                  \
    X(INPUTS, "输入", "Inputs")                                                                    \
    X(SOURCE, "出处", "Source")                                                                    \
    X(REASON, "理由", "Reason")                                                                    \
    X(HOW, "公式、出处或理由", "Formula, source or reason")                                        \
    X(CELL, "编号", "Cell")                                                                        \
    X(CLOSE, "关闭", "Close")                                                                      \
    X(GIVEN, "客户给出", "given")                                                                  \
    X(ASSUMED, "假设", "assumed")                                                                  \
    X(MEASURED, "实测", "measured")                                                                \
    X(DATA, "公开数据", "data")                                                                    \
    X(COMPUTED, "计算", "computed")                                                                \
    X(MISSING, "缺价", "missing")                                                                  \
    X(MISSING_VALUE, "缺失", "missing")                                                            \
    X(DATA_TABLE, "图中数据", "The figures of this chart")                                         \
    X(REGION, "区域", "region")                                                                    \
    X(PLAN_DATE, "方案日期", "Date of the plan")                                                   \
    X(OPENS, "点按任一带下划线的数字，可看到它的公式、输入与出处。",                               \
      "Open any underlined figure to see its formula, its inputs and its sources.")                \
    X(PHASE, "阶段", "Phase")                                                                      \
    X(START, "开始", "Start")                                                                      \
    X(END, "结束", "End")                                                                          \
    X(CRITICAL, "关键路径", "critical path")                                                       \
    X(LOW, "下限", "Low")                                                                          \
    X(HIGH, "上限", "High")                                                                        \
    X(HOW_OFTEN, "次数", "Draws")                                                                  \
    X(FROM, "自", "From")                                                                          \
    X(TO, "至", "To")                                                                              \
    X(LABEL, "项目", "Item")                                                                       \
    X(LEGEND_RESIDENT, "数据所属法域", "law the data stays under")                                 \
    X(LEGEND_DOMAIN, "独立故障域", "failure domain")                                               \
    X(LEGEND_NEW, "新增", "new")                                                                   \
    X(LEGEND_GONE, "退役", "retired")

enum rw_report_word {
#define RW_REPORT_WORD(name, zh, en) RW_SAY_##name,
    RW_REPORT_TEXTS(RW_REPORT_WORD)
#undef RW_REPORT_WORD
        RW_SAY_WORD_COUNT
};

struct rw_span rw_report_word(enum rw_report_word word, enum rw_language language);

/* `after` as it goes on behind `before`: templates have blanks around their figures, and between
 * two Chinese characters ("15 分钟", " 内") there is none. */
struct rw_span rw_report_behind(struct rw_span before, struct rw_span after);

#endif
