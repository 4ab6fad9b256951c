// The matrix unit's tiles in software, for processors without one that have AVX-512 with bfloat16: included before the
// addon's sources, so that all but the unit itself is tested there. One instruction multiplies sixteen columns of a row
// as the unit does.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#define WEFT_TILES_IN_SOFTWARE
#ifndef __AMX_BF16__
#define __AMX_BF16__ 1
#endif

struct SoftwareTile {
  alignas(64) uint8_t rows[16][64];
};
inline thread_local SoftwareTile software_tiles[8];

inline void SoftwareLoad(int tile, const void *from, int64_t stride) {
  for (int row = 0; row < 16; row++)
    std::memcpy(software_tiles[tile].rows[row], static_cast<const uint8_t *>(from) + row * stride, 64);
}

inline void SoftwareStore(int tile, void *to, int64_t stride) {
  for (int row = 0; row < 16; row++)
    std::memcpy(static_cast<uint8_t *>(to) + row * stride, software_tiles[tile].rows[row], 64);
}

// Source: Intel's manual, TDPBF16PS: for each row, pairs of a times pairs of b, added up in float32.
inline void SoftwareProduct(int to, int a, int b) {
  for (int row = 0; row < 16; row++) {
    __m512 sums = _mm512_load_ps(software_tiles[to].rows[row]);
    for (int pair = 0; pair < 16; pair++) {
      int32_t two;
      std::memcpy(&two, software_tiles[a].rows[row] + pair * 4, sizeof two);
      const __m512i other = _mm512_load_si512(software_tiles[b].rows[pair]);
      sums = _mm512_dpbf16_ps(sums, (__m512bh)_mm512_set1_epi32(two), (__m512bh)other);
    }
    _mm512_store_ps(software_tiles[to].rows[row], sums);
  }
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(shapes) static_cast<void>(shapes)
#define _tile_release() static_cast<void>(0)
#define _tile_zero(tile) std::memset(&software_tiles[tile], 0, sizeof(SoftwareTile))
#define _tile_loadd(tile, from, stride) SoftwareLoad(tile, from, stride)
#define _tile_stored(tile, to, stride) SoftwareStore(tile, to, stride)
#define _tile_dpbf16ps(to, a, b) SoftwareProduct(to, a, b)
