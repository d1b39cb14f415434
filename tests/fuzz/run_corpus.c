/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target without libFuzzer, as a test: on the files of the folders that are named, and on random inputs, which
 * are the same ones every time. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>

enum {
    RANDOM_INPUTS = 2000,
    RANDOM_SIZE = 200 /* bytes */
};

/* On memory that ends where the input ends, so that a sanitizer sees a read beyond. */
static void run_input(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size);
    MUST(exact != NULL || size == 0);
    for (size_t i = 0; i < size; i++) {
        exact[i] = data[i];
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void run_file(const char *folder, const char *name)
{
    char path[4096];
    uint8_t data[65536];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    MUST(file != NULL);
    size_t size = fread(data, 1, sizeof(data), file);
    MUST(ferror(file) == 0 && feof(file) != 0);
    fclose(file);
    run_input(data, size);
}

static void run_random_inputs(void)
{
    uint64_t number = 1;
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        uint8_t data[RANDOM_SIZE];
        for (size_t j = 0; j < sizeof(data); j++) {
            number = number * UINT64_C(6364136223846793005) + 1;
            data[j] = (uint8_t)(number >> 56);
        }
        run_input(data, sizeof(data));
    }
}

static int run_folder(const char *folder)
{
    DIR *files = opendir(folder);
    int count = 0;
    MUST(files != NULL);
    for (struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        if (file->d_name[0] != '.') {
            run_file(folder, file->d_name);
            count++;
        }
    }
    closedir(files);
    return count;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        MUST(count > 0);
        printf("%s: %d inputs, and %d random ones\n", argv[i], count, RANDOM_INPUTS);
    }
    run_random_inputs();
    return 0;
}
