/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of QMP values, which outlive the request. */
#include "state/value.h"

#include <stdlib.h>
#include <string.h>

/* The memory that a copy needs. Nodes come first, then texts, which need no alignment. */
typedef struct Room {
    size_t nodes; /* bytes */
    size_t texts;
} Room;

_Static_assert(_Alignof(QmpMember) == _Alignof(QmpValue), "both kinds of nodes share one block");

static size_t size_of_text(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static void add_room(const QmpValue *value, Room *room)
{
    room->texts += size_of_text(value->text);
    for (uint64_t i = 0; value->elements != NULL && i < value->number; i++) {
        room->nodes += sizeof(QmpValue);
        add_room(&value->elements[i], room);
    }
    for (uint64_t i = 0; value->members != NULL && i < value->number; i++) {
        room->nodes += sizeof(QmpMember);
        room->texts += size_of_text(value->members[i].name);
        add_room(&value->members[i].value, room);
    }
}

/* Where the next node and the next text go. */
typedef struct Place {
    char *node;
    char *text;
} Place;

static void *take_nodes(Place *place, uint64_t count, size_t size)
{
    void *nodes = place->node;
    place->node += count * size;
    return nodes;
}

static const char *copy_text(const char *text, Place *place)
{
    size_t size = size_of_text(text);
    if (size == 0) {
        return NULL;
    }
    char *copy = memcpy(place->text, text, size);
    place->text += size;
    return copy;
}

static void copy_to(QmpValue *copy, const QmpValue *value, Place *place)
{
    *copy = (QmpValue){.type = value->type, .number = value->number, .text = copy_text(value->text, place)};
    if (value->elements != NULL) {
        QmpValue *elements = take_nodes(place, value->number, sizeof(QmpValue));
        for (uint64_t i = 0; i < value->number; i++) {
            copy_to(&elements[i], &value->elements[i], place);
        }
        copy->elements = elements;
    }
    if (value->members != NULL) {
        QmpMember *members = take_nodes(place, value->number, sizeof(QmpMember));
        for (uint64_t i = 0; i < value->number; i++) {
            members[i].name = copy_text(value->members[i].name, place);
            copy_to(&members[i].value, &value->members[i].value, place);
        }
        copy->members = members;
    }
}

QmpValue *qmp_value_copy(const QmpValue *value)
{
    Room room = {sizeof(QmpValue), 0};
    add_room(value, &room);
    QmpValue *copy = malloc(room.nodes + room.texts);
    if (copy != NULL) {
        copy_to(copy, value, &(Place){(char *)(copy + 1), (char *)copy + room.nodes});
    }
    return copy;
}

void qmp_value_free(QmpValue *value)
{
    free(value);
}
