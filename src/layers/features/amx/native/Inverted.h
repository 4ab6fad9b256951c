// Inverted residuals, in one go.
#pragma once

#include <memory>

#include "Depthwise.h"

namespace weft {

// An inverted residual: a convolution of single pixels to more channels, filters of 3 x 3 over each of them, a convolution
// of single pixels to few channels, and its own input added where there is a residual. In strips of lines, so that the
// many channels, three quarters of all numbers of MobileNetV2, stay in the processor's cache.
//
// Without the first convolution the filters slide over the input itself.
class Inverted final : public Operation {
 public:
  struct Filters {
    const float *weight, *bias;
    Activation activation;
    Window window;
  };

  Inverted(std::unique_ptr<Matrix> expand, Activation expandActivation, const Filters &filters,
           std::unique_ptr<Matrix> project, Activation projectActivation, bool isResidual, const Frame &in, int64_t outHeight,
           int64_t outWidth)
      : expand_(std::move(expand)),
        project_(std::move(project)),
        expandActivation_(expandActivation),
        activation_(filters.activation),
        projectActivation_(projectActivation),
        window_(filters.window),
        isResidual_(isResidual),
        channels_(Blocks(project_->inputs()) * kBlock),
        weight_(ByTaps(filters.weight, project_->inputs(), 9)),
        bias_(Filled(filters.bias, project_->inputs())),
        line_(std::max(window_.left + in.width, (outWidth - 1) * window_.stride + 3)) {
    const int64_t bytes = line_ * channels_ * static_cast<int64_t>(sizeof(float));
    lines_ = std::clamp<int64_t>((kCache / bytes - 3) / window_.stride + 1, 1, outHeight);
    deep_ = (lines_ - 1) * window_.stride + 3;
    needs_ = {deep_ * line_ * channels_, (lines_ * outWidth + kBlock - 1) * 2 * channels_};
  }

  Needs needs() const override { return needs_; }
  int64_t bytes() const override { return project_->bytes() + (expand_ == nullptr ? 0 : expand_->bytes()); }

  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &scratch) const override {
    out.ClearMargin();
    const int64_t stride = window_.stride, across = line_ * channels_;
    float *const many = scratch.numbers.data();
    uint16_t *const filtered = scratch.pairs.data();
    ClearSides(many, in.frame.width);
    // The lines of the input that are in `many`, from its first line on.
    int64_t begin = 0, end = 0;
    for (int64_t y = 0; y < out.frame.height; y += lines_) {
      const int64_t count = std::min(lines_, out.frame.height - y);
      const int64_t first = y * stride - window_.top, last = first + (count - 1) * stride + 3;
      if (y == 0 || end <= first)
        end = first;
      else
        std::memmove(many, many + (first - begin) * across, (end - first) * across * sizeof(float));
      begin = first;
      Expand(in, end, last, begin, many);
      end = std::max(end, last);
      for (int64_t i = 0; i < count; i++)
        Line(many + i * stride * across, out.frame.width, filtered + i * out.frame.width * 2 * channels_);
      const int64_t none = 0;
      const IntoFrame into{out,    project_->bias(), projectActivation_, out.frame.width, out.frame.width, y,
                           isResidual_ ? &in : nullptr};
      project_->Multiply(filtered, 2 * channels_, channels_, &none, count * out.frame.width, into);
    }
  }

 private:
  // The pixels left and right of the image, which nothing else touches.
  void ClearSides(float *many, int64_t width) const {
    for (int64_t y = 0; y < deep_; y++, many += line_ * channels_) {
      std::fill_n(many, window_.left * channels_, 0.0f);
      std::fill_n(many + (window_.left + width) * channels_, (line_ - window_.left - width) * channels_, 0.0f);
    }
  }

