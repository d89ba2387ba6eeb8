/* SPDX-License-Identifier: MIT */
/* status.h: what a function answers, and how a failure is reported once. */
#ifndef LPCAM_STATUS_H
#define LPCAM_STATUS_H

/* Ordered by weight: where ranks differ, comm_agree keeps the largest. */
enum lp_status {
    LP_OK = 0,
    LP_EPEER,   /* another rank failed and has said why                    */
    LP_STOP,    /* stopped on request; all finished work is safe           */
    LP_EDATA,   /* one photograph or mask is broken: recorded, not fatal   */
    LP_ENOMEM,  /* memory                                                  */
    LP_EIO,     /* the file system: missing, unreadable, full              */
    LP_EFORMAT, /* an input file is not what it should be                  */
    LP_EMODEL,  /* the network cannot be used                              */
    LP_EARG,    /* values that cannot work together                        */
    LP_EUSAGE   /* wrong command line or configuration                     */
};

/* Report a failure once, where it happened, and yield its code:
 *     status = lp_fail(LP_EIO, "cannot open %s: %s", path, strerror(errno));
 * One sentence: which file, line, tensor or image; then what to do. Local. */
#define lp_fail(s, ...) (lp_report(__FILE__, __LINE__, (s), __VA_ARGS__), (s))

/* Leave through done: unless the call succeeds; needs a local `status`. */
#define LP_TRY(call)                                                           \
    do {                                                                       \
        status = (call);                                                       \
        if (status != LP_OK)                                                   \
            goto done;                                                         \
    } while (0)

/* Print the sentence on stderr with this rank's number. Local. */
void lp_report(const char *file, int line, enum lp_status status,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A word for a status, never NULL. Local. */
const char *lp_status_name(enum lp_status status);

/* What the program returns to the shell: 0 done, 1 failed, 2 wrong usage or
 * configuration, 75 stopped on request. LP_EPEER gives 0: the rank that failed
 * decides. Local. */
int lp_exit_code(enum lp_status status);

#endif
