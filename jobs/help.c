/* SPDX-License-Identifier: MIT */
/* help.c: what the program says of itself. The help of a job fits a terminal of
 * 24 lines of 80 characters; the keys, which do not, are asked for by section. */
#include <stdio.h>
#include <string.h>

#include "job_table.h"
#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/run/config.h"

enum { WIDTH = 80, INDENT = 8, MOST_SECTIONS = 32, SECTION_BYTES = 32 };

static const char codes[] =
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 75 stopped\n"
    "on request, with all finished work safe: the same command goes on.\n";

int help_program(void)
{
    fputs(
        "lpcam: LPCAM maps (local prototype class activation maps) from\n"
        "photographs, image labels and an ONNX classifier.\n\n"
        "    mpirun -n N lpcam JOB CONFIG.ini [--set section.key=value]...\n\n"
        "Jobs:\n",
        stdout);
    for (int i = 0; i < n_jobs; ++i)
        printf("    %-9s %s\n", jobs[i].name, jobs[i].summary);
    printf("\n"
           "    lpcam JOB --help        what it reads and writes, an example\n"
           "    lpcam keys [SECTION]    every key, its default and meaning\n"
           "    lpcam --version         versions of the program and its "
           "libraries\n"
           "\n%s",
           codes);
    return 0;
}

/* Words between spaces, in lines of WIDTH characters. */
static void print_words(const char *title, const char *words)
{
    int column = printf("%-*s", INDENT, title);
    while (*words) {
        const int n = (int)strcspn(words, " ");
        if (column > INDENT && column + 1 + n > WIDTH)
            column = printf("\n%*s", INDENT, "") - 1;
        column += printf("%s%.*s", column > INDENT ? " " : "", n, words);
        words += n;
        words += strspn(words, " ");
    }
    putchar('\n');
}

int help_job(const struct job *job)
{
    const char *own;
    (void)job_option(job, &own);
    printf("lpcam %s %s [--set section.key=value]... [OPTION]...\n\n%s\n\n",
           job->name, job->argument, job->summary);
    print_words("reads", job->reads);
    print_words("writes", job->writes);
    if (*job->keys)
        print_words("keys", job->keys);
    printf("\n"
           "  --set section.key=value  in place of the configuration's\n%s"
           "  --dry-run     check everything, print the plan, write nothing\n"
           "  --quiet       warnings and errors only\n"
           "  --json-log    the log as JSON, an object a line\n"
           "  -v            errors name their place in the source\n"
           "  --help=keys   every key, its default and meaning\n\n"
           "Example:\n    %s\n\n%s",
           own, job->example, codes);
    return 0;
}

/* The name of a line "[name]"; false: it is no such line. */
static bool section_name(const char *at, char name[SECTION_BYTES])
{
    const size_t n = strcspn(at, "]\n");
    if (*at != '[' || at[n] != ']' || n > SECTION_BYTES)
        return false;
    snprintf(name, SECTION_BYTES, "%.*s", (int)n - 1, at + 1);
    return true;
}

int help_keys(const char *section)
{
    static char name[MOST_SECTIONS][SECTION_BYTES];
    const char *names[MOST_SECTIONS], *end;
    bool print = !section, found = print;
    int n = 0;
    for (const char *at = config_reference; *at; at = end) {
        end = at + strcspn(at, "\n");
        end += *end == '\n';
        if (section && n < MOST_SECTIONS && section_name(at, name[n])) {
            print = strcmp(name[n], section) == 0;
            found = found || print;
            names[n] = name[n];
            ++n;
        }
        if (print && !(section && *at == '\n'))
            fwrite(at, 1, (size_t)(end - at), stdout);
    }
    if (found)
        return 0;
    lp_misused("the configuration has no section \"%s\" (nearest: %s)", section,
               text_nearest(section, names, n));
    return 2;
}
