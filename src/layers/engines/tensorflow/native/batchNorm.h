// Batch norm by the batch's own statistics, with an activation behind it: over all axes but the last.
#pragma once

#include <algorithm>
#include <cmath>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"

namespace weft {

// How rows of channels are walked over: several at once where channels are few, in blocks that stay in a processor's
// cache, and those in pieces, whose number does not depend on the threads.
struct Walk {
  int64_t channels, count, fold, width, rows, block, pieces;

  explicit Walk(const Shape &shape) : channels(shape.back()), count(SizeOf(shape) / shape.back()), fold(1) {
    while (fold < 8 && channels * fold < 256 && count % (fold * 2) == 0) fold *= 2;
    width = channels * fold;
    rows = count / fold;
    block = std::max<int64_t>(1, 16384 / width);
    pieces = std::min<int64_t>(32, (rows + block - 1) / block);
  }

  // Calls `body` with the first row and the number of rows of each block of a piece.
  template <class Body>
  void Blocks(int64_t piece, const Body &body) const {
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t i = blocks * piece / pieces; i < blocks * (piece + 1) / pieces; i++)
      body(i * block, std::min(block, rows - i * block));
  }

  // Calls `body` with where each row begins, by all threads.
  template <class Body>
  void Rows(const Body &body) const {
    Pool::Get().Run(pieces, [&](int64_t piece) {
      Blocks(piece, [&](int64_t first, int64_t some) {
        for (int64_t at = first * width; at < (first + some) * width; at += width) body(at);
      });
    });
  }

  // A figure for each channel, as often as rows are walked over at once.
  float *Wide(Call &call) const { return call.Scratch<float>(width); }
  void Repeat(float *figures) const {
    for (int64_t i = channels; i < width; i++) figures[i] = figures[i - channels];
  }
};

// What a batch norm makes of x: (x - centre) * scale + shift; figures as wide as a walk's rows.
struct Normal {
  float *centre, *scale, *shift;

  Normal(Call &call, const Walk &walk) : centre(walk.Wide(call)), scale(walk.Wide(call)), shift(walk.Wide(call)) {}

  void Set(const Walk &walk, const float *weight, const float *bias, const float *mean, const float *inverse) const {
    for (int64_t c = 0; c < walk.channels; c++) {
      centre[c] = mean[c];
      scale[c] = weight[c] * inverse[c];
      shift[c] = bias[c];
    }
    for (float *wide : {centre, scale, shift}) walk.Repeat(wide);
  }
};

// x's statistics. The variance is made of numbers that are centred block by block (Chan, Golub and LeVeque, 1979), and
// loses nothing to a large mean.
class BatchStatistics {
 public:
  explicit BatchStatistics(Attributes &attributes)
      : epsilon_(attributes.Number("epsilon")), momentum_(attributes.Number("momentum")) {}

  // Inputs 1 to 4 are weight, bias, running mean and variance; outputs 1 to 4 the running figures after it, the batch's
  // mean, and one over its deviation. Input `known` is nothing, or what Pointwise gives of x.
  Normal Of(Call &call, const Walk &walk, const float *x, int known) const {
    const int64_t channels = walk.channels;
    const float *const weight = call.Input(1, channels), *const bias = call.Input(2, channels);
    const float *const oldMean = call.Input(3, channels), *const oldVariance = call.Input(4, channels);
    float *const newMean = call.Output(1, {channels}), *const newVariance = call.Output(2, {channels});
    float *const mean = call.Output(3, {channels}), *const inverse = call.Output(4, {channels});
    Shape size;
    const float *const given = call.Input(known, &size);
    const bool isGiven = SizeOf(size) > 0;
    Call::Require(!isGiven || SizeOf(size) == 2 * channels, "there must be two statistics for each channel, or none");
    const int64_t parts = isGiven ? 0 : walk.pieces * walk.width * 2;
    double *const figures = call.Scratch<double>(parts);
    float *const sums = call.Scratch<float>(parts);
    if (!isGiven)
      Pool::Get().Run(walk.pieces, [&](int64_t piece) {
        Figures(walk, piece, x, figures + piece * walk.width * 2, sums + piece * walk.width * 2);
      });
    const double count = static_cast<double>(walk.count);
    const double unbiased = walk.count > 1 ? count / (count - 1) : 1;
    for (int64_t c = 0; c < channels; c++) {
      double middle = isGiven ? given[c] : 0, squares = isGiven ? given[channels + c] : 0;
      if (!isGiven) Merge(walk, figures, c, &middle, &squares);
      const double variance = squares / count;
      mean[c] = static_cast<float>(middle);
      inverse[c] = static_cast<float>(1 / std::sqrt(variance + epsilon_));
      newMean[c] = static_cast<float>((1 - momentum_) * oldMean[c] + momentum_ * middle);
      newVariance[c] = static_cast<float>((1 - momentum_) * oldVariance[c] + momentum_ * variance * unbiased);
    }
    const Normal normal(call, walk);
    normal.Set(walk, weight, bias, mean, inverse);
    return normal;
  }

