// Convolutions of single pixels: products of a tall matrix with a small one. By our own threads, with rows shared evenly,
// and with what else goes over the same numbers while they are in a processor's cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "Kernel.h"
#include "Pool.h"
#include "lanes.h"

namespace weft {

// Tiles of a product, whose sums stay in registers: rows by vectors.
#if defined(__AVX512F__)
constexpr int kTileRows = 8, kTileVectors = 3;
#else
constexpr int kTileRows = 4, kTileVectors = 1;  // registers are fewer, or narrower
#endif

// Calls `body` with the first column of each strip of `columns`, and the number of vectors in it.
template <class Body>
inline void EachStrip(int64_t columns, const Body &body) {
  int64_t vectors = (columns + kLanes - 1) / kLanes;
  for (int64_t at = 0; vectors > 0;) {
    // Four are two and two: a single vector keeps a processor less busy.
    const int64_t some = std::min<int64_t>(kTileVectors, vectors == 4 ? 2 : vectors);
    body(at, some);
    at += some * kLanes;
    vectors -= some;
  }
}

// The small matrix (depth, columns), or its transpose, in strips of columns, with zeros beyond the last.
class Strips {
 public:
  Strips(Call &call, const float *matrix, int64_t depth, int64_t columns, bool isTransposed)
      : depth_(depth), columns_(columns) {
    const int64_t wide = (columns + kLanes - 1) / kLanes * kLanes;
    numbers_ = call.Scratch<float>(depth * wide);
    const int64_t lines = std::max<int64_t>(1, 16384 / wide), pieces = (depth + lines - 1) / lines;
    Pool::Get().Run(pieces, [&](int64_t piece) {
      const int64_t from = piece * lines, to = std::min(depth, from + lines);
      EachStrip(columns, [&](int64_t first, int64_t vectors) {
        const int64_t width = vectors * kLanes, count = std::min(width, columns - first);
        float *const strip = numbers_ + first * depth;
        for (int64_t k = from; k < to; k++)
          if (count < width) std::fill_n(strip + k * width, width, 0.0f);
        if (isTransposed) {
          for (int64_t c = 0; c < count; c++)
            for (int64_t k = from; k < to; k++) strip[k * width + c] = matrix[(first + c) * depth + k];
        } else {
          for (int64_t k = from; k < to; k++) std::copy_n(matrix + k * columns + first, count, strip + k * width);
        }
      });
    });
  }

  // y = a times the matrix, for some rows: a's are `depth` long, y's `columns`.
  void Multiply(const float *a, int64_t rows, float *y) const {
    EachStrip(columns_, [&](int64_t first, int64_t vectors) {
      const float *const strip = numbers_ + first * depth_;
      const int64_t count = columns_ - first;
      switch (vectors) {
        case 1:
          return Rows<1>(a, rows, strip, count, y + first);
        case 2:
          return Rows<std::min(2, kTileVectors)>(a, rows, strip, count, y + first);
        default:
          return Rows<kTileVectors>(a, rows, strip, count, y + first);
      }
    });
  }

 private:
  template <int vectors>
  void Rows(const float *a, int64_t rows, const float *strip, int64_t count, float *y) const {
    int64_t row = 0;
    for (; row + kTileRows <= rows; row += kTileRows)
      Tile<kTileRows, vectors>(a + row * depth_, strip, count, y + row * columns_);
    for (; row < rows; row++) Tile<1, vectors>(a + row * depth_, strip, count, y + row * columns_);
  }

  template <int rows, int vectors>
  void Tile(const float *a, const float *strip, int64_t count, float *y) const {
    Lanes sums[rows * vectors] = {};
    const int64_t depth = depth_;
    for (int64_t k = 0; k < depth; k++, strip += vectors * kLanes) {
      Lanes b[vectors];
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) b[v] = LanesAt(strip + v * kLanes);
#pragma GCC unroll 8
      for (int row = 0; row < rows; row++) {
        const Lanes x = Same(a[row * depth + k]);
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sums[row * vectors + v] += x * b[v];
      }
    }
#pragma GCC unroll 8
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++)
        Store(sums[row * vectors + v], y + row * columns_ + v * kLanes, count - v * kLanes);
    }
  }

  const int64_t depth_, columns_;
  float *numbers_;
};

