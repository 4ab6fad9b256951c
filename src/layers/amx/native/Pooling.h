// The largest and the mean of windows.
#pragma once

#include <limits>

#include "Operation.h"

namespace weft {

// The largest of each window's pixels inside the image; NaN is larger than any number.
class MaxPool final : public Operation {
 public:
  explicit MaxPool(Window window) : window_(window) {}

  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const int64_t low = out.frame.low();
    const auto &[high, wide, stride, top, left] = window_;
    const __m512 least = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t y = 0; y < out.frame.height; y++)
      for (int64_t x = 0; x < out.frame.width; x++)
        for (int64_t c = 0; c < low; c += kBlock) {
          __m512 a = least, b = least;
          for (int64_t down = std::max<int64_t>(0, y * stride - top);
               down < std::min(in.frame.height, y * stride - top + high); down++)
            for (int64_t across = std::max<int64_t>(0, x * stride - left);
                 across < std::min(in.frame.width, x * stride - left + wide); across++) {
              const uint16_t *const from = in.At(down, across) + c;
              a = Larger(a, LoadPairs(from, low));
              b = Larger(b, LoadPairs(from + kLanes, low));
            }
          StorePairs(out.At(y, x) + c, low, a, b);
        }
  }

 private:
  const Window window_;
};

// The mean of each of the output's windows, which share what does not divide: window i of n over a length L goes from
// floor(i L / n) to ceil((i + 1) L / n). Source: PyTorch's AdaptiveAvgPool2d.
class Average final : public Operation {
 public:
  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const Frame &from = in.frame, &to = out.frame;
    for (int64_t y = 0; y < to.height; y++)
      for (int64_t x = 0; x < to.width; x++) {
        const int64_t top = y * from.height / to.height, bottom = ((y + 1) * from.height - 1) / to.height + 1;
        const int64_t left = x * from.width / to.width, right = ((x + 1) * from.width - 1) / to.width + 1;
        const __m512 share = _mm512_set1_ps(1.0f / static_cast<float>((bottom - top) * (right - left)));
        for (int64_t c = 0; c < from.low(); c += kBlock) {
          __m512 a = _mm512_setzero_ps(), b = _mm512_setzero_ps();
          for (int64_t down = top; down < bottom; down++)
            for (int64_t across = left; across < right; across++) {
              a = _mm512_add_ps(a, LoadPairs(in.At(down, across) + c, from.low()));
              b = _mm512_add_ps(b, LoadPairs(in.At(down, across) + c + kLanes, from.low()));
            }
          StorePairs(out.At(y, x) + c, to.low(), _mm512_mul_ps(a, share), _mm512_mul_ps(b, share));
        }
      }
  }
};

}  // namespace weft
