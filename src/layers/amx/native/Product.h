// Products of matrices by the processor's matrix unit (AMX), which multiplies bfloat16 and adds in float32. A weight is
// the sum of three bfloat16, what it is multiplied by the sum of two; five of the six products of these are added, the
// smallest is left out.
//
// Source: Henry, Tang and Heinecke, Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
// Computations, 2019.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "Memory.h"
#include "Pairs.h"

namespace weft {

// The unit for this thread, while it lives.
class MatrixUnit {
 public:
  MatrixUnit() {
    struct {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {};
      uint8_t rows[16] = {};
    } shapes;
    for (int tile = 0; tile < 8; tile++) shapes.bytes[tile] = 64, shapes.rows[tile] = 16;
    _tile_loadconfig(&shapes);
  }
  ~MatrixUnit() { _tile_release(); }
  MatrixUnit(const MatrixUnit &) = delete;

  // Asks the system for it, once for the process. Source: Linux, Documentation/arch/x86/xstate.rst.
  static bool Ask() {
    constexpr int kRequest = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  }
};

// A matrix (outputs, taps * inputs) as the unit takes it: by 32 outputs, taps, and 32 inputs.
class Matrix {
 public:
  // weight (outputs, inputs, taps), row by row; bias (outputs) or null.
  Matrix(const float *weight, const float *bias, int64_t outputs, int64_t inputs, int64_t taps)
      : outputs_(outputs), inputs_(inputs), taps_(taps), bias_(Blocks(outputs) * kBlock) {
    if (bias != nullptr) std::copy_n(bias, outputs, bias_.data());
    const int64_t steps = taps * Blocks(inputs);
    packed_ = Memory<uint16_t>(Blocks(outputs) * steps * kStep);
    for (int64_t n = 0; n < Blocks(outputs); n++)
      for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t k = 0; k < Blocks(inputs); k++)
          Pack(weight, n * kBlock, tap, k * kBlock, packed_.data() + ((n * taps + tap) * Blocks(inputs) + k) * kStep);
  }

  int64_t outputs() const { return outputs_; }
  int64_t inputs() const { return inputs_; }
  int64_t bytes() const { return packed_.size() * static_cast<int64_t>(sizeof(uint16_t)); }
  const float *bias() const { return bias_.data(); }

  // The rows of a: `stride` numbers apart, the high halves of the inputs of a row side by side and the low ones `low`
  // numbers on, both filled up with zeros to whole blocks; one tap's inputs lie `at[tap]` numbers from the first's. Up to
  // 31 rows behind the last are read, and must be memory.
  //
  // `take(first, rows, block, sums)` gets the sums of up to 32 rows by the outputs of a block, 32 numbers a row.
  template <class Take>
  void Multiply(const uint16_t *a, int64_t stride, int64_t low, const int64_t *at, int64_t rows, const Take &take,
                int64_t from, int64_t to) const {
    alignas(64) float sums[kBlock * kBlock];
    for (int64_t block = from; block < to; block++) {
      const uint16_t *const w = packed_.data() + block * taps_ * Blocks(inputs_) * kStep;
      for (int64_t row = 0; row < rows; row += kBlock) {
        const int64_t count = std::min(kBlock, rows - row);
        if (count > kLanes)
          Tiles<2>(a + row * stride, stride, low, at, w, sums);
        else
          Tiles<1>(a + row * stride, stride, low, at, w, sums);
        if (!AreFinite(sums, count)) Mend(a + row * stride, stride, low, at, w, block, count, sums);
        take(row, count, block, sums);
      }
    }
  }
  template <class Take>
  void Multiply(const uint16_t *a, int64_t stride, int64_t low, const int64_t *at, int64_t rows,
                const Take &take) const {
    Multiply(a, stride, low, at, rows, take, 0, Blocks(outputs_));
  }

 private:
  // Of 32 outputs and 32 inputs: two tiles of each of a weight's three parts, the largest first.
  static constexpr int64_t kTile = 512, kPart = 2 * kTile, kStep = 3 * kPart;

  void Pack(const float *weight, int64_t n, int64_t tap, int64_t k, uint16_t *to) const {
    for (int64_t i = 0; i < kBlock; i++)
      for (int64_t j = 0; j < kBlock; j++) {
        const bool isInside = n + i < outputs_ && k + j < inputs_;
        float rest = isInside ? weight[((n + i) * inputs_ + k + j) * taps_ + tap] : 0;
        const int64_t place = Place(i, j);
        for (int64_t part = 0; part < 3; part++) {
          uint32_t bits;
          std::memcpy(&bits, &rest, sizeof bits);
          bits = (bits + 0x8000) & 0xffff0000;
          float rounded;
          std::memcpy(&rounded, &bits, sizeof rounded);
          rest -= rounded;
          to[part * kPart + place] = static_cast<uint16_t>(bits >> 16);
        }
      }
  }

