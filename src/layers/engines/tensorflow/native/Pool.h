// Threads that share the pieces of one piece of work, and sleep between two: as many as TensorFlow's own take.
#pragma once

#include <sched.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace weft {

class Pool {
 public:
  // Never freed: its threads sleep until the process ends.
  static Pool &Get() {
    static Pool *const pool = new Pool(Count() - 1);
    return *pool;
  }

  // Calls `body` once for each piece, in any order and on any thread: what it leaves must not depend on either.
  template <class Body>
  void Run(int64_t pieces, const Body &body) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (pieces < 2 || helpers_ == 0 || !turn.owns_lock()) {
      for (int64_t piece = 0; piece < pieces; piece++) body(piece);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      std::fegetenv(&numbers_);
      call_ = [](const void *of, int64_t piece) { (*static_cast<const Body *>(of))(piece); };
      body_ = &body;
      pieces_ = pieces;
      next_ = 0;
      round_++;
      open_ = true;
    }
    begun_.notify_all();
    Work();
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = false;  // a thread that wakes up too late finds nothing to do
    lock.unlock();
    Look([this] { return working_ == 0; });
    lock.lock();
    ended_.wait(lock, [this] { return working_ == 0; });
  }

 private:
  explicit Pool(int helpers) : helpers_(helpers < 0 ? 0 : helpers) {
    for (int i = 0; i < helpers_; i++) std::thread([this] { Help(); }).detach();
  }

  // Source: TensorFlow's NumIntraOpThreadsFromEnvironment, and else the processors that this process may use.
  static int Count() {
    const char *wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int threads = wanted == nullptr ? 0 : std::atoi(wanted);
    if (threads > 0) return threads;
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
  }

  void Work() {
    for (int64_t piece; (piece = next_.fetch_add(1)) < pieces_;) call_(body_, piece);
  }

  // Looks for a while whether something has come, before the thread sleeps: to wake it takes as long as many a piece of
  // work does. It does not give way (sched_yield): where others work too, its turn would be gone for milliseconds.
  template <class Condition>
  static void Look(const Condition &hasCome) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(kLook);
    while (!hasCome() && std::chrono::steady_clock::now() < end) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
  }

  void Help() {
    std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
    for (uint64_t seen = 0;;) {
      Look([&] { return round_ != seen; });
      lock.lock();
      begun_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (!open_) {
        lock.unlock();
        continue;
      }
      working_++;
      std::fesetenv(&numbers_);  // the smallest numbers are flushed on all threads or on none
      lock.unlock();
      Work();
      lock.lock();
      if (--working_ == 0) ended_.notify_one();
      lock.unlock();
    }
  }

  static constexpr int kLook = 50;  // microseconds

  const int helpers_;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable begun_, ended_;
  std::fenv_t numbers_;
  void (*call_)(const void *, int64_t) = nullptr;
  const void *body_ = nullptr;
  int64_t pieces_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> round_{0};
  std::atomic<int> working_{0};
  bool open_ = false;
};

}  // namespace weft
