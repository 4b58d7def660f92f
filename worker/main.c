/*
 * main.c - arguments of thox-worker. initd starts it once, as the zygote, with its socket on
 * descriptor 3; workers are forks of it and never come here.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "libipc/base/log.h"
#include "worker/zygote.h"

static void usage(FILE *out) {
        fprintf(out, "Usage: thox-worker [--zygote] [--no-hooks] [--require-sandbox]\n"
                     "Started by thox-initd, with its socket on descriptor 3.\n"
                     "\n"
                     "  --zygote    fork workers on request (the default)\n"
                     "  --no-hooks  cooperative tasks: never pre-empt Lua\n"
                     "  --require-sandbox\n"
                     "              run nothing in a worker that lacks a layer of confinement\n"
                     "  --version   print the version\n"
                     "  --help      print this\n");
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "zygote", no_argument, NULL, 'z' },
                { "no-hooks", no_argument, NULL, 'n' },
                { "require-sandbox", no_argument, NULL, 'r' },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        struct zygote_options zygote = { .argv = argv, .argc = argc };
        int option;
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (option) {
                case 'z':
                        break;
                case 'n':
                        zygote.has_no_hooks = true;
                        break;
                case 'r':
                        zygote.is_confinement_required = true;
                        break;
                case 'v':
                        puts("thox-worker " THOX_VERSION);
                        return EXIT_SUCCESS;
                case 'h':
                        usage(stdout);
                        return EXIT_SUCCESS;
                default:
                        usage(stderr);
                        return 2;
                }
        }
        struct stat st;
        if (fstat(ZYGOTE_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
                fprintf(stderr,
                        "thox-worker: descriptor 3 is no socket\n"
                        "  why:  thox-initd starts this program; it does nothing by itself\n"
                        "  fix:  run thox-initd, or thoxctl run FILE\n");
                return 2;
        }
        log_open("worker", LOG_LEVEL_INFO);
        return zygote_run(&zygote);
}
