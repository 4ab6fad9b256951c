// A network's blocks in inference mode, as a list of operations that is applied to images.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "Convolution.h"
#include "Elementwise.h"
#include "Inverted.h"
#include "Pooling.h"

namespace weft {

enum class Code : int32_t { kRead, kConvolution, kDepthwise, kDense, kAffine, kAddition, kMaxPool, kAverage, kFlatten };

// One operation as it comes from outside: fields in this order, each a 32-bit number.
struct Line {
  Code code;
  // Values are numbered; 0 are the images. `other` is an addition's second input, and else unused.
  int32_t in, other, out;
  // Of the output.
  int32_t height, width, channels;
  int32_t high, wide, stride, top, left;
  int32_t rectifier;
  // Which of the given numbers; -1 for none.
  int32_t weight, bias;
};

class Program {
 public:
  // height, width and channels of the images; `weights` are needed no longer afterwards.
  Program(const Frame &images, std::vector<Line> lines, const std::vector<const float *> &weights, int64_t threads)
      : threads_(std::max<int64_t>(1, threads)) {
    int32_t last = 0;
    for (const Line &line : lines) last = std::max(last, line.out);
    frames_.resize(last + 1);
    frames_[0] = images;
    result_ = last;
    for (const Line &line : lines) {
      Frame &frame = frames_[line.out];
      frame.height = line.height, frame.width = line.width, frame.channels = line.channels;
    }
    for (size_t at = 0; at < lines.size();) at += Add(lines, at, weights);
    Share();
  }

  // Numbers of an image, and of its result.
  std::pair<int64_t, int64_t> sizes() const {
    const auto of = [](const Frame &frame) { return frame.height * frame.width * frame.channels; };
    return {of(frames_[0]), of(frames_[result_])};
  }

  // images (count, height, width, channels) in, (count, height, width, channels) of the result out.
  void Run(const float *images, int64_t count, float *results) {
    std::lock_guard<std::mutex> turn(turn_);
    const int64_t input = frames_[0].height * frames_[0].width * frames_[0].channels;
    Reserve(count);
    const int64_t piece = std::clamp<int64_t>((count + threads_ - 1) / threads_, 1, kTogether);
    Parallel((count + piece - 1) / piece, [&](int64_t i, Worker &worker) {
      const int64_t from = i * piece, to = std::min(count, from + piece);
      for (int64_t image = from; image < to; image++)
        for (size_t at = 0; at < alone_; at++)
          Apply(steps_[at], images + image * input, image, image - from, worker);
      for (size_t at = alone_; at < batched_; at++)
        for (int64_t image = from; image < to; image++)
          Apply(steps_[at], images + image * input, image, image - from, worker);
    });
    for (size_t at = batched_; at < steps_.size(); at++) Batch(steps_[at], count);
    Write(count, results);
  }

 private:
  // Images that a thread takes through the later operations side by side, each operation's weights being read once.
  static constexpr int64_t kTogether = 4;

  struct Step {
    std::unique_ptr<Operation> operation;
    // A product over the whole batch, in place of an operation.
    std::unique_ptr<Matrix> dense;
    Rectifier rectifier;
    int32_t in, other, out;
  };

  // Where a value lies: with each thread for one image, with each thread for some, or once for the batch.
  enum class Home { kNone, kOne, kSome, kBatch };

  struct Worker {
    Scratch scratch;
    std::vector<Memory<uint16_t>> slots;
  };

  int64_t Uses(const std::vector<Line> &lines, int32_t value) const {
    int64_t uses = value == result_ ? 1 : 0;
    for (const Line &line : lines) uses += (line.in == value) + (line.code == Code::kAddition && line.other == value);
    return uses;
  }

  static Rectifier RectifierOf(const Line &line) { return static_cast<Rectifier>(line.rectifier); }
  static Window WindowOf(const Line &line) { return {line.high, line.wide, line.stride, line.top, line.left}; }

