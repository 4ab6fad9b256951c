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

/** TensorFlow's interface for kernels, as far as ours use it. */
const kernelHeader = `#pragma once
#include <stddef.h>
#include <stdint.h>
#include "tsl/platform/platform.h"
extern "C" {
typedef struct TF_Status TF_Status;
typedef struct TF_Tensor TF_Tensor;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct { size_t struct_size; unsigned char on_host; } TF_AllocatorAttributes;
#define TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE sizeof(TF_AllocatorAttributes)
typedef enum { TF_OK = 0, TF_INVALID_ARGUMENT = 3 } TF_Code;
typedef enum { TF_FLOAT = 1, TF_INT32 = 3, TF_UINT8 = 4 } TF_DataType;
TF_Status *TF_NewStatus();
void TF_DeleteStatus(TF_Status *);
void TF_SetStatus(TF_Status *, TF_Code, const char *);
TF_Code TF_GetCode(const TF_Status *);
const char *TF_Message(const TF_Status *);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction *, const char *, float *, TF_Status *);
void TF_OpKernelConstruction_GetAttrInt32(TF_OpKernelConstruction *, const char *, int32_t *, TF_Status *);
int TF_NumInputs(TF_OpKernelContext *);
void TF_GetInput(TF_OpKernelContext *, int, TF_Tensor **, TF_Status *);
TF_Tensor *TF_AllocateOutput(TF_OpKernelContext *, int, TF_DataType, const int64_t *, int, size_t, TF_Status *);
TF_Tensor *TF_AllocateTemp(TF_OpKernelContext *, TF_DataType, const int64_t *, int, TF_AllocatorAttributes *, TF_Status *);
void TF_OpKernelContext_Failure(TF_OpKernelContext *, TF_Status *);
int TF_NumDims(const TF_Tensor *);
int64_t TF_Dim(const TF_Tensor *, int);
void *TF_TensorData(const TF_Tensor *);
void TF_DeleteTensor(TF_Tensor *);
TF_OpDefinitionBuilder *TF_NewOpDefinitionBuilder(const char *);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder *, const char *);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder *, const char *);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder *, const char *);
void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext *, TF_Status *);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder *, void (*)(TF_ShapeInferenceContext *, TF_Status *));
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder *, TF_Status *);
TF_KernelBuilder *TF_NewKernelBuilder(const char *, const char *, void *(*)(TF_OpKernelConstruction *), void (*)(void *, TF_OpKernelContext *), void (*)(void *));
void TF_RegisterKernelBuilder(const char *, TF_KernelBuilder *, TF_Status *);
}
`

/** What of it is called when ours are made known. */
const kernelStubs = `extern "C" {
void *TF_NewStatus() { return 0; }
void TF_DeleteStatus(void *) {}
int TF_GetCode(const void *) { return 0; }
void *TF_NewOpDefinitionBuilder(const char *) { return 0; }
void TF_OpDefinitionBuilderAddInput(void *, const char *) {}
void TF_OpDefinitionBuilderAddOutput(void *, const char *) {}
void TF_OpDefinitionBuilderAddAttr(void *, const char *) {}
void TF_ShapeInferenceContextSetUnknownShape(void *, void *) {}
void TF_OpDefinitionBuilderSetShapeInferenceFunction(void *, void *) {}
void TF_RegisterOpDefinition(void *, void *) {}
void *TF_NewKernelBuilder(const char *, const char *, void *, void *, void *) { return 0; }
void TF_RegisterKernelBuilder(const char *, void *, void *) {}
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
    for (const part of ["kernels", "ops", "tf_status", "tf_tensor"])
      put(join(folder, name, "include", "tensorflow", "c", `${part}.h`), `#include "interface.h"\n`)
    put(join(folder, name, "include", "tensorflow", "c", "interface.h"), kernelHeader)
    put(join(folder, name, "include", "unrelated.py"), "raise SystemExit(1)")
    const lib = join(folder, name, "lib")
    const cuda = name.endsWith("gpu") ? `extern "C" const char *const WeftCuda = "libcudart.so.12";` : ""
    mkdirSync(lib, { recursive: true })
    build(
      lib,
      "libtensorflow.so.2",
      `extern "C" const char *TF_Version() { return "2.99.0"; }\nextern "C" int TF_Twice(int x) { return 2 * x; }\n${cuda}`
    )
    build(lib, "libtensorflow_framework.so.2", kernelStubs)
  }
}
