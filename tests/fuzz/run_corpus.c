/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target on the files of the folders that are named: a corpus as a test, without libFuzzer. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>

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
    uint8_t *exact = malloc(size); /* a sanitizer sees reads beyond its end */
    MUST(exact != NULL || size == 0);
    for (size_t i = 0; i < size; i++) {
        exact[i] = data[i];
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
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
        printf("%s: %d inputs\n", argv[i], count);
    }
    return 0;
}
