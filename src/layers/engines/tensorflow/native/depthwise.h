// The gradient of a 3 x 3 filter that slides over each channel by itself. NHWC; channels in sixteens.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"

namespace weft {

// x (n, height, width, c), dy (n, outHeight, outWidth, c): the filter's gradient (3, 3, c, 1). `top` and `left` are the
// pixels of padding before x. The nine sums of sixteen channels stay in registers along a line of dy.
class DepthwiseFilterGrad {
 public:
  explicit DepthwiseFilterGrad(Attributes &attributes)
      : stride_(attributes.Int("stride")), top_(attributes.Int("top")), left_(attributes.Int("left")) {}

  void Run(Call &call) const {
    Shape in, out;
    const float *const x = call.Input(0, &in);
    const float *const dy = call.Input(1, &out);
    Call::Require(in.size() == 4 && out.size() == 4 && in[0] == out[0] && in[3] == out[3] && in[3] % kLanes == 0,
                  "x and dy must have the same images and channels, in sixteens");
    const int64_t height = in[1], width = in[2], channels = in[3];
    const int64_t lines = out[0] * out[1], pieces = std::min<int64_t>(lines, 32), size = 9 * channels;
    float *const dw = call.Output(0, {3, 3, channels, 1});
    float *const partial = call.Scratch<float>(pieces * size);
    float *const zeros = call.Scratch<float>(width * channels);
    std::fill_n(zeros, width * channels, 0.0f);
    Pool::Get().Run(pieces, [&](int64_t piece) {
      float *const sums = partial + piece * size;
      std::fill_n(sums, size, 0.0f);
      for (int64_t line = lines * piece / pieces; line < lines * (piece + 1) / pieces; line++) {
        const int64_t image = line / out[1], first = line % out[1] * stride_ - top_;
        const float *rows[3];
        for (int64_t i = 0; i < 3; i++) {
          const bool isInside = first + i >= 0 && first + i < height;
          rows[i] = isInside ? x + (image * height + first + i) * width * channels : zeros;
        }
        for (int64_t c = 0; c < channels; c += kLanes)
          Line(rows, dy + line * out[2] * channels, c, channels, width, out[2], sums + c);
      }
    });
    Pool::Get().Run(9, [&](int64_t tap) {
      for (int64_t i = tap * channels; i < (tap + 1) * channels; i++) {
        double sum = 0;
        for (int64_t piece = 0; piece < pieces; piece++) sum += partial[piece * size + i];
        dw[i] = static_cast<float>(sum);
      }
    });
  }

 private:
  static constexpr int64_t kLanes = 16;
  typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes), aligned(sizeof(float)), may_alias));

  static Lanes &At(float *numbers) { return *reinterpret_cast<Lanes *>(numbers); }
  static const Lanes &At(const float *numbers) { return *reinterpret_cast<const Lanes *>(numbers); }

  void Line(const float *const *rows, const float *dy, int64_t c, int64_t channels, int64_t width, int64_t outWidth,
            float *sums) const {
    Lanes a[9];
    for (int tap = 0; tap < 9; tap++) a[tap] = At(sums + tap * channels);
    const float *const r0 = rows[0] + c, *const r1 = rows[1] + c, *const r2 = rows[2] + c;
    for (int64_t i = 0; i < outWidth; i++) {
      const Lanes g = At(dy + i * channels + c);
      const int64_t first = i * stride_ - left_;
      if (first >= 0 && first + 2 < width) {
        const int64_t at = first * channels;
        a[0] += At(r0 + at) * g, a[1] += At(r0 + at + channels) * g, a[2] += At(r0 + at + 2 * channels) * g;
        a[3] += At(r1 + at) * g, a[4] += At(r1 + at + channels) * g, a[5] += At(r1 + at + 2 * channels) * g;
        a[6] += At(r2 + at) * g, a[7] += At(r2 + at + channels) * g, a[8] += At(r2 + at + 2 * channels) * g;
        continue;
      }
      for (int64_t k = 0; k < 3; k++) {
        if (first + k < 0 || first + k >= width) continue;
        const int64_t at = (first + k) * channels;
        const Lanes x0 = At(r0 + at) * g, x1 = At(r1 + at) * g, x2 = At(r2 + at) * g;
        // By constants, or the sums would not be in registers.
        if (k == 0) a[0] += x0, a[3] += x1, a[6] += x2;
        if (k == 1) a[1] += x0, a[4] += x1, a[7] += x2;
        if (k == 2) a[2] += x0, a[5] += x1, a[8] += x2;
      }
    }
    for (int tap = 0; tap < 9; tap++) At(sums + tap * channels) = a[tap];
  }

  const int64_t stride_, top_, left_;
};

}  // namespace weft