  // Makes the next step, of one line or several; gives how many.
  size_t Add(const std::vector<Line> &lines, size_t at, const std::vector<const float *> &weights) {
    const auto numbers = [&](int32_t which) { return which < 0 ? nullptr : weights[which]; };
    const Line &line = lines[at];
    const Frame &in = frames_[line.in];
    const auto matrix = [&](const Line &of) {
      return std::make_unique<Matrix>(numbers(of.weight), numbers(of.bias), of.channels, frames_[of.in].channels,
                                      of.high * of.wide);
    };
    const auto add = [&](Operation *operation) {
      steps_.push_back({std::unique_ptr<Operation>(operation), nullptr, Rectifier::kNone, line.in, line.other, line.out});
      return 1;
    };
    if (const size_t taken = AddInverted(lines, at, weights); taken > 0) return taken;
    switch (line.code) {
      case Code::kRead:
        return add(new Read());
      case Code::kConvolution:
        if (line.in == 0)
          return add(new FirstConvolution(numbers(line.weight), numbers(line.bias), line.channels, in.height, in.width,
                                          in.channels, line.height, line.width, WindowOf(line), RectifierOf(line)));
        frames_[line.in].Widen(line.top, line.left,
                               std::max<int64_t>(0, (line.height - 1) * line.stride + line.high - line.top - in.height),
                               std::max<int64_t>(0, (line.width - 1) * line.stride + line.wide - line.left - in.width));
        return add(new Convolution(numbers(line.weight), numbers(line.bias), line.channels, in.channels, WindowOf(line),
                                   RectifierOf(line)));
      case Code::kDepthwise:
        return add(new Depthwise(numbers(line.weight), numbers(line.bias), line.channels, WindowOf(line),
                                 RectifierOf(line)));
      case Code::kDense:
        steps_.push_back({nullptr, matrix(line), RectifierOf(line), line.in, line.other, line.out});
        return 1;
      case Code::kAffine:
        return add(new Affine(numbers(line.weight), numbers(line.bias), line.channels, RectifierOf(line)));
      case Code::kAddition:
        return add(new Addition());
      case Code::kMaxPool:
        return add(new MaxPool(WindowOf(line)));
      case Code::kAverage:
        return add(new Average());
      case Code::kFlatten:
        return add(new Flatten());
    }
    throw std::invalid_argument("there is no operation of this code");
  }

  // An inverted residual, with or without the first convolution and the addition, where the lines from `at` on are one
  // and what lies between them is needed nowhere else; gives how many they are, or none.
  size_t AddInverted(const std::vector<Line> &lines, size_t at, const std::vector<const float *> &weights) {
    const auto follows = [&](size_t next, int32_t value) {
      return next < lines.size() && lines[next].in == value && Uses(lines, value) == 1;
    };
    const auto isPoint = [](const Line &line) {
      return line.code == Code::kConvolution && line.in != 0 && line.high == 1 && line.wide == 1 && line.stride == 1 &&
             line.top == 0 && line.left == 0;
    };
    size_t next = at;
    const bool expands = isPoint(lines[at]) && follows(at + 1, lines[at].out);
    if (expands) next++;
    const Line &filters = lines[next];
    if (filters.code != Code::kDepthwise || filters.high != 3 || filters.wide != 3 || !follows(next + 1, filters.out))
      return 0;
    const Line &project = lines[++next];
    if (!isPoint(project)) return 0;
    const int32_t in = lines[at].in;
    const bool isResidual = project.rectifier == 0 && filters.stride == 1 && follows(next + 1, project.out) &&
                            lines[next + 1].code == Code::kAddition && lines[next + 1].other == in &&
                            lines[next + 1].rectifier == 0;
    if (isResidual) next++;
    const auto numbers = [&](int32_t which) { return which < 0 ? nullptr : weights[which]; };
    const auto matrix = [&](const Line &of) {
      return std::make_unique<Matrix>(numbers(of.weight), numbers(of.bias), of.channels, frames_[of.in].channels, 1);
    };
    const Inverted::Filters middle{numbers(filters.weight), numbers(filters.bias), RectifierOf(filters),
                                   WindowOf(filters)};
    auto operation = std::make_unique<Inverted>(expands ? matrix(lines[at]) : nullptr, RectifierOf(lines[at]), middle,
                                                matrix(project), RectifierOf(project), isResidual, frames_[in],
                                                filters.height, filters.width);
    steps_.push_back({std::move(operation), nullptr, Rectifier::kNone, in, -1, lines[next].out});
    return next + 1 - at;
  }

  // Decides which steps are taken image by image, which by some images, which by the batch; where each value lies, and
  // which values have the same place one after the other.
  void Share() {
    batched_ = steps_.size();
    for (size_t at = 0; at < steps_.size(); at++)
      if (steps_[at].dense != nullptr) batched_ = std::min(batched_, at);
    alone_ = batched_;
    // From where on the weights are more than the images.
    for (size_t at = batched_; at-- > 0;) {
      const Step &step = steps_[at];
      const int64_t numbers = frames_[step.in].size() + frames_[step.out].size();
      if (step.operation->bytes() > 0 && step.operation->bytes() < numbers * static_cast<int64_t>(sizeof(uint16_t))) break;
      alone_ = at;
    }
    homes_.assign(frames_.size(), Home::kNone);
    slots_.assign(frames_.size(), -1);
    std::vector<size_t> until(frames_.size(), 0);
    for (size_t at = 0; at < steps_.size(); at++)
      for (const int32_t value : {steps_[at].in, steps_[at].other})
        if (value >= 0) until[value] = at;
    until[result_] = steps_.size();
    Needs most;
    std::vector<size_t> busyUntil;
    for (size_t at = 0; at < steps_.size(); at++) {
      const Step &step = steps_[at];
      if (step.operation != nullptr) {
        const Needs needs = step.operation->needs();
        most.numbers = std::max(most.numbers, needs.numbers), most.pairs = std::max(most.pairs, needs.pairs);
      }
      const size_t end = until[step.out];
      Home &home = homes_[step.out];
      home = end >= batched_ ? Home::kBatch : end >= alone_ ? Home::kSome : Home::kOne;
      if (home == Home::kBatch) continue;
      const int64_t room = frames_[step.out].room(home == Home::kOne ? 1 : kTogether);
      // A place whose value was last needed before this step, and which images have in the same way.
      size_t slot = 0;
      while (slot < busyUntil.size() && (busyUntil[slot] >= at || slotHomes_[slot] != home)) slot++;
      if (slot == busyUntil.size()) busyUntil.push_back(0), sizes_.push_back(0), slotHomes_.push_back(home);
      busyUntil[slot] = end;
      sizes_[slot] = std::max(sizes_[slot], room);
      slots_[step.out] = static_cast<int32_t>(slot);
    }
    workers_.resize(threads_);
    for (Worker &worker : workers_) {
      worker.scratch.numbers = Memory<float>(most.numbers);
      worker.scratch.pairs = Memory<uint16_t>(most.pairs);
      for (const int64_t size : sizes_) worker.slots.emplace_back(size);
    }
    batch_.resize(frames_.size());
  }

