// The end of a residual: a batch norm by the batch's own statistics, the shortcut added, and an activation behind the sum.
#pragma once

#include "batchNorm.h"

namespace weft {

// x, weight, bias, running mean and variance, the shortcut's output, as large as x, x's statistics or nothing:
// y = activation(norm(x) + shortcut); the running figures after it; the batch's mean, and one over its deviation.
class BatchNormAdd {
 public:
  explicit BatchNormAdd(Attributes &attributes) : statistics_(attributes), activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const x = call.Input(0, &shape);
    Call::Require(!shape.empty() && SizeOf(shape) > 0, "there must be numbers");
    const float *const shortcut = call.Input(5, SizeOf(shape));
    const Walk walk(shape);
    float *const y = call.Output(0, shape);
    const Normal normal = statistics_.Of(call, walk, x, 6);
    WithClamp(activation_, [&](auto cut, auto) {
      walk.Rows([&](int64_t at) {
        Sum(x + at, shortcut + at, normal.centre, normal.scale, normal.shift, walk.width, y + at, cut);
      });
    });
  }

 private:
  template <class CutBy>
  static void Sum(const float *__restrict x, const float *__restrict shortcut, const float *__restrict centre,
                  const float *__restrict scale, const float *__restrict shift, int64_t width, float *__restrict y,
                  const CutBy &cut) {
    for (int64_t i = 0; i < width; i++) y[i] = cut((x[i] - centre[i]) * scale[i] + shift[i] + shortcut[i]);
  }

  const BatchStatistics statistics_;
  const int activation_;
};

// dy, x, y, weight, and the batch's figures as BatchNormAdd gives them: the gradients of the shortcut's output, weight and
// bias, and in x itself, at which nothing else may look, that of x. The first pass writes the gradient before the
// activation, which is the shortcut's too; the second one reads it.
class BatchNormAddGrad {
 public:
  explicit BatchNormAddGrad(Attributes &attributes) : activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape shape;
    const float *const dy = call.Input(0, &shape);
    Call::Require(!shape.empty() && SizeOf(shape) > 0, "there must be numbers");
    Shape same;
    float *const x = call.Input(1, &same);
    Call::Require(same == shape, "x must have the shape of dy");
    const float *const y = call.Input(2, SizeOf(shape));
    const Walk walk(shape);
    const int64_t width = walk.width;
    const float *const weight = call.Input(3, walk.channels);
    const float *const mean = call.Input(4, walk.channels), *const inverse = call.Input(5, walk.channels);
    float *const before = call.Output(0, shape);
    const NormalGrad grad(call, walk);
    const Normal normal(call, walk);
    normal.Set(walk, weight, weight, mean, inverse);  // the bias is of no account here
    WithClamp(activation_, [&](auto, auto isCut) {
      grad.Sum(call, walk, weight, inverse, [&](int64_t at, float *plain, float *centred) {
        Add(dy + at, x + at, y + at, normal.centre, width, before + at, plain, centred, isCut);
      });
    });
    walk.Rows([&](int64_t at) {
      Back(before + at, normal.centre, normal.scale, grad.slope, grad.offset, width, x + at);
    });
  }

 private:
  template <class IsCutBy>
  static void Add(const float *__restrict dy, const float *__restrict x, const float *__restrict y,
                  const float *__restrict centre, int64_t width, float *__restrict before, float *__restrict plain,
                  float *__restrict centred, const IsCutBy &isCut) {
    for (int64_t i = 0; i < width; i++) {
      const float g = isCut(y[i]) ? 0 : dy[i];
      before[i] = g;
      plain[i] += g;
      centred[i] += g * (x[i] - centre[i]);
    }
  }

  static void Back(const float *__restrict before, const float *__restrict centre, const float *__restrict scale,
                   const float *__restrict slope, const float *__restrict offset, int64_t width, float *__restrict x) {
    for (int64_t i = 0; i < width; i++) x[i] = scale[i] * before[i] + (slope[i] * (x[i] - centre[i]) + offset[i]);
  }

  const int activation_;
};

// Adds y to x, in x itself: nothing else may look at it.
class AddTo {
 public:
  explicit AddTo(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    float *const x = call.Input(0, &shape);
    const int64_t size = SizeOf(shape), block = 16384;
    const float *const y = call.Input(1, size);
    Pool::Get().Run((size + block - 1) / block, [&](int64_t piece) {
      const int64_t first = piece * block;
      Add(y + first, std::min(block, size - first), x + first);
    });
  }

 private:
  static void Add(const float *__restrict y, int64_t count, float *__restrict x) {
    for (int64_t i = 0; i < count; i++) x[i] += y[i];
  }
};

}  // namespace weft
