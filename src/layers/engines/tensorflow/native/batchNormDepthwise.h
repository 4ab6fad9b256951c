// A batch norm by the batch's statistics, its activation and the depthwise convolution behind them, as one: what lies
// between them is never in memory as a whole, forward or backward. NHWC.
#pragma once

#include <algorithm>
#include <vector>

#include "Kernel.h"
#include "Pool.h"
#include "activation.h"
#include "batchNorm.h"
#include "depthwise.h"
#include "lanes.h"

namespace weft {

// x, weight, bias, running mean and variance, filter, x's statistics or nothing: y; the running figures after it; the batch's mean, and one over its
// deviation.
class BatchNormDepthwise {
 public:
  explicit BatchNormDepthwise(Attributes &attributes)
      : statistics_(attributes), window_(attributes, 1), activation_(attributes.Int("activation")) {}

  void Run(Call &call) const {
    Shape in;
    const float *const x = call.Input(0, &in);
    Call::Require(in.size() == 4 && SizeOf(in) > 0, "x must be images");
    const Walk walk(in);
    const float *const filter = call.Input(5, window_.kernel * window_.kernel * walk.channels);
    float *const y = call.Output(0, {in[0], window_.height, window_.width, walk.channels});
    const Normal normal = statistics_.Of(call, walk, x, 6);
    const Sliding sliding{window_, x, filter, nullptr, y, in};
    WithActivation(activation_, [&](auto activated, auto) {
      const auto load = [&](const Group &group, const float *from, float *to) {
        for (int64_t c = 0; c < group.count; c += kLanes) {
          const int64_t at = group.first + c, some = group.count - c;
          const Lanes apart = Load(from + c, some) - Load(normal.centre + at, some);
          LanesAt(to + c) = activated(apart * Load(normal.scale + at, some) + Load(normal.shift + at, some));
        }
      };
      sliding.Run(load, [](auto sum) { return sum; });
    });
  }

 private:
  const BatchStatistics statistics_;
  const Window window_;
  const int activation_;
};

// dy, x, weight, bias, the batch's figures as BatchNormDepthwise gives them, and the filter (3 or 5 pixels a side): the
// gradients of x, weight, bias and filter.
//
// Line by line of some channels of an image: the activations are computed again; the gradient behind the activation, of
// the lines of dy around it, goes through it; and the line adds its products to the filter's gradient. Then the
// statistics' part is added to the gradient of x. Where it is not to finish, that is left to
// what follows: it makes scale * g + slope * (x - centre) + offset of a gradient g. `terms` are the centre, the scale, the
// slope and the offset.
class BatchNormDepthwiseGrad {
 public:
  explicit BatchNormDepthwiseGrad(Attributes &attributes)
      : window_(attributes, 1), activation_(attributes.Int("activation")), finish_(attributes.Int("finish") != 0) {}

  void Run(Call &call) const {
    Shape out, in;
    const float *const dy = call.Input(0, &out);
    const float *const x = call.Input(1, &in);
    Call::Require(in.size() == 4 && SizeOf(in) > 0 && out == Shape({in[0], window_.height, window_.width, in[3]}),
                  "x and dy must have the same images and channels");
    const Walk walk(in);
    const int64_t channels = walk.channels, taps = window_.kernel * window_.kernel, each = (taps + 2) * channels;
    const float *const weight = call.Input(2, channels), *const bias = call.Input(3, channels);
    const float *const mean = call.Input(4, channels), *const inverse = call.Input(5, channels);
    const float *const filter = call.Input(6, taps * channels);
    float *const dx = call.Output(0, in);
    const NormalGrad grad(call, walk);
    float *const dw = call.Output(3, {window_.kernel, window_.kernel, channels, 1});
    const Normal normal(call, walk);
    normal.Set(walk, weight, bias, mean, inverse);
    // Of each image: the filter's gradient, the sum of gradients before the activation, and of those times x - mean.
    float *const sums = call.Scratch<float>(in[0] * each);
    const Images images{in, out, dy, x, filter, normal, dx, sums};
    WithActivation(activation_, [&](auto activated, auto through) {
      Pool::Get().Run(Group::Count(in), [&](int64_t piece) {
        const Group group(piece, in);
        switch (window_.kernel * 2 + window_.stride) {
          case 7:
            return Image<3, 1>(images, group, activated, through);
          case 8:
            return Image<3, 2>(images, group, activated, through);
          case 11:
            return Image<5, 1>(images, group, activated, through);
          default:
            return Image<5, 2>(images, group, activated, through);
        }
      });
    });
    Pool::Get().Run(taps, [&](int64_t tap) {
      for (int64_t i = tap * channels; i < (tap + 1) * channels; i++) dw[i] = static_cast<float>(Total(images, each, i));
    });
    for (int64_t c = 0; c < channels; c++)
      grad.Set(walk, c, weight[c], inverse[c], Total(images, each, taps * channels + c),
               Total(images, each, (taps + 1) * channels + c));
    float *const terms = call.Output(4, finish_ ? Shape({0}) : Shape({4, channels}));
    if (!finish_) {
      const float *const of[] = {normal.centre, normal.scale, grad.slope, grad.offset};
      for (int64_t i = 0; i < 4; i++) std::copy_n(of[i], channels, terms + i * channels);
      return;
    }
    for (float *wide : {grad.slope, grad.offset}) walk.Repeat(wide);
    Pool::Get().Run(walk.pieces, [&](int64_t piece) {
      walk.Blocks(piece, [&](int64_t first, int64_t rows) {
        for (int64_t at = first * walk.width; at < (first + rows) * walk.width; at += walk.width)
          Share(x + at, normal.centre, normal.scale, grad.slope, grad.offset, walk.width, dx + at);
      });
    });
  }

