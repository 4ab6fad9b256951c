// What follows a convolution in inference, where the statistics of its batch norm stand still.
#pragma once

#include <algorithm>
#include <cmath>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"

namespace weft {

// A filter whose last axis are the channels, and its batch norm's weight, bias, mean and variance: the filter that does
// both, and what it adds.
class Fold {
 public:
  explicit Fold(Attributes &attributes) : epsilon_(attributes.Number("epsilon")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const filter = call.Input(0, &shape);
    Call::Require(!shape.empty(), "a filter has axes");
    const int64_t channels = shape.back(), size = SizeOf(shape);
    const float *const weight = call.Input(1, channels), *const bias = call.Input(2, channels);
    const float *const mean = call.Input(3, channels), *const variance = call.Input(4, channels);
    float *const folded = call.Output(0, shape), *const shift = call.Output(1, {channels});
    float *const scale = call.Scratch<float>(channels);
    for (int64_t c = 0; c < channels; c++) {
      const double factor = weight[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon_);
      scale[c] = static_cast<float>(factor);
      shift[c] = static_cast<float>(bias[c] - mean[c] * factor);
    }
    for (int64_t at = 0; at < size; at += channels)
      for (int64_t c = 0; c < channels; c++) folded[at + c] = filter[at + c] * scale[c];
  }

 private:
  const float epsilon_;
};

// Adds a shift to each channel of x, and a shortcut's output, or nothing, and applies an activation, in x itself: nothing
// else may look at it.
class Finish {
 public:
  explicit Finish(Attributes &attributes) : activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape shape, beside;
    float *const x = call.Input(0, &shape);
    Call::Require(!shape.empty(), "there must be channels");
    const int64_t channels = shape.back(), rows = SizeOf(shape) / channels;
    const float *const shift = call.Input(1, channels), *const shortcut = call.Input(2, &beside);
    const bool isAlone = SizeOf(beside) == 0;
    Call::Require(isAlone || SizeOf(beside) == SizeOf(shape), "the shortcut must be as large as x, or nothing");
    const int64_t block = std::max<int64_t>(1, 16384 / channels);
    WithActivation(activation_, [&](auto activated, auto) {
      Pool::Get().Run((rows + block - 1) / block, [&](int64_t piece) {
        const int64_t end = std::min(rows, (piece + 1) * block) * channels;
        for (int64_t at = piece * block * channels; at < end; at += channels)
          isAlone ? Row(x + at, shift, channels, activated) : Sum(x + at, shift, shortcut + at, channels, activated);
      });
    });
  }

 private:
  template <class ActivatedBy>
  static void Row(float *__restrict x, const float *__restrict shift, int64_t channels, const ActivatedBy &activated) {
    for (int64_t c = 0; c < channels; c++) x[c] = activated(x[c] + shift[c]);
  }

  template <class ActivatedBy>
  static void Sum(float *__restrict x, const float *__restrict shift, const float *__restrict shortcut,
                  int64_t channels, const ActivatedBy &activated) {
    for (int64_t c = 0; c < channels; c++) x[c] = activated(x[c] + shift[c] + shortcut[c]);
  }

  const int activation_;
};

}  // namespace weft