  static bool AreFinite(const float *sums, int64_t rows) {
    __m512 none = _mm512_setzero_ps(), other = none;
    for (int64_t i = 0; i < rows; i++, sums += kBlock) {
      none = _mm512_fmadd_ps(_mm512_load_ps(sums), _mm512_setzero_ps(), none);
      other = _mm512_fmadd_ps(_mm512_load_ps(sums + kLanes), _mm512_setzero_ps(), other);
    }
    // Zero times an infinity is NaN.
    return _mm512_cmp_ps_mask(none, other, _CMP_UNORD_Q) == 0;
  }

  // Sums that are NaN, again from whole numbers: a part of a weight can be zero, or have the other sign, and an infinity
  // times it, or with it, is NaN. What is filled up stays zero.
  void Mend(const uint16_t *a, int64_t stride, int64_t low, const int64_t *at, const uint16_t *w, int64_t block,
            int64_t rows, float *sums) const {
    const auto number = [](uint16_t half) {
      const uint32_t bits = static_cast<uint32_t>(half) << 16;
      float number;
      std::memcpy(&number, &bits, sizeof number);
      return number;
    };
    const auto sum = [&](const uint16_t *row, int64_t output) {
      double sum = 0;
      for (int64_t tap = 0; tap < taps_; tap++)
        for (int64_t k = 0; k < inputs_; k++) {
          const uint16_t *const parts = w + (tap * Blocks(inputs_) + k / kBlock) * kStep;
          const int64_t place = Place(output, k % kBlock);
          const float weight = number(parts[place]) + number(parts[kPart + place]) + number(parts[2 * kPart + place]);
          const uint16_t *const x = row + at[tap] + k;
          sum += static_cast<double>(number(x[0]) + number(x[low])) * weight;
          if (sum != sum) return sum;
        }
      return sum;
    };
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < kBlock; j++) {
        float &one = sums[i * kBlock + j];
        if (block * kBlock + j >= outputs_)
          one = 0;
        else if (one != one)
          one = static_cast<float>(sum(a + i * stride, j));
      }
  }

  // Where the weight of an output and an input lies in each part: two inputs that are neighbours lie side by side for
  // each output.
  static int64_t Place(int64_t output, int64_t input) {
    return (output / kLanes) * kTile + (input / 2) * kBlock + output % kLanes * 2 + input % 2;
  }

  template <int tiles>
  void Tiles(const uint16_t *a, int64_t stride, int64_t low, const int64_t *at, const uint16_t *w, float *sums) const {
    const int64_t bytes = stride * static_cast<int64_t>(sizeof(uint16_t)), below = kLanes * stride;
    _tile_zero(0);
    _tile_zero(1);
    if (tiles == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
    const auto rows = [&](const uint16_t *x) {
      _tile_loadd(4, x, bytes);
      if (tiles == 2) _tile_loadd(5, x + below, bytes);
    };
    const auto columns = [](const uint16_t *part) {
      _tile_loadd(6, part, 64);
      _tile_loadd(7, part + kTile, 64);
    };
    const auto add = [] {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      if (tiles == 2) {
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
    };
    for (int64_t tap = 0; tap < taps_; tap++) {
      const uint16_t *x = a + at[tap];
      for (int64_t k = 0; k < Blocks(inputs_); k++, x += kBlock, w += kStep) {
        rows(x + low);
        columns(w + kPart);
        add();
        columns(w);
        add();
        rows(x);
        add();
        columns(w + kPart);
        add();
        columns(w + 2 * kPart);
        add();
      }
    }
    constexpr int64_t line = kBlock * sizeof(float);
    _tile_stored(0, sums, line);
    _tile_stored(1, sums + kLanes, line);
    if (tiles == 2) {
      _tile_stored(2, sums + kLanes * kBlock, line);
      _tile_stored(3, sums + kLanes * kBlock + kLanes, line);
    }
  }

  const int64_t outputs_, inputs_, taps_;
  Memory<float> bias_;
  Memory<uint16_t> packed_;
};

}  // namespace weft
