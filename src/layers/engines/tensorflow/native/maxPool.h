// Max pooling: by windows of 2 x 2 side by side, with a bias and an activation behind it; and by any square windows. NHWC.
//
// Of equal numbers the first is the largest. NaN is larger than any number, and of several the last one counts. Source:
// PyTorch's MaxPoolKernel.cpp. (TensorFlow's own operation loses NaN, depending on its place in the window.)
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"

namespace weft {

// What the backward pass must know of a window: which of its four was the largest, or that the activation clamped it.
constexpr uint8_t kCut = 4;

// x (n, height, width, c), bias (c, or none): the pooled numbers, and what the backward pass must know of each.
class MaxPool {
 public:
  explicit MaxPool(Attributes &attributes) : activation_(attributes.Int("activation")) {}

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
    WithClamp(activation_, [&](auto cut, auto isClamped) {
      Pool::Get().Run(shape[0] * height, [&](int64_t row) {
        const float *upper = x + (row / height * shape[1] + row % height * 2) * line;
        const int64_t to = row * width * channels;
        for (int64_t i = 0; i < width; i++, upper += 2 * channels)
          Window(upper, upper + line, isBiased ? bias : nullptr, channels, y + to + i * channels,
                 which + to + i * channels, cut, isClamped);
      });
    });
  }

 private:
  template <class CutBy, class IsCutBy>
  static void Window(const float *__restrict a, const float *__restrict c, const float *__restrict bias,
                     int64_t channels, float *__restrict y, uint8_t *__restrict which, const CutBy &cut,
                     const IsCutBy &isClamped) {
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
      which[i] = static_cast<uint8_t>(isClamped(shifted) ? kCut : at);
    }
  }

  const int activation_;
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

// x (n, height, width, c): the largest of each window's pixels inside the image, and for each which pixel it is, counted
// line by line. Window (0, 0) begins `top` pixels above the image and `left` before it; the attributes' height and width
// are the output's.
class WindowMax {
 public:
  explicit WindowMax(Attributes &attributes)
      : size_(attributes.Int("size")),
        stride_(attributes.Int("stride")),
        top_(attributes.Int("top")),
        left_(attributes.Int("left")),
        height_(attributes.Int("height")),
        width_(attributes.Int("width")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    Call::Require(shape.size() == 4, "x must have four axes");
    const int64_t height = shape[1], width = shape[2], channels = shape[3];
    Call::Require(0 <= top_ && top_ < size_ && (height_ - 1) * stride_ - top_ < height && 0 <= left_ && left_ < size_ &&
                      (width_ - 1) * stride_ - left_ < width,
                  "every window must have a pixel of the image");
    const Shape pooled = {shape[0], height_, width_, channels};
    float *const y = call.Output(0, pooled);
    int32_t *const from = call.Output<int32_t>(1, pooled, TF_INT32);
    Pool::Get().Run(shape[0] * height_, [&](int64_t line) {
      const float *const image = x + line / height_ * height * width * channels;
      const int64_t above = line % height_ * stride_ - top_;
      for (int64_t i = 0; i < width_; i++) {
        const int64_t before = i * stride_ - left_, to = (line * width_ + i) * channels;
        const int64_t first = std::max<int64_t>(above, 0) * width + std::max<int64_t>(before, 0);
        std::copy_n(image + first * channels, channels, y + to);
        std::fill_n(from + to, channels, static_cast<int32_t>(first));
        for (int64_t row = std::max<int64_t>(above, 0); row < std::min(above + size_, height); row++)
          for (int64_t column = std::max<int64_t>(before, 0); column < std::min(before + size_, width); column++)
            Take(image + (row * width + column) * channels, static_cast<int32_t>(row * width + column), channels, y + to,
                 from + to);
      }
    });
  }

 private:
  static void Take(const float *__restrict x, int32_t pixel, int64_t channels, float *__restrict y,
                   int32_t *__restrict from) {
    for (int64_t i = 0; i < channels; i++) {
      const bool isLarger = (x[i] > y[i]) | (x[i] != x[i]);
      from[i] = isLarger ? pixel : from[i];
      y[i] = isLarger ? x[i] : y[i];
    }
  }

  const int64_t size_, stride_, top_, left_, height_, width_;
};

// dy and `from`, of an x of the attributes' height and width: the gradient of x.
class WindowMaxGrad {
 public:
  explicit WindowMaxGrad(Attributes &attributes) : height_(attributes.Int("height")), width_(attributes.Int("width")) {}

  void Run(Call &call) const {
    Shape shape, same;
    const float *const dy = call.Input(0, &shape);
    const int32_t *const from = call.Input<int32_t>(1, &same);
    Call::Require(shape.size() == 4 && shape == same, "dy must have the pooled shape");
    const int64_t channels = shape[3], pooled = shape[1] * shape[2] * channels, image = height_ * width_ * channels;
    float *const dx = call.Output(0, {shape[0], height_, width_, channels});
    Pool::Get().Run(shape[0], [&](int64_t n) {
      float *const to = dx + n * image;
      std::fill_n(to, image, 0.0f);
      for (int64_t i = n * pooled; i < (n + 1) * pooled; i += channels)
        for (int64_t c = 0; c < channels; c++) to[from[i + c] * channels + c] += dy[i + c];
    });
  }

 private:
  const int64_t height_, width_;
};

}  // namespace weft
