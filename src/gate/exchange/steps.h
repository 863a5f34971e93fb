/* The life of an exchange, as one list. From it come the enum, the names in logs, the table of
 * legal moves and the page docs/reference/exchange-steps.md. Each step has one function: in
 * gate/exchange/exchange.c, or as gate/exchange/exchange_private.h says. */
#ifndef RW_GATE_EXCHANGE_STEPS_H
#define RW_GATE_EXCHANGE_STEPS_H

/* X(name, steps that may follow, what happens) */
#define RW_STEPS(X)                                                                                \
    X(RECEIVE, RW_MOVE(ROUTE) | RW_MOVE(RESPONSE_POLICIES) | RW_MOVE(LOG),                         \
      "The request head has arrived; it is checked against the listener's rules.")                 \
    X(ROUTE, RW_MOVE(REQUEST_POLICIES) | RW_MOVE(RESPONSE_POLICIES) | RW_MOVE(LOG),                \
      "The router finds the route; without one the answer is 404, 405 or 400.")                    \
    X(REQUEST_POLICIES, RW_MOVE(FORWARD) | RW_MOVE(RESPONSE_POLICIES) | RW_MOVE(LOG),              \
      "Policies of the listener, then of the route, in order; each goes on or replies.")           \
    X(FORWARD, RW_MOVE(RESPONSE_POLICIES) | RW_MOVE(LOG),                                          \
      "The origin has the request; its body streams as it arrives; waits for the response head.")  \
    X(RESPONSE_POLICIES, RW_MOVE(RELAY) | RW_MOVE(LOG),                                            \
      "Policies in reverse order edit the response head, whoever made it.")                        \
    X(RELAY, RW_MOVE(LOG) | RW_MOVE(DONE),                                                         \
      "The response head and body stream to the client as it takes them; after an upgrade over "   \
      "HTTP/1.1 on both sides a tunnel takes over, which logs itself.")                            \
    X(LOG, RW_MOVE(DONE), "Metrics and the access log line; the origin is let go.")                \
    X(DONE, 0, "The front frees the exchange.")

enum rw_step {
#define RW_STEP_ENUM(name, moves, doc) RW_STEP_##name,
    RW_STEPS(RW_STEP_ENUM)
#undef RW_STEP_ENUM
        RW_STEP_COUNT
};

#define RW_MOVE(name) (1u << RW_STEP_##name)

#endif