 private:
  struct Images {
    const Shape in, out;
    const float *const dy, *const x, *const filter;
    const Normal normal;
    float *const dx, *const sums;
  };

  // What the lines of a group of channels are computed in: as many lines of dy as a line of x is under, lines of
  // activations and of x - mean, which becomes the gradient, the filter, figures of the batch norm, and the sums.
  struct Room {
    const Images &images;
    const Group &group;
    int64_t pitch, before;
    float *activations, *apart, *taps, *centre, *scale, *shift, *sums;
  };

  static double Total(const Images &images, int64_t each, int64_t at) {
    double sum = 0;
    for (int64_t image = 0; image < images.in[0]; image++) sum += images.sums[image * each + at];
    return sum;
  }

  static void Share(const float *__restrict x, const float *__restrict centre, const float *__restrict scale,
                    const float *__restrict slope, const float *__restrict offset, int64_t width,
                    float *__restrict dx) {
    for (int64_t i = 0; i < width; i++) dx[i] = scale[i] * dx[i] + (slope[i] * (x[i] - centre[i]) + offset[i]);
  }

  template <int kernel, int stride, class ActivatedBy, class ThroughBy>
  void Image(const Images &images, const Group &group, const ActivatedBy &activated, const ThroughBy &through) const {
    constexpr int high = (kernel + stride - 1) / stride;  // lines of dy over a line of x
    const int64_t height = images.in[1], width = images.in[2], channels = group.channels, pitch = group.Pitch();
    const int64_t columns = std::max((window_.width - 1) * stride + kernel, width + window_.left);
    const int64_t before = high - 1, wide = before + std::max(window_.width, (width - 1 + window_.left) / stride + 1);
    const int64_t parts[] = {wide * (high + 1), columns, width, kernel * kernel, 3, kernel * kernel + 2};
    int64_t size = 0;
    for (const int64_t part : parts) size += part * pitch;
    static thread_local std::vector<float> space;
    space.assign(size, 0.0f);
    float *const lines = space.data(), *const zeros = lines + wide * high * pitch;
    Room room{images, group, pitch, before};
    room.activations = lines + wide * (high + 1) * pitch;
    room.apart = room.activations + columns * pitch;
    room.taps = room.apart + width * pitch;
    room.centre = room.taps + kernel * kernel * pitch, room.scale = room.centre + pitch;
    room.shift = room.scale + pitch, room.sums = room.shift + pitch;
    for (int64_t tap = 0; tap < kernel * kernel; tap++)
      group.Copy(images.filter + tap * channels + group.first, room.taps + tap * pitch);
    group.Copy(images.normal.centre + group.first, room.centre);
    group.Copy(images.normal.scale + group.first, room.scale);
    group.Copy(images.normal.shift + group.first, room.shift);
    const float *const dy = group.In(images.dy, images.out), *const x = group.In(images.x, images.in);
    float *const dx = group.In(images.dx, images.in);
    int64_t next = 0;
    for (int64_t row = 0; row < height; row++) {
      const int64_t place = row + window_.top;
      for (; next <= place / stride && next < window_.height; next++)
        for (int64_t i = 0; i < window_.width; i++)
          group.Copy(dy + (next * window_.width + i) * channels,
                     lines + (next % high * wide + before + i) * pitch);
      const float *over[high];
      for (int64_t k = 0; k < high; k++) {
        const int64_t at = place / stride - k;
        over[k] = at >= 0 && at < window_.height ? lines + at % high * wide * pitch : zeros;
      }
      Activate(room, x + row * width * channels, width, activated);
      if (place % stride == 0)
        Row<kernel, stride, 0>(room, over, width, through);
      else
        Row<kernel, stride, stride - 1>(room, over, width, through);
      // As it lies in memory.
      for (int64_t i = 0; i < width; i++) group.Put(room.apart + i * pitch, dx + (row * width + i) * channels);
    }
    const int64_t each = (kernel * kernel + 2) * channels;
    float *const sums = images.sums + group.image * each + group.first;
    for (int64_t tap = 0; tap < kernel * kernel + 2; tap++)
      std::copy_n(room.sums + tap * pitch, group.count, sums + tap * channels);
  }

