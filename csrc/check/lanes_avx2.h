/* SPDX-License-Identifier: GPL-2.0-or-later */
#define VARIANT(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define Vec __m256i
#define WIDTH 32

TARGET static inline __m256i set1_avx2(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

TARGET static inline __m256i table_avx2(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

TARGET static inline __m256i look_up_avx2(__m256i table, __m256i index)
{
    return _mm256_shuffle_epi8(table, index);
}

TARGET static inline __m256i shr4_avx2(__m256i bytes)
{
    return _mm256_srli_epi16(bytes, 4);
}

TARGET static inline __m256i min_avx2(__m256i one, __m256i other)
{
    return _mm256_min_epu8(one, other);
}

TARGET static inline __m256i or_else_avx2(__m256i one, __m256i other)
{
    return _mm256_blendv_epi8(one, other, _mm256_cmpeq_epi8(one, set1_avx2(NO_TERM)));
}

/* Splits four vectors of words into three of bytes: first within each 128 bits, then across the vectors. */
TARGET static inline void split_avx2(const __m256i words[4], __m256i planes[3])
{
    const __m256i by_byte =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m256i a = _mm256_shuffle_epi8(words[0], by_byte), b = _mm256_shuffle_epi8(words[1], by_byte);
    __m256i c = _mm256_shuffle_epi8(words[2], by_byte), d = _mm256_shuffle_epi8(words[3], by_byte);
    __m256i low_ab = _mm256_unpacklo_epi32(a, b), low_cd = _mm256_unpacklo_epi32(c, d);
    planes[0] = _mm256_unpacklo_epi64(low_ab, low_cd);
    planes[1] = _mm256_unpackhi_epi64(low_ab, low_cd);
    planes[2] = _mm256_unpacklo_epi64(_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
}

TARGET static inline void planes32_avx2(const uint32_t *words, __m256i planes[3], __m256i *all)
{
    __m256i each[4];
    for (int i = 0; i < 4; i++) {
        each[i] = _mm256_loadu_si256((const __m256i *)(const void *)(words + (size_t)i * 8));
        *all |= each[i];
    }
    split_avx2(each, planes);
}

TARGET static inline void planes64_avx2(const uint64_t *words, __m256i planes[3], __m256i *all)
{
    const __m256i low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    __m256i each[4];
    for (int i = 0; i < 4; i++) {
        const __m256i *from = (const __m256i *)(const void *)(words + (size_t)i * 8);
        __m256i first = _mm256_loadu_si256(from), second = _mm256_loadu_si256(from + 1);
        *all |= first | second;
        each[i] = _mm256_blend_epi32(_mm256_permutevar8x32_epi32(first, low_halves),
                                     _mm256_permutevar8x32_epi32(second, low_halves), 0xf0);
    }
    split_avx2(each, planes);
}

TARGET static inline void store_avx2(uint8_t *codes, __m256i found)
{
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)(void *)codes, _mm256_permutevar8x32_epi32(found, in_order));
}

#include "check/lanes.h"
