// Numbers as two of 16 bits each: a float32 is, but for 2^-17 of it at most, the sum of two bfloat16.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace weft {

constexpr int64_t kLanes = 16, kBlock = 32;

inline int64_t Blocks(int64_t channels) { return (channels + kBlock - 1) / kBlock; }

// The first of sixteen lanes, so many of them.
inline __mmask16 Lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

// Sixteen numbers as a high and a low part, both float32, that bfloat16 can hold: the high one rounded, the low one what is
// left. Infinities have nothing left, and the largest numbers are not rounded up to one; NaN stays NaN.
struct Parts {
  __m512 high, low;

  explicit Parts(__m512 x) {
    const __m512i bits = _mm512_castps_si512(x), kept = _mm512_set1_epi32(static_cast<int>(0xffff0000));
    high = _mm512_castsi512_ps(_mm512_and_si512(_mm512_add_epi32(bits, _mm512_set1_epi32(0x8000)), kept));
    low = _mm512_sub_ps(x, high);
    // From here on, rounding up gives an infinity.
    const __m512i size = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
    const __mmask16 large = _mm512_cmpge_epi32_mask(size, _mm512_set1_epi32(0x7f7f8000));
    if (__builtin_expect(large == 0, 1)) return;
    high = _mm512_castsi512_ps(_mm512_mask_and_epi32(_mm512_castps_si512(high), large, bits, kept));
    low = _mm512_maskz_sub_ps(_mm512_cmpneq_epi32_mask(size, _mm512_set1_epi32(0x7f800000)), x, high);
  }
};

// Thirty-two numbers as their high and low halves, `low` numbers apart.
inline void StorePairs(uint16_t *to, int64_t low, __m512 a, __m512 b) {
  const Parts of_a(a), of_b(b);
  _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(of_b.high, of_a.high));
  _mm512_storeu_si512(to + low, (__m512i)_mm512_cvtne2ps_pbh(of_b.low, of_a.low));
}

inline __m512 Widen(const uint16_t *from) {
  const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(numbers), 16));
}

// Sixteen numbers out of their halves.
inline __m512 LoadPairs(const uint16_t *from, int64_t low) {
  return _mm512_add_ps(Widen(from), Widen(from + low));
}

// The larger ones; NaN is larger than any number. (The processor's own maximum is the second of two where one is NaN.)
inline __m512 Larger(__m512 a, __m512 b) {
  return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

enum class Rectifier { kNone, kRelu, kRelu6 };

// NaN stays NaN.
inline __m512 Rectified(__m512 x, Rectifier rectifier) {
  if (rectifier == Rectifier::kNone) return x;
  x = _mm512_max_ps(_mm512_setzero_ps(), x);
  return rectifier == Rectifier::kRelu ? x : _mm512_min_ps(_mm512_set1_ps(6.0f), x);
}

}  // namespace weft
