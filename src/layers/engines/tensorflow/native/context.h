// Goes in front of the package's own sources when the addon is compiled (g++ -include): what they lack of TensorFlow's
// interface, and what keeps signals away from its computing. They are compiled unchanged.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tensorflow/c/eager/c_api.h"

// The addon knows no lists of texts: the attribute `fused_ops` is one, given with commas.
inline void WeftSetString(TFE_Op *op, const char *name, const void *value, size_t length) {
  if (std::strcmp(name, "fused_ops") != 0) {
    TFE_OpSetAttrString(op, name, value, length);
    return;
  }
  const std::string text(static_cast<const char *>(value), length);
  std::vector<const void *> parts;
  std::vector<size_t> lengths;
  for (size_t from = 0; from < text.size();) {
    const size_t comma = text.find(',', from);
    const size_t to = comma == std::string::npos ? text.size() : comma;
    parts.push_back(text.data() + from);
    lengths.push_back(to - from);
    from = to + 1;
  }
  TFE_OpSetAttrStringList(op, name, parts.data(), lengths.data(), static_cast<int>(parts.size()));
}

// A separate stack on this thread for the signal handlers that ask for one (SA_ONSTACK), as V8's profiler's does.
class WeftSignalStack {
 public:
  WeftSignalStack() {
    stack_t there;
    if (sigaltstack(nullptr, &there) != 0 || (there.ss_flags & SS_DISABLE) == 0) return;
    memory_.reset(new char[size_]);
    stack_t stack = {};
    stack.ss_sp = memory_.get();
    stack.ss_size = size_;
    sigaltstack(&stack, nullptr);
  }
  ~WeftSignalStack() {
    if (memory_ == nullptr) return;
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

 private:
  static constexpr size_t size_ = 64 * 1024;  // a signal's frame holds all vector and matrix registers: 3 to 11 KiB
  std::unique_ptr<char[]> memory_;
};

// Holds signals back while it lives: another thread handles them, or this one afterwards. Threads that TensorFlow
// starts meanwhile never handle any. For oneDNN, which is in TensorFlow, multiplies narrow matrices with the stack
// pointer in the heap. A handler that runs then overwrites what lies below, and the process ends with "corrupted size
// vs. prev_size". Faults of the computation itself get through, and so does the profiler's signal: held back, it would
// see no operation. Source: https://github.com/uxlfoundation/oneDNN/issues/4845.
class WeftNoSignals {
 public:
  WeftNoSignals() {
    static thread_local WeftSignalStack stack;
    static_cast<void>(stack);
    sigset_t held;
    sigfillset(&held);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
      sigdelset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~WeftNoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WeftNoSignals(const WeftNoSignals &) = delete;

 private:
  sigset_t before_;
};

// Calls a function of TensorFlow's while signals are held back.
template <auto function, class... Arguments>
auto WeftCall(Arguments... arguments) {
  const WeftNoSignals none;
  return function(arguments...);
}

// The devices' settings: a ConfigProto, in hexadecimal, in WEFT_TENSORFLOW_CONFIG.
inline TFE_Context *WeftNewContext(TFE_ContextOptions *options, TF_Status *status) {
  const char *hex = std::getenv("WEFT_TENSORFLOW_CONFIG");
  if (hex != nullptr) {
    std::string bytes;
    for (; hex[0] != 0 && hex[1] != 0; hex += 2) {
      const char pair[3] = {hex[0], hex[1], 0};
      bytes.push_back(static_cast<char>(std::strtol(pair, nullptr, 16)));
    }
    TFE_ContextOptionsSetConfig(options, bytes.data(), bytes.size(), status);
    if (TF_GetCode(status) != TF_OK) return nullptr;
  }
  const WeftNoSignals none;
  return TFE_NewContext(options, status);
}

#define TFE_OpSetAttrString WeftSetString
#define TFE_NewContext WeftNewContext
#define TFE_Execute WeftCall<::TFE_Execute>
#define TF_LoadSessionFromSavedModel WeftCall<::TF_LoadSessionFromSavedModel>
#define TF_SessionRun WeftCall<::TF_SessionRun>
