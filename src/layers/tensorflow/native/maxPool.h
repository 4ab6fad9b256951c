// Max pooling by windows of 2 x 2 side by side, with a bias and a rectifier behind it. NHWC.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"
#include "rectifier.h"

namespace weft {

// What the way back must know of a window: which of its four was the largest, or that the rectifier cut it.
constexpr uint8_t kCut = 4;

// x (n, height, width, c), bias (c, or none): the pooled numbers, and what the way back must know of each. Of equal ones
// the first is the largest, and what is not a number is larger than any. Source: PyTorch's MaxPoolKernel.cpp.
class MaxPool {
 public:
  explicit MaxPool(Attributes &attributes) : rectifier_(attributes.Int("rectifier")) {}

  void Run(Call &call) const {
    Shape shape, biases;
    const float *const x = call.Input(0, &shape);
    const float *const bias = call.Input(1, &biases);
    Call::Require(shape.size() == 4, "x must have four axes");
    const int64_t height = shape[1] / 2, width = shape[2] / 2, channels = shape[3];
    const bool isBiased = SizeOf(biases) > 0;
    Call::Require(!isBiased || SizeOf(biases) == channels, "there must be a bias for each channel");
    const Shape small = {shape[0], height, width, channels};
    float *const y = call.Output(0, small);
    uint8_t *const which = call.Output<uint8_t>(1, small, TF_UINT8);
    const int64_t line = shape[2] * channels;
    WithRectifier(rectifier_, [&](auto cut, auto isCut) {
      Pool::Get().Run(shape[0] * height, [&](int64_t row) {
        const float *upper = x + (row / height * shape[1] + row % height * 2) * line;
        const int64_t to = row * width * channels;
        for (int64_t i = 0; i < width; i++, upper += 2 * channels)
          Window(upper, upper + line, isBiased ? bias : nullptr, channels, y + to + i * channels,
                 which + to + i * channels, cut, isCut);
      });
    });
  }

 private:
  template <class CutBy, class IsCutBy>
  static void Window(const float *__restrict a, const float *__restrict c, const float *__restrict bias,
                     int64_t channels, float *__restrict y, uint8_t *__restrict which, const CutBy &cut,
                     const IsCutBy &isCut) {
    const float *const b = a + channels, *const d = c + channels;
    for (int64_t i = 0; i < channels; i++) {
      float most = a[i];
      int at = 0;
      at = (b[i] > most) | (b[i] != b[i]) ? 1 : at;
      most = at == 1 ? b[i] : most;
      at = (c[i] > most) | (c[i] != c[i]) ? 2 : at;
      most = at == 2 ? c[i] : most;
      at = (d[i] > most) | (d[i] != d[i]) ? 3 : at;
      most = at == 3 ? d[i] : most;
      const float shifted = bias == nullptr ? most : most + bias[i];
      y[i] = cut(shifted);
      which[i] = static_cast<uint8_t>(isCut(shifted) ? kCut : at);
    }
  }

  const int rectifier_;
};

// dy and `which` (n, height / 2, width / 2, c), of an x of the attributes' height and width: the gradients of x
// and of the bias. Rows and columns that no window reaches get zero.
class MaxPoolGrad {
 public:
  explicit MaxPoolGrad(Attributes &attributes) : height_(attributes.Int("height")), width_(attributes.Int("width")) {}

  void Run(Call &call) const {
    Shape small, same;
    const float *const dy = call.Input(0, &small);
    const uint8_t *const which = call.Input<uint8_t>(1, &same);
    Call::Require(small.size() == 4 && small == same && small[1] == height_ / 2 && small[2] == width_ / 2,
                  "dy must have the pooled shape");
    const int64_t height = small[1], width = small[2], channels = small[3];
    const int64_t line = width_ * channels;
    float *const dx = call.Output(0, {small[0], height_, width_, channels});
    float *const sums = call.Output(1, {channels});
    // Of a fixed number of pieces, so that the sums do not depend on the threads.
    const int64_t rows = small[0] * height, pieces = std::min<int64_t>(rows, 64);
    double *const partial = call.Scratch<double>(pieces * channels);
    float *const lines = call.Scratch<float>(pieces * channels);
    Pool::Get().Run(pieces, [&](int64_t piece) {
      double *const total = partial + piece * channels;
      float *const sum = lines + piece * channels;
      std::fill_n(total, channels, 0.0);
      for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; row++) {
        float *const upper = dx + (row / height * height_ + row % height * 2) * line;
        const int64_t from = row * width * channels;
        std::fill_n(sum, channels, 0.0f);
        for (int64_t i = 0; i < width; i++) {
          float *const a = upper + 2 * i * channels, *const c = a + line;
          Window(dy + from + i * channels, which + from + i * channels, channels, a, a + channels, c, c + channels, sum);
        }
        for (int64_t i = 0; i < channels; i++) total[i] += sum[i];
        for (int64_t edge = 0; width_ % 2 == 1 && edge < 2; edge++)
          std::fill_n(upper + edge * line + 2 * width * channels, channels, 0.0f);
        if (height_ % 2 == 1 && row % height == height - 1) std::fill_n(upper + 2 * line, line, 0.0f);
      }
    });
    for (int64_t i = 0; i < channels; i++) {
      double sum = 0;
      for (int64_t piece = 0; piece < pieces; piece++) sum += partial[piece * channels + i];
      sums[i] = static_cast<float>(sum);
    }
  }

 private:
  static void Window(const float *__restrict dy, const uint8_t *__restrict which, int64_t channels,
                     float *__restrict a, float *__restrict b, float *__restrict c, float *__restrict d,
                     float *__restrict sum) {
    for (int64_t i = 0; i < channels; i++) {
      const int at = which[i];
      const float g = dy[i];
      a[i] = at == 0 ? g : 0;
      b[i] = at == 1 ? g : 0;
      c[i] = at == 2 ? g : 0;
      d[i] = at == 3 ? g : 0;
      sum[i] += at == kCut ? 0 : g;
    }
  }

  const int64_t height_, width_;
};

}  // namespace weft
