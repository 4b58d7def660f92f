/*
 * ask: calls a name that some program of the tree serves, with words or numbers, and prints what it
 * answers: a small `thoxctl call`.
 *
 *      make -C examples/c
 *      thoxctl run examples/echo-service.lua &
 *      examples/c/ask example.echo hello 42
 *
 * It shows a call with a deadline, the difference between a refusal and a tree that is gone, and how
 * values are written and read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <thox.h>

#define DEADLINE (2 * THOX_SECOND)

/* A word that is an integer or a number goes as one. */
static void write_word(struct thox_writer *w, const char *word) {
        char *end;

        errno = 0;
        intmax_t integer = strtoimax(word, &end, 0);
        if (*word != '\0' && *end == '\0' && errno == 0) {
                thox_write_integer(w, integer);
                return;
        }
        double number = strtod(word, &end);
        if (*word != '\0' && *end == '\0')
                thox_write_float(w, number);
        else
                thox_write_string(w, word);
}

static void print_value(const struct thox_value *v);

static void print_items(struct thox_reader items, bool is_map) {
        struct thox_value key, value;
        const char *separator = "";

        printf("{");
        while (thox_read(&items, THOX_ANY, &value)) {
                printf("%s", separator);
                separator = ", ";
                if (is_map) {
                        key = value;
                        thox_read(&items, THOX_ANY, &value);
                        printf("[");
                        print_value(&key);
                        printf("] = ");
                }
                print_value(&value);
        }
        printf("}");
}

static void print_value(const struct thox_value *v) {
        switch (v->type) {
        case THOX_NIL:
                printf("nil");
                break;
        case THOX_BOOLEAN:
                printf(v->boolean ? "true" : "false");
                break;
        case THOX_INTEGER:
                printf("%" PRId64, v->integer);
                break;
        case THOX_FLOAT:
                printf("%.14g", v->number);
                break;
        case THOX_STRING:
                fwrite(v->string, 1, v->len, stdout);
                break;
        case THOX_CONTEXT:
                printf("context %u", v->context);
                break;
        default:
                print_items(v->items, v->type == THOX_MAP);
        }
}

static int call(struct thox_client *client, const char *name, char **words) {
        struct thox_writer *args = thox_writer_new();
        struct thox_event *answer;
        struct thox_value value;

        for (; *words; words++)
                write_word(args, *words);
        int r = thox_call(client, THOX_DEFAULT, name, args, DEADLINE, &answer);
        if (r < 0) {
                fprintf(stderr, "ask: the call was not made, or the tree is gone: %s\n",
                        thox_error(r));
                return 3;
        }
        if (r == THOX_TIMEOUT) {
                fprintf(stderr, "ask: %s does not answer; the call was withdrawn\n", name);
                return 2;
        }
        if (r != THOX_OK) {
                fprintf(stderr, "ask: %s refuses: %s: %s\n", name, thox_status_name(answer->status),
                        answer->message);
                return 1;
        }
        while (thox_read(&answer->values, THOX_ANY, &value)) {
                print_value(&value);
                printf("\n");
        }
        return 0;
}

int main(int argc, char **argv) {
        struct thox_client *client;

        if (argc < 2) {
                fprintf(stderr, "usage: ask NAME [WORD...]\n");
                return 64;
        }
        int r = thox_connect(&client, NULL, "ask", DEADLINE);
        if (r < 0) {
                fprintf(stderr, "ask: cannot reach the tree: %s\n", thox_error(r));
                return 3;
        }
        int status = call(client, argv[1], argv + 2);
        thox_disconnect(client);
        return status;
}
