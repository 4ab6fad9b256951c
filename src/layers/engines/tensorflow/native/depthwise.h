// A filter that slides over each channel by itself, and its gradient. NHWC.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"
#include "lanes.h"

namespace weft {

// How a filter slides. `top` and `left` are the pixels of padding before x; between two of its pixels lie `spread` - 1
// zeros.
struct Window {
  int64_t kernel, stride, spread, top, left, height, width;

  explicit Window(Attributes &attributes, int64_t apart)
      : kernel(attributes.Int("kernel")),
        stride(attributes.Int("stride")),
        spread(apart),
        top(attributes.Int("top")),
        left(attributes.Int("left")),
        height(attributes.Int("height")),
        width(attributes.Int("width")) {}
};

// Channels of an image that are computed together: all, so that memory is read as it lies, unless there are too few images
// for the threads. What is computed does not depend on it.
struct Group {
  int64_t image, first, channels, count;

  Group(int64_t piece, const Shape &images) : channels(images[3]) {
    const int64_t each = Each(images), groups = (channels + each - 1) / each;
    image = piece / groups, first = piece % groups * each, count = std::min(each, channels - first);
  }
  static int64_t Each(const Shape &images) {
    const int64_t vectors = (images[3] + kLanes - 1) / kLanes, wanted = (7 + images[0]) / std::max<int64_t>(1, images[0]);
    const int64_t groups = std::max<int64_t>(1, std::min(vectors, wanted));
    return std::max<int64_t>(1, (vectors + groups - 1) / groups) * kLanes;
  }
  static int64_t Count(const Shape &images) { return images[0] * ((images[3] + Each(images) - 1) / Each(images)); }
  // How far apart pixels lie where they are copied to.
  int64_t Pitch() const { return (count + kLanes - 1) / kLanes * kLanes; }
  const float *In(const float *images, const Shape &shape) const {
    return images + image * shape[1] * shape[2] * channels + first;
  }
  float *In(float *images, const Shape &shape) const {
    return images + image * shape[1] * shape[2] * channels + first;
  }
  void Copy(const float *from, float *to) const {
    for (int64_t c = 0; c < count; c += kLanes) LanesAt(to + c) = Load(from + c, count - c);
  }
  void Put(const float *from, float *to) const {
    for (int64_t c = 0; c < count; c += kLanes) Store(LanesAt(from + c), to + c, count - c);
  }
};

// Slides a filter (kernel, kernel, c, 1) over x (n, height, width, c), adds a shift (c), or none, and applies an
// activation. `load` copies a group's channels of a pixel; or, where x is nowhere in memory, it makes those of a line's
// first pixels: it is then given the line's number, among those of all images, and how far apart they are to lie.
//
// As many lines of an image as the kernel is high lie side by side in a processor's cache, padded, and the sums of a few
// pixels stay in registers.
class Sliding {
 public:
  const Window window;
  const float *x, *filter, *shift;
  float *y;
  Shape in;

  template <class LoadBy, class ActivatedBy>
  void Run(const LoadBy &load, const ActivatedBy &activated) const {
    Pool::Get().Run(Group::Count(in), [&](int64_t piece) {
      const Group group(piece, in);
      switch (window.kernel * 2 + window.stride) {
        case 7:
          return Slide<3, 1>(group, load, activated);
        case 8:
          return Slide<3, 2>(group, load, activated);
        case 11:
          return Slide<5, 1>(group, load, activated);
        case 12:
          return Slide<5, 2>(group, load, activated);
        case 15:
          return Slide<7, 1>(group, load, activated);
        default:
          return Slide<7, 2>(group, load, activated);
      }
    });
  }

 private:
  static constexpr int64_t kPixels = 4;