// sums (k, n) += the transpose of x (rows, k), columns `from` to `to` of it, times dy (rows, n).
class OuterSums {
 public:
  const float *x, *dy;
  int64_t k, n;

  void Add(int64_t rows, int64_t from, int64_t to, float *sums) const {
    EachStrip(n, [&](int64_t column, int64_t vectors) {
      switch (vectors) {
        case 1:
          return Columns<1>(rows, from, to, column, sums);
        case 2:
          return Columns<std::min(2, kTileVectors)>(rows, from, to, column, sums);
        default:
          return Columns<kTileVectors>(rows, from, to, column, sums);
      }
    });
  }

 private:
  template <int vectors>
  void Columns(int64_t rows, int64_t from, int64_t to, int64_t column, float *sums) const {
    int64_t at = from;
    for (; at + kTileRows <= to; at += kTileRows) Tile<kTileRows, vectors>(rows, at, column, sums);
    for (; at < to; at++) Tile<1, vectors>(rows, at, column, sums);
  }

  template <int high, int vectors>
  void Tile(int64_t rows, int64_t at, int64_t column, float *sums) const {
    Lanes tile[high * vectors] = {};
    const float *a = x + at, *b = dy + column;
    const int64_t last = n - column - (vectors - 1) * kLanes;  // what is there of the last vector
    for (int64_t row = 0; row < rows; row++, a += k, b += n) {
      Lanes g[vectors];
#pragma GCC unroll 3
      for (int v = 0; v < vectors - 1; v++) g[v] = LanesAt(b + v * kLanes);
      g[vectors - 1] = Load(b + (vectors - 1) * kLanes, last);
#pragma GCC unroll 8
      for (int i = 0; i < high; i++) {
        const Lanes one = Same(a[i]);
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) tile[i * vectors + v] += one * g[v];
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < high; i++) {
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) {
        float *const to = sums + (at + i) * n + column + v * kLanes;
        const int64_t count = n - column - v * kLanes;
        Store(Load(to, count) + tile[i * vectors + v], to, count);
      }
    }
  }
};

// Rows in blocks that stay in a processor's cache, and those in pieces, whose number does not depend on the threads.
struct TallRows {
  int64_t rows, block, pieces;

  // `width` numbers are at hand for each row.
  TallRows(int64_t count, int64_t width) : rows(count) {
    const int64_t fitting = std::max<int64_t>(1, 32768 / width / kTileRows), even = (count + 15) / 16;
    block = std::min(fitting, std::max<int64_t>(1, even / kTileRows)) * kTileRows;
    pieces = std::min<int64_t>(32, (rows + block - 1) / block);
  }

  // Calls `body` with the first row and the number of rows of each block of a piece.
  template <class Body>
  void Blocks(int64_t piece, const Body &body) const {
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t i = blocks * piece / pieces; i < blocks * (piece + 1) / pieces; i++)
      body(i * block, std::min(block, rows - i * block));
  }
};

// The mean and the sum of centred squares of each column of some rows, put together block by block (Chan, Golub and
// LeVeque, 1979): nothing is lost to a large mean.
class ColumnStatistics {
 public:
  // `statistics`: means, then squares.
  ColumnStatistics(double *statistics, int64_t columns)
      : means_(statistics), squares_(statistics + columns), columns_(columns), seen_(0) {}

  void AddRows(const float *y, int64_t rows) {
    const double weight = static_cast<double>(rows), all = seen_ + weight;
    const double part = weight / all, mixed = seen_ * part;
    for (int64_t c = 0; c < columns_; c += kLanes) {
      const int64_t count = std::min(kLanes, columns_ - c);
      const Lanes mean = Sum(y + c, rows, count, [](Lanes x) { return x; }) * (1 / static_cast<float>(rows));
      const Lanes square = Sum(y + c, rows, count, [&](Lanes x) { return (x - mean) * (x - mean); });
      for (int64_t i = 0; i < count; i++) Merge(c + i, mean[i], square[i], part, mixed);
    }
    seen_ = all;
  }

