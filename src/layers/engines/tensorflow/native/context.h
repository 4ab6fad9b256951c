// Goes in front of the package's own sources when the addon is compiled (g++ -include): what they lack of TensorFlow's
// interface. They are compiled unchanged.
#pragma once

#include <cstdlib>
#include <cstring>
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
  return TFE_NewContext(options, status);
}

#define TFE_OpSetAttrString WeftSetString
#define TFE_NewContext WeftNewContext
