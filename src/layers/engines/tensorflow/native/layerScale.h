// The end of a residual with layer scale, in one way through memory. Sixteen channels or more.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

// A factor for each image, or nothing, as one of a call's inputs: 1 then.
class ImageFactors {
 public:
  ImageFactors(Call &call, int input, int64_t images, int64_t rows) : each_(rows / std::max<int64_t>(1, images)) {
    Shape shape;
    const float *const given = call.Input(input, &shape);
    factors_ = SizeOf(shape) == 0 ? nullptr : given;
    Call::Require(factors_ == nullptr || SizeOf(shape) == images, "there must be a factor for each image, or none");
  }

  float Of(int64_t row) const { return factors_ == nullptr ? 1 : factors_[row / each_]; }

 private:
  const int64_t each_;
  const float *factors_;
};

// x, z (both N, ..., c), a bias (c) and a weight (c), and a factor for each image (N), or nothing:
// y = x + factor weight (z + bias).
class ScaleAdd {
 public:
  explicit ScaleAdd(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const z = call.Input(1, SizeOf(shape));
    const float *const bias = call.Input(2, channels), *const weight = call.Input(3, channels);
    const ImageFactors factors(call, 4, shape[0], rows.rows);
    float *const y = call.Output(0, shape);
    rows.Each([&](int64_t row) {
      const int64_t at = row * channels;
      const float factor = factors.Of(row);
      EachLanes(channels, [&](int64_t c, auto) {
        const Lanes own = (LanesAt(z + at + c) + LanesAt(bias + c)) * LanesAt(weight + c);
        LanesAt(y + at + c) = LanesAt(x + at + c) + own * factor;
      });
    });
  }
};

// dy, z, bias, weight and factors: the gradients of z, weight and bias.
class ScaleAddGrad {
 public:
  explicit ScaleAddGrad(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const z = call.Input(1, SizeOf(shape));
    const float *const bias = call.Input(2, channels), *const weight = call.Input(3, channels);
    const ImageFactors factors(call, 4, shape[0], rows.rows);
    float *const dz = call.Output(0, shape);
    float *const dWeight = call.Output(1, {channels}), *const dBias = call.Output(2, {channels});
    const RowSums sums(call, rows, 2);
    sums.Each([&](int64_t row, float *sum) {
      const int64_t at = row * channels;
      const float factor = factors.Of(row);
      EachLanes(channels, [&](int64_t c, auto isNew) {
        const Lanes g = LanesAt(dy + at + c) * factor, own = g * LanesAt(weight + c);
        LanesAt(dz + at + c) = own;
        LanesAt(sum + c) += isNew(g * (LanesAt(z + at + c) + LanesAt(bias + c)));
        LanesAt(sum + channels + c) += isNew(own);
      });
    });
    sums.Write(0, dWeight);
    sums.Write(1, dBias);
  }
};

}  // namespace weft
