// GELU, by the error function: y = x Φ(x). Sixteen channels or more.
#pragma once

#include "Kernel.h"
#include "exp.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

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

// Φ(x): the share of x that is let through.
inline Lanes GeluShare(Lanes x) { return Erf(x * 0.70710678f) * 0.5f + 0.5f; }

// x, and a bias, or nothing: adds the bias to x in place, where nobody else may look at it, and gives y.
class Gelu {
 public:
  explicit Gelu(Attributes &) {}

  void Run(Call &call) const {
    Shape shape, biases;
    float *const x = call.Input(0, &shape);
    const float *const bias = call.Input(1, &biases);
    float *const y = call.Output(0, shape);
    Apply(shape, x, SizeOf(biases) == 0 ? nullptr : bias, SizeOf(biases), x, y);
  }

  // Without a bias, x is not written to.
  static void Apply(const Shape &shape, const float *x, const float *bias, int64_t biases, float *shifted, float *y) {
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    Call::Require(bias == nullptr || biases == channels, "there must be a bias for each channel, or none");
    rows.Each([&](int64_t row) {
      const int64_t at = row * channels;
      int64_t c = 0;
      const auto some = [&](Lanes own, int64_t c) {
        if (bias != nullptr) {
          own += LanesAt(bias + c);
          LanesAt(shifted + at + c) = own;
        }
        LanesAt(y + at + c) = own * GeluShare(own);
      };
      for (; c + kLanes <= channels; c += kLanes) some(LanesAt(x + at + c), c);
      // One after the other: a vector that overlaps would shift twice.
      for (; c < channels; c++) {
        const float own = bias == nullptr ? x[at + c] : x[at + c] + bias[c];
        if (bias != nullptr) shifted[at + c] = own;
        y[at + c] = (Same(own) * GeluShare(Same(own)))[0];
      }
    });
  }
};

// The same in inference: x becomes y.
class GeluInPlace {
 public:
  explicit GeluInPlace(Attributes &) {}

  void Run(Call &call) const {
    Shape shape, biases;
    float *const x = call.Input(0, &shape);
    const float *const bias = call.Input(1, &biases);
    Gelu::Apply(shape, x, SizeOf(biases) == 0 ? nullptr : bias, SizeOf(biases), x, x);
  }
};

// dy, and x with the bias: the gradient of x, and its sums by channel, which are the bias's gradient.
class GeluGrad {
 public:
  explicit GeluGrad(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const x = call.Input(1, SizeOf(shape));
    float *const dx = call.Output(0, shape), *const dBias = call.Output(1, {channels});
    const RowSums sums(call, rows, 1);
    sums.Each([&](int64_t row, float *sum) {
      const int64_t at = row * channels;
      EachLanes(channels, [&](int64_t c, auto isNew) {
        const Lanes own = LanesAt(x + at + c);
        const Lanes density = Exp(own * own * -0.5f) * 0.39894228f;
        const Lanes gradient = LanesAt(dy + at + c) * (GeluShare(own) + own * density);
        LanesAt(dx + at + c) = gradient;
        LanesAt(sum + c) += isNew(gradient);
      });
    });
    sums.Write(0, dBias);
  }
};

}  // namespace weft
