// Numbers that begin at a cache line, zeros at first.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace weft {

template <class T>
class Memory {
 public:
  explicit Memory(int64_t size = 0) : size_(size) {
    if (size == 0) return;
    const size_t bytes = (static_cast<size_t>(size) * sizeof(T) + 63) / 64 * 64;
    data_ = static_cast<T *>(std::aligned_alloc(64, bytes));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(static_cast<void *>(data_), 0, bytes);
  }
  ~Memory() { std::free(data_); }
  Memory(Memory &&other) noexcept { *this = std::move(other); }
  Memory &operator=(Memory &&other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T *data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  T *data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace weft
