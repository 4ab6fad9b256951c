// An image between two operations: its pixels' channels as pairs, filled up with zeros to whole blocks; around it a margin
// of zeros, which a convolution's padding needs.
#pragma once

#include <algorithm>

#include "Pairs.h"

namespace weft {

struct Frame {
  int64_t height = 1, width = 1, channels = 0;
  int64_t top = 0, left = 0, bottom = 0, right = 0;

  // Channels, filled up; the low halves are so many numbers behind the high ones.
  int64_t low() const { return Blocks(channels) * kBlock; }
  // Numbers from a pixel to the next.
  int64_t step() const { return 2 * low(); }
  // Pixels from a line to the next.
  int64_t line() const { return left + width + right; }
  // Numbers from an image to the next.
  int64_t size() const { return (top + height + bottom) * line() * step(); }
  // Numbers of `images` one after the other, and of the rows that a product reads behind them.
  int64_t room(int64_t images) const { return images * size() + (kBlock - 1) * step(); }
  // Where a pixel lies; those of the margin are at negative places.
  int64_t at(int64_t y, int64_t x) const { return ((top + y) * line() + left + x) * step(); }
  void Widen(int64_t above, int64_t before, int64_t below, int64_t after) {
    top = std::max(top, above), left = std::max(left, before);
    bottom = std::max(bottom, below), right = std::max(right, after);
  }
};

// A frame in memory.
struct Image {
  const Frame &frame;
  uint16_t *data;

  uint16_t *At(int64_t y, int64_t x) const { return data + frame.at(y, x); }

  void ClearMargin() const {
    const auto clear = [&](int64_t y, int64_t x, int64_t pixels) {
      std::fill_n(At(y, x), pixels * frame.step(), uint16_t{0});
    };
    const auto &[height, width, channels, top, left, bottom, right] = frame;
    if (top + left + bottom + right == 0) return;
    clear(-top, -left, top * frame.line());
    for (int64_t y = 0; y < height; y++) clear(y, -left, left), clear(y, width, right);
    clear(height, -left, bottom * frame.line());
  }
};

}  // namespace weft
