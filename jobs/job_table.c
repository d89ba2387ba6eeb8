/* SPDX-License-Identifier: MIT */
#include "job_table.h"

#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/base/text.h"

const struct job jobs[] = {
    {"run", "CONFIG.ini", "photographs to maps and their score, all stages",
     "photographs, labels, a model, masks where there are any",
     "all that the stages write; goes on where it was stopped",
     "run.out run.memory run.balance data.layout data.root data.labels "
     "data.classes data.masks model.file model.classes cam.scales kmeans.k "
     "prototypes.choice maps.value export.formats",
     "mpirun -n 8 lpcam run configs/voc12.ini --set data.root=/data/VOC2012",
     job_run},
    {"fit", "CONFIG.ini",
     "photographs, any ImageNet classifier -> one of their classes",
     "photographs, labels, an ONNX classifier of any classes",
     "classifier.onnx, its class names; fit.json: average precisions",
     "run.out data.layout data.root data.labels data.classes model.file "
     "fit.out fit.test fit.lambda fit.folds fit.weights fit.flip fit.crops "
     "run.checkpoint_s",
     "mpirun -n 8 lpcam fit configs/voc12.ini --set "
     "model.file=imagenet.onnx",
     job_fit},
    {"extract", "CONFIG.ini",
     "photographs, model -> features.h5 (object, context), cams.h5",
     "photographs, labels, a model",
     "features.h5: features, their cells' sides; cams.h5; views.h5 (1 pass)",
     "run.out run.balance data.layout data.root data.images data.labels "
     "data.classes data.list model.file model.classes model.mean model.std "
     "cam.scales cam.flip split.threshold features.value features.dims "
     "run.passes",
     "mpirun -n 8 lpcam extract configs/voc12.ini --set "
     "data.root=/data/VOC2012",
     job_extract},
    {"cluster", "CONFIG.ini", "features.h5 -> prototypes.h5",
     "features.h5, of extract or of another program",
     "prototypes.h5: centres, prototypes, one vector a class",
     "run.out run.memory run.seed run.checkpoint_s model.threads kmeans.k "
     "kmeans.starts kmeans.start kmeans.max_iter kmeans.stop "
     "prototypes.choice prototypes.power prototypes.balance",
     "mpirun -n 8 lpcam cluster configs/voc12.ini --set kmeans.k=20",
     job_cluster},
    {"activate", "CONFIG.ini",
     "photographs, model, prototypes.h5 -> maps.h5 (LPCAM)",
     "prototypes.h5; photographs and model, or views.h5 (run.passes = 1)",
     "maps.h5: a map for every class of every photograph",
     "run.out run.balance data.root data.list model.file cam.scales cam.flip "
     "maps.value maps.full",
     "mpirun -n 8 lpcam activate configs/voc12.ini --set maps.full=seed",
     job_activate},
    {"score", "CONFIG.ini", "maps.h5, cams.h5, masks -> mIoU, score.json",
     "maps.h5 and cams.h5, what there is of them; masks",
     "a curve, a table of classes, score.json",
     "run.out data.masks data.annotations data.ignore data.background "
     "score.thresholds score.threshold score.unknown",
     "mpirun -n 2 lpcam score configs/voc12.ini --set score.threshold=0.35",
     job_score},
    {"export", "CONFIG.ini",
     "maps.h5 or cams.h5 -> masks, arrays, JSON, a network, a page",
     "maps.h5 or cams.h5; onnx: model and prototypes.h5",
     "a folder for each of export.formats, in run.out/export",
     "export.formats export.maps export.out export.stem export.ids "
     "export.threshold export.ir export.tensor run.out data.root model.file",
     "mpirun -n 4 lpcam export configs/voc12.ini --set "
     "export.formats=\"masks irn\"",
     job_export},
    {"plan", "CONFIG.ini", "memory, disk and time, before the job is queued",
     "what a run reads; of photographs only their sizes",
     "nothing; prints the needs of a rank, or of N nodes and their sbatch line",
     "plan.images plan.ranks plan.memory_gbs plan.network_gbs "
     "plan.latency_us run.memory kmeans.k",
     "lpcam plan configs/voc12.ini --nodes 4", job_plan},
    {"check", "FILE...",
     "is a config, model or output file complete and sane; what is wrong",
     "CONFIG.ini, MODEL.onnx, the .h5 files of a run, or their folder",
     "nothing; says what is wrong, in words", "",
     "lpcam check lpcam-out/voc12/maps.h5", job_check},
};
enum { N_JOBS = sizeof jobs / sizeof jobs[0] };
const int n_jobs = N_JOBS;

const char *job_option(const struct job *job, const char **help)
{
    *help = "";
    if (job->run == job_plan) {
        *help = "  --nodes N     of all stages on N nodes, and their line of "
                "sbatch\n";
        return "--nodes";
    }
    if (job->run == job_export) {
        *help = "  --gallery DIR  a page to look at, DIR/gallery/index.html, "
                "and no more\n";
        return "--gallery";
    }
    return NULL;
}

const struct job *job_find(const char *name)
{
    const char *names[N_JOBS];
    for (int i = 0; i < n_jobs; ++i) {
        if (strcmp(jobs[i].name, name) == 0)
            return &jobs[i];
        names[i] = jobs[i].name;
    }
    lp_misused("there is no job \"%s\" (nearest: %s); lpcam without arguments "
               "lists them",
               name, text_nearest(name, names, n_jobs));
    return NULL;
}
