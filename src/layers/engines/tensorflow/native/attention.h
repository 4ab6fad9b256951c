// What lies around attention's products: rows of all heads side by side, and a matrix for each head. A head has sixteen
// channels or more.
#pragma once

#include <vector>

#include "Kernel.h"
#include "lanes.h"
#include "rows.h"

namespace weft {

// x (N T, P H D), and a bias (P H D), or nothing: P parts (N H, T, D), with the bias added; the first is scaled.
class IntoHeads {
 public:
  explicit IntoHeads(Attributes &attributes)
      : parts_(attributes.Int("P")),
        heads_(attributes.Int("heads")),
        count_(attributes.Int("count")),
        scale_(attributes.Number("scale")) {}

  void Run(Call &call) const {
    Shape shape, biases;
    const float *const x = call.Input(0, &shape);
    const float *const given = call.Input(1, &biases);
    const float *const bias = SizeOf(biases) == 0 ? nullptr : given;
    const Rows rows(shape);
    const int64_t channels = rows.channels, depth = channels / (parts_ * heads_);
    Call::Require(depth >= kLanes && depth * parts_ * heads_ == channels && rows.rows % count_ == 0 &&
                      (bias == nullptr || SizeOf(biases) == channels),
                  "x must have rows of heads");
    const int64_t images = rows.rows / count_;
    std::vector<float *> parts;
    for (int64_t part = 0; part < parts_; part++) parts.push_back(call.Output(part, {images * heads_, count_, depth}));
    rows.Each([&](int64_t row) {
      const int64_t image = row / count_, token = row % count_;
      for (int64_t part = 0; part < parts_; part++)
        for (int64_t head = 0; head < heads_; head++) {
          const int64_t first = (part * heads_ + head) * depth;
          const float *const from = x + row * channels + first;
          float *const to = parts[part] + ((image * heads_ + head) * count_ + token) * depth;
          const float scale = part == 0 ? scale_ : 1;
          EachLanes(depth, [&](int64_t c, auto) {
            const Lanes own = LanesAt(from + c);
            LanesAt(to + c) = (bias == nullptr ? own : own + LanesAt(bias + first + c)) * scale;
          });
        }
    });
  }

 private:
  const int64_t parts_, heads_, count_;
  const float scale_;
};

// P parts (N H, T, D): y (N T, P H D), the first part scaled, and y's sums by channel.
class OutOfHeads {
 public:
  explicit OutOfHeads(Attributes &attributes)
      : parts_(attributes.Int("P")), heads_(attributes.Int("heads")), scale_(attributes.Number("scale")) {}

  void Run(Call &call) const {
    Shape shape;
    std::vector<const float *> parts;
    parts.push_back(call.Input(0, &shape));
    Call::Require(shape.size() == 3 && shape[0] % heads_ == 0 && shape[2] >= kLanes, "each part must be matrices of heads");
    for (int64_t part = 1; part < parts_; part++) parts.push_back(call.Input(part, SizeOf(shape)));
    const int64_t count = shape[1], depth = shape[2], channels = parts_ * heads_ * depth;
    const Shape whole = {shape[0] / heads_ * count, channels};
    float *const y = call.Output(0, whole), *const totals = call.Output(1, {channels});
    const Rows rows(whole);
    const RowSums sums(call, rows, 1);
    sums.Each([&](int64_t row, float *sum) {
      const int64_t image = row / count, token = row % count;
      for (int64_t part = 0; part < parts_; part++)
        for (int64_t head = 0; head < heads_; head++) {
          const int64_t first = (part * heads_ + head) * depth;
          const float *const from = parts[part] + ((image * heads_ + head) * count + token) * depth;
          float *const to = y + row * channels + first;
          const float scale = part == 0 ? scale_ : 1;
          EachLanes(depth, [&](int64_t c, auto isNew) {
            const Lanes own = LanesAt(from + c) * scale;
            LanesAt(to + c) = own;
            LanesAt(sum + first + c) += isNew(own);
          });
        }
    });
    sums.Write(0, totals);
  }

 private:
  const int64_t parts_, heads_;
  const float scale_;
};

}  // namespace weft
