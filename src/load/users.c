#include "load/users.h"

#include "base/alloc.h"
#include "load/generator_parts.h"
#include "load/script/message.h"
#include "load/socket.h"

enum {
    TEXT_BYTES = 400 * 1024,     /* of one request, as far as it varies, in all its forms */
    BODY_BYTES_MAX = 160 * 1024, /* of it */
    KEPT_BYTES_MAX = 4096,       /* what a user that thinks may hold of the answer */
    PAUSE_MS = 20                /* after a request that got no answer: no hammering */
};

static uint32_t share_of_users(const struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    uint32_t users = settings->script->users;
    return users ? rw_load_share(users, g->index, settings->threads)
                 : g->wanted * settings->streams;
}

/* ---- Iterations ---- */

static void forget(struct rw_load_user *user)
{
    const struct rw_load_users *users = &user->generator->users;
    for (unsigned i = 0; i < users->captures; i++)
        rw_text_free(&user->captures[i]);
}

static void leave(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    forget(user);
    rw_load_answer_free(&user->answer);
    rw_timer_stop(g->loop, &user->timer);
    rw_list_remove(&user->link);
    rw_list_remove(&user->all);
    if (user->socket)
        rw_load_socket_leave(user->socket);
    rw_slab_put(&g->users.slab, user);
}

/* The n-th row that this thread draws is the (n * threads + index)-th of the run. */
static bool draw_row(struct rw_load_generator *g, unsigned set, const struct rw_span **row)
{
    const struct rw_load_data *data = &g->settings->script->data[set];
    uint64_t number = g->users.drawn[set]++ * g->settings->threads + g->index;
    if (data->order == RW_LOAD_ONCE && number >= data->row_count)
        return false;
    if (data->order == RW_LOAD_RANDOM)
        number = rw_random_below(&g->users.random, (uint32_t)data->row_count);
    *row = rw_load_data_row(data, number % data->row_count);
    return true;
}

static uint32_t choose_scenario(struct rw_load_generator *g)
{
    const struct rw_load_script *script = g->settings->script;
    if (!script->row_scenarios)
        return rw_load_next_choice(g);
    uint64_t row = g->users.drawn[0] * g->settings->threads + g->index;
    return row < script->data[0].row_count ? script->row_scenarios[row] : 0;
}

static bool begin_iteration(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    const struct rw_load_script *script = g->settings->script;
    user->scenario = &script->scenarios[choose_scenario(g)];
    user->step = user->round = 0;
    user->iteration = g->users.begun++ * g->settings->threads + g->index;
    for (unsigned set = 0; set < script->data_count; set++)
        if (user->scenario->uses[set] && !draw_row(g, set, &user->rows[set])) {
            g->users.exhausted = true;
            return false;
        }
    return true;
}

/* ---- When it is due ---- */

static void wait_for_connection(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    enum rw_load_act act = g->settings->requests[rw_load_user_step(user)->request].act;
    bool speaks = act == RW_LOAD_MESSAGE || act == RW_LOAD_CLOSE;
    g->tally->counts.due += rw_load_is_recorded(g, user->due_ns);
    rw_list_push_back(speaks ? &g->users.speaking : &g->users.waiting, &user->link);
    rw_loop_later(g->loop, &g->serve);
}

static void on_thought(struct rw_timer *timer)
{
    struct rw_load_user *user = rw_container_of(timer, struct rw_load_user, timer);
    user->due_ns = rw_loop_now_ns(user->generator->loop);
    wait_for_connection(user);
}

static void be_due_in(struct rw_load_user *user, uint32_t think_ms)
{
    struct rw_load_generator *g = user->generator;
    if (think_ms) {
        rw_timer_start(g->loop, &user->timer, rw_loop_now_ms(g->loop) + think_ms);
        return;
    }
    user->due_ns = rw_loop_now_ns(g->loop);
    wait_for_connection(user);
}

/* A round of a step with `every` is due by the clock, whatever the answers take: one whose turn is
 * over already is due since then. */
