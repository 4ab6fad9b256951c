// The activations, by the number that stands for them in an attribute: 0 none, 1 relu, 2 relu6, 3 silu, 4 hard-swish.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

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

template <class To, class From>
inline To BitsOf(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// exp(x) of a number or of each of a vector, to a unit in the last place or two, without a branch: 2^n by the exponent's
// bits, and the rest, which is within half the logarithm of 2, by a polynomial. Beyond what 2^n can be, x is cut.
// Source: Moshier's Cephes library, expf.
template <class Numbers>
inline Numbers Exp(Numbers x) {
  using Compared = decltype(x < x);
  using Bits = std::conditional_t<std::is_same_v<Numbers, float>, uint32_t, Compared>;
  const Numbers zero = {}, least = zero - 87, most = zero + 88;
  x = x < least ? least : x;
  x = x > most ? most : x;
  const float magic = 12582912;  // 1.5 * 2^23: after it is added, the lowest bits are the whole number
  const Numbers shifted = x * 1.44269504088896341f + magic;
  const Numbers n = shifted - magic;
  const Numbers rest = x - n * 0.693359375f - n * -2.12194440e-4f;
  Numbers p = zero + 1.9875691500e-4f;
  p = p * rest + 1.3981999507e-3f;
  p = p * rest + 8.3334519073e-3f;
  p = p * rest + 4.1665795894e-2f;
  p = p * rest + 1.6666665459e-1f;
  p = p * rest + 5.0000001201e-1f;
  p = p * (rest * rest) + rest + 1;
  return BitsOf<Numbers>(BitsOf<Bits>(p) + (BitsOf<Bits>(shifted) << 23));
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

// A gradient through an activation of x. At corners it is PyTorch's.
template <int activation>
inline float Through(float x, float dy) {
  if constexpr (activation == 0) return dy;
  if constexpr (activation == 1 || activation == 2) return IsCut<activation>(x) ? 0 : dy;
  if constexpr (activation == 3) {
    const float share = Sigmoid(x);
    return dy * (share * (1 + x * (1 - share)));
  }
  if constexpr (activation == 4) return x <= -3 ? 0 : x >= 3 ? dy : dy * (x * (1.0f / 3) + 0.5f);
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
  switch (activation) {
    case 1:
      return body([](auto x) { return Activated<1>(x); }, [](float x, float dy) { return Through<1>(x, dy); });
    case 2:
      return body([](auto x) { return Activated<2>(x); }, [](float x, float dy) { return Through<2>(x, dy); });
    case 3:
      return body([](auto x) { return Activated<3>(x); }, [](float x, float dy) { return Through<3>(x, dy); });
    case 4:
      return body([](auto x) { return Activated<4>(x); }, [](float x, float dy) { return Through<4>(x, dy); });
    default:
      return body([](auto x) { return x; }, [](float, float dy) { return dy; });
  }
}

}  // namespace weft
