/* SPDX-License-Identifier: GPL-2.0-or-later */
#define VARIANT(name) name##_neon
#define TARGET
#define Vec uint8x16_t
#define WIDTH 16

static inline uint8x16_t set1_neon(uint8_t byte)
{
    return vdupq_n_u8(byte);
}

static inline uint8x16_t table_neon(const uint8_t table[16])
{
    return vld1q_u8(table);
}

static inline uint8x16_t look_up_neon(uint8x16_t table, uint8x16_t index)
{
    return vqtbl1q_u8(table, index);
}

static inline uint8x16_t shr4_neon(uint8x16_t bytes)
{
    return vshrq_n_u8(bytes, 4);
}

static inline uint8x16_t min_neon(uint8x16_t one, uint8x16_t other)
{
    return vminq_u8(one, other);
}

static inline uint8x16_t or_else_neon(uint8x16_t one, uint8x16_t other)
{
    return vbslq_u8(vceqq_u8(one, vdupq_n_u8(NO_TERM)), other, one);
}

/* Splits four vectors of words into three of bytes, in order: takes the even (or odd) bytes of two vectors, twice. */
static inline void split_neon(const uint8x16_t words[4], uint8x16_t planes[3])
{
    uint8x16_t even_ab = vuzp1q_u8(words[0], words[1]), even_cd = vuzp1q_u8(words[2], words[3]);
    uint8x16_t odd_ab = vuzp2q_u8(words[0], words[1]), odd_cd = vuzp2q_u8(words[2], words[3]);
    planes[0] = vuzp1q_u8(even_ab, even_cd);
    planes[1] = vuzp1q_u8(odd_ab, odd_cd);
    planes[2] = vuzp2q_u8(even_ab, even_cd);
}

static inline void planes32_neon(const uint32_t *words, uint8x16_t planes[3], uint8x16_t *all)
{
    uint8x16_t each[4];
    for (int i = 0; i < 4; i++) {
        each[i] = vreinterpretq_u8_u32(vld1q_u32(words + (size_t)i * 4));
        *all |= each[i];
    }
    split_neon(each, planes);
}

static inline void planes64_neon(const uint64_t *words, uint8x16_t planes[3], uint8x16_t *all)
{
    uint8x16_t each[4];
    for (int i = 0; i < 4; i++) {
        uint32x4_t first = vreinterpretq_u32_u64(vld1q_u64(words + (size_t)i * 4));
        uint32x4_t second = vreinterpretq_u32_u64(vld1q_u64(words + (size_t)i * 4 + 2));
        *all |= vreinterpretq_u8_u32(first | second);
        each[i] = vreinterpretq_u8_u32(vuzp1q_u32(first, second));
    }
    split_neon(each, planes);
}

static inline void store_neon(uint8_t *codes, uint8x16_t found)
{
    vst1q_u8(codes, found);
}

#include "check/lanes.h"
