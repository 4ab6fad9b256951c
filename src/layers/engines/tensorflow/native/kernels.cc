// An addon that is loaded beside TensorFlow's, and gives TensorFlow operations of Weft's own, for the processor alone:
// those whose time goes into memory, each in as few ways through it as can be. float32, channels last. What they give
// does not depend on the number of threads.
#include <node_api.h>

#include "attention.h"
#include "batchNorm.h"
#include "batchNormAdd.h"
#include "batchNormDepthwise.h"
#include "columns.h"
#include "convolution.h"
#include "depthwise.h"
#include "expandDepthwise.h"
#include "gate.h"
#include "gelu.h"
#include "inference.h"
#include "layerNorm.h"
#include "layerScale.h"
#include "maxPool.h"
#include "pointwise.h"
#include "softmax.h"
#include "update.h"

namespace weft {

static void RegisterAll() {
  Register<MaxPool>("WeftMaxPool", {"x: float", "bias: float"}, {"y: float", "which: uint8"}, {"activation: int"});
  Register<MaxPoolGrad>("WeftMaxPoolGrad", {"dy: float", "which: uint8"}, {"dx: float", "sums: float"},
                        {"height: int", "width: int"});
  Register<WindowMax>("WeftWindowMax", {"x: float"}, {"y: float", "from: int32"},
                      {"size: int", "stride: int", "top: int", "left: int", "height: int", "width: int"});
  Register<WindowMaxGrad>("WeftWindowMaxGrad", {"dy: float", "from: int32"}, {"dx: float"},
                          {"height: int", "width: int"});
  Register<BatchNorm>("WeftBatchNorm",
                      {"x: float", "weight: float", "bias: float", "running_mean: float", "running_variance: float",
                       "statistics: float"},
                      {"y: float", "new_mean: float", "new_variance: float", "mean: float", "inverse: float"},
                      {"epsilon: float", "momentum: float", "activation: int"});
  Register<BatchNormGrad>(
      "WeftBatchNormGrad",
      {"dy: float", "x: float", "weight: float", "bias: float", "mean: float", "inverse: float"},
      {"dx: float", "scale: float", "offset: float"}, {"activation: int"});
  Register<BatchNormAdd>(
      "WeftBatchNormAdd",
      {"x: float", "weight: float", "bias: float", "running_mean: float", "running_variance: float", "shortcut: float",
       "statistics: float"},
      {"y: float", "new_mean: float", "new_variance: float", "mean: float", "inverse: float"},
      {"epsilon: float", "momentum: float", "activation: int"});
  Register<BatchNormAddGrad>(
      "WeftBatchNormAddGrad",
      {"dy: float", "x: float", "y: float", "weight: float", "mean: float", "inverse: float"},
      {"before: float", "scale: float", "offset: float"}, {"activation: int"});
  Register<AddTo>("WeftAddTo", {"x: float", "y: float"}, {});
  Register<BatchNormDepthwise>(
      "WeftBatchNormDepthwise",
      {"x: float", "weight: float", "bias: float", "running_mean: float", "running_variance: float", "filter: float",
       "statistics: float"},
      {"y: float", "new_mean: float", "new_variance: float", "mean: float", "inverse: float"},
      {"epsilon: float", "momentum: float", "activation: int", "kernel: int", "stride: int", "top: int", "left: int",
       "height: int", "width: int"});
  Register<BatchNormDepthwiseGrad>(
      "WeftBatchNormDepthwiseGrad",
      {"dy: float", "x: float", "weight: float", "bias: float", "mean: float", "inverse: float", "filter: float"},
      {"dx: float", "scale: float", "offset: float", "dw: float", "terms: float"},
      {"activation: int", "finish: int", "kernel: int", "stride: int", "top: int", "left: int", "height: int", "width: int"});
  Register<Fold>("WeftFold",
                 {"filter: float", "weight: float", "bias: float", "mean: float", "variance: float"},
                 {"folded: float", "shift: float"}, {"epsilon: float"});
  Register<Finish>("WeftFinish", {"x: float", "shift: float", "shortcut: float"}, {}, {"activation: int"});
  Register<Depthwise>("WeftDepthwise", {"x: float", "filter: float", "shift: float"}, {"y: float"},
                      {"kernel: int", "stride: int", "spread: int", "top: int", "left: int", "height: int",
                       "width: int", "activation: int"});
  Register<ExpandDepthwise>(
      "WeftExpandDepthwise",
      {"x: float", "expand: float", "between: float", "filter: float", "shift: float"}, {"y: float"},
      {"kernel: int", "stride: int", "top: int", "left: int", "height: int", "width: int", "expanded: int",
       "activation: int"});
  Register<DepthwiseFilterGrad>("WeftDepthwiseFilterGrad", {"x: float", "dy: float"}, {"dw: float"},
                                {"kernel: int", "stride: int", "top: int", "left: int"});
  Register<Gate>("WeftGate", {"x: float", "factors: float"}, {"y: float"});
  Register<GateSums>("WeftGateSums", {"dy: float", "x: float"}, {"sums: float"});
  Register<GateGrad>("WeftGateGrad", {"dy: float", "factors: float", "means: float"}, {"dx: float"});
  Register<ConvFilterGrad>("WeftConvFilterGrad", {"x: float", "dy: float"}, {"dw: float"},
                           {"high: int", "wide: int", "stride: int", "top: int", "left: int"});
  Register<Columns>("WeftColumns", {"x: float"}, {"y: float"},
                    {"high: int", "wide: int", "stride: int", "top: int", "left: int", "height: int", "width: int"});
  Register<ColumnsGrad>("WeftColumnsGrad", {"dy: float"}, {"dx: float"},
                        {"high: int", "wide: int", "stride: int", "top: int", "left: int", "height: int", "width: int"});

  Register<Pointwise>("WeftPointwise", {"x: float", "filter: float"}, {"y: float", "statistics: float"},
                      {"wanted: int"});
  Register<PointwiseGrad>("WeftPointwiseGrad",
                          {"dy: float", "x: float", "filter: float", "y: float", "terms: float"},
                          {"dx: float", "dw: float"}, {"wanted: int"});
  Register<LayerNorm>("WeftLayerNorm", {"x: float", "weight: float", "bias: float"},
                      {"y: float", "mean: float", "inverse: float"}, {"epsilon: float"});
  Register<LayerNormGrad>("WeftLayerNormGrad",
                          {"dy: float", "x: float", "weight: float", "mean: float", "inverse: float"},
                          {"dx: float", "scale: float", "offset: float"});
  Register<Gelu>("WeftGelu", {"x: float", "bias: float"}, {"y: float"});
  Register<GeluInPlace>("WeftGeluInPlace", {"x: float", "bias: float"}, {});
  Register<GeluGrad>("WeftGeluGrad", {"dy: float", "x: float"}, {"dx: float", "sums: float"});
  Register<Softmax>("WeftSoftmax", {"x: float"}, {});
  Register<SoftmaxGrad>("WeftSoftmaxGrad", {"dy: float", "y: float"}, {});
  Register<IntoHeads>("WeftIntoHeads", {"x: float", "bias: float"}, {"parts: P * float"},
                      {"P: int", "heads: int", "count: int", "scale: float"});
  Register<OutOfHeads>("WeftOutOfHeads", {"parts: P * float"}, {"y: float", "sums: float"},
                       {"P: int", "heads: int", "scale: float"});
  Register<ScaleAdd>("WeftScaleAdd", {"x: float", "z: float", "bias: float", "weight: float", "factors: float"},
                     {"y: float"});
  Register<ScaleAddGrad>("WeftScaleAddGrad",
                         {"dy: float", "z: float", "bias: float", "weight: float", "factors: float"},
                         {"dz: float", "scale: float", "offset: float"});
  Register<Norm>("WeftNorm", {"gradients: N * float"}, {"norm: float"}, {"N: int"});
  Register<Update>("WeftUpdate",
                   {"weights: N * float", "gradients: N * float", "first: M * float", "second: L * float",
                    "settings: float", "norm: float"},
                   {},
                   {"N: int", "M: int >= 0", "L: int >= 0", "adam: int", "nesterov: int", "momentum: float",
                    "beta1: float", "beta2: float", "eps: float", "decay: float", "clip_norm: float",
                    "clip_value: float"});
}

// Whether this processor has the instructions that the compiler took: the folder may have come from another machine.
static bool RunsHere() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace weft

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  if (!weft::RunsHere()) {
    napi_throw_error(env, nullptr, "it was compiled for another processor");
    return nullptr;
  }
  try {
    // A process may load it again, in another thread of JavaScript.
    static const bool done = (weft::RegisterAll(), true);
    static_cast<void>(done);
  } catch (const weft::Failure &failure) {
    napi_throw_error(env, nullptr, failure.text.c_str());
  }
  return exports;
}
