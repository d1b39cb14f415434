/* SPDX-License-Identifier: GPL-2.0-or-later */
#define VARIANT(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw")))
#define Vec __m512i
#define WIDTH 64

TARGET static inline __m512i set1_avx512(uint8_t byte)
{
    return _mm512_set1_epi8((char)byte);
}

TARGET static inline __m512i table_avx512(const uint8_t table[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

TARGET static inline __m512i look_up_avx512(__m512i table, __m512i index)
{
    return _mm512_shuffle_epi8(table, index);
}

TARGET static inline __m512i shr4_avx512(__m512i bytes)
{
    return _mm512_srli_epi16(bytes, 4);
}

TARGET static inline __m512i min_avx512(__m512i one, __m512i other)
{
    return _mm512_min_epu8(one, other);
}

TARGET static inline __m512i or_else_avx512(__m512i one, __m512i other)
{
    return _mm512_mask_mov_epi8(one, _mm512_cmpeq_epi8_mask(one, set1_avx512(NO_TERM)), other);
}

/* Splits four vectors of words into three of bytes: first within each 128 bits, then across the vectors. */
TARGET static inline void split_avx512(const __m512i words[4], __m512i planes[3])
{
    const __m512i by_byte = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i a = _mm512_shuffle_epi8(words[0], by_byte), b = _mm512_shuffle_epi8(words[1], by_byte);
    __m512i c = _mm512_shuffle_epi8(words[2], by_byte), d = _mm512_shuffle_epi8(words[3], by_byte);
    __m512i low_ab = _mm512_unpacklo_epi32(a, b), low_cd = _mm512_unpacklo_epi32(c, d);
    planes[0] = _mm512_unpacklo_epi64(low_ab, low_cd);
    planes[1] = _mm512_unpackhi_epi64(low_ab, low_cd);
    planes[2] = _mm512_unpacklo_epi64(_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
}

TARGET static inline void planes32_avx512(const uint32_t *words, __m512i planes[3], __m512i *all)
{
    __m512i each[4];
    for (int i = 0; i < 4; i++) {
        each[i] = _mm512_loadu_si512(words + (size_t)i * 16);
        *all |= each[i];
    }
    split_avx512(each, planes);
}

TARGET static inline void planes64_avx512(const uint64_t *words, __m512i planes[3], __m512i *all)
{
    const __m512i low_halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i each[4];
    for (int i = 0; i < 4; i++) {
        __m512i first = _mm512_loadu_si512(words + (size_t)i * 16);
        __m512i second = _mm512_loadu_si512(words + (size_t)i * 16 + 8);
        *all |= first | second;
        each[i] = _mm512_permutex2var_epi32(first, low_halves, second);
    }
    split_avx512(each, planes);
}

TARGET static inline void store_avx512(uint8_t *codes, __m512i found)
{
    const __m512i in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(codes, _mm512_permutexvar_epi32(in_order, found));
}

#include "check/lanes.h"
