// The activations, by the number that stands for them in an attribute: 0 none, 1 relu, 2 relu6.
#pragma once

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

// Calls `body` with the activation as a constant.
template <class Body>
inline void WithActivation(int activation, const Body &body) {
  switch (activation) {
    case 1:
      return body([](auto x) { return Cut<1>(x); }, [](auto y) { return IsCut<1>(y); });
    case 2:
      return body([](auto x) { return Cut<2>(x); }, [](auto y) { return IsCut<2>(y); });
    default:
      return body([](auto x) { return x; }, [](auto) { return false; });
  }
}

}  // namespace weft
