#include "conf/syntax.h"

#include <stddef.h>
#include <string.h>

static const struct phrase {
    const char *said, *chinese; /* how the message begins; longer ones first */
} phrases[] = {
    {"missing comma in flow mapping", "{} 内的各项之间缺少逗号，或缺少右括号"},
    {"missing comma in flow sequence", "[] 内的各项之间缺少逗号，或缺少右括号"},
    {"flow sequence without a closing bracket", "[ 没有对应的 ]"},
    {"flow mapping without a closing brace", "{ 没有对应的 }"},
    {"mismatched flow", "左右括号不匹配"},
    {"tab character may not be used as indentation", "缩进不能使用制表符（Tab），请改用空格"},
    {"invalid tab", "缩进不能使用制表符（Tab），请改用空格"},
    {"cannot use tab", "缩进不能使用制表符（Tab），请改用空格"},
    {"could not find expected ':'", "缺少冒号“:”（半角，其后须有空格）"},
    {"did not find expected key", "此处应为一个键，请检查缩进与引号"},
    {"did not find expected '-' indicator", "此处应为列表项“- ”，请检查缩进"},
    {"did not find expected node content", "此处应有一个值"},
    {"invalid multiline plain key", "键不能跨行：缺少冒号“:”（半角，其后须有空格）"},
    {"invalid mapping in plain multiline",
     "一个值之后又出现冒号：值中含“: ”时须加引号，或缩进有误"},
    {"invalid nested block mapping on the same line", "同一行内有两个冒号：值中含“: ”时须加引号"},
    {"invalid value after mapping", "一组字段之后有多余的值，请检查缩进"},
    {"invalid block mapping key on same line as previous key",
     "同一行内有两个键：请分行，或给值加引号"},
    {"invalid mapping key", "此处不能有键，请检查缩进"},
    {"invalid indentation in mapping", "缩进与同组的其他键不一致"},
    {"invalid block indent", "缩进与同组的其他项不一致"},
    {"wrongly indented", "缩进不正确"},
    {"wrong indendation", "缩进不正确"},
    {"block sequence on the same line as a mapping key", "列表须另起一行：键的同一行不能有“- ”"},
    {"block sequence entries not allowed", "此处不能有列表项“- ”，请检查缩进"},
    {"invalid scalar at the end of block sequence", "列表之后有多余的文字，请检查缩进"},
    {"plain scalar cannot start with", "此值以 YAML 的符号开头，须加引号"},
    {"invalid escape", "引号内的反斜杠转义无效：请改用单引号，或写成“\\\\”"},
    {"double-quoted scalar has invalid", "引号内的反斜杠转义无效：请改用单引号，或写成“\\\\”"},
    {"invalid trailing content after", "引号之后有多余的文字：整个值须在引号之内"},
    {"double-quoted scalar without closing quote", "双引号没有结束"},
    {"single-quoted scalar without closing quote", "单引号没有结束"},
    {"invalid multiline", "键不能跨行"},
    {"illegal unicode control character", "含有不可见的控制字符"},
    {"invalid character", "含有不能使用的字符"},
    {"undefined tag prefix", "以“!”开头的词须加引号"},
    {"illegal anchor mark", "“&”或“*”开头的值须加引号"},
    {"invalid alias", "“*”开头的值须加引号"},
    {"invalid combination of anchor plus alias", "“&”或“*”开头的值须加引号"},
    {"garbage after", "“%”开头的行须加引号"},
    {"invalid content after document end marker", "“...”之后不能再有内容"},
    {"missing '>' uri terminator", "以“!”开头的词须加引号"},
};

const char *rw_conf_syntax_text(const char *said, bool chinese)
{
    if (!said)
        return chinese ? "由此处起无法读取" : "cannot be read from here";
    for (size_t i = 0; chinese && i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (strncmp(said, phrases[i].said, strlen(phrases[i].said)) == 0)
            return phrases[i].chinese;
    return said;
}