  // Another's rows, of which there are so many.
  void AddStatistics(const double *statistics, double rows) {
    const double all = seen_ + rows, part = rows / all, mixed = seen_ * part;
    for (int64_t c = 0; c < columns_; c++) Merge(c, statistics[c], statistics[columns_ + c], part, mixed);
    seen_ = all;
  }

 private:
  void Merge(int64_t c, double mean, double square, double part, double mixed) {
    const double before = seen_ == 0 ? 0 : means_[c], apart = mean - before;
    means_[c] = before + apart * part;
    squares_[c] = (seen_ == 0 ? 0 : squares_[c]) + square + apart * apart * mixed;
  }

  template <class Body>
  Lanes Sum(const float *y, int64_t rows, int64_t count, const Body &body) const {
    Lanes sums[4] = {};
    int64_t row = 0;
    for (; row + 4 <= rows; row += 4) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) sums[i] += body(Load(y + (row + i) * columns_, count));
    }
    for (; row < rows; row++) sums[0] += body(Load(y + row * columns_, count));
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  double *const means_, *const squares_;
  const int64_t columns_;
  double seen_;
};

// x (…, k), filter (1, 1, k, n): y (…, n), and, where they are wanted, y's statistics (2, n): the mean and the sum of centred
// squares of each channel.
class Pointwise {
 public:
  explicit Pointwise(Attributes &attributes) : wanted_(attributes.Int("wanted") != 0) {}

  void Run(Call &call) const {
    Shape in, filter;
    const float *const x = call.Input(0, &in);
    const float *const w = call.Input(1, &filter);
    Call::Require(SizeOf(in) > 0 && filter.size() == 4 && filter[0] * filter[1] == 1 && in.back() == filter[2],
                  "x must have as many channels as the filter takes");
    const int64_t k = filter[2], n = filter[3], count = SizeOf(in) / k;
    Shape out = in;
    out.back() = n;
    float *const y = call.Output(0, out);
    float *const statistics = call.Output(1, wanted_ ? Shape({2, n}) : Shape({0}));
    const Strips strips(call, w, k, n, false);
    const TallRows rows(count, k + n);
    double *const parts = call.Scratch<double>(wanted_ ? (rows.pieces + 1) * 2 * n : 0);
    Pool::Get().Run(rows.pieces, [&](int64_t piece) {
      ColumnStatistics part(parts + piece * 2 * n, n);
      rows.Blocks(piece, [&](int64_t first, int64_t some) {
        strips.Multiply(x + first * k, some, y + first * n);
        if (wanted_) part.AddRows(y + first * n, some);
      });
    });
    if (!wanted_) return;
    double *const whole = parts + rows.pieces * 2 * n;
    ColumnStatistics all(whole, n);
    for (int64_t piece = 0; piece < rows.pieces; piece++) {
      int64_t seen = 0;
      rows.Blocks(piece, [&](int64_t, int64_t some) { seen += some; });
      all.AddStatistics(parts + piece * 2 * n, static_cast<double>(seen));
    }
    for (int64_t i = 0; i < 2 * n; i++) statistics[i] = static_cast<float>(whole[i]);
  }

 private:
  const bool wanted_;
};

// dy (…, n), x (…, k), filter (1, 1, k, n), y, terms: the gradients of x, or nothing where it is not wanted, and of the
// filter. Where a batch norm behind y has left its gradient unfinished (see batchNormDepthwise.h), dy is finished here,
// perhaps in place; else y and terms are nothing.
class PointwiseGrad {
 public:
  explicit PointwiseGrad(Attributes &attributes) : wanted_(attributes.Int("wanted") != 0) {}