  void Reserve(int64_t count) {
    if (count <= reserved_) return;
    for (size_t value = 0; value < frames_.size(); value++)
      if (homes_[value] == Home::kBatch) batch_[value] = Memory<uint16_t>(frames_[value].room(count));
    reserved_ = count;
  }

  // `image` of the batch, `nth` of those that the thread has at once.
  Image At(int32_t value, int64_t image, int64_t nth, const Worker &worker) const {
    const Frame &frame = frames_[value];
    switch (homes_[value]) {
      case Home::kNone:
        return {frame, nullptr};
      case Home::kOne:
        return {frame, worker.slots[slots_[value]].data()};
      case Home::kSome:
        return {frame, worker.slots[slots_[value]].data() + nth * frame.size()};
      case Home::kBatch:
        return {frame, batch_[value].data() + image * frame.size()};
    }
    return {frame, nullptr};
  }

  void Apply(const Step &step, const float *images, int64_t image, int64_t nth, Worker &worker) const {
    const Image in = At(step.in, image, nth, worker), out = At(step.out, image, nth, worker);
    const bool hasOther = step.other >= 0;
    const Image other = At(hasOther ? step.other : step.in, image, nth, worker);
    step.operation->Run(images, in, hasOther ? &other : nullptr, out, worker.scratch);
  }

  void Batch(const Step &step, int64_t count) {
    if (step.dense == nullptr) {
      Parallel(count, [&](int64_t image, Worker &worker) { Apply(step, nullptr, image, 0, worker); });
      return;
    }
    const Frame &in = frames_[step.in], &to = frames_[step.out];
    // A row is an image.
    const int64_t none = 0;
    Frame rows = to;
    rows.width = count;
    const Image out{rows, batch_[step.out].data()};
    const IntoFrame into{out, step.dense->bias(), step.rectifier, count, count, 0, nullptr};
    Parallel(Blocks(to.channels), [&](int64_t block, Worker &) {
      step.dense->Multiply(batch_[step.in].data(), in.size(), in.low(), &none, count, into, block, block + 1);
    });
  }

  void Write(int64_t count, float *results) const {
    const Frame &frame = frames_[result_];
    for (int64_t image = 0; image < count; image++) {
      const Image from{frame, batch_[result_].data() + image * frame.size()};
      for (int64_t y = 0; y < frame.height; y++)
        for (int64_t x = 0; x < frame.width; x++, results += frame.channels)
          for (int64_t c = 0; c < frame.channels; c += kLanes) {
            _mm512_mask_storeu_ps(results + c, Lanes(frame.channels - c), LoadPairs(from.At(y, x) + c, frame.low()));
          }
    }
  }

  // Each piece once, on any thread, each of which has the matrix unit and memory of its own.
  template <class Body>
  void Parallel(int64_t pieces, const Body &body) {
    std::atomic<int64_t> next{0};
    const auto work = [&](Worker &worker) {
      const MatrixUnit unit;
      for (int64_t piece; (piece = next.fetch_add(1)) < pieces;) body(piece, worker);
    };
    std::vector<std::thread> others;
    try {
      for (int64_t i = 1; i < std::min(threads_, pieces); i++) others.emplace_back([&, i] { work(workers_[i]); });
    } catch (const std::system_error &) {
      // The system gives no more threads: those that there are do it all.
    }
    work(workers_[0]);
    for (std::thread &other : others) other.join();
  }

  const int64_t threads_;
  std::vector<Frame> frames_;
  int32_t result_ = 0;
  std::vector<Step> steps_;
  // Steps before `alone_` are taken image by image, those before `batched_` by some images, the others by the batch.
  size_t alone_ = 0, batched_ = 0;
  std::vector<Home> homes_;
  // By value; by slot.
  std::vector<int32_t> slots_;
  std::vector<int64_t> sizes_;
  std::vector<Home> slotHomes_;
  std::vector<Worker> workers_;
  std::vector<Memory<uint16_t>> batch_;
  int64_t reserved_ = 0;
  std::mutex turn_;
};

}  // namespace weft
