/*
 * wire_scan.c - one pass over the bytes of a frame, guided by the message descriptors.
 */
#include "libipc/wire_scan.h"

#include <assert.h>

#include "libipc/limits.h"
#include "proto/frame.pb-c.h"

/* In proto/frame.proto: fields from here on are not bodies. */
#define SCAN_EXTRA_NUMBER 100u
#define SCAN_VALUES_NUMBER 2047u

enum wire_type {
        WIRE_TYPE_VARINT = 0,
        WIRE_TYPE_FIXED64 = 1,
        WIRE_TYPE_BYTES = 2,
        WIRE_TYPE_FIXED32 = 5,
};

static const uint8_t wire_types[] = {
        [PROTOBUF_C_TYPE_INT32] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT32] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED32] = WIRE_TYPE_FIXED32,
        [PROTOBUF_C_TYPE_INT64] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT64] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED64] = WIRE_TYPE_FIXED64,
        [PROTOBUF_C_TYPE_UINT32] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED32] = WIRE_TYPE_FIXED32,
        [PROTOBUF_C_TYPE_UINT64] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED64] = WIRE_TYPE_FIXED64,
        [PROTOBUF_C_TYPE_FLOAT] = WIRE_TYPE_FIXED32,
        [PROTOBUF_C_TYPE_DOUBLE] = WIRE_TYPE_FIXED64,
        [PROTOBUF_C_TYPE_BOOL] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_ENUM] = WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_STRING] = WIRE_TYPE_BYTES,
        [PROTOBUF_C_TYPE_BYTES] = WIRE_TYPE_BYTES,
        [PROTOBUF_C_TYPE_MESSAGE] = WIRE_TYPE_BYTES,
};

const uint8_t *scan_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret) {
        uint64_t v = 0;

        for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
                const uint8_t byte = *at++;

                v |= (uint64_t)(byte & 0x7f) << shift;
                if (byte >= 0x80)
                        continue;
                if (shift == 63 && byte > 1)
                        return NULL;
                *ret = v;
                return at;
        }
        return NULL;
}

struct scan_field {
        uint32_t number, type;
        const uint8_t *content;
        size_t len; /* of the content: without the length of bytes */
        const uint8_t *end;
};

/* Reads one field of any legal wire type; false when it is cut off or illegal. */
static bool scan_field(const uint8_t *at, const uint8_t *end, struct scan_field *ret) {
        uint64_t tag, len = 0;

        at = scan_varint(at, end, &tag);
        if (!at || tag > UINT32_MAX || tag >> 3 == 0)
                return false;
        ret->number = (uint32_t)tag >> 3;
        ret->type = tag & 7;
        ret->content = at;

        if (ret->type == WIRE_TYPE_VARINT) {
                at = scan_varint(at, end, &len);
                if (!at)
                        return false;
                len = (uint64_t)(at - ret->content);
        } else if (ret->type == WIRE_TYPE_BYTES) {
                ret->content = scan_varint(at, end, &len);
                if (!ret->content)
                        return false;
        } else if (ret->type == WIRE_TYPE_FIXED64 || ret->type == WIRE_TYPE_FIXED32) {
                len = ret->type == WIRE_TYPE_FIXED64 ? 8 : 4;
        } else {
                return false;
        }

        if (len > (uint64_t)(end - ret->content))
                return false;
        ret->len = (size_t)len;
        ret->end = ret->content + len;
        return true;
}

static bool scan_refuse(struct scan *s, const char *reason) {
        s->reason = reason;
        return false;
}

/* Remembers where the parts of the frame lie; `at` is the field's tag. */
static void scan_note(struct scan *s,
                      const uint8_t *at,
                      const uint8_t *end,
                      const struct scan_field *field) {
        if (!s->extra && field->number >= SCAN_EXTRA_NUMBER)
                s->extra = at;
        if (field->number != SCAN_VALUES_NUMBER)
                return;

        s->values_tag = at;
        s->values = field->content;
        /* Not last: a length that no prefix can ask for. */
        s->values_len = field->end == end ? field->len : SIZE_MAX;
}

static bool scan_message(struct scan *s,
                         const ProtobufCMessageDescriptor *descriptor,
                         const uint8_t *at,
                         const uint8_t *end);

/* `seen` has one bit per field of the message. */
static bool scan_known(struct scan *s,
                       const ProtobufCMessageDescriptor *descriptor,
                       const ProtobufCFieldDescriptor *known,
                       const struct scan_field *field,
                       uint64_t *seen) {
        const uint64_t bit = UINT64_C(1) << (known - descriptor->fields);

        if (field->type != wire_types[known->type])
                return scan_refuse(s, "a field has the wrong wire type");
        if (known->label != PROTOBUF_C_LABEL_REPEATED && (*seen & bit) != 0)
                return scan_refuse(s, "a field occurs twice");
        *seen |= bit;

        if ((known->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && ++s->n_bodies > 1)
                return scan_refuse(s, "the frame has more than one body");
        if (known->type != PROTOBUF_C_TYPE_MESSAGE)
                return true;
        return scan_message(s, known->descriptor, field->content, field->end);
}

static bool scan_message(struct scan *s,
                         const ProtobufCMessageDescriptor *descriptor,
                         const uint8_t *at,
                         const uint8_t *end) {
        uint64_t seen = 0;

        assert(descriptor->n_fields <= 64);
        while (at < end) {
                const ProtobufCFieldDescriptor *known;
                struct scan_field field;

                if (++s->n_fields > LIMIT_FRAME_FIELDS)
                        return scan_refuse(s, "the frame has too many fields");
                if (!scan_field(at, end, &field))
                        return scan_refuse(s, "a field is cut off or has an illegal wire type");

                known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
                if (!known && ++s->n_unknown > LIMIT_FRAME_UNKNOWN_FIELDS)
                        return scan_refuse(s, "the frame has too many unknown fields");
                if (known && !scan_known(s, descriptor, known, &field, &seen))
                        return false;

                if (descriptor == &thox__frame__descriptor)
                        scan_note(s, at, end, &field);
                at = field.end;
        }
        return true;
}

bool scan_frame(struct scan *s, const uint8_t *body, size_t len, size_t values_len) {
        const uint8_t *const end = body + len;

        *s = (struct scan){ .values_tag = end };
        if (!scan_message(s, &thox__frame__descriptor, body, end))
                return false;
        if (s->n_bodies == 0)
                return scan_refuse(s, "the frame has no body");
        if (s->values_len != values_len)
                return scan_refuse(s, "values are not last or not as long as the prefix says");
        if (!s->extra)
                s->extra = end;
        return true;
}