static void be_due_by_slot(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    uint64_t now = rw_loop_now_ns(g->loop);
    user->slot_ns += rw_load_user_step(user)->every_ms * RW_NS_PER_MS;
    if (user->slot_ns > now) {
        rw_timer_start(g->loop, &user->timer, (user->slot_ns + RW_NS_PER_MS - 1) / RW_NS_PER_MS);
        return;
    }
    user->due_ns = user->slot_ns;
    wait_for_connection(user);
}

static uint32_t think_ms(const struct rw_load_user *user)
{
    const struct rw_load_step *step = rw_load_user_step(user);
    uint32_t range = step->think_ms_most - step->think_ms_least;
    return step->think_ms_least +
           (range ? rw_random_below(&user->generator->users.random, range + 1) : 0);
}

static bool may_begin(const struct rw_load_generator *g, uint32_t in_ms)
{
    return g->settings->closed && !g->stopped && !g->users.exhausted &&
           rw_loop_now_ns(g->loop) + in_ms * RW_NS_PER_MS < g->end_ns;
}

static void go_round(struct rw_load_user *user, uint32_t pause_ms)
{
    if (user->round++ == 0)
        user->slot_ns = user->due_ns;
    if (rw_load_user_step(user)->every_ms)
        be_due_by_slot(user);
    else
        be_due_in(user, pause_ms);
}

void rw_load_user_go_on(struct rw_load_user *user, enum rw_load_outcome outcome)
{
    struct rw_load_generator *g = user->generator;
    struct rw_load_counts *counts = &g->tally->counts;
    bool more_rounds = user->round + 1 < rw_load_user_step(user)->times;
    bool last = user->step + 1 == user->scenario->step_count && !more_rounds;
    uint32_t pause_ms = think_ms(user);
    user->calling = false;
    if (outcome == RW_LOAD_LOST && pause_ms < PAUSE_MS)
        pause_ms = PAUSE_MS;
    if (user->answer.body.room > KEPT_BYTES_MAX)
        rw_load_answer_free(&user->answer);
    if (outcome == RW_LOAD_GOOD && more_rounds && !g->stopped) {
        go_round(user, pause_ms);
        return;
    }
    if (outcome == RW_LOAD_GOOD && !last && !g->stopped) {
        user->step++;
        user->round = 0;
        be_due_in(user, pause_ms);
        return;
    }
    if (rw_load_is_recorded(g, user->due_ns)) {
        counts->iterations_done += outcome == RW_LOAD_GOOD && last;
        counts->iterations_cut += outcome == RW_LOAD_GOOD && !last;
        counts->iterations_failed += outcome != RW_LOAD_GOOD;
    }
    if (g->steps && outcome != RW_LOAD_GOOD && rw_load_is_recorded(g, user->due_ns))
        g->steps[rw_load_user_step(user)->request].failed++;
    forget(user);
    if (user->socket)
        rw_load_socket_leave(user->socket);
    if (may_begin(g, pause_ms) && begin_iteration(user))
        be_due_in(user, pause_ms);
    else
        leave(user);
}

/* ---- Coming and going ---- */

static struct rw_load_user *create(struct rw_load_generator *g)
{
    struct rw_load_user *user = rw_slab_get(&g->users.slab);
    if (!user)
        return NULL;
    memset(user, 0, g->users.slab.object_bytes);
    user->generator = g;
    user->timer.fire = on_thought;
    rw_list_push_back(&g->users.all, &user->all);
    if (begin_iteration(user))
        return user;
    leave(user);
    return NULL;
}

struct rw_load_user *rw_load_users_arrive(struct rw_load_generator *g, uint64_t due_ns)
{
    struct rw_load_user *user = create(g);
    if (user)
        user->due_ns = due_ns;
    else if (!g->users.exhausted)
        rw_load_count_error(g, due_ns, RW_LOAD_ERROR_UNSENT);
    return user;
}

/* The common begin lies a little ahead. */
void rw_load_users_begin(struct rw_load_generator *g)
{
    uint64_t begin_ms = g->begin_ns / RW_NS_PER_MS + 1;
    for (uint32_t count = share_of_users(g); count && !g->users.exhausted; count--) {
        struct rw_load_user *user = create(g);
        if (user)
            rw_timer_start(g->loop, &user->timer, begin_ms);
    }
}

