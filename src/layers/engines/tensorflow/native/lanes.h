// Vectors of sixteen numbers, mostly of neighbouring channels.
#pragma once

#include <cstdint>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace weft {

constexpr int64_t kLanes = 16;
typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes), aligned(sizeof(float)), may_alias));
typedef int32_t LaneInts __attribute__((vector_size(sizeof(int32_t) * kLanes)));

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

inline Lanes Same(float x) { return Lanes{} + x; }

// In a fixed order: halves on halves.
inline float SumOf(Lanes x) {
  float sums[kLanes];
  LanesAt(sums) = x;
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; i++) sums[i] += sums[i + half];
  return sums[0];
}

inline float MaxOf(Lanes x) {
  float most = x[0];
  // What is not a number stays so.
  for (int64_t i = 1; i < kLanes; i++) most = most >= x[i] || most != most ? most : x[i];
  return most;
}

// Calls `body` for each sixteen of `count` channels, of which there are sixteen or more. The last ones overlap those
// before: a second argument keeps what is new of a vector, and sets the rest to zero.
template <class Body>
inline void EachLanes(int64_t count, const Body &body) {
  int64_t c = 0;
  for (; c + kLanes <= count; c += kLanes) body(c, [](Lanes x) { return x; });
  if (c == count) return;
  LaneInts at;
  for (int64_t i = 0; i < kLanes; i++) at[i] = static_cast<int32_t>(i);
  const LaneInts isNew = at >= static_cast<int32_t>(kLanes - (count - c));
  body(count - kLanes, [&](Lanes x) { return isNew ? x : Lanes{}; });
}

}  // namespace weft
