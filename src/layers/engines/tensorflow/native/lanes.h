// Vectors of numbers of neighbouring channels.
#pragma once

#include <cstdint>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace weft {

constexpr int64_t kLanes = 16;
typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes), aligned(sizeof(float)), may_alias));

inline Lanes &LanesAt(float *numbers) { return *reinterpret_cast<Lanes *>(numbers); }
inline const Lanes &LanesAt(const float *numbers) { return *reinterpret_cast<const Lanes *>(numbers); }

#if defined(__AVX512F__)
inline Lanes LoadSome(const float *from, int64_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
}
inline void StoreSome(Lanes some, float *to, int64_t count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), some);
}
#else
// Apart from what calls them, whose vectors could not be in registers else.
__attribute__((noinline)) inline Lanes LoadSome(const float *from, int64_t count) {
  Lanes some = {};
  for (int64_t i = 0; i < count; i++) some[i] = from[i];
  return some;
}
__attribute__((noinline)) inline void StoreSome(Lanes some, float *to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = some[i];
}
#endif

// The first of a vector where there are fewer; what is missing is zeros.
inline Lanes Load(const float *from, int64_t count) {
  return count >= kLanes ? LanesAt(from) : LoadSome(from, count);
}
inline void Store(Lanes some, float *to, int64_t count) {
  if (count >= kLanes)
    LanesAt(to) = some;
  else
    StoreSome(some, to, count);
}

}  // namespace weft
