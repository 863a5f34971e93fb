#!/bin/sh
# Proves each check: in a small clean tree it is silent, and after one violation is put in it
# names the file and the line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT TERM
proven=0

clean_tree()
{
    rm -rf "$tree/t"
    mkdir -p "$tree/t/src/base" "$tree/t/src/gate" "$tree/t/tests/unit"
    cd "$tree/t"
    cp "$root/.clang-format" .
    echo 'set(RW_LAYERS base conf io http watch gate origin)' >CMakeLists.txt
    cat >src/base/good.h <<'END'
/* How it is used: TO DO nothing, call strcpy( or goto anything in a comment. */
#ifndef RW_BASE_GOOD_H
#define RW_BASE_GOOD_H

int rw_good(int value);

#endif
END
    cat >src/gate/good.c <<'END'
#include "base/good.h"

static const char *const names[] = {
    "malloc(1)",
    "goto out",
};

int rw_good(int value)
{
    if (value < 0)
        goto out;
    value += names[0][0];
out:
    return value;
}
END
}

# lines COUNT: that many statements, for files and functions that are too long.
lines()
{
    awk -v count="$1" 'BEGIN {for (i = 0; i < count; i++) print "    value++;"}'
}

# proves CHECK EXPECTED: the tree has a violation now, and CHECK must say EXPECTED (as a fixed string).
proves()
{
    if output=$("$here/$1.sh" 2>&1) || ! printf '%s\n' "$output" | grep -qF -- "$2"; then
        echo "selftest: $1 does not say \"$2\" but: $output" >&2
        exit 1
    fi
    proven=$((proven + 1))
    clean_tree
}

clean_tree
for check in file-length function-length include-direction words stories calls naming goto text format; do
    if ! output=$("$here/$check.sh" 2>&1) || [ -n "$output" ]; then
        echo "selftest: $check complains about a clean tree: $output" >&2
        exit 1
    fi
done

awk 'BEGIN {for (i = 0; i < 801; i++) print ""}' >src/base/bad.c
proves file-length 'src/base/bad.c:801: '

{ printf '\nstatic int\nlong_one(int value,\n         int other)\n{\n'; lines 57; echo '}'; } >src/base/bad.c
proves function-length 'src/base/bad.c:3: long_one() has 61 lines'
{ echo 'int f(int value) {'; lines 59; echo '}'; } >src/base/bad.c
proves function-length 'src/base/bad.c:1: f() has 61 lines'

echo '#include "gate/good.h"' >src/base/bad.c
proves include-direction 'src/base/bad.c:1: base is below gate'
echo '#include "good.h"' >src/base/bad.c
proves include-direction 'src/base/bad.c:1: "good.h" is not a path from src/'
echo '#include "elsewhere/good.h"' >src/gate/bad.h
proves include-direction 'src/gate/bad.h:1: "elsewhere/good.h" is in no layer'
echo '#include "gate/good.c"' >tests/unit/bad_test.c
proves include-direction 'tests/unit/bad_test.c:1: includes the source file'

printf '\n/* TODO: the rest */\n' >src/base/bad.c
proves words 'src/base/bad.c:2: unfinished work'
echo 'const char *path = "/home/somebody/file";' >src/base/bad.c
proves words 'src/base/bad.c:1: path of one machine'

echo '/* As gate/good.c, gate/*.c and `base/good.h`, but not as base/gone.h says. */' >src/base/bad.c
proves stories 'src/base/bad.c:1: there is no src/base/gone.h'

echo '    strcpy(to, from);' >src/gate/bad.c
proves calls 'src/gate/bad.c:1: strcpy() is not used here'
printf '/* about\n * it */\n    p = malloc(1);\n' >src/gate/bad.c
proves calls 'src/gate/bad.c:3: malloc() instead of base/alloc.h'
echo '    assert(value);' >src/gate/bad.c
proves calls 'src/gate/bad.c:1: assert instead of rw_assert'

printf 'int\ncount(void)\n{\n}\n' >src/gate/bad.c
proves naming 'src/gate/bad.c:2: count() is visible to other files'
printf 'typedef struct thing {\n' >src/gate/bad.c
proves naming 'src/gate/bad.c:1: typedef of a struct'
printf '/* Story. */\n#ifndef BAD_H\n' >src/gate/bad.h
proves naming 'src/gate/bad.h:2: guard BAD_H, expected RW_GATE_BAD_H'
printf '#ifndef RW_GATE_BAD_H\n' >src/gate/bad.h
proves naming 'src/gate/bad.h:1: a header opens with a comment'

printf 'void f(void)\n{\nagain:\n    if (g())\n        goto again;\n}\n' >src/gate/bad.c
proves goto 'src/gate/bad.c:5: goto again goes back to line 3'

printf 'int a; \n' >src/gate/bad.c
proves text 'src/gate/bad.c:1: blank at the end'
printf 'int a;\r\n' >src/gate/bad.c
proves text 'src/gate/bad.c:1: carriage return'
printf '\tint a;\n' >src/gate/bad.c
proves text 'src/gate/bad.c:1: tab'
printf 'int a;' >src/gate/bad.c
proves text 'src/gate/bad.c:1: no newline'
echo 'print(1)' >tests/bad.py
proves text 'tests/bad.py:1: a program in a language'

printf 'int a;\nint   b;\n' >src/gate/bad.c
proves format 'src/gate/bad.c:2: not laid out'

echo "ok      selftest ($proven violations found)"
