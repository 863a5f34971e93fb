/* The edits of the policy `query`: lines of removals (with a star at the end or none), renames and
 * what is set, and behind an empty line the query of a request. What was removed or set is not
 * there afterwards, but for what was put; no byte of the query that parts parameters came from a
 * value. */
#include "base/err.h"
#include "policy/query/query_edit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EDITS_MAX = 8, ENCODED_MAX = 1024 };

static struct rw_query_removal removals[EDITS_MAX];
static struct rw_query_rename renames[EDITS_MAX];
static struct rw_query_put appends[EDITS_MAX];
static struct rw_span values[EDITS_MAX];
static char names[EDITS_MAX][ENCODED_MAX], texts[EDITS_MAX][ENCODED_MAX];

static struct rw_span encode(struct rw_span text, bool encoded, char to[ENCODED_MAX])
{
    if (text.len > ENCODED_MAX / 3)
        text.len = ENCODED_MAX / 3;
    size_t len = rw_pairs_encode(text, encoded, to);
    rw_assert(len == rw_pairs_encode(text, encoded, NULL) && len <= text.len * 3);
    if (!encoded)
        rw_assert(rw_pairs_is(RW_PAIRS_QUERY, rw_span(to, len), text));
    return rw_span(to, len);
}

static void read_edit(struct rw_query_edits *edits, struct rw_span line)
{
    struct rw_pair pair;
    unsigned at = edits->put_count;
    bool star = line.at[line.len - 1] == '*';
    if (line.at[0] == '-' && edits->removal_count < EDITS_MAX)
        removals[edits->removal_count++] = (struct rw_query_removal){
            rw_span(line.at + 1, line.len - 1 - star * (line.len > 1)), star};
    if (line.at[0] != '+' || at == EDITS_MAX)
        return;
    line = rw_span_skip(line, 1);
    if (!rw_pairs_next(RW_PAIRS_QUERY, &line, &pair))
        return;
    struct rw_span name = pair.name;
    if (name.len > ENCODED_MAX / 3)
        name.len = ENCODED_MAX / 3;
    appends[at] = (struct rw_query_put){.name = name, .set = pair.equals};
    appends[at].encoded = encode(name, false, names[at]);
    values[at] = encode(pair.value, true, texts[at]);
    edits->put_count++;
}

static unsigned count(struct rw_span query, struct rw_span name)
{
    struct rw_pair pair;
    unsigned found = 0;
    while (rw_pairs_next(RW_PAIRS_QUERY, &query, &pair))
        found += pair.whole.len && rw_pairs_is(RW_PAIRS_QUERY, pair.name, name);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_query_edits edits = {.removals = removals, .renames = renames, .puts = appends};
    struct rw_span rest = rw_span((const char *)data, size), line;
    while (rest.at && rw_span_next(&rest, '\n', &line) && line.len)
        read_edit(&edits, line);
    struct rw_span query = rest.at ? rest : RW_LITERAL("");
    size_t len = rw_query_edit(&edits, query, values, NULL);
    char *to = malloc(len + 1);
    rw_assert(to && rw_query_edit(&edits, query, values, to) == len);
    for (unsigned i = 0; i < edits.put_count; i++) {
        unsigned put = 0;
        for (unsigned k = 0; k < edits.put_count; k++)
            put += rw_span_eq(appends[i].name, appends[k].name);
        if (appends[i].set && appends[i].name.len)
            rw_assert(count(rw_span(to, len), appends[i].name) == put);
    }
    for (unsigned i = 0; i < edits.removal_count; i++)
        if (!removals[i].prefix && !edits.put_count && removals[i].name.len)
            rw_assert(count(rw_span(to, len), removals[i].name) == 0);
    free(to);
    return 0;
}
