// Operations on each number by itself, or on none: they read, scale, add and reorder.
#pragma once

#include "Depthwise.h"

namespace weft {

// The images that the program is given, as pairs.
class Read final : public Operation {
 public:
  void Run(const float *images, const Image &, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const Frame &frame = out.frame;
    alignas(64) float pixel[kBlock];
    for (int64_t y = 0; y < frame.height; y++)
      for (int64_t x = 0; x < frame.width; x++, images += frame.channels)
        for (int64_t c = 0; c < frame.channels; c += kBlock) {
          const int64_t count = std::min(kBlock, frame.channels - c);
          std::fill(std::copy_n(images + c, count, pixel), pixel + kBlock, 0.0f);
          StorePairs(out.At(y, x) + c, frame.low(), _mm512_load_ps(pixel), _mm512_load_ps(pixel + kLanes));
        }
  }
};

// A factor and a term for each channel, an activation.
class Affine final : public Operation {
 public:
  // Null: no factors, or no terms.
  Affine(const float *scale, const float *shift, int64_t channels, Activation activation)
      : scale_(Filled(scale, channels)), shift_(Filled(shift, channels)), activation_(activation) {
    if (scale == nullptr) std::fill_n(scale_.data(), scale_.size(), 1.0f);
  }

  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const int64_t low = out.frame.low();
    const auto of = [&](const uint16_t *from, int64_t c) {
      const __m512 scale = _mm512_load_ps(scale_.data() + c), shift = _mm512_load_ps(shift_.data() + c);
      return Activated(_mm512_fmadd_ps(LoadPairs(from + c, low), scale, shift), activation_);
    };
    for (int64_t y = 0; y < out.frame.height; y++)
      for (int64_t x = 0; x < out.frame.width; x++)
        for (int64_t c = 0; c < low; c += kBlock)
          StorePairs(out.At(y, x) + c, low, of(in.At(y, x), c), of(in.At(y, x), c + kLanes));
  }

 private:
  Memory<float> scale_, shift_;
  const Activation activation_;
};

// The sum of two frames.
class Addition final : public Operation {
 public:
  void Run(const float *, const Image &in, const Image *other, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const int64_t low = out.frame.low();
    for (int64_t y = 0; y < out.frame.height; y++)
      for (int64_t x = 0; x < out.frame.width; x++)
        for (int64_t c = 0; c < low; c += kBlock) {
          const uint16_t *const a = in.At(y, x) + c, *const b = other->At(y, x) + c;
          StorePairs(out.At(y, x) + c, low, _mm512_add_ps(LoadPairs(a, low), LoadPairs(b, low)),
                     _mm512_add_ps(LoadPairs(a + kLanes, low), LoadPairs(b + kLanes, low)));
        }
  }
};

// To one pixel with all numbers as its channels, in the order channel, line, column.
class Flatten final : public Operation {
 public:
  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    const Frame &from = in.frame;
    uint16_t *to = out.At(0, 0);
    const int64_t low = out.frame.low(), count = out.frame.channels;
    for (const int64_t half : {int64_t{0}, low}) std::fill(to + half + count, to + half + low, uint16_t{0});
    for (int64_t c = 0; c < from.channels; c++)
      for (int64_t y = 0; y < from.height; y++)
        for (int64_t x = 0; x < from.width; x++, to++) {
          const uint16_t *const pixel = in.At(y, x) + c;
          to[0] = pixel[0];
          to[low] = pixel[from.low()];
        }
  }
};

}  // namespace weft
