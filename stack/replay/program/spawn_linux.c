#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 64
#define NAMES_MAX 16
#define LOOK_MS 10
#define GRACE_MS 2000

/* Splits a command line in place. @return  Words, 0: not closed, or too many. */
static size_t words_split(char *text, char **words)
{
    size_t count = 0;
    char *out = text;
    while (*text != '\0') {
        while (*text == ' ' || *text == '\t') {
            text++;
        }
        if (*text == '\0') {
            break;
        }
        if (count == WORDS_MAX - 1) {
            return 0;
        }
        words[count++] = out;
        char quote = '\0';
        for (; *text != '\0' && (quote != '\0' || (*text != ' ' && *text != '\t')); text++) {
            if (quote == '\0' && (*text == '\'' || *text == '"')) {
                quote = *text;
            } else if (*text == quote) {
                quote = '\0';
            } else {
                *out++ = *text;
            }
        }
        if (quote != '\0') {
            return 0;
        }
        text += *text != '\0';
        *out++ = '\0';
    }
    words[count] = NULL;
    return count;
}

static void environment_make(const char *const *names, char **variables, char *text, size_t size, char ***out)
{
    size_t count = 0;
    size_t inherited = 0;
    while (environ[inherited] != NULL) {
        inherited++;
    }
    char **all = calloc(inherited + NAMES_MAX + 1, sizeof(*all));
    *out = all;
    if (all == NULL) {
        return;
    }
    for (; names[count * 2] != NULL && count < NAMES_MAX; count++) {
        const int len = snprintf(text, size, "%s=%s", names[count * 2], names[count * 2 + 1]);
        variables[count] = text;
        text += len + 1;
        size -= (size_t)len + 1 < size ? (size_t)len + 1 : size;
        all[count] = variables[count];
    }
    size_t at = count;
    for (size_t i = 0; i < inherited; i++) {
        bool replaced = false;
        for (size_t n = 0; n < count; n++) {
            const size_t name = strlen(names[n * 2]);
            replaced = replaced || (strncmp(environ[i], names[n * 2], name) == 0 && environ[i][name] == '=');
        }
        if (!replaced) {
            all[at++] = environ[i];
        }
    }
}

static bool there(const char *path)
{
    struct stat found;
    return path != NULL && stat(path, &found) == 0;
}

static int32_t end_wait(pid_t child, const char *report, uint64_t limit_s)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000};
    uint64_t left_ms = limit_s * 1000;
    bool graced = false;
    int status = 0;
    for (;;) {
        const pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (left_ms < LOOK_MS || (got < 0 && errno != EINTR)) {
            break;
        }
        if (!graced && there(report)) {
            graced = true;
            left_ms = left_ms < GRACE_MS ? left_ms : GRACE_MS;
        }
        (void)nanosleep(&look, NULL);
        left_ms -= LOOK_MS;
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return -1;
}

int32_t stk_spawn_run(const char *words, const char *const *names, const char *report, uint64_t limit_s, bool quiet)
{
    char *argv[WORDS_MAX];
    char *variables[NAMES_MAX];
    char text[800];
    char **environment = NULL;
    posix_spawn_file_actions_t actions;
    pid_t child;
    char *copy = strdup(words);
    if (copy == NULL || words_split(copy, argv) == 0 || posix_spawn_file_actions_init(&actions) != 0) {
        free(copy);
        return -2;
    }
    if (quiet) {
        (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    environment_make(names, variables, text, sizeof(text), &environment);
    const int err = environment == NULL ? ENOMEM : posix_spawnp(&child, argv[0], &actions, NULL, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(copy);
    free(environment);
    return err == 0 ? end_wait(child, report, limit_s) : -2;
}

bool stk_spawn_folder(char *out, size_t size)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, size, "%.200s/winlane-replay.XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    return mkdtemp(out) != NULL;
}

bool stk_spawn_folder_make(const char *folder)
{
    return mkdir(folder, 0777) == 0 || errno == EEXIST;
}

void stk_spawn_folder_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(folder);
}

bool stk_spawn_terminal(void)
{
    return isatty(STDOUT_FILENO) != 0;
}

bool stk_spawn_self(char *out, size_t size)
{
    const ssize_t len = readlink("/proc/self/exe", out, size - 1);
    if (len <= 0) {
        return false;
    }
    out[len] = '\0';
    return true;
}
