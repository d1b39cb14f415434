/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "qemu/bitmaps.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* ---- The type ---- */

static const QapiType string_type = {.kind = QAPI_STRING};
static const QapiType bool_type = {.kind = QAPI_BOOL};

static const QapiMember transform_members[] = {QAPI_OPTIONAL("persistent", &bool_type), QAPI_END};
static const QapiType transform_type = {.kind = QAPI_OBJECT, .members = transform_members};

static const QapiMember bitmap_members[] = {
    QAPI_REQUIRED("name", &string_type),
    QAPI_REQUIRED("alias", &string_type),
    QAPI_OPTIONAL("transform", &transform_type),
    QAPI_END,
};
static const QapiType bitmap_type = {.kind = QAPI_OBJECT, .members = bitmap_members};
static const QapiType bitmap_list_type = {.kind = QAPI_ARRAY, .element = &bitmap_type};

static const QapiMember node_members[] = {
    QAPI_REQUIRED("node-name", &string_type),
    QAPI_REQUIRED("alias", &string_type),
    QAPI_REQUIRED("bitmaps", &bitmap_list_type),
    QAPI_END,
};
static const QapiType node_type = {.kind = QAPI_OBJECT, .members = node_members};
const QapiType bitmaps_type = {.kind = QAPI_ARRAY, .element = &node_type};

/* ---- The check ---- */

/* In bytes, without the terminating NUL. */
enum {
    MOST_ALIAS = 255,
    MOST_NODE_NAME = 31,
    MOST_BITMAP_NAME = 1023,
};

#define PREFIX "Invalid mapping given for block-bitmap-mapping: "
#define refuse_mapping(error, ...) refuse(error, MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING, PREFIX __VA_ARGS__)

/* QEMU walks the list twice: first no name may occur twice, then no alias. */
typedef enum Pass {
    BY_NAME,
    BY_ALIAS
} Pass;

static const char *text_of(const QmpValue *object, const char *member)
{
    return qmp_member_of(object, member)->text;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_identifier(const char *text)
{
    return is_letter(text[0]) && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                   "-._")] == '\0';
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(one, other);
}

static void free_nothing(void *text)
{
    (void)text;
}

/* 1 if the text was not seen before, 0 if it was, -ENOMEM. */
static int is_new(void **seen, const char *text)
{
    if (tfind(text, seen, compare_texts) != NULL) {
        return 0;
    }
    return tsearch(text, seen, compare_texts) != NULL ? 1 : -ENOMEM;
}

static int check_bitmap(Pass pass, const QmpValue *node, const QmpValue *bitmap, void **seen, MigrationError *error)
{
    const char *alias = text_of(bitmap, "alias"), *name = text_of(bitmap, "name");
    if (strlen(alias) > MOST_ALIAS) {
        return refuse_mapping(error, "The bitmap alias '%s' is longer than %d bytes", alias, MOST_ALIAS);
    }
    if (strlen(name) > MOST_BITMAP_NAME) {
        return refuse_mapping(error, "The bitmap name '%s' is longer than %d bytes", name, MOST_BITMAP_NAME);
    }
    int new = is_new(seen, pass == BY_NAME ? name : alias);
    if (new != 0) {
        return new < 0 ? new : 0;
    }
    return pass == BY_NAME
               ? refuse_mapping(error, "The bitmap '%s'/'%s' is mapped twice", text_of(node, "node-name"), name)
               : refuse_mapping(error, "The bitmap alias '%s'/'%s' is used twice", text_of(node, "alias"), alias);
}

static int check_bitmaps(Pass pass, const QmpValue *node, MigrationError *error)
{
    const QmpValue *bitmaps = qmp_member_of(node, "bitmaps");
    void *seen = NULL;
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < bitmaps->number; i++) {
        result = check_bitmap(pass, node, &bitmaps->elements[i], &seen, error);
    }
    tdestroy(seen, free_nothing);
    return result;
}

static int check_node(Pass pass, const QmpValue *node, void **seen, MigrationError *error)
{
    const char *alias = text_of(node, "alias"), *name = text_of(node, "node-name");
    if (!is_identifier(alias)) {
        return refuse_mapping(error, "The node alias '%s' is not well-formed", alias);
    }
    if (strlen(alias) > MOST_ALIAS) {
        return refuse_mapping(error, "The node alias '%s' is longer than %d bytes", alias, MOST_ALIAS);
    }
    if (strlen(name) > MOST_NODE_NAME) {
        return refuse_mapping(error, "The node name '%s' is longer than %d bytes", name, MOST_NODE_NAME);
    }
    int new = is_new(seen, pass == BY_NAME ? name : alias);
    if (new != 0) {
        return new < 0 ? new : check_bitmaps(pass, node, error);
    }
    return pass == BY_NAME ? refuse_mapping(error, "The node name '%s' is mapped twice", name)
                           : refuse_mapping(error, "The node alias '%s' is used twice", alias);
}

static int check_pass(Pass pass, const QmpValue *mapping, MigrationError *error)
{
    void *seen = NULL;
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < mapping->number; i++) {
        result = check_node(pass, &mapping->elements[i], &seen, error);
    }
    tdestroy(seen, free_nothing);
    return result;
}

int bitmaps_check(const QmpValue *mapping, MigrationError *error)
{
    int result = check_pass(BY_NAME, mapping, error);
    return result == 0 ? check_pass(BY_ALIAS, mapping, error) : result;
}
