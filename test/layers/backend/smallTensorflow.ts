import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

const put = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const header = `#pragma once
#include <stddef.h>
extern "C" {
typedef struct TFE_Op TFE_Op;
typedef struct TFE_Context TFE_Context;
typedef struct TFE_ContextOptions TFE_ContextOptions;
typedef struct TF_Status TF_Status;
enum { TF_OK };
int TF_GetCode(TF_Status *);
void TFE_OpSetAttrString(TFE_Op *, const char *, const void *, size_t);
void TFE_OpSetAttrStringList(TFE_Op *, const char *, const void *const *, const size_t *, int);
void TFE_ContextOptionsSetConfig(TFE_ContextOptions *, const void *, size_t, TF_Status *);
TFE_Context *TFE_NewContext(TFE_ContextOptions *, TF_Status *);
const char *TF_Version();
int TF_Twice(int);
}
`

const addon = `#include <node_api.h>
static napi_value number(napi_env env, int value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}
static napi_value listOf(napi_env env, napi_value value) {
  napi_value list;
  napi_create_array(env, &list);
  napi_set_element(env, list, 0, value);
  return list;
}
static napi_value createTensor(napi_env env, napi_callback_info) { return number(env, 1); }
static napi_value executeOp(napi_env env, napi_callback_info) {
  napi_value made;
  napi_create_object(env, &made);
  napi_set_named_property(env, made, "id", number(env, 2));
  return listOf(env, made);
}
static napi_value read(napi_env env, napi_callback_info) { return listOf(env, number(env, TF_Twice(2))); }
extern "C" napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value f, version;
  napi_create_function(env, "", 0, createTensor, nullptr, &f);
  napi_set_named_property(env, exports, "createTensor", f);
  napi_create_function(env, "", 0, executeOp, nullptr, &f);
  napi_set_named_property(env, exports, "executeOp", f);
  napi_create_function(env, "", 0, read, nullptr, &f);
  napi_set_named_property(env, exports, "tensorDataSync", f);
  napi_create_string_utf8(env, TF_Version(), NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "TF_Version", version);
  return exports;
}
`

const build = (folder: string, name: string, source: string) => {
  put(join(folder, `${name}.c`), source)
  const library = join(folder, name)
  execFileSync("g++", ["-x", "c++", "-shared", "-fPIC", `-Wl,-soname,${name}`, "-o", library, `${library}.c`])
}

/**
 * Makes a TensorFlow of two functions under `folder`: `libtensorflow/` (include/ and lib/) as the archive has it, in the
 * versions for a processor and for a GPU (`libtensorflow-gpu/`), and `binding/` with the sources of an addon for it.
 */
export const makeSmallTensorflow = (folder: string): void => {
  put(join(folder, "binding", "tfjs_backend.cc"), "")
  put(join(folder, "binding", "tfjs_binding.cc"), addon)
  for (const name of ["libtensorflow", "libtensorflow-gpu"]) {
    put(join(folder, name, "include", "tensorflow", "c", "eager", "c_api.h"), header)
    put(join(folder, name, "include", "unrelated.py"), "raise SystemExit(1)")
    const lib = join(folder, name, "lib")
    const cuda = name.endsWith("gpu") ? `extern "C" const char *const WeftCuda = "libcudart.so.12";` : ""
    mkdirSync(lib, { recursive: true })
    build(
      lib,
      "libtensorflow.so.2",
      `extern "C" const char *TF_Version() { return "2.99.0"; }\nextern "C" int TF_Twice(int x) { return 2 * x; }\n${cuda}`
    )
    build(lib, "libtensorflow_framework.so.2", `extern "C" int TF_Framework() { return 1; }`)
  }
}