 private:
  // Means and sums of centred squares of a piece, for each place in a row.
  static void Figures(const Walk &walk, int64_t piece, const float *x, double *__restrict figures,
                      float *__restrict sums) {
    const int64_t width = walk.width;
    double *const means = figures, *const squares = figures + width;
    float *const sum = sums, *const square = sums + width;
    double seen = 0;
    walk.Blocks(piece, [&](int64_t first, int64_t rows) {
      const float *const block = x + first * width;
      std::fill_n(sum, width, 0.0f);
      for (int64_t row = 0; row < rows; row++) Add(block + row * width, width, sum);
      const float share = 1 / static_cast<float>(rows);
      for (int64_t i = 0; i < width; i++) sum[i] *= share;
      std::fill_n(square, width, 0.0f);
      for (int64_t row = 0; row < rows; row++) AddSquares(block + row * width, sum, width, square);
      // The block's own mean is rounded: by how much its numbers' mean differs from it is of no account here.
      const double weight = static_cast<double>(rows), all = seen + weight;
      const double part = weight / all, mixed = seen * part;
      for (int64_t i = 0; i < width; i++) {
        const double before = seen == 0 ? 0 : means[i], apart = sum[i] - before;
        means[i] = before + apart * part;
        squares[i] = (seen == 0 ? 0 : squares[i]) + square[i] + apart * apart * mixed;
      }
      seen = all;
    });
  }

  // All pieces and all places of a channel together.
  static void Merge(const Walk &walk, const double *figures, int64_t channel, double *mean, double *squares) {
    double seen = 0;
    for (int64_t piece = 0; piece < walk.pieces; piece++) {
      int64_t rows = 0;
      walk.Blocks(piece, [&](int64_t, int64_t some) { rows += some; });
      for (int64_t place = channel; place < walk.width; place += walk.channels) {
        const double *const part = figures + piece * walk.width * 2 + place;
        const double weight = static_cast<double>(rows), all = seen + weight, apart = part[0] - *mean;
        *mean += apart * weight / all;
        *squares += part[walk.width] + apart * apart * seen * weight / all;
        seen = all;
      }
    }
  }

  static void Add(const float *__restrict x, int64_t width, float *__restrict sum) {
    for (int64_t i = 0; i < width; i++) sum[i] += x[i];
  }

  static void AddSquares(const float *__restrict x, const float *__restrict mean, int64_t width,
                         float *__restrict square) {
    for (int64_t i = 0; i < width; i++) square[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
  }

  const float epsilon_, momentum_;
};

// x, weight, bias, running mean and variance, x's statistics or nothing: y; the running figures after it; the batch's
// mean, and one over its deviation.
class BatchNorm {
 public:
  explicit BatchNorm(Attributes &attributes) : statistics_(attributes), activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    Call::Require(!shape.empty() && SizeOf(shape) > 0, "there must be numbers");
    const Walk walk(shape);
    float *const y = call.Output(0, shape);
    const Normal normal = statistics_.Of(call, walk, x, 5);
    WithActivation(activation_, [&](auto activated, auto) {
      walk.Rows([&](int64_t at) {
        Normalise(x + at, normal.centre, normal.scale, normal.shift, walk.width, y + at, activated);
      });
    });
  }

 private:
  template <class ActivatedBy>
  static void Normalise(const float *__restrict x, const float *__restrict centre, const float *__restrict scale,
                        const float *__restrict shift, int64_t width, float *__restrict y,
                        const ActivatedBy &activated) {
    for (int64_t i = 0; i < width; i++) y[i] = activated((x[i] - centre[i]) * scale[i] + shift[i]);
  }

  const BatchStatistics statistics_;
  const int activation_;
};

// What the sums of a batch norm's gradient make of it: the gradients of weight and bias, and of x, which is
// scale * g + slope * (x - mean) + offset, where g is the gradient before the activation.
struct NormalGrad {
  float *scales, *offsets, *slope, *offset;

  // Outputs 1 and 2 are the gradients of weight and bias.
  NormalGrad(Call &call, const Walk &walk)
      : scales(call.Output(1, {walk.channels})),
        offsets(call.Output(2, {walk.channels})),
        slope(walk.Wide(call)),
        offset(walk.Wide(call)) {}

