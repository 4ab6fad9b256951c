// In place of TensorFlow's own, which is not among the headers that are kept: its interface for kernels includes this one
// to learn whether it is a small build, which has no need of still other headers.
#pragma once

#define IS_SLIM_BUILD
