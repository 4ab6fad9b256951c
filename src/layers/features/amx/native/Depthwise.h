// Filters that slide over each channel by itself.
#pragma once

#include "Operation.h"

namespace weft {

// (taps, channels) out of (channels, 1, high, wide), filled up with zeros.
inline Memory<float> ByTaps(const float *weight, int64_t channels, int64_t taps) {
  const int64_t filled = Blocks(channels) * kBlock;
  Memory<float> turned(taps * filled);
  for (int64_t c = 0; c < channels; c++)
    for (int64_t tap = 0; tap < taps; tap++) turned.data()[tap * filled + c] = weight[c * taps + tap];
  return turned;
}

inline Memory<float> Filled(const float *numbers, int64_t count) {
  Memory<float> filled(Blocks(count) * kBlock);
  if (numbers != nullptr) std::copy_n(numbers, count, filled.data());
  return filled;
}

// Any filters, by themselves.
class Depthwise final : public Operation {
 public:
  Depthwise(const float *weight, const float *bias, int64_t channels, Window window, Activation activation)
      : weight_(ByTaps(weight, channels, window.high * window.wide)),
        bias_(Filled(bias, channels)),
        window_(window),
        activation_(activation) {}

  void Run(const float *, const Image &in, const Image *, const Image &out, Scratch &) const override {
    out.ClearMargin();
    const int64_t low = in.frame.low();
    const auto &[high, wide, stride, top, left] = window_;
    for (int64_t y = 0; y < out.frame.height; y++)
      for (int64_t x = 0; x < out.frame.width; x++)
        for (int64_t c = 0; c < low; c += kBlock) {
          __m512 a = _mm512_load_ps(bias_.data() + c), b = _mm512_load_ps(bias_.data() + c + kLanes);
          for (int64_t i = 0; i < high; i++)
            for (int64_t j = 0; j < wide; j++) {
              const int64_t down = y * stride + i - top, across = x * stride + j - left;
              if (down < 0 || down >= in.frame.height || across < 0 || across >= in.frame.width) continue;
              const uint16_t *const from = in.At(down, across) + c;
              const float *const w = weight_.data() + (i * wide + j) * low + c;
              a = _mm512_fmadd_ps(LoadPairs(from, low), _mm512_load_ps(w), a);
              b = _mm512_fmadd_ps(LoadPairs(from + kLanes, low), _mm512_load_ps(w + kLanes), b);
            }
          StorePairs(out.At(y, x) + c, low, Activated(a, activation_), Activated(b, activation_));
        }
  }

 private:
  const Memory<float> weight_, bias_;
  const Window window_;
  const Activation activation_;
};

}  // namespace weft
