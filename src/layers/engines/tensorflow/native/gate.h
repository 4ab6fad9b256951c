// Images whose channels are each multiplied by a number of the image's own: a squeeze-and-excitation, and its gradient.
#pragma once

#include <algorithm>

#include "Kernel.h"
#include "Pool.h"

namespace weft {

// Images, and how their pixels are shared out: some of one image at a time.
struct Pixels {
  int64_t images, count, channels, block, blocks;

  explicit Pixels(const Shape &shape) {
    Call::Require(shape.size() == 4, "there must be images");
    images = shape[0], count = shape[1] * shape[2], channels = shape[3];
    block = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, channels));
    blocks = (count + block - 1) / block;
  }

  // Calls `body` with an image, and the places of its first pixel and behind its last, for all images, on all threads.
  template <class Body>
  void Each(const Body &body) const {
    Pool::Get().Run(images * blocks, [&](int64_t piece) {
      const int64_t image = piece / blocks, first = piece % blocks * block;
      body(image, image * count + first, image * count + std::min(count, first + block));
    });
  }
};

// x (n, height, width, c) and a factor for each image's channel (n, 1, 1, c): their product.
class Gate {
 public:
  explicit Gate(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    const Pixels pixels(shape);
    const int64_t channels = pixels.channels;
    const float *const factors = call.Input(1, pixels.images * channels);
    float *const y = call.Output(0, shape);
    pixels.Each([&](int64_t image, int64_t first, int64_t end) {
      for (int64_t at = first * channels; at < end * channels; at += channels)
        Multiply(x + at, factors + image * channels, channels, y + at);
    });
  }

 private:
  static void Multiply(const float *__restrict x, const float *__restrict factors, int64_t channels,
                       float *__restrict y) {
    for (int64_t c = 0; c < channels; c++) y[c] = x[c] * factors[c];
  }
};

// dy and x: the gradient of the factors, (n, 1, 1, c), the sum of their products over an image's pixels.
class GateSums {
 public:
  explicit GateSums(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const Pixels pixels(shape);
    const int64_t channels = pixels.channels;
    const float *const x = call.Input(1, SizeOf(shape));
    float *const sums = call.Output(0, {pixels.images, 1, 1, channels});
    float *const partial = call.Scratch<float>(pixels.images * pixels.blocks * channels);
    pixels.Each([&](int64_t image, int64_t first, int64_t end) {
      float *const sum = partial + (image * pixels.blocks + (first - image * pixels.count) / pixels.block) * channels;
      std::fill_n(sum, channels, 0.0f);
      for (int64_t at = first * channels; at < end * channels; at += channels) Add(dy + at, x + at, channels, sum);
    });
    std::fill_n(sums, pixels.images * channels, 0.0f);
    for (int64_t piece = 0; piece < pixels.images * pixels.blocks; piece++)
      for (int64_t c = 0; c < channels; c++) sums[piece / pixels.blocks * channels + c] += partial[piece * channels + c];
  }

 private:
  static void Add(const float *__restrict dy, const float *__restrict x, int64_t channels, float *__restrict sum) {
    for (int64_t c = 0; c < channels; c++) sum[c] += dy[c] * x[c];
  }
};

// dy, the factors, and the gradient of x's mean over an image's pixels, of which the factors were made: the gradient of x.
class GateGrad {
 public:
  explicit GateGrad(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    const Pixels pixels(shape);
    const int64_t channels = pixels.channels;
    const float *const factors = call.Input(1, pixels.images * channels);
    const float *const means = call.Input(2, pixels.images * channels);
    float *const dx = call.Output(0, shape);
    const float share = 1 / static_cast<float>(pixels.count);
    pixels.Each([&](int64_t image, int64_t first, int64_t end) {
      for (int64_t at = first * channels; at < end * channels; at += channels)
        Back(dy + at, factors + image * channels, means + image * channels, share, channels, dx + at);
    });
  }

 private:
  static void Back(const float *__restrict dy, const float *__restrict factors, const float *__restrict means,
                   float share, int64_t channels, float *__restrict dx) {
    for (int64_t c = 0; c < channels; c++) dx[c] = dy[c] * factors[c] + means[c] * share;
  }
};

}  // namespace weft
