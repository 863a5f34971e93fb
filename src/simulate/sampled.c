/* One node for each class, some of each second's requests for all. */
#include "base/alloc.h"
#include "simulate/draw.h"
#include "simulate/engine.h"
#include "simulate/share.h"
#include "simulate/slice.h"

#include <math.h>

enum { CLASSES_MAX = 128, DETAIL_MIN = 16 };
enum { NOBODY = UINT32_MAX }; /* a job that is no sample */

/* What makes nodes alike, in steps of some 2 per cent. */
struct key {
    const struct rw_simulate_type *type;
    int rate, handshakes, backlog, speed;
};

struct class
{
    struct key key;
    uint32_t first; /* the node that stands for it */
    uint32_t nodes;
    double rate, handshakes; /* of all its nodes */
    uint64_t arrived;
    /* What came of it, for each of its nodes. */
    double busy, in_flight, refused; /* refused: share of the handshakes */
};

/* One simulated request: its latency, or why it failed. */
struct sample {
    double latency; /* while its cores are shared: when it came */
    bool failed;
    enum rw_simulate_cause cause;
};

struct sampled {
    struct class classes[CLASSES_MAX];
    unsigned class_count;
    uint32_t *class_of; /* of each node; UINT32_MAX: none */
    uint32_t room;
    struct sample *samples;
    struct rw_simulate_share share; /* cores that are shared: of the slice that is simulated */
};

/* ---- Classes ---- */

static int step_of(double value)
{
    return value > 0 ? (int)lround(log(value) * 50) : INT32_MIN;
}

static struct key key_of(const struct rw_simulate_node *node, double now)
{
    double wait = node->queue.free[0] - now;
    /* Backlogs below a millisecond are nothing but chance. */
    return (struct key){node->type, step_of(node->rate), step_of(node->handshakes),
                        wait > 1e-3 ? (int)lround(log(wait) * 5) : INT32_MIN,
                        (int)lround(node->speed * 1000)};
}

static bool same(const struct key *a, const struct key *b)
{
    return a->type == b->type && a->rate == b->rate && a->handshakes == b->handshakes &&
           a->backlog == b->backlog && a->speed == b->speed;
}

/* Past the last class everything is of that one: its figures are then an average. */
static unsigned find_class(struct sampled *sampled, const struct key *key, uint32_t node)
{
    unsigned i = 0;
    while (i < sampled->class_count && !same(&sampled->classes[i].key, key))
        i++;
    if (i == CLASSES_MAX)
        return CLASSES_MAX - 1;
    if (i == sampled->class_count)
        sampled->classes[sampled->class_count++] = (struct class){.key = *key, .first = node};
    return i;
}

static enum rw_err make_room(struct sampled *sampled, uint32_t count)
{
    if (count <= sampled->room)
        return RW_OK;
    uint32_t *class_of = rw_realloc(sampled->class_of, 2 * count * sizeof(*class_of));
    if (!class_of)
        return RW_ENOMEM;
    sampled->class_of = class_of;
    sampled->room = 2 * count;
    return RW_OK;
}

static void classify(struct rw_simulate_world *world, double now)
{
    struct sampled *sampled = world->engine;
    sampled->class_count = 0;
    for (uint32_t i = 0; i < world->fleet.count; i++) {
        struct rw_simulate_node *node = &world->fleet.nodes[i];
        node->busy = node->in_flight = 0;
        sampled->class_of[i] = UINT32_MAX;
        if (node->state < RW_SIMULATE_WARMING || node->state > RW_SIMULATE_DRAINING)
            continue;
        struct key key = key_of(node, now);
        unsigned which = find_class(sampled, &key, i);
        struct class *class = &sampled->classes[which];
        sampled->class_of[i] = which;
        class->nodes++;
        class->rate += node->rate;
        class->handshakes += node->handshakes;
    }
}

/* The second's requests, whole ones, to where the shares send them. */
static void share_out(struct rw_simulate_world *world)
{
    const struct rw_simulate_traffic *traffic = &world->traffic;
    struct sampled *sampled = world->engine;
    uint64_t given = 0;
    rw_simulate_ledger_arrive(world->ledger, traffic->count);
    for (unsigned i = 0; i < traffic->stream_count; i++) {
        const struct rw_simulate_stream *stream = &traffic->streams[i];
        uint64_t upto = (uint64_t)((double)traffic->count * fmin(1, stream->upto) + 0.5);
        if (i + 1 == traffic->stream_count || upto > traffic->count)
            upto = traffic->count;
        if (stream->node)
            sampled->classes[sampled->class_of[stream->node - world->fleet.nodes]].arrived +=
                upto - given;
        else
            rw_simulate_ledger_fail(world->ledger, stream->cause, upto - given);
        given = upto;
    }
}

/* ---- One class's second ---- */

