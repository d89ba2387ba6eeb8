/* SPDX-License-Identifier: MIT */
/* How many cells each photograph becomes. The runtime's shape inference takes
 * milliseconds for a size, and COCO has thousands of sizes; but it infers from
 * ranges too: where heights from 625 to 640 pixels become 40 cells whatever the
 * width is, all these sizes are known at once. Which lengths become as many
 * cells is guessed from one size and proved by the runtime; sizes of which it
 * proves nothing are asked for one by one. */
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"
#include "network_parts.h"

/* The different lengths of one side of the photographs. */
struct side {
    int64_t n;
    int64_t *px;    /* [n] ascending                                       */
    int64_t *cells; /* [n] whatever the other side is; 0: not proved       */
};

/* The different sizes, and what becomes of them. */
struct sizes {
    int64_t n;
    int64_t *size; /* [n][2] h, w px, ascending                            */
    int64_t *grid; /* [n][2] h, w cells; 0 0: to be asked for              */
    struct side side[2];
};

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    const int order = by_number(x, y);
    return order ? order : by_number(x + 1, y + 1);
}

/* Sort n items of `width` numbers; each comes once. Returns how many. */
static int64_t unite(int64_t *item, int64_t n, int width,
                     int (*order)(const void *, const void *))
{
    const size_t bytes = (size_t)width * sizeof *item;
    int64_t m = 0;
    qsort(item, (size_t)n, bytes, order);
    for (int64_t i = 0; i < n; ++i)
        if (m == 0 || order(item + i * width, item + (m - 1) * width) != 0)
            memmove(item + m++ * width, item + i * width, bytes);
    return m;
}

static void release(struct sizes *s)
{
    free(s->size);
    free(s->grid);
    for (int a = 0; a < 2; ++a) {
        free(s->side[a].px);
        free(s->side[a].cells);
    }
}

/* Of size [n][2], but for 0 0. Alone. */
static enum lp_status collect(struct sizes *s, const int64_t *size, int64_t n)
{
    const size_t room = (size_t)n + 1;
    bool ok = true;
    *s = (struct sizes){.size = malloc(2 * room * sizeof *s->size),
                        .grid = calloc(2 * room, sizeof *s->grid)};
    for (int a = 0; a < 2; ++a) {
        s->side[a].px = malloc(room * sizeof *s->side[a].px);
        s->side[a].cells = calloc(room, sizeof *s->side[a].cells);
        ok = ok && s->side[a].px && s->side[a].cells;
    }
    if (!ok || !s->size || !s->grid)
        return lp_fail(LP_ENOMEM, "no memory for the sizes of %lld photographs",
                       (long long)n);
    for (int64_t i = 0; i < n; ++i)
        if (size[2 * i] > 0 && size[2 * i + 1] > 0)
            memcpy(s->size + 2 * s->n++, size + 2 * i, 2 * sizeof *size);
    s->n = unite(s->size, s->n, 2, by_size);
    for (int a = 0; a < 2; ++a) {
        for (int64_t i = 0; i < s->n; ++i)
            s->side[a].px[i] = s->size[2 * i + a];
        s->side[a].n = unite(s->side[a].px, s->n, 1, by_number);
    }
    return LP_OK;
}

/* One size, by itself. Alone. */
static enum lp_status ask(struct network *net, const int64_t size[2],
                          int64_t grid[2])
{
    enum lp_status status = LP_OK;
    int64_t shape[4] = {0};
    int rank;
    LP_TRY(backbone_shape(net->backbone, (int)size[0], (int)size[1], shape,
                          &rank));
    LP_TRY(network_check_map(net, shape, rank));
    memcpy(grid, shape + 2, 2 * sizeof *grid);
done:
    return status;
}

/* Lengths that become as many cells, by a guess of the pixels a cell; this
 * rank's share of such groups, which are counted in *turn. Alone. */
static void prove_groups(struct network *net, struct side side[2], int a,
                         int64_t pixels, int64_t *turn, MPI_Comm comm)
{
    const struct side *other = &side[1 - a];
    struct side *s = &side[a];
    int least[2], most[2];
    least[1 - a] = (int)other->px[0];
    most[1 - a] = (int)other->px[other->n - 1];
    for (int64_t i = 0, end; i < s->n; i = end) {
        const int64_t guess = (s->px[i] + pixels - 1) / pixels;
        for (end = i + 1; end < s->n && s->px[end] <= guess * pixels;)
            ++end;
        if ((*turn)++ % comm_size(comm) != comm_rank(comm))
            continue;
        least[a] = (int)s->px[i];
        most[a] = (int)s->px[end - 1];
        const int64_t cells = backbone_side(net->backbone, least, most, a);
        for (int64_t j = i; j < end; ++j)
            s->cells[j] = cells;
    }
}

/* What is known of a length. */
static int64_t cells_of(const struct side *s, int64_t px)
{
    const int64_t *at = bsearch(&px, s->px, (size_t)s->n, sizeof px, by_number);
    return s->cells[at - s->px];
}

/* Fill the sides' cells as far as they can be proved. grid: of s->size[0]. */
static void prove_sides(struct network *net, struct sizes *s,
                        const int64_t grid[2], MPI_Comm comm)
{
    int64_t turn = 0;
    for (int a = 0; a < 2; ++a) {
        const int64_t last = s->size[2 * (s->n - 1) + a];
        prove_groups(net, s->side, a, (last + grid[a] / 2) / grid[a], &turn,
                     comm);
    }
    for (int a = 0; a < 2; ++a)
        comm_max_i64(comm, s->side[a].cells, s->side[a].n);
    for (int64_t i = 0; i < s->n; ++i) {
        const int64_t h = cells_of(&s->side[0], s->size[2 * i]);
        const int64_t w = cells_of(&s->side[1], s->size[2 * i + 1]);
        s->grid[2 * i] = w > 0 ? h : 0;
        s->grid[2 * i + 1] = h > 0 ? w : 0;
    }
}

/* The sizes that are not proved, this rank's share of them. Alone. */
static enum lp_status ask_rest(struct network *net, struct sizes *s,
                               MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    int64_t turn = 0;
    for (int64_t i = 0; i < s->n && status == LP_OK; ++i)
        if (s->grid[2 * i] == 0 && turn++ % comm_size(comm) == comm_rank(comm))
            status = ask(net, s->size + 2 * i, s->grid + 2 * i);
    return status;
}

enum lp_status network_grids(struct network *net, const int64_t *size,
                             int64_t *grid, int64_t n, MPI_Comm comm)
{
    enum lp_status status;
    struct sizes s;
    int64_t one[2] = {0, 0};

    status = collect(&s, size, n);
    if (status == LP_OK && s.n > 0 && comm_rank(comm) == 0)
        status = ask(net, s.size + 2 * (s.n - 1), one);
    LP_AGREE(comm);
    comm_bcast(comm, one, sizeof one);
    if (s.n > 0)
        prove_sides(net, &s, one, comm);
    status = ask_rest(net, &s, comm);
    LP_AGREE(comm);

    comm_max_i64(comm, s.grid, 2 * s.n);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t *at = bsearch(size + 2 * i, s.size, (size_t)s.n,
                                    2 * sizeof *s.size, by_size);
        grid[2 * i] = at ? s.grid[at - s.size] : 0;
        grid[2 * i + 1] = at ? s.grid[at - s.size + 1] : 0;
    }
done:
    release(&s);
    return status;
}