  template <int kernel, int stride, class LoadBy, class ActivatedBy>
  void Slide(const Group &group, const LoadBy &load, const ActivatedBy &activated) const {
    const int64_t columns = (window.width - 1) * stride + kernel, pitch = group.Pitch(), line = columns * pitch;
    // The kernel's lines, a line of zeros, the filter and the shift, and a line of y.
    static thread_local std::vector<float> room;
    room.assign(line * (kernel + 1) + (kernel * kernel + 1 + window.width) * pitch, 0.0f);
    float *const zeros = room.data() + line * kernel, *const taps = zeros + line;
    float *const shifts = taps + kernel * kernel * pitch, *const made = shifts + pitch;
    for (int64_t tap = 0; tap < kernel * kernel; tap++)
      group.Copy(filter + tap * group.channels + group.first, taps + tap * pitch);
    if (shift != nullptr) group.Copy(shift + group.first, shifts);
    const int64_t spread = window.spread, width = std::min(in[2], (columns - 1 - window.left) / spread + 1);
    constexpr bool isMade = std::is_invocable_v<LoadBy, const Group &, int64_t, int64_t, float *, int64_t>;
    float *const out = y + group.image * window.height * window.width * group.channels + group.first;
    const float *rows[kernel];
    int64_t next = 0;
    for (int64_t row = 0; row < window.height; row++) {
      for (next = std::max(next, row * stride); next < row * stride + kernel; next++) {
        const int64_t inside = next - window.top, from = inside / spread;
        const bool isThere = inside >= 0 && inside % spread == 0 && from < in[1];
        float *const to = room.data() + next % kernel * line;
        rows[next % kernel] = isThere ? to : zeros;
        if (!isThere) continue;
        if constexpr (isMade) {
          load(group, group.image * in[1] + from, width, to + window.left * pitch, spread * pitch);
        } else {
          const float *const pixels = group.In(x, in) + from * in[2] * group.channels;
          for (int64_t i = 0; i < width; i++)
            load(group, pixels + i * group.channels, to + (window.left + i * spread) * pitch);
        }
      }
      const float *ordered[kernel];
      for (int64_t k = 0; k < kernel; k++) ordered[k] = rows[(row * stride + k) % kernel];
      for (int64_t c = 0; c < pitch; c += kLanes) {
        int64_t i = 0;
        for (; i + kPixels <= window.width; i += kPixels)
          Pixels<kernel, stride, kPixels>(ordered, taps, shifts, pitch, i, c, made, activated);
        for (; i < window.width; i++)
          Pixels<kernel, stride, 1>(ordered, taps, shifts, pitch, i, c, made, activated);
      }
      // As it lies in memory.
      float *const to = out + row * window.width * group.channels;
      for (int64_t i = 0; i < window.width; i++) group.Put(made + i * pitch, to + i * group.channels);
    }
  }

  template <int kernel, int stride, int pixels, class ActivatedBy>
  static void Pixels(const float *const *rows, const float *taps, const float *shifts, int64_t pitch, int64_t first,
                     int64_t c, float *made, const ActivatedBy &activated) {
    Lanes sums[pixels];
#pragma GCC unroll 4
    for (int pixel = 0; pixel < pixels; pixel++) sums[pixel] = LanesAt(shifts + c);
#pragma GCC unroll 7
    for (int k = 0; k < kernel; k++) {
      const float *const row = rows[k] + first * stride * pitch + c;
#pragma GCC unroll 7
      for (int l = 0; l < kernel; l++) {
        const Lanes tap = LanesAt(taps + (k * kernel + l) * pitch + c);
#pragma GCC unroll 4
        for (int pixel = 0; pixel < pixels; pixel++)
          sums[pixel] += LanesAt(row + (pixel * stride + l) * pitch) * tap;
      }
    }
#pragma GCC unroll 4
    for (int pixel = 0; pixel < pixels; pixel++) LanesAt(made + (first + pixel) * pitch + c) = activated(sums[pixel]);
  }
};

// x (n, height, width, c), filter (kernel, kernel, c, 1), shift (c), or nothing: y (n, outHeight, outWidth, c), with the
// shift added and the activation applied. A window that is spread makes the gradient of an input out of a forward pass.
class Depthwise {
 public:
  explicit Depthwise(Attributes &attributes)
      : window_(attributes, attributes.Int("spread")), activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape in, shifts;
    const float *const x = call.Input(0, &in);
    Call::Require(in.size() == 4, "x must be images");
    const int64_t channels = in[3];
    const float *const filter = call.Input(1, window_.kernel * window_.kernel * channels);
    const float *const shift = call.Input(2, &shifts);
    const bool isShifted = SizeOf(shifts) > 0;
    Call::Require(!isShifted || SizeOf(shifts) == channels, "there must be a shift for each channel, or none");
    float *const y = call.Output(0, {in[0], window_.height, window_.width, channels});
    const Sliding sliding{window_, x, filter, isShifted ? shift : nullptr, y, in};
    WithActivation(activation_, [&](auto activated, auto) {
      sliding.Run([](const Group &group, const float *from, float *to) { group.Copy(from, to); }, activated);
    });
  }

 private:
  const Window window_;
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
