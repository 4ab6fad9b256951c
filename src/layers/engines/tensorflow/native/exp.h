// The exponential function of a number or of each of a vector.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace weft {

template <class To, class From>
inline To BitsOf(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// exp(x) of a number or of each of a vector, to a unit in the last place or two, without a branch: 2^n by the exponent's
// bits, and the rest, which is within half the logarithm of 2, by a polynomial. 0 below -87; above 88 it is e^88.
// Source: Moshier's Cephes library, expf.
template <class Numbers>
inline Numbers Exp(Numbers x) {
  using Compared = decltype(x < x);
  using Bits = std::conditional_t<std::is_same_v<Numbers, float>, uint32_t, Compared>;
  const Numbers zero = {}, least = zero - 87, most = zero + 88;
  const Compared isNothing = x < least;
  x = isNothing ? least : x;
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
  const Numbers power = BitsOf<Numbers>(BitsOf<Bits>(p) + (BitsOf<Bits>(shifted) << 23));
  return isNothing ? zero : power;
}

}  // namespace weft
