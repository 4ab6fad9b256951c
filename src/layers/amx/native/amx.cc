// An addon that applies networks in inference mode by the processor's matrix unit. It needs no TensorFlow.
#include <node_api.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__linux__)
#define WEFT_HAS_MATRIX_UNIT
#include <cpuid.h>

#include "Program.h"
#endif

namespace weft {

struct Failure {
  std::string text;
};

static void Check(napi_status status) {
  if (status != napi_ok) throw Failure{"the addon was called with something else than it takes"};
}

// A function of JavaScript's out of one that throws.
template <napi_value (*function)(napi_env, napi_value *)>
static napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    napi_value arguments[4];
    size_t count = 4;
    Check(napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr));
    return function(env, arguments);
  } catch (const Failure &failure) {
    napi_throw_error(env, nullptr, failure.text.c_str());
  } catch (const std::exception &error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

#ifdef WEFT_HAS_MATRIX_UNIT

// The processor has what the compiler took, and the system lets the process use it.
static bool RunsHere() {
#ifdef WEFT_TILES_IN_SOFTWARE  // a test's: no matrix unit is needed
  return true;
#endif
  unsigned a, b, c, d, of;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d >> 22 & 1) == 0 || (d >> 24 & 1) == 0) return false;
  if (__get_cpuid_count(7, 1, &of, &b, &c, &d) == 0 || (of >> 5 & 1) == 0) return false;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && MatrixUnit::Ask();
}

template <class T>
static T *Numbers(napi_env env, napi_value value, napi_typedarray_type wanted, size_t *count) {
  napi_typedarray_type type;
  void *data = nullptr;
  Check(napi_get_typedarray_info(env, value, &type, count, &data, nullptr, nullptr));
  if (type != wanted) throw Failure{"the addon was called with numbers of another type"};
  return static_cast<T *>(data);
}

// open(lines: Int32Array, weights: Array<Float32Array>, threads): the first line are height, width and channels of the
// images, the others are `Line`s.
static napi_value Open(napi_env env, napi_value *arguments) {
  constexpr size_t kFields = sizeof(Line) / sizeof(int32_t);
  size_t count = 0;
  const int32_t *const numbers = Numbers<int32_t>(env, arguments[0], napi_int32_array, &count);
  if (count < 3 || (count - 3) % kFields != 0) throw Failure{"the addon was called with lines of another length"};
  Frame images;
  images.height = numbers[0], images.width = numbers[1], images.channels = numbers[2];
  std::vector<Line> lines((count - 3) / kFields);
  std::memcpy(lines.data(), numbers + 3, lines.size() * sizeof(Line));
  uint32_t arrays = 0;
  Check(napi_get_array_length(env, arguments[1], &arrays));
  std::vector<const float *> weights;
  for (uint32_t i = 0; i < arrays; i++) {
    napi_value array;
    Check(napi_get_element(env, arguments[1], i, &array));
    weights.push_back(Numbers<float>(env, array, napi_float32_array, &count));
  }
  int32_t threads = 1;
  Check(napi_get_value_int32(env, arguments[2], &threads));
  auto program = std::make_unique<std::shared_ptr<Program>>(
      std::make_shared<Program>(images, std::move(lines), weights, threads));
  napi_value external;
  const auto release = [](napi_env, void *data, void *) { delete static_cast<std::shared_ptr<Program> *>(data); };
  Check(napi_create_external(env, program.get(), release, nullptr, &external));
  program.release();
  return external;
}

struct Job {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  napi_ref images = nullptr, results = nullptr;
  std::shared_ptr<Program> program;
  const float *from = nullptr;
  float *to = nullptr;
  int64_t count = 0;
  std::string failure;
};

static void Execute(napi_env, void *data) {
  Job *const job = static_cast<Job *>(data);
  try {
    job->program->Run(job->from, job->count, job->to);
  } catch (const std::exception &error) {
    job->failure = error.what();
  }
}

static void Complete(napi_env env, napi_status, void *data) {
  const std::unique_ptr<Job> job(static_cast<Job *>(data));
  napi_value results, text, error;
  napi_get_reference_value(env, job->results, &results);
  if (job->failure.empty()) {
    napi_resolve_deferred(env, job->deferred, results);
  } else {
    napi_create_string_utf8(env, job->failure.c_str(), job->failure.size(), &text);
    napi_create_error(env, nullptr, text, &error);
    napi_reject_deferred(env, job->deferred, error);
  }
  napi_delete_reference(env, job->images);
  napi_delete_reference(env, job->results);
  napi_delete_async_work(env, job->work);
}

// run(program, images: Float32Array, count, results: Float32Array): a promise of the results, when they are full. What
// calls sees to it that the arrays are long enough.
static napi_value Run(napi_env env, napi_value *arguments) {
  auto job = std::make_unique<Job>();
  std::shared_ptr<Program> *program = nullptr;
  Check(napi_get_value_external(env, arguments[0], reinterpret_cast<void **>(&program)));
  job->program = *program;
  size_t given = 0, room = 0;
  job->from = Numbers<float>(env, arguments[1], napi_float32_array, &given);
  Check(napi_get_value_int64(env, arguments[2], &job->count));
  job->to = Numbers<float>(env, arguments[3], napi_float32_array, &room);
  const auto [input, output] = job->program->sizes();
  if (job->count < 1 || given != static_cast<size_t>(job->count * input) ||
      room != static_cast<size_t>(job->count * output))
    throw Failure{"the addon was called with another number of images"};
  napi_value promise, name;
  Check(napi_create_promise(env, &job->deferred, &promise));
  Check(napi_create_reference(env, arguments[1], 1, &job->images));
  Check(napi_create_reference(env, arguments[3], 1, &job->results));
  Check(napi_create_string_utf8(env, "weft.amx", NAPI_AUTO_LENGTH, &name));
  Check(napi_create_async_work(env, nullptr, name, Execute, Complete, job.get(), &job->work));
  Check(napi_queue_async_work(env, job->work));
  job.release();
  return promise;
}

// close(program): its memory is freed, when what runs has ended.
static napi_value Close(napi_env env, napi_value *arguments) {
  std::shared_ptr<Program> *program = nullptr;
  Check(napi_get_value_external(env, arguments[0], reinterpret_cast<void **>(&program)));
  program->reset();
  return nullptr;
}

static void Export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  Check(napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function));
  Check(napi_set_named_property(env, exports, name, function));
}

#endif

}  // namespace weft

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  using namespace weft;
#ifdef WEFT_HAS_MATRIX_UNIT
  if (RunsHere()) {
    Export(env, exports, "open", Guarded<Open>);
    Export(env, exports, "run", Guarded<Run>);
    Export(env, exports, "close", Guarded<Close>);
  }
#endif
  return exports;
}
