// Softmax over the last axis, in place: attention's scores become its shares, and the shares' gradient the scores'.
#pragma once

#include "Kernel.h"
#include "exp.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

// x, where nobody else may look at it: each row becomes its softmax.
class Softmax {
 public:
  explicit Softmax(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    float *const x = call.Input(0, &shape);
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    rows.Each([&](int64_t row) {
      float *const own = x + row * channels;
      Lanes most = LanesAt(own);
      EachLanes(channels, [&](int64_t c, auto) {
        const Lanes some = LanesAt(own + c);
        most = (some > most) | (some != some) ? some : most;
      });
      const float top = MaxOf(most);
      Lanes sum = {};
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        const Lanes power = Exp(LanesAt(own + c) - top);
        LanesAt(own + c) = power;
        sum += power;
      }
      // What is missing in the last vector counts as nothing.
      float last[kLanes];
      const int64_t left = channels - c;
      if (left > 0) {
        for (int64_t i = 0; i < kLanes; i++) last[i] = i < left ? own[c + i] - top : -1000.0f;
        LanesAt(last) = Exp(LanesAt(last));
        sum += LanesAt(last);
      }
      const float share = 1 / SumOf(sum);
      for (c = 0; c + kLanes <= channels; c += kLanes) LanesAt(own + c) *= share;
      for (int64_t i = 0; i < left; i++) own[c + i] = last[i] * share;
    });
  }
};

// dy, where nobody else may look at it, and y: dy becomes y (dy - Σ y dy), row by row.
class SoftmaxGrad {
 public:
  explicit SoftmaxGrad(Attributes &) {}

  void Run(Call &call) const {
    Shape shape;
    float *const dy = call.Input(0, &shape);
    const float *const y = call.Input(1, SizeOf(shape));
    const Rows rows(shape);
    const int64_t channels = rows.channels;
    rows.Each([&](int64_t row) {
      float *const g = dy + row * channels;
      const float *const p = y + row * channels;
      Lanes sum = {};
      EachLanes(channels, [&](int64_t c, auto isNew) { sum += isNew(LanesAt(g + c) * LanesAt(p + c)); });
      const float inner = SumOf(sum);
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) LanesAt(g + c) = (LanesAt(g + c) - inner) * LanesAt(p + c);
      for (; c < channels; c++) g[c] = (g[c] - inner) * p[c];
    });
  }
};

}  // namespace weft
