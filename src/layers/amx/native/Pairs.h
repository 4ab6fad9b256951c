// Numbers as two of 16 bits each: a float32 is, but for 2^-17 of it at most, the sum of two bfloat16.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace weft {

constexpr int64_t kLanes = 16, kBlock = 32;

inline int64_t Blocks(int64_t channels) { return (channels + kBlock - 1) / kBlock; }

// The number rounded to bfloat16, still as float32.
inline __m512 High(__m512 x) {
  const __m512i half = _mm512_set1_epi32(0x8000), kept = _mm512_set1_epi32(static_cast<int>(0xffff0000));
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), kept));
}

// Thirty-two numbers as their high and low halves, `low` numbers apart.
inline void StorePairs(uint16_t *to, int64_t low, __m512 a, __m512 b) {
  const __m512 ha = High(a), hb = High(b);
  _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(hb, ha));
  _mm512_storeu_si512(to + low, (__m512i)_mm512_cvtne2ps_pbh(_mm512_sub_ps(b, hb), _mm512_sub_ps(a, ha)));
}

inline __m512 Widen(const uint16_t *from) {
  const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(numbers), 16));
}

// Sixteen numbers out of their halves.
inline __m512 LoadPairs(const uint16_t *from, int64_t low) {
  return _mm512_add_ps(Widen(from), Widen(from + low));
}

enum class Rectifier { kNone, kRelu, kRelu6 };

// NaN stays NaN.
inline __m512 Rectified(__m512 x, Rectifier rectifier) {
  if (rectifier == Rectifier::kNone) return x;
  x = _mm512_max_ps(_mm512_setzero_ps(), x);
  return rectifier == Rectifier::kRelu ? x : _mm512_min_ps(_mm512_set1_ps(6.0f), x);
}

}  // namespace weft
