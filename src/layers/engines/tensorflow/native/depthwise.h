// A filter that slides over each channel by itself, and its gradient. NHWC.
#pragma once

#include <algorithm>
#include <vector>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"

namespace weft {

// x (n, height, width, c), filter (kernel, kernel, c, 1), shift (c), or nothing: y (n, outHeight, outWidth, c), with the
// shift added and the activation applied. `top` and `left` are the pixels of padding before x; between two of its pixels
// lie `spread` - 1 zeros, which makes the gradient of an input out of a forward pass.
//
// Some channels of one image at a time: as many of its lines as the kernel is high lie side by side in a processor's first
// cache, padded, and the sums of a few pixels stay in registers.
class Depthwise {
 public:
  explicit Depthwise(Attributes &attributes)
      : kernel_(attributes.Int("kernel")),
        stride_(attributes.Int("stride")),
        spread_(attributes.Int("spread")),
        top_(attributes.Int("top")),
        left_(attributes.Int("left")),
        outHeight_(attributes.Int("height")),
        outWidth_(attributes.Int("width")),
        activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape in, shifts;
    const float *const x = call.Input(0, &in);
    Call::Require(in.size() == 4, "x must be images");
    const int64_t channels = in[3];
    const float *const filter = call.Input(1, kernel_ * kernel_ * channels);
    const float *const shift = call.Input(2, &shifts);
    const bool isShifted = SizeOf(shifts) > 0;
    Call::Require(!isShifted || SizeOf(shifts) == channels, "there must be a shift for each channel, or none");
    float *const y = call.Output(0, {in[0], outHeight_, outWidth_, channels});
    const int64_t groups = (channels + kChannels - 1) / kChannels;
    WithActivation(activation_, [&](auto activated, auto) {
      Pool::Get().Run(in[0] * groups, [&](int64_t piece) {
        const int64_t image = piece / groups, first = piece % groups * kChannels;
        const Group group{x + image * in[1] * in[2] * channels + first, filter + first,
                          isShifted ? shift + first : nullptr,
                          y + image * outHeight_ * outWidth_ * channels + first, in[1], in[2], channels,
                          std::min(kChannels, channels - first)};
        switch (kernel_ * 2 + stride_) {
          case 7:
            return Slide<3, 1>(group, activated);
          case 8:
            return Slide<3, 2>(group, activated);
          case 11:
            return Slide<5, 1>(group, activated);
          case 12:
            return Slide<5, 2>(group, activated);
          case 15:
            return Slide<7, 1>(group, activated);
          default:
            return Slide<7, 2>(group, activated);
        }
      });
    });
  }