/* It may not go on: the run is over. */
static void cut(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    bool recorded = rw_load_is_recorded(g, user->due_ns);
    if (rw_list_linked(&user->link))
        g->tally->counts.due -= recorded; /* it will not be sent */
    g->tally->counts.iterations_cut += recorded && user->step;
    leave(user);
}

static void cut_all(struct rw_load_generator *g, bool also_calling)
{
    struct rw_list *item = g->users.all.next;
    while (item != &g->users.all) {
        struct rw_load_user *user = rw_container_of(item, struct rw_load_user, all);
        item = item->next;
        if (!user->calling || also_calling)
            cut(user);
    }
}

void rw_load_user_deserted(struct rw_load_user *user, enum rw_load_error why)
{
    struct rw_load_generator *g = user->generator;
    bool was_due = rw_list_linked(&user->link);
    if (user->calling)
        return;
    if (!was_due)
        user->due_ns = rw_loop_now_ns(g->loop);
    rw_timer_stop(g->loop, &user->timer);
    rw_list_remove(&user->link);
    rw_load_count_error(g, user->due_ns, why);
    rw_load_user_go_on(user, RW_LOAD_LOST);
}

static bool is_time_over(const struct rw_load_generator *g)
{
    uint64_t patience_ns = g->settings->timeout_ms * RW_NS_PER_MS, now = rw_loop_now_ns(g->loop);
    if (!g->running || g->stopped)
        return g->stopped;
    return g->settings->closed ? now >= g->end_ns : now >= g->end_ns + patience_ns;
}

static void give_up_waiting(struct rw_load_generator *g, struct rw_list *waiting)
{
    uint64_t patience_ns = g->settings->timeout_ms * RW_NS_PER_MS, now = rw_loop_now_ns(g->loop);
    while (!rw_list_empty(waiting)) {
        struct rw_load_user *user = rw_container_of(waiting->next, struct rw_load_user, link);
        if (now <= user->due_ns + patience_ns)
            break;
        rw_list_remove(&user->link);
        rw_load_count_error(g, user->due_ns, RW_LOAD_ERROR_UNSENT);
        rw_load_user_go_on(user, RW_LOAD_LOST);
    }
}

void rw_load_users_look(struct rw_load_generator *g)
{
    if (!g->settings->script)
        return;
    if (is_time_over(g)) {
        cut_all(g, false);
        return;
    }
    give_up_waiting(g, &g->users.waiting);
    give_up_waiting(g, &g->users.speaking);
}

bool rw_load_users_gone(const struct rw_load_generator *g)
{
    return rw_list_empty(&g->users.all);
}

/* ---- What it sends ---- */

static struct rw_load_values values_of(struct rw_load_user *user)
{
    return (struct rw_load_values){
        .rows = user->rows,
        .captures = user->captures,
        .iteration = user->iteration,
        .random = &user->generator->users.random,
    };
}

static struct rw_span put(const struct rw_load_template *template,
                          const struct rw_load_values *values, struct rw_h1_out *out)
{
    size_t begin = out->len;
    if (rw_load_template_is_constant(template))
        return rw_load_template_text(template);
    rw_load_template_put(template, values, out);
    return out->overflow ? RW_LITERAL("") : rw_span(out->at + begin, out->len - begin);
}

/* Its bytes as they are sent: of a message in another form behind its text. */
static struct rw_span put_body(const struct rw_load_step *step, const struct rw_load_values *values,
                               struct rw_h1_out *out)
{
    struct rw_span text = put(&step->body, values, out);
    if (step->form == RW_LOAD_FORM_TEXT || out->overflow)
        return text;
    size_t begin = out->len;
    out->overflow = rw_load_message_put(step->form, text, out) != NULL || out->overflow;
    return out->overflow ? RW_LITERAL("") : rw_span(out->at + begin, out->len - begin);
}

/* What came in by a variable must not change where a head's parts end. */
static bool is_target(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '#')
            return false;
    return text.len && text.at[0] == '/';
}

