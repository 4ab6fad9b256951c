// Convolutions as one matrix product: the pixels under each place of a kernel, side by side in a row. NHWC.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"

namespace weft {

// A kernel that slides over images of height x width; its places are outHeight x outWidth. `top` and `left` are the
// pixels of padding before x.
struct Places {
  int64_t high, wide, stride, top, left;

  explicit Places(Attributes &attributes)
      : high(attributes.Int("high")),
        wide(attributes.Int("wide")),
        stride(attributes.Int("stride")),
        top(attributes.Int("top")),
        left(attributes.Int("left")) {}
};

// x (n, height, width, c): (n, outHeight, outWidth, high * wide * c), of which the attributes give the height and width.
// Padding is zeros.
class Columns {
 public:
  explicit Columns(Attributes &attributes)
      : places_(attributes), height_(attributes.Int("height")), width_(attributes.Int("width")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    Call::Require(shape.size() == 4, "x must have four axes");
    const int64_t high = places_.high, wide = places_.wide, stride = places_.stride;
    const int64_t height = shape[1], width = shape[2], channels = shape[3], across = high * wide * channels;
    float *const y = call.Output(0, {shape[0], height_, width_, across});
    Pool::Get().Run(shape[0] * height_, [&](int64_t line) {
      const float *const image = x + line / height_ * height * width * channels;
      float *to = y + line * width_ * across;
      for (int64_t i = 0; i < width_; i++)
        for (int64_t k = 0; k < high; k++, to += wide * channels) {
          const int64_t row = line % height_ * stride + k - places_.top, column = i * stride - places_.left;
          const int64_t first = std::max<int64_t>(0, -column), end = std::min(wide, width - column);
          if (row < 0 || row >= height || first >= end) {
            std::fill_n(to, wide * channels, 0.0f);
            continue;
          }
          std::fill_n(to, first * channels, 0.0f);
          std::copy_n(image + (row * width + column + first) * channels, (end - first) * channels,
                      to + first * channels);
          std::fill_n(to + end * channels, (wide - end) * channels, 0.0f);
        }
    });
  }

 private:
  const Places places_;
  const int64_t height_, width_;
};

// The gradient of what Columns gives: the gradient of x, of which the attributes give the height and width.
class ColumnsGrad {
 public:
  explicit ColumnsGrad(Attributes &attributes)
      : places_(attributes), height_(attributes.Int("height")), width_(attributes.Int("width")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const int64_t high = places_.high, wide = places_.wide, stride = places_.stride;
    Call::Require(shape.size() == 4 && shape[3] % (high * wide) == 0, "dy must have the channels of a whole kernel");
    const int64_t outHeight = shape[1], outWidth = shape[2], across = shape[3], channels = across / (high * wide);
    float *const dx = call.Output(0, {shape[0], height_, width_, channels});
    Pool::Get().Run(shape[0] * height_, [&](int64_t line) {
      float *const to = dx + line * width_ * channels;
      std::fill_n(to, width_ * channels, 0.0f);
      for (int64_t k = 0; k < high; k++) {
        const int64_t below = line % height_ + places_.top - k, row = below / stride;
        if (below < 0 || below % stride != 0 || row >= outHeight) continue;
        const float *from = dy + ((line / height_ * outHeight + row) * outWidth * high + k) * wide * channels;
        for (int64_t i = 0; i < outWidth; i++, from += across) {
          const int64_t column = i * stride - places_.left;
          const int64_t first = std::max<int64_t>(0, -column), end = std::min(wide, width_ - column);
          if (first < end) Add(from + first * channels, (end - first) * channels, to + (column + first) * channels);
        }
      }
    });
  }

 private:
  static void Add(const float *__restrict from, int64_t count, float *__restrict to) {
    for (int64_t i = 0; i < count; i++) to[i] += from[i];
  }

  const Places places_;
  const int64_t height_, width_;
};

}  // namespace weft
