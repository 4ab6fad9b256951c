// An addon that is loaded before TensorFlow's: TensorFlow logs while it is being loaded, before it looks at
// TF_CPP_MIN_LOG_LEVEL. Unless that is 0, this one loads the library that logs with nobody listening, and sets the level
// in the logging library that comes with it (Abseil's), if there is one. WEFT_FRAMEWORK is the library's name.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#if __has_include("absl/base/options.h")
#include "absl/base/options.h"
#define WEFT_TEXT_OF(x) #x
#define WEFT_TEXT(x) WEFT_TEXT_OF(x)
#define WEFT_ABSEIL WEFT_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME)
#else
#define WEFT_ABSEIL ""
#endif

static void Load(int level) {
  void *library = dlopen(WEFT_FRAMEWORK, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;  // the addon will say why
  // absl::SetMinLogLevel(absl::LogSeverityAtLeast), whose namespace is named after the release.
  const std::string release = WEFT_ABSEIL;
  const std::string name =
      "_ZN4absl" + std::to_string(release.size()) + release + "14SetMinLogLevelENS0_18LogSeverityAtLeastE";
  void *set = dlsym(library, name.c_str());
  if (set != nullptr) reinterpret_cast<void (*)(int)>(set)(level);
}

extern "C" __attribute__((visibility("default"))) void *napi_register_module_v1(void *, void *exports) {
  const char *text = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  const int level = text == nullptr ? 0 : std::atoi(text);
  if (level <= 0) return exports;
  const int before = dup(STDERR_FILENO);
  const int nobody = open("/dev/null", O_WRONLY);
  if (nobody >= 0) dup2(nobody, STDERR_FILENO);
  Load(level);
  if (before >= 0) dup2(before, STDERR_FILENO);
  if (nobody >= 0) close(nobody);
  if (before >= 0) close(before);
  return exports;
}
