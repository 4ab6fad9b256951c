// The activations, by the number that stands for them in an attribute: 0 none, 1 relu, 2 relu6, 3 silu, 4 hard-swish.
#pragma once

#include <type_traits>

#include "exp.h"

namespace weft {

// Cuts below, and above, a number or each of a vector; what is not a number stays so.
template <int activation, class Numbers>
inline Numbers Cut(Numbers x) {
  const Numbers zero = {}, six = zero + 6;
  const Numbers above = x <= 0 ? zero : x;
  return activation < 2 ? above : above >= 6 ? six : above;
}

// Whether an activation clamped what it was given, by what it gave. Source: PyTorch's threshold_backward, hardtanh_backward.
template <int activation>
inline bool IsCut(float y) {
  return (activation > 0 && y <= 0) | (activation > 1 && y >= 6);
}

template <class Numbers>
inline Numbers Sigmoid(Numbers x) {
  return 1 / (1 + Exp(-x));
}

// What an activation gives of a number or of each of a vector.
template <int activation, class Numbers>
inline Numbers Activated(Numbers x) {
  const Numbers zero = {};
  if constexpr (activation == 0) return x;
  if constexpr (activation == 1 || activation == 2) return Cut<activation>(x);
  if constexpr (activation == 3) return x * Sigmoid(x);
  if constexpr (activation == 4) return x * Cut<2>(x + 3) * (1.0f / 6);
}

// A gradient, or a vector of them, through an activation of x. At corners it is PyTorch's.
template <int activation, class Numbers>
inline Numbers Through(Numbers x, Numbers dy) {
  const Numbers zero = {};
  if constexpr (activation == 0) return dy;
  if constexpr (activation == 1) return x <= 0 ? zero : dy;
  if constexpr (activation == 2) {
    const Numbers above = x <= 0 ? zero : dy;
    return x >= 6 ? zero : above;
  }
  if constexpr (activation == 3) {
    const Numbers share = Sigmoid(x);
    return dy * (share * (1 + x * (1 - share)));
  }
  if constexpr (activation == 4) {
    const Numbers rising = dy * (x * (1.0f / 3) + 0.5f);
    const Numbers above = x >= 3 ? dy : rising;
    return x <= -3 ? zero : above;
  }
}

// Calls `body` with an activation that clamps, or none, and with whether it did, as constants.
template <class Body>
inline void WithClamp(int activation, const Body &body) {
  switch (activation) {
    case 1:
      return body([](auto x) { return Cut<1>(x); }, [](auto y) { return IsCut<1>(y); });
    case 2:
      return body([](auto x) { return Cut<2>(x); }, [](auto y) { return IsCut<2>(y); });
    default:
      return body([](auto x) { return x; }, [](auto) { return false; });
  }
}

// Calls `body` with what any activation gives of a number, and with the gradient through it, as constants.
template <class Body>
inline void WithActivation(int activation, const Body &body) {
  const auto with = [&](auto constant) {
    constexpr int kind = decltype(constant)::value;
    body([](auto x) { return Activated<kind>(x); }, [](auto x, decltype(x) dy) { return Through<kind>(x, dy); });
  };
  switch (activation) {
    case 1:
      return with(std::integral_constant<int, 1>());
    case 2:
      return with(std::integral_constant<int, 2>());
    case 3:
      return with(std::integral_constant<int, 3>());
    case 4:
      return with(std::integral_constant<int, 4>());
    default:
      return with(std::integral_constant<int, 0>());
  }
}

}  // namespace weft
