/*
 * replay.c - a main for fuzz targets: runs every file of the directories it is given through the target,
 * so that each input that ever broke something is a test in every build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "libipc/base/error.h"
#include "libipc/base/file.h"

#define REPLAY_BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *dir, const char *name) {
        char path[4096];
        uint8_t *data, *exact;
        size_t len;
        int r;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        r = file_read(-1, path, REPLAY_BYTES_MAX, &data, &len);
        if (r < 0)
                return error_trace(r);

        /* Not a byte more than the input, so that a sanitizer sees a read past its end. */
        exact = malloc(len > 0 ? len : 1);
        if (!exact)
                abort();
        for (size_t i = 0; i < len; i++)
                exact[i] = data[i];
        free(data);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
        return 0;
}

static int replay_dir(const char *path, unsigned *n) {
        DIR *dir = opendir(path);

        if (!dir)
                return -1;
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (entry->d_name[0] == '.')
                        continue;
                if (replay_file(path, entry->d_name) < 0) {
                        fprintf(stderr, "replay: cannot read %s/%s\n", path, entry->d_name);
                        closedir(dir);
                        return -1;
                }
                (*n)++;
        }
        closedir(dir);
        return 0;
}

int main(int argc, char **argv) {
        unsigned n = 0;

        for (int i = 1; i < argc; i++)
                if (replay_dir(argv[i], &n) < 0)
                        return 1;
        if (n == 0) {
                fprintf(stderr, "replay: no input; give directories that hold a corpus\n");
                return 1;
        }
        printf("%u inputs\n", n);
        return 0;
}