  template <class ActivatedBy>
  void Activate(const Room &room, const float *x, int64_t width, const ActivatedBy &activated) const {
    for (int64_t i = 0; i < width; i++)
      for (int64_t c = 0; c < room.pitch; c += kLanes) {
        const Lanes apart = Load(x + i * room.group.channels + c, room.group.count - c) - LanesAt(room.centre + c);
        LanesAt(room.apart + i * room.pitch + c) = apart;
        LanesAt(room.activations + (window_.left + i) * room.pitch + c) =
            activated(apart * LanesAt(room.scale + c) + LanesAt(room.shift + c));
      }
  }

  // A line of x that is under each `stride`th line of the filter from `first` on.
  template <int kernel, int stride, int first, class ThroughBy>
  void Row(const Room &room, const float *const *over, int64_t width, const ThroughBy &through) const {
    constexpr int high = (kernel - first + stride - 1) / stride;
    const int64_t pitch = room.pitch;
    float *const plains = room.sums + kernel * kernel * pitch, *const centreds = plains + pitch;
    for (int64_t c = 0; c < pitch; c += kLanes) {
      Lanes plain = {}, centred = {};
      Columns<kernel, stride, first, 0>(room, over, width, c, &plain, &centred, through);
      if constexpr (stride == 2) Columns<kernel, stride, first, 1>(room, over, width, c, &plain, &centred, through);
      LanesAt(plains + c) += plain;
      LanesAt(centreds + c) += centred;
      // The filter's lines: all products of the line of activations and the lines of dy.
      Lanes sums[high * kernel] = {};
      for (int64_t i = 0; i < window_.width; i++) {
        const float *const under = room.activations + i * stride * pitch + c;
        Lanes g[high];
#pragma GCC unroll 5
        for (int k = 0; k < high; k++) g[k] = LanesAt(over[k] + (room.before + i) * pitch + c);
#pragma GCC unroll 5
        for (int l = 0; l < kernel; l++) {
          const Lanes a = LanesAt(under + l * pitch);
#pragma GCC unroll 5
          for (int k = 0; k < high; k++) sums[k * kernel + l] += a * g[k];
        }
      }
#pragma GCC unroll 5
      for (int k = 0; k < high; k++) {
#pragma GCC unroll 5
        for (int l = 0; l < kernel; l++)
          LanesAt(room.sums + ((first + k * stride) * kernel + l) * pitch + c) += sums[k * kernel + l];
      }
    }
  }

  // Those pixels of the line that are under each `stride`th column of the filter from `column` on.
  template <int kernel, int stride, int first, int column, class ThroughBy>
  void Columns(const Room &room, const float *const *over, int64_t width, int64_t c, Lanes *plain,
               Lanes *centred, const ThroughBy &through) const {
    const int64_t begin = std::max<int64_t>(0, (window_.left - column + stride - 1) / stride);
    const int64_t end = (width - 1 + window_.left - column + stride) / stride;
    int64_t i = begin;
    for (; i + 4 <= end; i += 4)
      Pixels<kernel, stride, first, column, 4>(room, over, i, c, plain, centred, through);
    for (; i < end; i++) Pixels<kernel, stride, first, column, 1>(room, over, i, c, plain, centred, through);
  }

  template <int kernel, int stride, int first, int column, int pixels, class ThroughBy>
  void Pixels(const Room &room, const float *const *over, int64_t from, int64_t c, Lanes *plain,
              Lanes *centred, const ThroughBy &through) const {
    constexpr int high = (kernel - first + stride - 1) / stride, wide = (kernel - column + stride - 1) / stride;
    const int64_t pitch = room.pitch;
    Lanes sums[pixels] = {};
#pragma GCC unroll 5
    for (int k = 0; k < high; k++) {
      const float *const line = over[k] + (room.before + from) * pitch + c;
#pragma GCC unroll 5
      for (int l = 0; l < wide; l++) {
        const Lanes tap = LanesAt(room.taps + ((first + k * stride) * kernel + column + l * stride) * pitch + c);
#pragma GCC unroll 4
        for (int pixel = 0; pixel < pixels; pixel++) sums[pixel] += LanesAt(line + (pixel - l) * pitch) * tap;
      }
    }
#pragma GCC unroll 4
    for (int pixel = 0; pixel < pixels; pixel++) {
      const int64_t at = (from + pixel) * stride + column - window_.left;
      Lanes &place = LanesAt(room.apart + at * pitch + c);
      const Lanes apart = place;
      const Lanes z = apart * LanesAt(room.scale + c) + LanesAt(room.shift + c), g = through(z, sums[pixel]);
      *plain += g;
      *centred += g * apart;
      place = g;
    }
  }

  const Window window_;
  const int activation_;
  const bool finish_;
};

}  // namespace weft
