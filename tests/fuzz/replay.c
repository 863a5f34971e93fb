/*
 * A main() for fuzzers where libFuzzer is not linked: it runs every file of the directories and
 * files named on the command line through LLVMFuzzerTestOneInput once, and the empty input first.
 * So each input that a fuzzer ever found stays a test in every build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    /* Exactly as large as the input, so that a sanitizer sees one byte too far. */
    uint8_t *data = malloc(size > 0 ? size : 1);
    int status = 1;
    if (data != NULL && fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        status = 0;
    } else {
        perror(path);
    }
    free(data);
    fclose(file);
    return status;
}

static int replay_path(const char *path, unsigned *count);

static int replay_directory(const char *path, unsigned *count)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        perror(path);
        return 1;
    }
    int status = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        char child[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        status |= replay_path(child, count);
    }
    closedir(directory);
    return status;
}

static int replay_path(const char *path, unsigned *count)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return 1;
    }
    if (S_ISDIR(info.st_mode))
        return replay_directory(path, count);
    *count += 1;
    return replay_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv)
{
    int status = 0;
    unsigned count = 1;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        status |= replay_path(argv[i], &count);
    printf("%u inputs\n", count);
    return status;
}