  void Run(Call &call) const {
    Shape out, in, filter;
    float *const dy = call.Input(0, &out);
    const float *const x = call.Input(1, &in);
    const float *const w = call.Input(2, &filter);
    Shape size;
    const float *const terms = call.Input(4, &size);
    const bool isOpen = SizeOf(size) > 0;
    const float *const y = call.Input(3, isOpen ? SizeOf(out) : 0);
    Call::Require(!isOpen || SizeOf(size) == 4 * out.back(), "there must be four terms for each channel, or none");
    Call::Require(SizeOf(in) > 0 && filter.size() == 4 && filter[0] * filter[1] == 1 && in.back() == filter[2] &&
                      out.back() == filter[3] && SizeOf(in) / in.back() == SizeOf(out) / out.back(),
                  "x and dy must have the same rows, and the channels that the filter takes and gives");
    const int64_t k = filter[2], n = filter[3], count = SizeOf(in) / k;
    float *const dx = call.Output(0, wanted_ ? in : Shape({0}));
    float *const dw = call.Output(1, filter);
    const TallRows rows(count, k + n);
    // Where the filter is small, each piece has sums of its own, and goes through memory once.
    const bool isTogether = k * n <= kSmall;
    float *const partial = call.Scratch<float>(isTogether ? rows.pieces * k * n : 0);
    Strips *strips = nullptr;
    if (wanted_) strips = new (call.Scratch<char>(sizeof(Strips))) Strips(call, w, n, k, true);
    if (isTogether || wanted_ || isOpen)
      Pool::Get().Run(rows.pieces, [&](int64_t piece) {
        if (isTogether) std::fill_n(partial + piece * k * n, k * n, 0.0f);
        rows.Blocks(piece, [&](int64_t first, int64_t some) {
          float *g = dy + first * n;
          if (isOpen) {
            // Sums of groups of channels go through it again: then it is finished where it lies.
            static thread_local std::vector<float> room;
            if (isTogether) room.resize(std::max<size_t>(room.size(), some * n));
            float *const to = isTogether ? room.data() : g;
            for (int64_t row = 0; row < some; row++)
              Finish(g + row * n, y + (first + row) * n, terms, n, to + row * n);
            g = to;
          }
          if (wanted_) strips->Multiply(g, some, dx + first * k);
          if (isTogether) OuterSums{x + first * k, g, k, n}.Add(some, 0, k, partial + piece * k * n);
        });
      });
    if (isTogether) {
      const int64_t parts = (k * n + 4095) / 4096;
      Pool::Get().Run(parts, [&](int64_t part) {
        const int64_t from = part * 4096, to = std::min(k * n, from + 4096);
        std::copy(partial + from, partial + to, dw + from);
        for (int64_t piece = 1; piece < rows.pieces; piece++)
          for (int64_t i = from; i < to; i++) dw[i] += partial[piece * k * n + i];
      });
      return;
    }
    const int64_t tiles = (k + kTileRows - 1) / kTileRows, groups = std::min<int64_t>(16, tiles);
    Pool::Get().Run(groups, [&](int64_t group) {
      const int64_t from = tiles * group / groups * kTileRows;
      const int64_t to = std::min(k, tiles * (group + 1) / groups * kTileRows);
      std::fill_n(dw + from * n, (to - from) * n, 0.0f);
      for (int64_t first = 0; first < count; first += kBlock)
        OuterSums{x + first * k, dy + first * n, k, n}.Add(std::min(kBlock, count - first), from, to, dw);
    });
  }

 private:
  static void Finish(const float *g, const float *y, const float *terms, int64_t n, float *to) {
    const float *const centre = terms, *const scale = terms + n, *const slope = scale + n, *const offset = slope + n;
    for (int64_t c = 0; c < n; c += kLanes) {
      const int64_t some = n - c;
      const auto at = [&](const float *of) { return Load(of + c, some); };
      Store(at(scale) * at(g) + (at(slope) * (at(y) - at(centre)) + at(offset)), to + c, some);
    }
  }

  static constexpr int64_t kSmall = 1 << 15, kBlock = 128;

  const bool wanted_;
};

}  // namespace weft
