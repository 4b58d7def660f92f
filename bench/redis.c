/*
 * redis.c - the same sets and gets in a Redis of our own, on a socket in DIRECTORY, which syncs its log
 * before it answers (appendfsync always): --clients processes, each with one connection and --flight commands under way.
 */
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sample.h"

#define N_KEYS 1000
#define READY "ready to accept connections"

struct client {
        const struct load *load;
        redisContext *connection;
        char *value; /* load->size bytes */
        bool is_set;
        unsigned int next;
};

static _Noreturn void serve(const char *directory, const char *socket, int log_fd) {
        if (dup2(log_fd, STDOUT_FILENO) < 0)
                die("dup2: %m");
        (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--dir",
                     directory, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                     "--daemonize", "no", (char *)NULL);
        die("redis-server: %m");
}

/* Until it says that it listens. The rest of what it says is read by nobody: it is short. */
static void wait_ready(int log_fd) {
        FILE *log = fdopen(log_fd, "r");
        char line[1024];

        if (!log)
                die("fdopen: %m");
        while (fgets(line, sizeof(line), log))
                if (strcasestr(line, READY))
                        return;
        die("redis-server did not start");
}

static pid_t server_start(const char *directory, const char *socket) {
        int log[2];
        pid_t pid;

        if (pipe2(log, O_CLOEXEC) < 0)
                die("pipe: %m");
        pid = child_fork();
        if (pid == 0)
                serve(directory, socket, log[1]);
        (void)close(log[1]);
        wait_ready(log[0]);
        return pid;
}

static void send_one(struct client *c) {
        unsigned int key = c->next++ % N_KEYS;
        int r = c->is_set ? redisAppendCommand(c->connection, "SET k%u %b", key, c->value,
                                               c->load->size) :
                            redisAppendCommand(c->connection, "GET k%u", key);

        if (r != REDIS_OK)
                die("redis: %s", c->connection->errstr);
}

static void await_one(struct client *c) {
        redisReply *reply;

        if (redisGetReply(c->connection, (void **)&reply) != REDIS_OK)
                die("redis: %s", c->connection->errstr);
        if (reply->type == REDIS_REPLY_ERROR || (!c->is_set && reply->type != REDIS_REPLY_STRING))
                die("redis: %s", reply->str ? reply->str : "no such key");
        freeReplyObject(reply);
}

static void work_once(void *userdata) {
        struct client *c = userdata;

        for (int i = 0; i < c->load->flight; i++)
                send_one(c);
        for (int i = 0; i < c->load->flight; i++)
                await_one(c);
}

static void client_open(struct client *c, const char *socket) {
        c->connection = redisConnectUnix(socket);
        if (!c->connection || c->connection->err != 0)
                die("redis: %s", c->connection ? c->connection->errstr : "out of memory");
        c->value = calloc(1, c->load->size);
        if (!c->value)
                die("out of memory");
}

/* What gets will find. */
static void fill(const char *socket, const struct load *l) {
        struct client c = { .load = l, .is_set = true };

        client_open(&c, socket);
        for (int i = 0; i < N_KEYS; i++)
                send_one(&c);
        for (int i = 0; i < N_KEYS; i++)
                await_one(&c);
        redisFree(c.connection);
        free(c.value);
}

static void clients_run(const char *socket,
                        const struct load *l,
                        bool is_set,
                        struct sample *samples) {
        pid_t pids[SAMPLE_CLIENTS_MAX];

        for (int i = 0; i < l->n_clients; i++) {
                pids[i] = child_fork();
                if (pids[i] == 0) {
                        struct client c = { .load = l, .is_set = is_set };

                        client_open(&c, socket);
                        sample_repeat(&samples[i], l, (unsigned int)l->flight, work_once, &c);
                        _exit(0);
                }
        }
        for (int i = 0; i < l->n_clients; i++)
                child_join(pids[i], "a client");
}

int main(int argc, char **argv) {
        struct sample *samples;
        char socket[4096];
        struct load l;
        pid_t pid;

        load_parse(&l, &argc, argv);
        if (argc != 3 || (strcmp(argv[1], "set") != 0 && strcmp(argv[1], "get") != 0))
                die("usage: %s set|get DIRECTORY [--size N] [--clients N] [--flight N] [--ms N]",
                    program_invocation_short_name);
        samples = samples_map(l.n_clients);
        (void)snprintf(socket, sizeof(socket), "%s/redis.sock", argv[2]);
        pid = server_start(argv[2], socket);
        fill(socket, &l);
        clients_run(socket, &l, strcmp(argv[1], "set") == 0, samples);
        child_end(pid);
        samples_print(samples, &l, 0);
        return 0;
}