static struct sample go_through(struct rw_simulate_world *world, double now, double end)
{
    struct rw_simulate_try try;
    unsigned tries = 0;
    double latency = end - now + world->model->request->latency_us / 1e6;
    rw_simulate_origin_begin(&world->origin);
    do {
        try = rw_simulate_origin_pick(&world->origin);
        latency += try.seconds;
    } while (try.failed && rw_simulate_origin_again(&world->origin, ++tries));
    if (!try.failed && latency > world->model->request->timeout_ms / 1e3)
        return (struct sample){latency, true, RW_SIMULATE_TIMEOUT};
    return (struct sample){latency, try.failed, try.cause};
}

struct slice {
    struct rw_simulate_queue *queue;
    double now, rate, handshake_share, speed;
    unsigned handshakes, lost;
};

/* ---- Cores that are shared ----
 *
 * The queue has the work that there is, which is the same in whatever order it is done; who gets
 * how much of it is played through in each slice. At its begin there are jobs that make up the work
 * left over, each met somewhere on its way, as in M/G/1-PS, where they are independent (Kleinrock,
 * *Queueing Systems* II, 4.4). At its end those still there go on among as many as there are then.
 */

static bool shares(const struct rw_simulate_world *world)
{
    return world->model->request->discipline == RW_SIMULATE_SHARING;
}

static enum rw_err begin_sharing(struct rw_simulate_world *world, const struct slice *slice)
{
    struct sampled *sampled = world->engine;
    enum rw_err err = RW_OK;
    double work = 0;
    rw_simulate_share_close(&sampled->share);
    rw_simulate_share_open(&sampled->share, slice->queue->servers);
    for (uint32_t i = 0; i < slice->queue->servers; i++)
        work += rw_simulate_queue_wait(slice->queue, i, slice->now);
    while (!err && work > 1e-9) {
        double left = rw_simulate_draw_residual(&world->model->request->cpu, &world->random);
        left = fmin(work, fmax(left / slice->speed, 1e-9));
        err = rw_simulate_share_add(&sampled->share, slice->now, left, NOBODY);
        work -= left;
    }
    return err;
}

static void leave_core(struct rw_simulate_world *world, uint32_t number, double end)
{
    struct sampled *sampled = world->engine;
    if (number != NOBODY)
        sampled->samples[number] = go_through(world, sampled->samples[number].latency, end);
}

/* Those who are through by then. */
static void share_until(struct rw_simulate_world *world, double now)
{
    struct sampled *sampled = world->engine;
    for (double end; (end = rw_simulate_share_end(&sampled->share)) <= now;)
        leave_core(world, rw_simulate_share_take(&sampled->share, end), end);
}

static void end_sharing(struct rw_simulate_world *world, double now)
{
    struct rw_simulate_share *share = &((struct sampled *)world->engine)->share;
    share_until(world, now);
    double each = fmax(1, (double)share->count / share->servers);
    for (uint32_t i = 0; i < share->count; i++) {
        double left = share->jobs[i].until - share->served;
        leave_core(world, share->jobs[i].number, share->at + fmax(0, left) * each);
    }
    rw_simulate_share_close(share);
}

/* ---- Jobs ---- */

/* The job has a core, or its part of them, until `end` or until others let it end. */
static enum rw_err take_core(struct rw_simulate_world *world, const struct slice *slice,
                             bool request, uint32_t number, double service, double end)
{
    struct sampled *sampled = world->engine;
    struct sample *sample = &sampled->samples[number];
    if (!shares(world)) {
        if (request)
            *sample = go_through(world, slice->now, end);
        return RW_OK;
    }
    if (request)
        *sample = (struct sample){.latency = slice->now};
    share_until(world, slice->now);
    return rw_simulate_share_add(&sampled->share, slice->now, service, request ? number : NOBODY);
}

/* The next job of the queue: sample `number`, if it is a `request`; else a handshake. */
static enum rw_err next_job(struct rw_simulate_world *world, struct slice *slice, uint32_t number,
                            bool *request)
{
    const struct rw_simulate_model *model = world->model;
    struct rw_random *random = &world->random;
    slice->now += rw_simulate_exponential(random) / slice->rate;
    *request = *request || rw_simulate_uniform(random) >= slice->handshake_share;
    uint32_t core = rw_simulate_queue_choose(slice->queue, random);
    bool late =
        rw_simulate_queue_wait(slice->queue, core, slice->now) > model->request->timeout_ms / 1e3;
    slice->handshakes += !*request;
    slice->lost += !*request && late;
    if (late) {
        ((struct sampled *)world->engine)->samples[number] =
            (struct sample){0, true, RW_SIMULATE_OVERLOAD};
        return RW_OK;
    }
    double cpu =
        *request ? rw_simulate_draw(&model->request->cpu, random) : model->connection->handshake_s;
    double service = cpu / slice->speed;
    double end = rw_simulate_queue_serve(slice->queue, core, slice->now, service);
    return take_core(world, slice, *request, number, service, end);
}

/* So many jobs; `count`: how many of them are requests, at least one if any has come. */
static enum rw_err run_jobs(struct rw_simulate_world *world, struct slice *slice, unsigned most,
                            bool any, unsigned *count)
{
    enum rw_err err = shares(world) ? begin_sharing(world, slice) : RW_OK;
    *count = 0;
    for (unsigned i = 0; !err && i < most && slice->rate > 0; i++) {
        bool request = i + 1 == most && !*count && any;
        err = next_job(world, slice, *count, &request);
        *count += request;
    }
    if (!err && shares(world))
        end_sharing(world, slice->now);
    return err;
}

