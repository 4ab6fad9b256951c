// Layer norm: each row by its own mean and variance. Over the last axis, of sixteen channels or more.
#pragma once

#include <cmath>

#include "Kernel.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

// x, weight, bias: y, and of each row its mean and one over its deviation. The variance is made of centred numbers.
class LayerNorm {
 public:
  explicit LayerNorm(Attributes &attributes) : epsilon_(attributes.Number("epsilon")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const weight = call.Input(1, channels), *const bias = call.Input(2, channels);
    float *const y = call.Output(0, shape);
    float *const means = call.Output(1, {rows.rows}), *const inverses = call.Output(2, {rows.rows});
    const float share = 1 / static_cast<float>(channels);
    rows.Each([&](int64_t row) {
      const float *const from = x + row * channels;
      float *const to = y + row * channels;
      Lanes sum = {};
      EachLanes(channels, [&](int64_t c, auto isNew) { sum += isNew(LanesAt(from + c)); });
      const float mean = SumOf(sum) * share;
      Lanes squares = {};
      EachLanes(channels, [&](int64_t c, auto isNew) {
        const Lanes centred = isNew(LanesAt(from + c) - mean);
        squares += centred * centred;
      });
      const float inverse = 1 / std::sqrt(SumOf(squares) * share + epsilon_);
      EachLanes(channels, [&](int64_t c, auto) {
        LanesAt(to + c) = (LanesAt(from + c) - mean) * inverse * LanesAt(weight + c) + LanesAt(bias + c);
      });
      means[row] = mean;
      inverses[row] = inverse;
    });
  }

 private:
  const float epsilon_;
};

// dy, x, weight, and the rows' means and inverses: the gradients of x, weight and bias.
class LayerNormGrad {
 public:
  explicit LayerNormGrad(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    const float *const x = call.Input(1, SizeOf(shape)), *const weight = call.Input(2, channels);
    const float *const means = call.Input(3, rows.rows), *const inverses = call.Input(4, rows.rows);
    float *const dx = call.Output(0, shape);
    float *const dWeight = call.Output(1, {channels}), *const dBias = call.Output(2, {channels});
    const float share = 1 / static_cast<float>(channels);
    const RowSums sums(call, rows, 2);
    sums.Each([&](int64_t row, float *sum) {
      const float *const g = dy + row * channels, *const from = x + row * channels;
      float *const to = dx + row * channels;
      const float mean = means[row], inverse = inverses[row];
      Lanes plain = {}, along = {};
      EachLanes(channels, [&](int64_t c, auto isNew) {
        const Lanes own = isNew(LanesAt(g + c)), normal = (LanesAt(from + c) - mean) * inverse;
        const Lanes product = isNew(own * normal);
        LanesAt(sum + c) += product;
        LanesAt(sum + channels + c) += own;
        plain += own * LanesAt(weight + c);
        along += product * LanesAt(weight + c);
      });
      // Mean and variance depend on the row: what every value adds to them is taken off its gradient.
      const float shift = SumOf(plain) * share, slope = SumOf(along) * share;
      EachLanes(channels, [&](int64_t c, auto) {
        const Lanes normal = (LanesAt(from + c) - mean) * inverse;
        LanesAt(to + c) = (LanesAt(g + c) * LanesAt(weight + c) - shift - normal * slope) * inverse;
      });
    });
    sums.Write(0, dWeight);
    sums.Write(1, dBias);
  }
};

}  // namespace weft