  // The input's lines [from, to) with many channels, the line `begin` first in `many`; those outside the image are zeros.
  void Expand(const Image &in, int64_t from, int64_t to, int64_t begin, float *many) const {
    const int64_t across = line_ * channels_, height = in.frame.height, width = in.frame.width;
    for (int64_t y = from; y < to; y++)
      if (y < 0 || y >= height) std::fill_n(many + (y - begin) * across + window_.left * channels_, width * channels_, 0.0f);
    from = std::max<int64_t>(from, 0), to = std::min(to, height);
    if (from >= to) return;
    if (expand_ == nullptr) {
      for (int64_t y = from; y < to; y++) {
        float *line = many + (y - begin) * across + window_.left * channels_;
        for (int64_t x = 0; x < width; x++, line += channels_)
          for (int64_t c = 0; c < channels_; c += kLanes) _mm512_store_ps(line + c, LoadPairs(in.At(y, x) + c, channels_));
      }
      return;
    }
    const int64_t none = 0, whole = in.frame.line();
    const auto take = [&](int64_t at, int64_t rows, int64_t block, const float *sums) {
      const int64_t n = block * kBlock;
      const __m512 b0 = _mm512_load_ps(expand_->bias() + n), b1 = _mm512_load_ps(expand_->bias() + n + kLanes);
      int64_t y = from + at / whole, x = at % whole;
      float *line = many + (y - begin) * across + window_.left * channels_ + n;
      for (int64_t i = 0; i < rows; i++, sums += kBlock) {
        if (x < width) {
          _mm512_store_ps(line + x * channels_, Activated(_mm512_add_ps(_mm512_load_ps(sums), b0), expandActivation_));
          _mm512_store_ps(line + x * channels_ + kLanes,
                          Activated(_mm512_add_ps(_mm512_load_ps(sums + kLanes), b1), expandActivation_));
        }
        if (++x == whole) x = 0, line += across;
      }
    };
    expand_->Multiply(in.At(from, 0), in.frame.step(), in.frame.low(), &none, (to - from - 1) * whole + width, take);
  }

  void Line(const float *rows, int64_t width, uint16_t *to) const {
    const int64_t step = window_.stride * channels_;
    const bool isOne = window_.stride == 1, isTwo = window_.stride == 2;
    int64_t x = 0;
    if (isOne || isTwo)
      for (; x + kPixels <= width; x += kPixels)
        isOne ? Pixels<1, kPixels>(rows + x * step, to + x * 2 * channels_)
              : Pixels<2, kPixels>(rows + x * step, to + x * 2 * channels_);
    for (; x < width; x++) Pixels<1, 1>(rows + x * step, to + x * 2 * channels_);
  }

  static constexpr int kPixels = 4;

  template <int stride, int pixels>
  void Pixels(const float *rows, uint16_t *to) const {
    const int64_t across = line_ * channels_;
    for (int64_t c = 0; c < channels_; c += kBlock) {
      __m512 sums[2][pixels];
#pragma GCC unroll 2
      for (int half = 0; half < 2; half++) {
        const int64_t at = c + half * kLanes;
        const __m512 bias = _mm512_load_ps(bias_.data() + at);
#pragma GCC unroll 4
        for (int p = 0; p < pixels; p++) sums[half][p] = bias;
#pragma GCC unroll 3
        for (int row = 0; row < 3; row++) {
          const float *const w = weight_.data() + row * 3 * channels_ + at;
          const __m512 w0 = _mm512_load_ps(w), w1 = _mm512_load_ps(w + channels_), w2 = _mm512_load_ps(w + 2 * channels_);
          const float *const x = rows + row * across + at;
#pragma GCC unroll 4
          for (int p = 0; p < pixels; p++) {
            sums[half][p] = _mm512_fmadd_ps(_mm512_load_ps(x + (p * stride) * channels_), w0, sums[half][p]);
            sums[half][p] = _mm512_fmadd_ps(_mm512_load_ps(x + (p * stride + 1) * channels_), w1, sums[half][p]);
            sums[half][p] = _mm512_fmadd_ps(_mm512_load_ps(x + (p * stride + 2) * channels_), w2, sums[half][p]);
          }
        }
      }
#pragma GCC unroll 4
      for (int p = 0; p < pixels; p++)
        StorePairs(to + p * 2 * channels_ + c, channels_, Activated(sums[0][p], activation_),
                   Activated(sums[1][p], activation_));
    }
  }

  const std::unique_ptr<Matrix> expand_, project_;
  const Activation expandActivation_, activation_, projectActivation_;
  const Window window_;
  const bool isResidual_;
  const int64_t channels_;
  const Memory<float> weight_, bias_;
  const int64_t line_;
  int64_t lines_, deep_;
  Needs needs_;
};

}  // namespace weft
