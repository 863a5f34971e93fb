/* The policies are asked: about the request, which may wait for them, and about the response. */
#include "gate/exchange/exchange_private.h"

#include "gate/exchange/exchange_filter.h"
#include "gate/exchange/policy.h"
#include "gate/snapshot.h"
#include "gate/worker.h"

/* ---- Asking ---- */

const struct rw_policy_use *rw_exchange_asked_policy(const struct rw_exchange *x)
{
    unsigned i = x->policies_asked, listener = x->listener->policy_count;
    return i < listener ? &x->listener->policies[i] : &x->route->policies[i - listener];
}

/* From where it was interrupted, if a policy waited. */
static enum rw_verdict ask_request(struct rw_exchange *x)
{
    unsigned all = x->listener->policy_count + x->route->policy_count;
    for (; x->policies_asked < all; x->policies_asked++) {
        const struct rw_policy_use *use = rw_exchange_asked_policy(x);
        if (!use->policy->on_request)
            continue;
        enum rw_verdict verdict = use->policy->on_request(x, use->instance);
        if (verdict != RW_VERDICT_NEXT)
            return verdict;
    }
    return RW_VERDICT_NEXT;
}

static enum rw_verdict ask_response(struct rw_exchange *x, const struct rw_policy_use *uses,
                                    unsigned count)
{
    for (unsigned i = count; i-- > 0;) {
        if (!uses[i].policy->on_response)
            continue;
        enum rw_verdict verdict = uses[i].policy->on_response(x, uses[i].instance);
        if (verdict != RW_VERDICT_NEXT)
            return verdict;
    }
    return RW_VERDICT_NEXT;
}

enum rw_go rw_exchange_step_request_policies(struct rw_exchange *x)
{
    if (x->policies_asked == 0)
        x->upstream_target = x->request.target;
    switch (ask_request(x)) {
    case RW_VERDICT_NEXT:
        if (rw_exchange_announces_too_much(x)) /* for one of the policies */
            return rw_exchange_refuse(x, RW_REASON_BODY_TOO_LARGE);
        rw_exchange_move(x, RW_STEP_FORWARD);
        return RW_GO_ON;
    case RW_VERDICT_REPLY:
        x->reason = x->reason ? x->reason : RW_REASON_POLICY;
        x->policy_answers = true;
        rw_exchange_move(x, RW_STEP_RESPONSE_POLICIES);
        return RW_GO_ON;
    case RW_VERDICT_WAIT:
        return RW_GO_WAIT;
    case RW_VERDICT_CUT:
        x->aborted = x->policy_answers = true;
        x->front->abort(x);
        rw_exchange_move(x, RW_STEP_LOG);
        return RW_GO_ON;
    default:
        return rw_exchange_refuse(x, RW_REASON_EXCHANGE_LIMIT);
    }
}

void rw_exchange_drop_first_piece(struct rw_exchange *x)
{
    if (x->first_response_held)
        rw_buf_drop(x->first_response_piece.buf);
    x->first_response_held = false;
    x->first_response_piece = (struct rw_piece){0};
}

void rw_exchange_discard_response(struct rw_exchange *x)
{
    rw_exchange_end_response_filters(x);
    rw_exchange_cancel_origin(x);
    rw_exchange_drop_first_piece(x);
    x->response = (struct rw_message){0};
    x->response_trailers = (struct rw_span){0};
}

enum rw_go rw_exchange_step_response_policies(struct rw_exchange *x)
{
    enum rw_verdict verdict = RW_VERDICT_NEXT;
    if (x->route)
        verdict = ask_response(x, x->route->policies, x->route->policy_count);
    if (verdict == RW_VERDICT_NEXT)
        verdict = ask_response(x, x->listener->policies, x->listener->policy_count);
    if (verdict != RW_VERDICT_NEXT) /* in place of the origin's answer, and of its body */
        rw_exchange_end_response_filters(x);
    if (verdict == RW_VERDICT_REPLY)
        rw_exchange_cancel_origin(x);
    if (verdict != RW_VERDICT_FAIL && x->reason && x->listener->config->reason_header)
        if (rw_message_add(&x->response, &x->arena, RW_LITERAL("X-Ringway-Reason"),
                           rw_span_text(rw_reason_name(x->reason))))
            verdict = RW_VERDICT_FAIL;
    if (verdict == RW_VERDICT_FAIL) {
        rw_exchange_cancel_origin(x);
        rw_exchange_drop_first_piece(x);
        x->reason = RW_REASON_EXCHANGE_LIMIT;
        if (rw_exchange_make_refusal(x) != RW_OK) {
            x->aborted = true;
            x->front->abort(x);
            rw_exchange_move(x, RW_STEP_LOG);
            return RW_GO_ON;
        }
    }
    rw_exchange_move(x, RW_STEP_RELAY);
    return RW_GO_ON;
}

/* ---- Waiting ---- */

struct rw_exchange_wait {
    struct rw_exchange *x;
    struct rw_timer timer;
    struct rw_buf *first_buf; /* of the request's first piece: held until the origin has it */
};

void rw_exchange_end_wait(struct rw_exchange *x)
{
    if (!x->wait)
        return;
    rw_timer_stop(x->worker->loop, &x->wait->timer);
    rw_buf_drop(x->wait->first_buf);
    x->wait->first_buf = NULL;
}

static void wait_over(struct rw_timer *timer)
{
    struct rw_exchange *x = rw_container_of(timer, struct rw_exchange_wait, timer)->x;
    bool held = x->request_held;
    if (x->step != RW_STEP_REQUEST_POLICIES) /* it was answered for another reason */
        return;
    x->request_held = false;
    if (rw_exchange_run(x) == RW_FLOW_OVER)
        return;
    if (x->step == RW_STEP_REQUEST_POLICIES) { /* and waits again */
        x->request_held = held;
        return;
    }
    rw_exchange_end_wait(x);
    if (held && (!x->request_held || x->origin_done))
        x->front->request_resume(x);
}

enum rw_err rw_exchange_wait(struct rw_exchange *x, uint32_t ms)
{
    if (!x->wait) {
        x->wait = rw_arena_zero(&x->arena, sizeof(*x->wait));
        if (!x->wait)
            return RW_ENOMEM;
        x->wait->x = x;
        x->wait->timer.fire = wait_over;
    }
    struct rw_loop *loop = x->worker->loop;
    rw_timer_start(loop, &x->wait->timer, rw_loop_now_ms(loop) + ms);
    return RW_OK;
}

void rw_exchange_hold_request(struct rw_exchange *x)
{
    struct rw_buf *buf = x->first_request_piece.buf;
    x->wait->first_buf = buf ? rw_buf_hold(buf) : NULL;
    x->request_held = !x->request_ended;
}
