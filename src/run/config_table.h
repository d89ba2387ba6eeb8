/* SPDX-License-Identifier: MIT */
/* config_table.h: the one table of all keys. Reading, checking, printing and
 * the guess at a misspelt key all go by it. All functions are Local. */
#ifndef LPCAM_CONFIG_TABLE_H
#define LPCAM_CONFIG_TABLE_H

#include "lpcam/run/config.h"

#define CONFIG_MAX_KEYS 112

enum key_kind {
    KEY_FLAG,  /* bool, by words                    */
    KEY_WORD,  /* int, by words                     */
    KEY_SET,   /* int, any of the words, or-ed      */
    KEY_INT,   /* int                               */
    KEY_INT64, /* int64_t                           */
    KEY_BYTES, /* int64_t, with or without a unit   */
    KEY_REAL,  /* double                            */
    KEY_LIST,  /* struct number_list                */
    KEY_TEXT   /* char *, owned, never NULL         */
};

/* A word a key may take and what is stored for it. */
struct key_word {
    const char *word;
    int value;
};

struct config_key {
    const char *name; /* "kmeans.k"                                    */
    enum key_kind kind;
    size_t at;                   /* offset in struct config                 */
    double low, high;            /* numbers: the range, ends included       */
    const struct key_word *word; /* or NULL; ends with word = NULL */
};

extern const struct config_key config_key[];
extern const int n_config_keys;

/* The key of this name, NULL when there is none. */
const struct config_key *key_find(const char *name);

/* The known name that looks most like this one. */
const char *key_nearest(const char *name);

/* Take over a value. where begins the sentence of a failure: "voc.ini:12".
 * Fails with LP_EUSAGE or LP_ENOMEM and then leaves config as it was. */
enum lp_status key_set(const struct config_key *key, struct config *config,
                       const char *value, const char *where);

/* Append the value as key_set reads it. False without memory. */
bool key_print(const struct config_key *key, const struct config *config,
               struct text_buffer *out);

#endif