  // `plain` is the sum of g, `centred` that of g (x - mean).
  void Set(const Walk &walk, int64_t c, float weight, float inverse, double plain, double centred) const {
    const double count = static_cast<double>(walk.count), factor = static_cast<double>(weight) * inverse;
    scales[c] = static_cast<float>(centred * inverse);
    offsets[c] = static_cast<float>(plain);
    slope[c] = static_cast<float>(-factor * inverse * inverse * centred / count);
    offset[c] = static_cast<float>(-factor * plain / count);
  }

  // Makes the sums, by all threads, and all of the above of them. `add` is called with where each row begins, and adds it
  // to the sums of g and of g (x - mean): in float along a block, in double beyond.
  template <class AddRow>
  void Sum(Call &call, const Walk &walk, const float *weight, const float *inverse, const AddRow &add) const {
    const int64_t width = walk.width;
    double *const totals = call.Scratch<double>(walk.pieces * width * 2);
    float *const sums = call.Scratch<float>(walk.pieces * width * 2);
    Pool::Get().Run(walk.pieces, [&](int64_t piece) {
      double *const total = totals + piece * width * 2;
      float *const sum = sums + piece * width * 2;
      std::fill_n(total, width * 2, 0.0);
      walk.Blocks(piece, [&](int64_t first, int64_t rows) {
        std::fill_n(sum, width * 2, 0.0f);
        for (int64_t at = first * width; at < (first + rows) * width; at += width) add(at, sum, sum + width);
        for (int64_t i = 0; i < width * 2; i++) total[i] += sum[i];
      });
    });
    for (int64_t c = 0; c < walk.channels; c++) {
      double plain = 0, centred = 0;
      for (int64_t piece = 0; piece < walk.pieces; piece++)
        for (int64_t i = c; i < width; i += walk.channels) {
          plain += totals[piece * width * 2 + i];
          centred += totals[piece * width * 2 + width + i];
        }
      Set(walk, c, weight[c], inverse[c], plain, centred);
    }
    for (float *wide : {slope, offset}) walk.Repeat(wide);
  }
};

// dy, x, weight, bias, and the batch's figures as BatchNorm gives them: the gradients of x, weight and bias. What the
// activation was given is computed again: it costs less than to keep it.
class BatchNormGrad {
 public:
  explicit BatchNormGrad(Attributes &attributes) : activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    Call::Require(!shape.empty() && SizeOf(shape) > 0, "there must be numbers");
    const float *const x = call.Input(1, SizeOf(shape));
    const Walk walk(shape);
    const int64_t channels = walk.channels, width = walk.width;
    const float *const weight = call.Input(2, channels), *const bias = call.Input(3, channels);
    const float *const mean = call.Input(4, channels), *const inverse = call.Input(5, channels);
    float *const dx = call.Output(0, shape);
    const NormalGrad grad(call, walk);
    const Normal normal(call, walk);
    normal.Set(walk, weight, bias, mean, inverse);
    WithActivation(activation_, [&](auto, auto through) {
      grad.Sum(call, walk, weight, inverse, [&](int64_t at, float *plain, float *centred) {
        Add(dy + at, x + at, normal.centre, normal.scale, normal.shift, width, plain, centred, through);
      });
      walk.Rows([&](int64_t at) {
        Back(dy + at, x + at, normal.centre, normal.scale, normal.shift, grad.slope, grad.offset, width, dx + at,
             through);
      });
    });
  }

 private:
  template <class ThroughBy>
  static void Add(const float *__restrict dy, const float *__restrict x, const float *__restrict centre,
                  const float *__restrict scale, const float *__restrict shift, int64_t width, float *__restrict plain,
                  float *__restrict centred, const ThroughBy &through) {
    for (int64_t i = 0; i < width; i++) {
      const float apart = x[i] - centre[i], g = through(apart * scale[i] + shift[i], dy[i]);
      plain[i] += g;
      centred[i] += g * apart;
    }
  }

  template <class ThroughBy>
  static void Back(const float *__restrict dy, const float *__restrict x, const float *__restrict centre,
                   const float *__restrict scale, const float *__restrict shift, const float *__restrict slope,
                   const float *__restrict offset, int64_t width, float *__restrict dx, const ThroughBy &through) {
    for (int64_t i = 0; i < width; i++) {
      const float apart = x[i] - centre[i], g = through(apart * scale[i] + shift[i], dy[i]);
      dx[i] = scale[i] * g + (slope[i] * apart + offset[i]);
    }
  }

  const int activation_;
};

}  // namespace weft
