// Rows of channels in pieces, and sums over them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "Kernel.h"
#include "Pool.h"
#include "lanes.h"

namespace weft {

// Rows of channels: in blocks that stay in a processor's cache, and those in pieces, whose number does not depend on the
// threads.
struct Rows {
  int64_t channels, rows, block, pieces;

  explicit Rows(const Shape &shape)
      : channels(shape.empty() ? 0 : shape.back()), rows(channels == 0 ? 0 : SizeOf(shape) / channels) {
    Call::Require(channels >= kLanes, "there must be sixteen channels or more");
    block = std::max<int64_t>(8, 16384 / channels);
    pieces = std::min<int64_t>(64, (rows + block - 1) / block);
  }

  // Calls `body` with the first row and the one after the last of each block of a piece.
  template <class Body>
  void Blocks(int64_t piece, const Body &body) const {
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t i = blocks * piece / pieces; i < blocks * (piece + 1) / pieces; i++)
      body(i * block, std::min(rows, (i + 1) * block));
  }

  // All rows, by all threads.
  template <class Body>
  void Each(const Body &body) const {
    Pool::Get().Run(pieces, [&](int64_t piece) {
      Blocks(piece, [&](int64_t first, int64_t end) {
        for (int64_t row = first; row < end; row++) body(row);
      });
    });
  }
};

// Sums over rows, `count` for each channel: in float along a block, in double beyond.
class RowSums {
 public:
  RowSums(Call &call, const Rows &rows, int64_t count)
      : rows_(rows),
        width_(rows.channels * count),
        totals_(call.Scratch<double>(std::max<int64_t>(1, rows.pieces) * width_)),
        sums_(call.Scratch<float>(std::max<int64_t>(1, rows.pieces) * width_)) {}

  // All rows, by all threads; `body` adds a row to the sums that it is given, those of each kind one after the other.
  template <class Body>
  void Each(const Body &body) const {
    Pool::Get().Run(rows_.pieces, [&](int64_t piece) {
      double *const total = totals_ + piece * width_;
      float *const sum = sums_ + piece * width_;
      std::fill_n(total, width_, 0.0);
      rows_.Blocks(piece, [&](int64_t first, int64_t end) {
        std::fill_n(sum, width_, 0.0f);
        for (int64_t row = first; row < end; row++) body(row, sum);
        for (int64_t i = 0; i < width_; i++) total[i] += sum[i];
      });
    });
  }

  // The sum of one kind and channel over all rows.
  double Of(int64_t kind, int64_t channel) const {
    double sum = 0;
    for (int64_t piece = 0; piece < rows_.pieces; piece++)
      sum += totals_[piece * width_ + kind * rows_.channels + channel];
    return sum;
  }

  void Write(int64_t kind, float *to) const {
    for (int64_t c = 0; c < rows_.channels; c++) to[c] = static_cast<float>(Of(kind, c));
  }

 private:
  const Rows &rows_;
  const int64_t width_;
  double *const totals_;
  float *const sums_;
};

}  // namespace weft
