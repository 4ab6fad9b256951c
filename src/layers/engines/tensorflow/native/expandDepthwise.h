// How an inverted residual begins, in inference: a convolution of single pixels to many channels, and the depthwise
// convolution behind it, as one. What lies between them, the largest tensors of such a network, is never in memory as a
// whole. NHWC.
#pragma once

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"
#include "depthwise.h"
#include "lanes.h"

namespace weft {

// x (n, height, width, k), expand (k, c), between (c), filter (kernel, kernel, c, 1), shift (c): y (n, outHeight, outWidth,
// c). `expanded` is the activation before the filter slides, `activation` the one behind it.
class ExpandDepthwise {
 public:
  explicit ExpandDepthwise(Attributes &attributes)
      : window_(attributes, 1), expanded_(attributes.Int("expanded")), activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape in, between;
    const float *const x = call.Input(0, &in);
    Call::Require(in.size() == 4 && SizeOf(in) > 0, "x must be images");
    const float *const added = call.Input(2, &between);
    const int64_t depth = in[3], channels = SizeOf(between);
    const float *const weights = call.Input(1, depth * channels);
    const float *const filter = call.Input(3, window_.kernel * window_.kernel * channels);
    const float *const shift = call.Input(4, channels);
    float *const y = call.Output(0, {in[0], window_.height, window_.width, channels});
    const Sliding sliding{window_, nullptr, filter, shift, y, {in[0], in[1], in[2], channels}};
    WithActivation(expanded_, [&](auto expanded, auto) {
      const auto load = [&](const Group &group, int64_t line, int64_t width, float *to, int64_t apart) {
        const Line made{x + line * in[2] * depth, depth, weights + group.first, channels, added + group.first, width, to,
                        apart};
        int64_t c = 0;
        for (; c + 2 * kLanes <= group.count; c += 2 * kLanes) made.Make<2>(c, 2 * kLanes, expanded);
        for (; c < group.count; c += kLanes) made.Make<1>(c, group.count - c, expanded);
      };
      WithActivation(activation_, [&](auto activated, auto) { sliding.Run(load, activated); });
    });
  }

 private:
  // A line's first `width` pixels, with the weights and shifts of a group's channels.
  struct Line {
    const float *x;
    int64_t depth;
    const float *weights;
    int64_t channels;
    const float *added;
    int64_t width;
    float *to;
    int64_t apart;

    // Some vectors of channels of all pixels: their weights stay in a processor's first cache. `some` are the channels
    // that there are.
    template <int vectors, class ActivatedBy>
    void Make(int64_t c, int64_t some, const ActivatedBy &activated) const {
      int64_t i = 0;
      for (; i + kMost <= width; i += kMost) Tile<kMost, vectors>(i, c, some, activated);
      for (; i + 4 <= width; i += 4) Tile<4, vectors>(i, c, some, activated);
      for (; i + 2 <= width; i += 2) Tile<2, vectors>(i, c, some, activated);
      for (; i < width; i++) Tile<1, vectors>(i, c, some, activated);
    }

    // The sums of a few pixels stay in registers.
    template <int pixels, int vectors, class ActivatedBy>
    void Tile(int64_t first, int64_t c, int64_t some, const ActivatedBy &activated) const {
      Lanes sums[pixels * vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) {
        const Lanes begun = Load(added + c + v * kLanes, some - v * kLanes);
#pragma GCC unroll 8
        for (int pixel = 0; pixel < pixels; pixel++) sums[pixel * vectors + v] = begun;
      }
      const float *from = x + first * depth, *row = weights + c;
      for (int64_t k = 0; k < depth; k++, from++, row += channels) {
        Lanes factors[vectors];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) factors[v] = Load(row + v * kLanes, some - v * kLanes);
#pragma GCC unroll 8
        for (int pixel = 0; pixel < pixels; pixel++) {
#pragma GCC unroll 2
          for (int v = 0; v < vectors; v++) sums[pixel * vectors + v] += from[pixel * depth] * factors[v];
        }
      }
#pragma GCC unroll 8
      for (int pixel = 0; pixel < pixels; pixel++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
          LanesAt(to + (first + pixel) * apart + c + v * kLanes) = activated(sums[pixel * vectors + v]);
      }
    }
  };

#if defined(__AVX512F__)
  static constexpr int kMost = 8;
#else
  static constexpr int kMost = 2;  // registers are fewer, or narrower
#endif

  const Window window_;
  const int expanded_, activation_;
};

}  // namespace weft
