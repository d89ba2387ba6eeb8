/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_DIRECT */
#include "lpcam/base/read_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/pages.h"

/* Direct reads begin and end at multiples of it, in the file and in memory. */
#define ALIGN PAGE_BYTES

/* A close waits for one call at most. */
#define CALL_BYTES ((int64_t)8 << 20)

struct read_ahead {
    int fd;
    char *path;
    char *buffer[2];
    int turn; /* the buffer that was begun last                    */
    pthread_t thread;
    bool started;
    atomic_bool quit;

    /* Guarded by the lock; ranges are the thread's while busy. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool busy;
    struct read_range *range;
    int n_ranges;
    int error;        /* errno; 0 good, -1 the file ends                   */
    int64_t error_at; /* byte of the file                                  */
};

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static int64_t page_start(int64_t at)
{
    return at - at % ALIGN;
}

/* Does the file refuse direct reads? Then it is read in the usual way. */
static bool drop_direct(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) &&
           fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

/* Whole pages around a range; what lies in it must be there. */
static int read_range(struct read_ahead *r, const struct read_range *range)
{
    const int64_t end = range->at + range->n, last = round_up(end, ALIGN);
    int64_t at = page_start(range->at);
    char *to = (char *)range->bytes - (range->at - at);

    while (at < end && !r->quit) {
        const int64_t n = last - at < CALL_BYTES ? last - at : CALL_BYTES;
        const ssize_t got = pread(r->fd, to, (size_t)n, (off_t)at);
        if (got < 0 &&
            (errno == EINTR || (errno == EINVAL && drop_direct(r->fd))))
            continue;
        if (got <= 0) {
            r->error_at = at;
            return got < 0 ? errno : -1;
        }
        at += got;
        to += got;
    }
    return 0;
}

static void *work(void *arg)
{
    struct read_ahead *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->quit) {
        if (!r->busy) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        pthread_mutex_unlock(&r->lock);
        int error = 0;
        for (int i = 0; i < r->n_ranges && error == 0; ++i)
            error = read_range(r, &r->range[i]);
        pthread_mutex_lock(&r->lock);
        r->error = error;
        r->busy = false;
        pthread_cond_signal(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Signals are for the other threads. */
static int start_thread(struct read_ahead *r)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int error = pthread_create(&r->thread, NULL, work, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    r->started = error == 0;
    return error;
}

/* O_DIRECT is refused by some file systems with EINVAL, here or at a read. */
static int open_direct(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0 && errno == EINVAL)
        return open(path, O_RDONLY | O_CLOEXEC);
    return fd;
}

static bool reserve(struct read_ahead *r, int64_t room, int n_ranges)
{
    const int64_t bytes = round_up(room, ALIGN) + n_ranges * 2 * ALIGN;
    /* A request of a disk takes some hundred pieces of memory, which is less
     * than a disk needs to be busy where they are not huge pages. */
    for (int i = 0; i < 2; ++i)
        r->buffer[i] = pages_new(bytes);
    return r->buffer[0] && r->buffer[1];
}

enum lp_status read_ahead_open(struct read_ahead **out, const char *path,
                               int64_t room, int n_ranges)
{
    enum lp_status status = LP_OK;
    int error;
    struct read_ahead *r = calloc(1, sizeof *r);

    *out = NULL;
    if (!r)
        return lp_fail(LP_ENOMEM, "no memory to read %s", path);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->fd = open_direct(path);
    if (r->fd < 0)
        LP_TRY(lp_fail(LP_EIO, "cannot open %s: %s", path, strerror(errno)));
    r->path = strdup(path);
    if (!r->path || !reserve(r, room, n_ranges))
        LP_TRY(lp_fail(LP_ENOMEM,
                       "no memory for two blocks of %s, %lld bytes each: lower "
                       "run.memory or start fewer ranks on a node",
                       path, (long long)room));
    error = start_thread(r);
    if (error)
        LP_TRY(lp_fail(LP_ENOMEM, "cannot start a thread to read %s: %s", path,
                       strerror(error)));
    *out = r;
    r = NULL;
done:
    read_ahead_close(r);
    return status;
}

void read_ahead_begin(struct read_ahead *r, struct read_range *range, int n)
{
    r->turn = !r->turn;
    char *to = r->buffer[r->turn];
    for (int i = 0; i < n; ++i) {
        const int64_t skip = range[i].at - page_start(range[i].at);
        range[i].bytes = to + skip;
        to += round_up(skip + range[i].n, ALIGN);
    }
    pthread_mutex_lock(&r->lock);
    r->range = range;
    r->n_ranges = n;
    r->busy = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

enum lp_status read_ahead_wait(struct read_ahead *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->busy)
        pthread_cond_wait(&r->changed, &r->lock);
    int error = r->error;
    const long long at = r->error_at;
    r->error = 0;
    pthread_mutex_unlock(&r->lock);

    if (lp_fault("read_ahead"))
        error = EIO;
    if (error == -1)
        return lp_fail(
            LP_EIO,
            "%s ends before byte %lld, in the middle of its data: it was "
            "cut or changed, make it again",
            r->path, at);
    if (error)
        return lp_fail(LP_EIO, "cannot read %s at byte %lld: %s", r->path, at,
                       strerror(error));
    return LP_OK;
}

void read_ahead_close(struct read_ahead *r)
{
    if (!r)
        return;
    if (r->started) {
        pthread_mutex_lock(&r->lock);
        r->quit = true;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    if (r->fd >= 0)
        close(r->fd);
    free(r->buffer[0]);
    free(r->buffer[1]);
    free(r->path);
    free(r);
}