 private:
  static constexpr int64_t kLanes = 16, kChannels = 4 * kLanes, kPixels = 4;
  typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes), aligned(sizeof(float)), may_alias));

  // Some channels of an image: where they lie, of how many, and how many they are.
  struct Group {
    const float *x, *filter, *shift;
    float *y;
    int64_t height, width, channels, count;
  };

  static Lanes &At(float *numbers) { return *reinterpret_cast<Lanes *>(numbers); }
  static const Lanes &At(const float *numbers) { return *reinterpret_cast<const Lanes *>(numbers); }

  static int64_t Lines(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

  // What is missing in the last vector is zeros.
  static void Copy(const float *from, int64_t count, float *to) {
    int64_t c = 0;
    for (; c + kLanes <= count; c += kLanes) At(to + c) = At(from + c);
    for (; c < count; c++) to[c] = from[c];
  }

  template <int kernel, int stride, class ActivatedBy>
  void Slide(const Group &group, const ActivatedBy &activated) const {
    const int64_t columns = (outWidth_ - 1) * stride + kernel, pitch = Lines(group.count), line = columns * pitch;
    // The kernel's lines, a line of zeros, the filter and the shift.
    static thread_local std::vector<float> room;
    room.assign(line * (kernel + 1) + (kernel * kernel + 1) * pitch, 0.0f);
    float *const zeros = room.data() + line * kernel, *const taps = zeros + line;
    float *const shift = taps + kernel * kernel * pitch;
    for (int64_t tap = 0; tap < kernel * kernel; tap++)
      Copy(group.filter + tap * group.channels, group.count, taps + tap * pitch);
    if (group.shift != nullptr) Copy(group.shift, group.count, shift);
    const int64_t width = std::min(group.width, (columns - 1 - left_) / spread_ + 1);
    const float *rows[kernel];
    int64_t next = 0;
    for (int64_t out = 0; out < outHeight_; out++) {
      for (next = std::max(next, out * stride); next < out * stride + kernel; next++) {
        const int64_t inside = next - top_, row = inside / spread_;
        const bool isThere = inside >= 0 && inside % spread_ == 0 && row < group.height;
        float *const to = room.data() + next % kernel * line;
        rows[next % kernel] = isThere ? to : zeros;
        if (!isThere) continue;
        const float *const from = group.x + row * group.width * group.channels;
        for (int64_t i = 0; i < width; i++)
          Copy(from + i * group.channels, group.count, to + (left_ + i * spread_) * pitch);
      }
      const float *ordered[kernel];
      for (int64_t k = 0; k < kernel; k++) ordered[k] = rows[(out * stride + k) % kernel];
      float *const y = group.y + out * outWidth_ * group.channels;
      int64_t i = 0;
      for (; i + kPixels <= outWidth_; i += kPixels)
        Pixels<kernel, stride, kPixels>(ordered, taps, shift, pitch, i, y, group, activated);
      for (; i < outWidth_; i++) Pixels<kernel, stride, 1>(ordered, taps, shift, pitch, i, y, group, activated);
    }
  }

  template <int kernel, int stride, int pixels, class ActivatedBy>
  static void Pixels(const float *const *rows, const float *taps, const float *shift, int64_t pitch, int64_t first,
                     float *y, const Group &group, const ActivatedBy &activated) {
    for (int64_t c = 0; c < pitch; c += kLanes) {
      Lanes sums[pixels];
      for (int pixel = 0; pixel < pixels; pixel++) sums[pixel] = At(shift + c);
      for (int k = 0; k < kernel; k++) {
        const float *const row = rows[k] + first * stride * pitch + c;
#pragma GCC unroll 7
        for (int l = 0; l < kernel; l++) {
          const Lanes tap = At(taps + (k * kernel + l) * pitch + c);
#pragma GCC unroll 4
          for (int pixel = 0; pixel < pixels; pixel++) sums[pixel] += At(row + (pixel * stride + l) * pitch) * tap;
        }
      }
      for (int pixel = 0; pixel < pixels; pixel++) {
        float *const to = y + (first + pixel) * group.channels + c;
        const Lanes some = activated(sums[pixel]);
        if (c + kLanes <= group.count)
          At(to) = some;
        else
          for (int64_t i = 0; i < group.count - c; i++) to[i] = some[i];
      }
    }
  }

  const int64_t kernel_, stride_, spread_, top_, left_, outHeight_, outWidth_;
  const int activation_;
};

// The gradient of a square filter of 3, 5 or 7 pixels a side.
//
// x (n, height, width, c), dy (n, outHeight, outWidth, c): the filter's gradient (kernel, kernel, c, 1). `top` and `left`
// are the pixels of padding before x. The sums of some of a kernel's lines, for as many channels as a vector holds, stay
// in registers along a line of dy.
class DepthwiseFilterGrad {
 public:
  explicit DepthwiseFilterGrad(Attributes &attributes)
      : kernel_(attributes.Int("kernel")),
        stride_(attributes.Int("stride")),
        top_(attributes.Int("top")),
        left_(attributes.Int("left")) {}

  void Run(Call &call) const {
    switch (kernel_) {
      case 3:
        return Sum<3>(call);
      case 5:
        return Sum<5>(call);
      default:
        return Sum<7>(call);
    }
  }

 private:
  template <int lanes>
  struct Vector {
    typedef float Type __attribute__((vector_size(sizeof(float) * lanes), aligned(sizeof(float)), may_alias));
  };
  template <int lanes>
  static typename Vector<lanes>::Type &At(float *numbers) {
    return *reinterpret_cast<typename Vector<lanes>::Type *>(numbers);
  }
  template <int lanes>
  static const typename Vector<lanes>::Type &At(const float *numbers) {
    return *reinterpret_cast<const typename Vector<lanes>::Type *>(numbers);
  }

  // A line of dy, the lines of x under it, and where its sums go.
  struct Line {
    const float *const *rows;
    const float *dy;
    float *sums;
    int64_t channels, width, outWidth;
  };

