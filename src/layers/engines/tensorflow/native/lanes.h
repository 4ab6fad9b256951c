// Vectors of sixteen numbers, and functions of each; rows of channels in pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "Kernel.h"
#include "Pool.h"

namespace weft {

constexpr int64_t kLanes = 16;
typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes), aligned(sizeof(float)), may_alias));
typedef int32_t LaneInts __attribute__((vector_size(sizeof(int32_t) * kLanes)));

inline Lanes &LanesAt(float *numbers) { return *reinterpret_cast<Lanes *>(numbers); }
inline const Lanes &LanesAt(const float *numbers) { return *reinterpret_cast<const Lanes *>(numbers); }

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

// e^x within 2 units of the last place; 0 below -87. Source: Cephes' expf (Moshier, 1989).
inline Lanes Exp(Lanes x) {
  const Lanes least = Same(-87.0f), most = Same(88.0f);
  Lanes r = x < least ? least : x;
  r = r > most ? most : r;
  // Adding 1.5 * 2^23 rounds to whole numbers, which are the last bits then.
  const Lanes moved = r * 1.44269504f + 12582912.0f, whole = moved - 12582912.0f;
  r = r - whole * 0.693359375f;
  r = r + whole * 2.12194440e-4f;
  Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const LaneInts power = ((LaneInts)moved << 23) + 0x3f800000;
  return x < least ? Lanes{} : p * (Lanes)power;
}

// The error function, within 3 units of the last place: a quotient of polynomials, and 1 or -1 beyond 3.83. Source: XLA's
// ErfImpl32.
inline Lanes Erf(Lanes x) {
  const Lanes most = Same(3.832506856900711f);
  Lanes z = x > most ? most : x;
  z = z < -most ? -most : z;
  const Lanes s = z * z;
  Lanes p = s * 0.00022905065861350646f + 0.0034082910107109506f;
  p = p * s + 0.050955695062380861f;
  p = p * s + 0.18520832239976145f;
  p = p * s + 1.128379143519084f;
  Lanes q = s * -1.1791602954361697e-7f + 0.000023547966471313185f;
  q = q * s + 0.0010179625278914885f;
  q = q * s + 0.014070470171167667f;
  q = q * s + 0.11098505178285362f;
  q = q * s + 0.49746925110067538f;
  q = q * s + 1.0f;
  return z * p / q;
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

// Rows of channels: in blocks that stay in a processor's cache, and those in pieces, whose number does not depend on the
// threads.
struct Rows {
  int64_t channels, rows, block, pieces;

  explicit Rows(const Shape &shape)
      : channels(shape.empty() ? 0 : shape.back()), rows(channels == 0 ? 0 : SizeOf(shape) / channels) {
    Call::Require(channels >= kLanes, "there must be sixteen channels or more");
    block = std::max<int64_t>(8, 16384 / channels);
    pieces = std::min<int64_t>(64, (rows + block - 1) / block);
  }

  // Calls `body` with the first row and the one after the last of each block of a piece.
  template <class Body>
  void Blocks(int64_t piece, const Body &body) const {
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t i = blocks * piece / pieces; i < blocks * (piece + 1) / pieces; i++)
      body(i * block, std::min(rows, (i + 1) * block));
  }

  // All rows, by all threads.
  template <class Body>
  void Each(const Body &body) const {
    Pool::Get().Run(pieces, [&](int64_t piece) {
      Blocks(piece, [&](int64_t first, int64_t end) {
        for (int64_t row = first; row < end; row++) body(row);
      });
    });
  }
};

// Sums over rows, `count` for each channel: in float along a block, in double beyond.
class RowSums {
 public:
  RowSums(Call &call, const Rows &rows, int64_t count)
      : rows_(rows),
        width_(rows.channels * count),
        totals_(call.Scratch<double>(std::max<int64_t>(1, rows.pieces) * width_)),
        sums_(call.Scratch<float>(std::max<int64_t>(1, rows.pieces) * width_)) {}

  // All rows, by all threads; `body` adds a row to the sums that it is given, those of each kind one after the other.
  template <class Body>
  void Each(const Body &body) const {
    Pool::Get().Run(rows_.pieces, [&](int64_t piece) {
      double *const total = totals_ + piece * width_;
      float *const sum = sums_ + piece * width_;
      std::fill_n(total, width_, 0.0);
      rows_.Blocks(piece, [&](int64_t first, int64_t end) {
        std::fill_n(sum, width_, 0.0f);
        for (int64_t row = first; row < end; row++) body(row, sum);
        for (int64_t i = 0; i < width_; i++) total[i] += sum[i];
      });
    });
  }

  // The sum of one kind and channel over all rows.
  double Of(int64_t kind, int64_t channel) const {
    double sum = 0;
    for (int64_t piece = 0; piece < rows_.pieces; piece++)
      sum += totals_[piece * width_ + kind * rows_.channels + channel];
    return sum;
  }

  void Write(int64_t kind, float *to) const {
    for (int64_t c = 0; c < rows_.channels; c++) to[c] = static_cast<float>(Of(kind, c));
  }

 private:
  const Rows &rows_;
  const int64_t width_;
  double *const totals_;
  float *const sums_;
};

}  // namespace weft
