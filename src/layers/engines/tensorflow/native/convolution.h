// The gradient of a filter that slides over all channels together. NHWC; filters in vectors.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"
#include "lanes.h"

namespace weft {

// x (n, height, width, c), dy (n, outHeight, outWidth, filters): the filter's gradient (high, wide, c, filters). `top` and
// `left` are the pixels of padding before x.
//
// The pixels under a line of the kernel lie side by side in memory, with their channels: of `wide * c` numbers there, and
// the filters of a pixel of dy, each product goes into a sum of its own. A tile of these sums stays in registers along a
// line of dy; nothing is copied together before, unless there is padding.
class ConvFilterGrad {
 public:
  explicit ConvFilterGrad(Attributes &attributes)
      : high_(attributes.Int("high")),
        wide_(attributes.Int("wide")),
        stride_(attributes.Int("stride")),
        top_(attributes.Int("top")),
        left_(attributes.Int("left")) {}

  void Run(Call &call) const {
    Shape in, out;
    const float *const x = call.Input(0, &in);
    const float *const dy = call.Input(1, &out);
    Call::Require(in.size() == 4 && out.size() == 4 && in[0] == out[0] && out[3] % kLanes == 0,
                  "x and dy must have the same images, and filters in sixteens");
    const int64_t height = in[1], width = in[2], channels = in[3], filters = out[3];
    const int64_t across = wide_ * channels, size = high_ * across * filters;
    const int64_t lines = out[0] * out[1];
    // Fixed by the shapes, and few enough that their sums take little room.
    const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>({lines, 16, (1 << 24) / size}));
    const int64_t reach = (out[2] - 1) * stride_ + wide_;
    const bool isPadded = left_ > 0 || reach > width;
    float *const dw = call.Output(0, {high_, wide_, channels, filters});
    float *const partial = call.Scratch<float>(pieces * size);
    float *const padded = call.Scratch<float>(isPadded ? pieces * reach * channels : 0);
    Pool::Get().Run(pieces, [&](int64_t piece) {
      float *const sums = partial + piece * size;
      float *const around = padded + (isPadded ? piece * reach * channels : 0);
      std::fill_n(sums, size, 0.0f);
      if (isPadded) std::fill_n(around, reach * channels, 0.0f);
      for (int64_t line = lines * piece / pieces; line < lines * (piece + 1) / pieces; line++)
        for (int64_t k = 0; k < high_; k++) {
          const int64_t at = line % out[1] * stride_ + k - top_;
          if (at < 0 || at >= height) continue;
          const float *row = x + (line / out[1] * height + at) * width * channels;
          if (isPadded) {
            std::copy_n(row, std::min(width, reach - left_) * channels, around + left_ * channels);
            row = around;
          }
          Line(row, stride_ * channels, across, dy + line * out[2] * filters, filters, out[2],
               sums + k * across * filters);
        }
    });
    const int64_t rows = high_ * across;
    Pool::Get().Run(rows, [&](int64_t row) {
      for (int64_t i = row * filters; i < (row + 1) * filters; i++) {
        float sum = 0;
        for (int64_t piece = 0; piece < pieces; piece++) sum += partial[piece * size + i];
        dw[i] = sum;
      }
    });
  }

 private:
#if defined(__AVX512F__)
  static constexpr int kRows = 8;
#else
  static constexpr int kRows = 2;  // registers are fewer, or narrower
#endif

  static void Line(const float *x, int64_t step, int64_t across, const float *dy, int64_t filters, int64_t count,
                   float *sums) {
    int64_t m = 0;
    for (; m + kRows <= across; m += kRows) Tiles<kRows>(x + m, step, dy, filters, count, sums + m * filters);
    for (; m + 4 <= across; m += 4) Tiles<4>(x + m, step, dy, filters, count, sums + m * filters);
    for (; m < across; m++) Tiles<1>(x + m, step, dy, filters, count, sums + m * filters);
  }

  template <int rows>
  static void Tiles(const float *x, int64_t step, const float *dy, int64_t filters, int64_t count, float *sums) {
    int64_t f = 0;
    for (; f + 2 * kLanes <= filters; f += 2 * kLanes) Tile<rows, 2>(x, step, dy + f, filters, count, sums + f);
    if (f < filters) Tile<rows, 1>(x, step, dy + f, filters, count, sums + f);
  }

  // Each line's sums begin anew: long sums of small numbers lose less so.
  template <int rows, int vectors>
  static void Tile(const float *x, int64_t step, const float *dy, int64_t filters, int64_t count, float *sums) {
    Lanes a[rows * vectors] = {};
    for (int64_t i = 0; i < count; i++, x += step, dy += filters) {
      Lanes g[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) g[v] = LanesAt(dy + v * kLanes);
#pragma GCC unroll 8
      for (int row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) a[row * vectors + v] += x[row] * g[v];
      }
    }
#pragma GCC unroll 8
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) LanesAt(sums + row * filters + v * kLanes) += a[row * vectors + v];
    }
  }

  const int64_t high_, wide_, stride_, top_, left_;
};

}  // namespace weft