static bool write_anew(struct rw_load_user *user, const struct rw_load_request *request)
{
    struct rw_load_users *users = &user->generator->users;
    struct rw_load_request *written = &users->written;
    const struct rw_load_step *step = rw_load_user_step(user);
    const struct rw_load_values values = values_of(user);
    struct rw_h1_out out = {.at = users->text, .room = TEXT_BYTES};
    bool good = true;
    *written = *request;
    written->target = put(&step->target, &values, &out);
    size_t head_bytes = written->target.len;
    for (unsigned i = 0; i < written->header_count; i++) {
        written->headers[i].value = rw_span_trim(put(&step->headers[i], &values, &out));
        good = good && rw_is_field_value(written->headers[i].value);
        head_bytes += written->headers[i].name.len + written->headers[i].value.len;
    }
    good = good && head_bytes < RW_LOAD_HEAD_BYTES_MAX;
    written->body_varies = !rw_load_template_is_constant(&step->body);
    if (written->body_varies)
        written->body = put_body(step, &values, &out);
    good = good && written->body.len <= BODY_BYTES_MAX;
    users->request = written;
    bool speaks = request->act == RW_LOAD_MESSAGE || request->act == RW_LOAD_CLOSE;
    return good && !out.overflow && (speaks || is_target(written->target));
}

bool rw_load_user_write(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    const struct rw_load_request *request =
        &g->settings->requests[rw_load_user_step(user)->request];
    rw_load_answer_begin(&user->answer);
    g->users.request = request;
    if (!request->varies || write_anew(user, request))
        return true;
    rw_load_count_error(g, user->due_ns, RW_LOAD_ERROR_UNMADE);
    rw_load_user_go_on(user, RW_LOAD_LOST);
    return false;
}

/* ---- What it is answered ---- */

static struct rw_load_check_count *counts_of(const struct rw_load_user *user)
{
    return rw_load_is_recorded(user->generator, user->due_ns) ? user->generator->checks : NULL;
}

void rw_load_user_head(struct rw_load_user *user, const struct rw_message *message)
{
    const struct rw_load_values values = values_of(user);
    rw_load_answer_head(&user->answer, rw_load_user_step(user), message, &values, user->captures,
                        counts_of(user));
}

void rw_load_user_body(struct rw_load_user *user, struct rw_span bytes)
{
    rw_load_answer_body(&user->answer, rw_load_user_step(user), bytes);
}

bool rw_load_user_hears(struct rw_load_user *user)
{
    const struct rw_load_values values = values_of(user);
    return rw_load_answer_is_awaited(&user->answer, rw_load_user_step(user), &values);
}

bool rw_load_user_judge(struct rw_load_user *user, uint64_t latency_ns)
{
    const struct rw_load_values values = values_of(user);
    return rw_load_answer_judge(&user->answer, rw_load_user_step(user), latency_ns, &values,
                                user->captures, counts_of(user));
}

/* ---- Opening and closing ---- */

enum rw_err rw_load_users_open(struct rw_load_generator *g)
{
    const struct rw_load_script *script = g->settings->script;
    struct rw_load_users *users = &g->users;
    rw_list_init(&users->waiting);
    rw_list_init(&users->speaking);
    rw_list_init(&users->all);
    if (!script)
        return RW_OK;
    for (unsigned i = 0; i < script->scenario_count; i++)
        if (script->scenarios[i].capture_count > users->captures)
            users->captures = script->scenarios[i].capture_count;
    rw_slab_init(&users->slab,
                 sizeof(struct rw_load_user) + users->captures * sizeof(struct rw_text), 64,
                 RW_LOAD_USERS_MAX);
    rw_random_seed(&users->random, g->settings->seed + 0x9e3779b97f4a7c15ull * (g->index + 1));
    users->text = rw_alloc(TEXT_BYTES);
    return users->text ? RW_OK : RW_ENOMEM;
}

void rw_load_users_close(struct rw_load_generator *g)
{
    if (!g->users.slab.object_bytes)
        return;
    cut_all(g, true);
    rw_slab_destroy(&g->users.slab);
    rw_free(g->users.text);
}
