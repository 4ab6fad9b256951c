// The norm of all gradients, and one step of an optimiser for all weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "Kernel.h"
#include "Pool.h"

namespace weft {

// A stretch of one tensor of a list: what a thread does in one go.
struct Stretch {
  int64_t tensor, from, to;
};

inline std::vector<Stretch> Stretches(const std::vector<int64_t> &sizes) {
  constexpr int64_t most = 32768;
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < sizes.size(); i++)
    for (int64_t from = 0; from < sizes[i]; from += most)
      stretches.push_back({static_cast<int64_t>(i), from, std::min(from + most, sizes[i])});
  return stretches;
}

// N gradients: the Euclidean norm of all together.
class Norm {
 public:
  explicit Norm(Attributes &) {}

  void Run(Call &call) const {
    std::vector<const float *> gradients;
    std::vector<int64_t> sizes;
    for (int i = 0; i < call.Inputs(); i++) {
      Shape shape;
      gradients.push_back(call.Input(i, &shape));
      sizes.push_back(SizeOf(shape));
    }
    const std::vector<Stretch> stretches = Stretches(sizes);
    std::vector<double> sums(stretches.size());
    Pool::Get().Run(static_cast<int64_t>(stretches.size()), [&](int64_t i) {
      const Stretch &stretch = stretches[i];
      sums[i] = Squares(gradients[stretch.tensor] + stretch.from, stretch.to - stretch.from);
    });
    double all = 0;
    for (const double sum : sums) all += sum;
    *call.Output(0, {}) = static_cast<float>(std::sqrt(all));
  }

 private:
  // In lanes, which a compiler would not make of a sum: their order counts.
  static double Squares(const float *x, int64_t count) {
    constexpr int64_t lanes = 16;
    double sums[lanes] = {};
    for (int64_t i = 0; i + lanes <= count; i += lanes)
      for (int64_t k = 0; k < lanes; k++) sums[k] += static_cast<double>(x[i + k]) * x[i + k];
    for (int64_t i = count / lanes * lanes; i < count; i++) sums[0] += static_cast<double>(x[i]) * x[i];
    double all = 0;
    for (const double sum : sums) all += sum;
    return all;
  }
};

// N weights, their gradients, their first and second slots (none, or N of them), settings (N, 3), and the gradients'
// norm. Changes weights and slots in place: whoever calls it has nothing else that shares their memory. A weight's
// settings are, for sgd: the rate, the share of the gradient that goes into the momentum; for adam: the corrected rate,
// one over the root of the second slot's correction, the share of the weight that is kept.
// Source: PyTorch's torch.optim.SGD, Adam, AdamW; see model/optimizer.ts.
class Update {
 public:
  explicit Update(Attributes &attributes)
      : weights_(attributes.Int("N")),
        isAdam_(attributes.Int("adam") != 0),
        nesterov_(attributes.Int("nesterov") != 0),
        momentum_(attributes.Number("momentum")),
        beta1_(attributes.Number("beta1")),
        beta2_(attributes.Number("beta2")),
        eps_(attributes.Number("eps")),
        decay_(attributes.Number("decay")),
        clipNorm_(attributes.Number("clip_norm")),
        clipValue_(attributes.Number("clip_value")) {}

  void Run(Call &call) const {
    const int slots = (call.Inputs() - 2) / weights_ - 2;
    std::vector<float *> numbers;
    std::vector<int64_t> sizes;
    for (int i = 0; i < weights_ * (2 + slots); i++) {
      Shape shape;
      numbers.push_back(call.Input(i, &shape));
      if (i < weights_) sizes.push_back(SizeOf(shape));
      Call::Require(SizeOf(shape) == sizes[i % weights_], "a gradient or a slot has another size than its weight");
    }
    const float *const settings = call.Input(weights_ * (2 + slots), weights_ * 3);
    const float norm = *call.Input(weights_ * (2 + slots) + 1, 1);
    // Source: PyTorch's clip_grad_norm_.
    const float factor = clipNorm_ > 0 && !(clipNorm_ / (norm + 1e-6f) >= 1) ? clipNorm_ / (norm + 1e-6f) : 1;
    const std::vector<Stretch> stretches = Stretches(sizes);
    Pool::Get().Run(static_cast<int64_t>(stretches.size()), [&](int64_t i) {
      const Stretch &stretch = stretches[i];
      const int64_t at = stretch.tensor, count = stretch.to - stretch.from;
      const auto part = [&](int which) { return numbers[which * weights_ + at] + stretch.from; };
      const float *const setting = settings + at * 3;
      if (isAdam_)
        Adam(part(0), part(1), part(2), part(3), count, factor, setting);
      else if (slots > 0)
        Momentum(part(0), part(1), part(2), count, factor, setting);
      else
        Plain(part(0), part(1), count, factor, setting[0]);
    });
  }

 private:
  // A gradient, cut, with the weight's decay.
  float Whole(float gradient, float weight, float factor) const {
    float g = gradient * factor;
    if (clipValue_ > 0) {
      g = g > clipValue_ ? clipValue_ : g;  // what is not a number stays so
      g = g < -clipValue_ ? -clipValue_ : g;
    }
    return g + decay_ * weight;
  }

  void Plain(float *__restrict w, const float *__restrict g, int64_t count, float factor, float rate) const {
    for (int64_t i = 0; i < count; i++) w[i] -= rate * Whole(g[i], w[i], factor);
  }

  void Momentum(float *__restrict w, const float *__restrict g, float *__restrict slot, int64_t count, float factor,
                const float *setting) const {
    const float rate = setting[0], share = setting[1];
    for (int64_t i = 0; i < count; i++) {
      const float whole = Whole(g[i], w[i], factor), moved = momentum_ * slot[i] + share * whole;
      slot[i] = moved;
      w[i] -= rate * (nesterov_ ? whole + momentum_ * moved : moved);
    }
  }

  void Adam(float *__restrict w, const float *__restrict g, float *__restrict mean, float *__restrict variance,
            int64_t count, float factor, const float *setting) const {
    const float rate = setting[0], root = setting[1], kept = setting[2];
    for (int64_t i = 0; i < count; i++) {
      const float whole = Whole(g[i], w[i], factor);
      const float m = beta1_ * mean[i] + (1 - beta1_) * whole;
      const float v = beta2_ * variance[i] + (1 - beta2_) * whole * whole;
      mean[i] = m;
      variance[i] = v;
      w[i] = kept * w[i] - rate * m / (std::sqrt(v) * root + eps_);
    }
  }

  const int weights_;
  const bool isAdam_, nesterov_;
  const float momentum_, beta1_, beta2_, eps_, decay_, clipNorm_, clipValue_;
};

}  // namespace weft
