// The end of a residual with layer scale, in one way through memory. Sixteen channels or more.
#pragma once

#include "Kernel.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

// x, z (both N, ..., c), a bias (c) and a weight (c), and a factor for each image (N), or nothing:
// y = x + factor weight (z + bias).
class ScaleAdd {
 public:
  explicit ScaleAdd(Attributes &) {}

  void Run(Call &call) const {
    Shape shape, images;
    const float *const x = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const z = call.Input(1, SizeOf(shape));
    const float *const bias = call.Input(2, channels), *const weight = call.Input(3, channels);
    const float *const given = call.Input(4, &images);
    const float *const factors = SizeOf(images) == 0 ? nullptr : given;
    Call::Require(factors == nullptr || SizeOf(images) == shape[0], "there must be a factor for each image, or none");
    const int64_t each = rows.rows / std::max<int64_t>(1, shape[0]);
    float *const y = call.Output(0, shape);
    rows.Each([&](int64_t row) {
      const int64_t at = row * channels;
      const float factor = factors == nullptr ? 1 : factors[row / each];
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
    Shape shape, images;
    const float *const dy = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const z = call.Input(1, SizeOf(shape));
    const float *const bias = call.Input(2, channels), *const weight = call.Input(3, channels);
    const float *const given = call.Input(4, &images);
    const float *const factors = SizeOf(images) == 0 ? nullptr : given;
    Call::Require(factors == nullptr || SizeOf(images) == shape[0], "there must be a factor for each image, or none");
    const int64_t each = rows.rows / std::max<int64_t>(1, shape[0]);
    float *const dz = call.Output(0, shape);
    float *const dWeight = call.Output(1, {channels}), *const dBias = call.Output(2, {channels});
    const RowSums sums(call, rows, 2);
    sums.Each([&](int64_t row, float *sum) {
      const int64_t at = row * channels;
      const float factor = factors == nullptr ? 1 : factors[row / each];
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