  template <int kernel>
  void Sum(Call &call) const {
    Shape in, out;
    const float *const x = call.Input(0, &in);
    const float *const dy = call.Input(1, &out);
    Call::Require(in.size() == 4 && out.size() == 4 && in[0] == out[0] && in[3] == out[3],
                  "x and dy must have the same images and channels");
    const int64_t height = in[1], width = in[2], channels = in[3];
    const int64_t lines = out[0] * out[1], pieces = std::min<int64_t>(lines, 32), size = kernel * kernel * channels;
    float *const dw = call.Output(0, {kernel, kernel, channels, 1});
    float *const partial = call.Scratch<float>(pieces * size);
    float *const zeros = call.Scratch<float>(width * channels);
    std::fill_n(zeros, width * channels, 0.0f);
    Pool::Get().Run(pieces, [&](int64_t piece) {
      float *const sums = partial + piece * size;
      std::fill_n(sums, size, 0.0f);
      for (int64_t line = lines * piece / pieces; line < lines * (piece + 1) / pieces; line++) {
        const int64_t image = line / out[1], first = line % out[1] * stride_ - top_;
        const float *rows[kernel];
        for (int64_t i = 0; i < kernel; i++) {
          const bool isInside = first + i >= 0 && first + i < height;
          rows[i] = isInside ? x + (image * height + first + i) * width * channels : zeros;
        }
        const Line on{rows, dy + line * out[2] * channels, sums, channels, width, out[2]};
        int64_t c = 0;
        for (; c + 16 <= channels; c += 16) Rows<kernel, 16>(on, c);
        for (; c + 8 <= channels; c += 8) Rows<kernel, 8>(on, c);
        for (; c < channels; c++) Rows<kernel, 1>(on, c);
      }
    });
    Pool::Get().Run(kernel * kernel, [&](int64_t tap) {
      for (int64_t i = tap * channels; i < (tap + 1) * channels; i++) {
        double sum = 0;
        for (int64_t piece = 0; piece < pieces; piece++) sum += partial[piece * size + i];
        dw[i] = static_cast<float>(sum);
      }
    });
  }

  // As many of the kernel's lines at once as there are registers for.
  template <int kernel, int lanes>
  void Rows(const Line &line, int64_t c) const {
    constexpr int together = kernel < 7 ? kernel : 3;
    int row = 0;
    for (; row + together <= kernel; row += together) Taps<kernel, together, lanes>(line, row, c);
    for (; row < kernel; row++) Taps<kernel, 1, lanes>(line, row, c);
  }

  template <int kernel, int high, int lanes>
  void Taps(const Line &line, int row, int64_t c) const {
    const int64_t channels = line.channels;
    float *const sums = line.sums + row * kernel * channels + c;
    typename Vector<lanes>::Type a[high * kernel];
    const float *rows[high];
#pragma GCC unroll 25
    for (int tap = 0; tap < high * kernel; tap++) a[tap] = At<lanes>(sums + tap * channels);
#pragma GCC unroll 5
    for (int k = 0; k < high; k++) rows[k] = line.rows[row + k] + c;
    for (int64_t i = 0; i < line.outWidth; i++) {
      const typename Vector<lanes>::Type g = At<lanes>(line.dy + i * channels + c);
      const int64_t first = i * stride_ - left_;
      if (first >= 0 && first + kernel <= line.width) {
#pragma GCC unroll 5
        for (int k = 0; k < high; k++) {
#pragma GCC unroll 7
          for (int l = 0; l < kernel; l++) a[k * kernel + l] += At<lanes>(rows[k] + (first + l) * channels) * g;
        }
        continue;
      }
#pragma GCC unroll 7
      for (int l = 0; l < kernel; l++) {
        if (first + l < 0 || first + l >= line.width) continue;
#pragma GCC unroll 5
        for (int k = 0; k < high; k++) a[k * kernel + l] += At<lanes>(rows[k] + (first + l) * channels) * g;
      }
    }
#pragma GCC unroll 25
    for (int tap = 0; tap < high * kernel; tap++) At<lanes>(sums + tap * channels) = a[tap];
  }

  const int64_t kernel_, stride_, top_, left_;
};

}  // namespace weft