/* Each sample counts for its part of the class's requests: whole numbers that add up. */
static void record(struct rw_simulate_world *world, struct class *class, unsigned count)
{
    const struct sampled *sampled = world->engine;
    double latencies = 0, factor = count ? (double)class->arrived / count : 0;
    uint64_t given = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct sample *sample = &sampled->samples[i];
        uint64_t upto = i + 1 == count ? class->arrived : (uint64_t)(factor * (i + 1));
        if (sample->failed)
            rw_simulate_ledger_fail(world->ledger, sample->cause, upto - given);
        else
            rw_simulate_ledger_serve(world->ledger, sample->latency, upto - given);
        latencies += sample->latency;
        given = upto;
    }
    double mean = count ? latencies / count : 0;
    class->in_flight = class->rate / class->nodes * mean; /* Little's law */
}

static enum rw_err run_class(struct rw_simulate_world *world, struct class *class, double now)
{
    struct rw_simulate_node *node = &world->fleet.nodes[class->first];
    double queues = world->fleet.per_core ? node->type->cores : 1; /* of a node; one is simulated */
    double jobs = (class->rate + class->handshakes) / class->nodes / queues;
    struct slice slice = {.queue = &node->queue,
                          .now = now,
                          .rate = jobs,
                          .handshake_share = rw_simulate_handshake_share(node),
                          .speed = node->speed};
    double work = rw_simulate_node_work(world, node) / queues, servers = node->queue.servers;
    double wait_max = world->model->request->timeout_ms / 1e3;
    double backlog = fmin(1, rw_simulate_queue_wait(&node->queue, 0, now));
    double share = world->traffic.rate > 0 ? class->rate / world->traffic.rate : 0;
    double detail = fmin(world->detail, fmax(DETAIL_MIN, world->detail * share));
    unsigned most = (unsigned)fmin(detail, fmax(1, round(jobs))), count;
    enum rw_err err = run_jobs(world, &slice, most, class->arrived > 0, &count);
    if (err)
        return err;
    record(world, class, count);
    class->busy = fmin(1, work / servers + backlog);
    class->refused = slice.handshakes ? (double)slice.lost / slice.handshakes : 0;
    const struct rw_simulate_draw *cpu = &world->model->request->cpu;
    rw_simulate_slice_rest(&node->queue, now, slice.now, work, jobs > 0 ? work / jobs : 0, cpu->cv2,
                           wait_max);
    return RW_OK;
}

/* All nodes of a class are as the one that stood for it. */
static void spread(struct rw_simulate_world *world)
{
    struct sampled *sampled = world->engine;
    double requests = 0, in_flight = 0;
    for (uint32_t i = 0; i < world->fleet.count; i++) {
        struct rw_simulate_node *node = &world->fleet.nodes[i];
        if (sampled->class_of[i] == UINT32_MAX)
            continue;
        const struct class *class = &sampled->classes[sampled->class_of[i]];
        node->busy = class->busy;
        node->in_flight = class->in_flight;
        node->handshakes_lost = node->handshakes * class->refused;
        requests += node->rate;
        in_flight += node->in_flight;
        if (i != class->first &&
            node->queue.servers == world->fleet.nodes[class->first].queue.servers)
            rw_simulate_queue_copy(&node->queue, &world->fleet.nodes[class->first].queue);
    }
    if (requests > 0)
        world->response_s = in_flight / requests;
}

static enum rw_err second(struct rw_simulate_world *world, double now)
{
    struct sampled *sampled = world->engine;
    enum rw_err err = make_room(sampled, world->fleet.count);
    double to_origin = 0;
    if (err)
        return err;
    classify(world, now);
    share_out(world);
    for (unsigned i = 0; i < sampled->class_count; i++)
        to_origin += sampled->classes[i].rate;
    rw_simulate_origin_sample(&world->origin, now, to_origin, world->detail);
    for (unsigned i = 0; !err && i < sampled->class_count; i++)
        err = run_class(world, &sampled->classes[i], now);
    if (!err)
        spread(world);
    return err;
}

static enum rw_err open_sampled(struct rw_simulate_world *world)
{
    struct sampled *sampled = rw_alloc_zero(sizeof(*sampled));
    world->engine = sampled;
    if (!sampled)
        return RW_ENOMEM;
    sampled->samples = rw_alloc(world->detail * sizeof(*sampled->samples));
    return sampled->samples ? RW_OK : RW_ENOMEM;
}

static void close_sampled(struct rw_simulate_world *world)
{
    struct sampled *sampled = world->engine;
    if (!sampled)
        return;
    rw_free(sampled->class_of);
    rw_free(sampled->samples);
    rw_simulate_share_close(&sampled->share);
    rw_free(sampled);
    world->engine = NULL;
}

const struct rw_simulate_engine rw_simulate_sampled = {
    .name = "sampled",
    .open = open_sampled,
    .close = close_sampled,
    .second = second,
};
