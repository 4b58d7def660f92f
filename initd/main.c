/*
 * main.c - thox-initd: command line and files to configuration, configuration to a tree, its end to an
 * exit status. 0: asked to stop; 1: could not start, or failed; 2: wrong usage.
 */
#include <stdlib.h>
#include <string.h>

#include "initd/config.h"
#include "initd/initd.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"

#define EXIT_USAGE 2

static int run_tree(const struct config *config) {
        struct initd *initd = NULL;
        int status = EXIT_FAILURE;
        int r = initd_new(&initd, config);
        if (r == 0)
                r = initd_run(initd, &status);
        initd_free(initd);
        if (r < 0) {
                log_error("the tree failed: %s trace=%s", strerror(-r), error_describe());
                return EXIT_FAILURE;
        }
        return r > 0 ? EXIT_FAILURE : status;
}

int main(int argc, char **argv) {
        static struct config config;

        fd_hold_standard();
        int r = config_parse(&config, argc, argv);
        if (r == CONFIG_E_DONE)
                return EXIT_SUCCESS;
        if (r != 0)
                return EXIT_USAGE;

        if (config_complete(&config, argc, argv) != 0)
                return EXIT_FAILURE;
        log_open("thox-initd", config.log_level);
        return run_tree(&config);
}
