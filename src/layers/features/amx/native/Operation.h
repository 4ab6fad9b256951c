// What a program does to one image after the other.
#pragma once

#include "Frame.h"
#include "Product.h"

namespace weft {

// Memory of one thread, for what lies between the parts of one operation.
struct Scratch {
  Memory<float> numbers;
  Memory<uint16_t> pairs;
};

// How much of it an operation needs.
struct Needs {
  int64_t numbers = 0, pairs = 0;
};

class Operation {
 public:
  virtual ~Operation() = default;
  // `other` is the second input of an addition. `images` are the floats (height, width, channels) that the program was
  // given, for the operation that begins with them.
  virtual void Run(const float *images, const Image &in, const Image *other, const Image &out,
                   Scratch &scratch) const = 0;
  virtual Needs needs() const { return {}; }
  // Of its weights.
  virtual int64_t bytes() const { return 0; }
};

// A window that slides: the input's pixel under the first of the kernel for output (0, 0) is (-top, -left).
struct Window {
  int64_t high, wide, stride, top, left;
};

// Puts sums of a product into a frame: bias, activation, and what is to be added. Rows of the product are pixels, line by
// line; of `line` rows the first `width` are the frame's.
struct IntoFrame {
  const Image &out;
  const float *bias;
  Activation activation;
  int64_t line, width, y;
  const Image *added;

  void operator()(int64_t first, int64_t rows, int64_t block, const float *sums) const {
    const int64_t n = block * kBlock, low = out.frame.low();
    const __m512 b0 = _mm512_load_ps(bias + n), b1 = _mm512_load_ps(bias + n + kLanes);
    int64_t down = y + first / line, x = first % line;
    for (int64_t i = 0; i < rows; i++, sums += kBlock) {
      if (x < width) {
        __m512 v0 = Activated(_mm512_add_ps(_mm512_load_ps(sums), b0), activation);
        __m512 v1 = Activated(_mm512_add_ps(_mm512_load_ps(sums + kLanes), b1), activation);
        if (added != nullptr) {
          const uint16_t *const other = added->At(down, x) + n;
          v0 = _mm512_add_ps(v0, LoadPairs(other, added->frame.low()));
          v1 = _mm512_add_ps(v1, LoadPairs(other + kLanes, added->frame.low()));
        }
        StorePairs(out.At(down, x) + n, low, v0, v1);
      }
      if (++x == line) x = 0, down++;
    }
  }
};

// What is kept in the processor's second cache while an operation works on it.
constexpr int64_t kCache = 640 * 1024;

}  // namespace weft
