// TensorFlow's C interface for kernels, in fewer words.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace weft {

// What a kernel throws: TensorFlow gets it as a status.
struct Failure {
  TF_Code code;
  std::string text;
};

using Shape = std::vector<int64_t>;

inline int64_t SizeOf(const Shape &shape) {
  int64_t size = 1;
  for (const int64_t length : shape) size *= length;
  return size;
}

// A status that is freed, and thrown where it is bad.
class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status &) = delete;
  operator TF_Status *() { return status_; }
  void Check() const {
    if (TF_GetCode(status_) != TF_OK) throw Failure{TF_GetCode(status_), TF_Message(status_)};
  }

 private:
  TF_Status *const status_;
};

// The attributes that an operation was made with.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction *made) : made_(made) {}
  float Number(const char *name) {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(made_, name, &value, status_);
    return value;
  }
  int32_t Int(const char *name) {
    int32_t value = 0;
    TF_OpKernelConstruction_GetAttrInt32(made_, name, &value, status_);
    return value;
  }

 private:
  TF_OpKernelConstruction *const made_;
  Status status_;
};

// One run of a kernel: its inputs, its outputs, and memory that goes when it ends.
class Call {
 public:
  explicit Call(TF_OpKernelContext *context) : context_(context) {}
  ~Call() {
    for (TF_Tensor *tensor : tensors_) TF_DeleteTensor(tensor);
  }
  Call(const Call &) = delete;

  int Inputs() const { return TF_NumInputs(context_); }

  // An input's numbers, and its shape where that is asked for.
  template <class T = float>
  T *Input(int at, Shape *shape = nullptr) {
    TF_Tensor *tensor = nullptr;
    TF_GetInput(context_, at, &tensor, status_);
    Keep(tensor);
    if (shape != nullptr) {
      shape->clear();
      for (int axis = 0; axis < TF_NumDims(tensor); axis++) shape->push_back(TF_Dim(tensor, axis));
    }
    return static_cast<T *>(TF_TensorData(tensor));
  }

  // An input's numbers, of which there must be so many.
  const float *Input(int at, int64_t size) {
    Shape shape;
    const float *const numbers = Input(at, &shape);
    Require(SizeOf(shape) == size, "an input has another size");
    return numbers;
  }

  template <class T = float>
  T *Output(int at, const Shape &shape, TF_DataType type = TF_FLOAT) {
    const size_t bytes = SizeOf(shape) * sizeof(T);
    TF_Tensor *const tensor =
        TF_AllocateOutput(context_, at, type, shape.data(), static_cast<int>(shape.size()), bytes, status_);
    Keep(tensor);
    return static_cast<T *>(TF_TensorData(tensor));
  }

  // Numbers of no value yet, until the run ends.
  template <class T>
  T *Scratch(int64_t count) {
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    TF_AllocatorAttributes where;
    where.struct_size = TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE;
    where.on_host = 1;
    TF_Tensor *const tensor = TF_AllocateTemp(context_, TF_UINT8, &bytes, 1, &where, status_);
    Keep(tensor);
    return static_cast<T *>(TF_TensorData(tensor));
  }

  static void Require(bool holds, const char *text) {
    if (!holds) throw Failure{TF_INVALID_ARGUMENT, text};
  }

 private:
  void Keep(TF_Tensor *tensor) {
    if (tensor != nullptr) tensors_.push_back(tensor);
    status_.Check();
  }

  TF_OpKernelContext *const context_;
  Status status_;
  std::vector<TF_Tensor *> tensors_;
};

// Makes an operation known to TensorFlow, with its kernel for the processor: a class that is made of Attributes and runs
// on a Call. Inputs, outputs and attributes as TensorFlow's C interface writes them.
template <class Kernel>
void Register(const char *name, std::initializer_list<const char *> inputs, std::initializer_list<const char *> outputs,
              std::initializer_list<const char *> attributes = {}) {
  TF_OpDefinitionBuilder *const operation = TF_NewOpDefinitionBuilder(name);
  for (const char *input : inputs) TF_OpDefinitionBuilderAddInput(operation, input);
  for (const char *output : outputs) TF_OpDefinitionBuilderAddOutput(operation, output);
  for (const char *attribute : attributes) TF_OpDefinitionBuilderAddAttr(operation, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(operation, &TF_ShapeInferenceContextSetUnknownShape);
  Status status;
  TF_RegisterOpDefinition(operation, status);
  status.Check();
  TF_KernelBuilder *const kernel = TF_NewKernelBuilder(
      name, "CPU",
      [](TF_OpKernelConstruction *made) -> void * {
        Attributes attributes(made);
        return new Kernel(attributes);
      },
      [](void *of, TF_OpKernelContext *context) {
        try {
          Call call(context);
          static_cast<const Kernel *>(of)->Run(call);
        } catch (const Failure &failure) {
          Status status;
          TF_SetStatus(status, failure.code, failure.text.c_str());
          TF_OpKernelContext_Failure(context, status);
        }
      },
      [](void *of) { delete static_cast<Kernel *>(of); });
  TF_RegisterKernelBuilder(name, kernel, status);
  status.Check();
}

}  // namespace weft
