#include "client.h"
#include "net.h"

#define OPENING_MAX 32u
#define LOOK_MS 20

bool client_stopping(const struct client *client)
{
    return client->stop || __atomic_load_n(&client->board->stop, __ATOMIC_RELAXED) != 0;
}

void client_pace_open(struct client *client)
{
    while (client->opened < client->connections_wanted &&
           client->opened - client->answered < OPENING_MAX) {
        client_open(client, &client->connections[client->opened++]);
    }
}

static bool may_send(const struct client_connection *connection)
{
    return connection->step == STEP_READY || client_h2_may_send(connection);
}

static void append_ready(struct client *client, struct client_connection *connection)
{
    connection->listed = true;
    connection->next_ready = NULL;
    if (client->ready_first == NULL) {
        client->ready_first = connection;
    } else {
        client->ready_last->next_ready = connection;
    }
    client->ready_last = connection;
}

static struct client_connection *take_ready(struct client *client)
{
    struct client_connection *connection = client->ready_first;
    client->ready_first = connection->next_ready;
    connection->listed = false;
    return connection;
}

/* Open mode: sends every request that is due, as far as there are connections free to carry it.
 * What finds none is sent late, and its latency still counts from when it was due. */
void client_pace_due(struct client *client)
{
    uint64_t now = bench_now_ns();
    while (client->ready_first != NULL) {
        uint64_t due = client->pace_start_ns + client->pace_sent * 1000000000u / client->rate;
        if (due > now) {
            return;
        }
        struct client_connection *connection = take_ready(client);
        if (!may_send(connection)) {
            continue; /* lost while idle; it comes back to the list once it is open again */
        }
        client->pace_sent++;
        client_send(client, connection, due);
        if (connection->step == STEP_STREAMS) {
            client_pace_ready(client, connection); /* while it has a free stream */
        }
    }
}

void client_pace_ready(struct client *client, struct client_connection *connection)
{
    if (client_stopping(client)) {
        return;
    }
    if (client->mode == CLIENT_OPEN && connection->answered_before) {
        if (!connection->listed && may_send(connection)) {
            append_ready(client, connection);
        }
        return;
    }
    /* The rest of the streams once it is seen that one is answered. */
    do {
        client_send(client, connection, 0); /* no latency of these is looked at */
    } while (connection->answered_before && client_h2_may_send(connection));
}

static void record_latency(struct client *client, uint64_t due_ns)
{
    struct bench_board *board = client->board;
    uint64_t from = bench_board_read(&board->record_from_ns);
    if (from != 0 && due_ns >= from && due_ns < bench_board_read(&board->record_until_ns)) {
        bench_histogram_record(&board->latency_ns, bench_now_ns() - due_ns);
    }
}

static void note_all_answered(struct client *client)
{
    if (client->board->ready == 0 && client->answered == client->connections_wanted) {
        client->pace_start_ns = bench_now_ns();
        __atomic_store_n(&client->board->ready, 1, __ATOMIC_RELEASE);
    }
}

void client_pace_answered(struct client *client, struct client_connection *connection,
                          uint64_t due_ns)
{
    note_all_answered(client);
    if (client->opened < client->connections_wanted) {
        client_pace_open(client);
    }
    if (connection->step != STEP_READY && connection->step != STEP_STREAMS) {
        return; /* being opened anew; client_pace_ready() follows */
    }
    switch (client->mode) {
    case CLIENT_OPEN:
        if (!connection->refused) {
            record_latency(client, due_ns);
        }
        client_pace_ready(client, connection);
        break;
    case CLIENT_IDLE:
        bench_board_add(&client->board->held, 1);
        break;
    case CLIENT_CLOSED:
    case CLIENT_HANDSHAKE:
        client_pace_ready(client, connection);
        break;
    }
}

/* While it records, the client does not sleep: in a virtual machine, setting a timer and waking up
 * cost more than a request, and on a core that is busy with them everybody's answers queue. The
 * kernel keeps a share of each second from real-time programs; rounds well below one second do not
 * touch it. */
static bool is_recording(const struct client *client)
{
    return client->mode == CLIENT_OPEN && client->pace_start_ns != 0 &&
           bench_board_read(&client->board->record_from_ns) != 0 &&
           bench_now_ns() < bench_board_read(&client->board->record_until_ns);
}

struct timespec client_pace_sleep(const struct client *client)
{
    struct timespec sleep = {.tv_nsec = LOOK_MS * 1000000};
    if (is_recording(client)) {
        return (struct timespec){.tv_nsec = 0};
    }
    if (client->mode == CLIENT_OPEN && client->ready_first != NULL && client->pace_start_ns != 0 &&
        !client_stopping(client)) {
        uint64_t due = client->pace_start_ns + client->pace_sent * 1000000000u / client->rate;
        uint64_t now = bench_now_ns();
        uint64_t left = due > now ? due - now : 0;
        if (left < (uint64_t)sleep.tv_nsec) {
            sleep.tv_nsec = (long)left;
        }
    }
    return sleep;
}
