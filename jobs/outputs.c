/* SPDX-License-Identifier: MIT */
/* outputs.c: what an earlier start has left is compared before any work, so that
 * a setting that changed costs none. The stages compare all of it again. */
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/run_file.h"
#include "session.h"

/* Takes `ours`. */
static enum lp_status compare(const struct session *s, enum output out,
                              char *ours)
{
    enum lp_status status = LP_OK;
    struct run_file file = {0};
    if (!ours || lp_fault("outputs"))
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    if (session_has(s, out))
        LP_TRY(run_file_read(&file, s->out[out], ours, "run", s->comm));
done:
    run_file_close(&file);
    free(ours);
    return status;
}

/* Of the network as it is used. */
static char *used_model(const struct session *s)
{
    return settings_join(settings_model(s), settings_extract(s));
}

enum lp_status session_check_outputs(const struct session *s, int needs)
{
    enum lp_status status;
    const bool all = needs & NEED_RUN;
    LP_TRY(compare(s, OUT_FEATURES,
                   settings_join(used_model(s), settings_data(s))));
    LP_TRY(compare(s, OUT_CAMS,
                   settings_join(settings_join(used_model(s), settings_data(s)),
                                 settings_maps(s))));
    if (s->config.run.passes == 1)
        LP_TRY(compare(s, OUT_VIEWS, settings_views(s)));
    if (all)
        LP_TRY(compare(s, OUT_PROTOTYPES,
                       settings_join(used_model(s), settings_cluster(s))));
    if (all)
        LP_TRY(compare(
            s, OUT_MAPS,
            settings_join(
                settings_join(
                    settings_join(used_model(s), settings_cluster(s)),
                    text_format("run.passes = %d\n", s->config.run.passes)),
                settings_join(settings_data(s), settings_maps(s)))));
done:
    return status;
}
