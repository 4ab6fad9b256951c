// Convolutions over all channels.
#pragma once

#include "Operation.h"

namespace weft {

// By the matrix unit: the rows of the product are pixels of the input as they lie, once for each tap of the kernel.
class Convolution final : public Operation {
 public:
  // weight (outputs, inputs, high, wide).
  Convolution(const float *weight, const float *bias, int64_t outputs, int64_t inputs, Window window, Rectifier rectifier)
      : matrix_(weight, bias, outputs, inputs, window.high * window.wide), window_(window), rectifier_(rectifier) {}

  int64_t bytes() const override { return matrix_.bytes(); }

  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const auto &[high, wide, stride, top, left] = window_;
    const Frame &from = in.frame, &to = out.frame;
    int64_t at[kTaps];
    for (int64_t i = 0; i < high; i++)
      for (int64_t j = 0; j < wide; j++) at[i * wide + j] = (i * from.line() + j) * from.step();
    const int64_t bytes = from.line() * from.step() * static_cast<int64_t>(sizeof(uint16_t));
    const int64_t lines = stride > 1 ? 1 : std::max<int64_t>(1, kCache / bytes);
    for (int64_t y = 0; y < to.height; y += lines) {
      const int64_t count = std::min(lines, to.height - y);
      const int64_t line = stride > 1 ? to.width : from.line();
      const IntoFrame into{out, matrix_.bias(), rectifier_, line, to.width, y, nullptr};
      matrix_.Multiply(in.At(y * stride - top, -left), stride * from.step(), from.low(), at,
                       (count - 1) * line + to.width, into);
    }
  }

  static constexpr int64_t kTaps = 121;

 private:
  const Matrix matrix_;
  const Window window_;
  const Rectifier rectifier_;
};

// Of images with few channels, as they are given: by the vector unit, from a copy with the padding around it.
class FirstConvolution final : public Operation {
 public:
  // weight (outputs, inputs, high, wide).
  FirstConvolution(const float *weight, const float *bias, int64_t outputs, int64_t height, int64_t width, int64_t inputs,
                   int64_t outHeight, int64_t outWidth, Window window, Rectifier rectifier)
      : height_(height),
        width_(width),
        inputs_(inputs),
        wholeHeight_(std::max(window.top + height, (outHeight - 1) * window.stride + window.high)),
        wholeWidth_(std::max(window.left + width, (outWidth - 1) * window.stride + window.wide)),
        real_(outputs),
        outputs_(Blocks(outputs) * kBlock),
        window_(window),
        rectifier_(rectifier),
        weight_(outputs_ * window.high * window.wide * inputs),
        bias_(outputs_) {
    if (bias != nullptr) std::copy_n(bias, outputs, bias_.data());
    const int64_t taps = window.high * window.wide;
    for (int64_t o = 0; o < outputs; o++)
      for (int64_t c = 0; c < inputs; c++)
        for (int64_t tap = 0; tap < taps; tap++)
          weight_.data()[(tap * inputs + c) * outputs_ + o] = weight[(o * inputs + c) * taps + tap];
  }

  Needs needs() const override { return {wholeHeight_ * wholeWidth_ * inputs_, 0}; }

  void Run(const float *images, const Image &, const Image *, const Image &out, Scratch &scratch) const override {
    out.ClearMargin();
    float *const whole = scratch.numbers.data();
    const int64_t line = wholeWidth_ * inputs_;
    std::fill_n(whole, wholeHeight_ * line, 0.0f);
    for (int64_t y = 0; y < height_; y++)
      std::copy_n(images + y * width_ * inputs_, width_ * inputs_,
                  whole + (window_.top + y) * line + window_.left * inputs_);
    for (int64_t y = 0; y < out.frame.height; y++)
      for (int64_t n = 0; n < outputs_; n += kBlock) {
        int64_t x = 0;
        for (; x + kPixels <= out.frame.width; x += kPixels) Pixels<kPixels>(whole, y, x, n, out);
        for (; x < out.frame.width; x++) Pixels<1>(whole, y, x, n, out);
      }
  }

 private:
  static constexpr int64_t kPixels = 8;

  template <int pixels>
  void Pixels(const float *whole, int64_t y, int64_t x, int64_t n, const Image &out) const {
    const int64_t line = wholeWidth_ * inputs_, step = window_.stride * inputs_, across = window_.wide * inputs_;
    __m512 a[pixels], b[pixels];
    const __m512 b0 = _mm512_load_ps(bias_.data() + n), b1 = _mm512_load_ps(bias_.data() + n + kLanes);
    for (int i = 0; i < pixels; i++) a[i] = b0, b[i] = b1;
    const float *w = weight_.data() + n;
    for (int64_t row = 0; row < window_.high; row++) {
      const float *p = whole + (y * window_.stride + row) * line + x * step;
      for (int64_t j = 0; j < across; j++, p++, w += outputs_) {
        const __m512 w0 = _mm512_load_ps(w), w1 = _mm512_load_ps(w + kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) {
          const __m512 value = _mm512_set1_ps(p[i * step]);
          a[i] = _mm512_fmadd_ps(value, w0, a[i]);
          b[i] = _mm512_fmadd_ps(value, w1, b[i]);
        }
      }
    }
    // What is filled up stays zero, also where an infinity was multiplied by its weights.
    const __mmask16 ma = Lanes(real_ - n), mb = Lanes(real_ - n - kLanes);
    for (int i = 0; i < pixels; i++)
      StorePairs(out.At(y, x + i) + n, out.frame.low(), Rectified(_mm512_maskz_mov_ps(ma, a[i]), rectifier_),
                 Rectified(_mm512_maskz_mov_ps(mb, b[i]), rectifier_));
  }

  const int64_t height_, width_, inputs_, wholeHeight_, wholeWidth_, real_, outputs_;
  const Window window_;
  const Rectifier rectifier_;
  Memory<float> weight_, bias_;
};

}  // namespace weft
