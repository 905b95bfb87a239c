#pragma once

#include <cstdint>

#include "storage.h"

// The Mamba-2 selective scan ("state space dual"), chunk by chunk, forward and backward:
//   state_t = exp(dt_t A) state_{t-1} + dt_t B_t x_t^T,   y_t = C_t . state_t + D x_t,   y_t *= silu(z_t)
// with dt_t = softplus(dt_t + dt_bias). `E` is the stored type of the long tensors (float, double, bfloat16);
// arithmetic, states and the gradients of small tensors are in Arithmetic<E>.
namespace patchkit::kernels {

struct SsdShape {
  int64_t batch, length, heads, groups;
  int64_t head_dim;   // p
  int64_t state_dim;  // n
  int64_t chunk;      // tokens handled as one dense block
};

// A (b, l, heads or groups, features) tensor whose features are contiguous; strides in elements.
template <class E>
struct TokenView {
  E* data = nullptr;
  int64_t batch = 0, token = 0, head = 0;
  explicit operator bool() const { return data != nullptr; }
  E* row(int64_t b, int64_t t, int64_t h) const { return data + b * batch + t * token + h * head; }
};

template <class E>
struct SsdInputs {
  using T = Arithmetic<E>;
  TokenView<const E> x;     // (b, l, h, p)
  TokenView<const T> dt;    // (b, l, h)
  const T* A;               // (h)
  TokenView<const E> B, C;  // (b, l, g, n)
  const T* D = nullptr;     // (h) or (h, p), optional
  bool D_per_feature = false;
  TokenView<const E> z;              // (b, l, h, p), optional
  const T* dt_bias = nullptr;        // (h), optional
  const T* initial_state = nullptr;  // (b, h, p, n), optional
  bool dt_softplus = false;
};

template <class E>
struct SsdOutputs {
  using T = Arithmetic<E>;
  TokenView<E> y;             // (b, l, h, p)
  T* final_state;             // (b, h, p, n)
  T* chunk_states = nullptr;  // ssd_chunk_states_size elements, kept for the backward; optional
};

template <class E>
struct SsdGradients {
  using T = Arithmetic<E>;
  TokenView<E> x, z;           // (b, l, h, p); z only with a gate
  T* dt;                       // (b, l, h)
  T* A;                        // (h)
  T *B, *C;                    // (b, l, g, n)
  T* D = nullptr;              // (h, p), optional; the sum over p is the caller's when D is (h)
  T* initial_state = nullptr;  // (b, h, p, n), optional
};

template <class E>
int64_t ssd_chunk_states_size(const SsdShape& shape);

// Both return false when stopped by request_stop; outputs are then unfinished.
template <class E>
bool ssd_scan_forward(const SsdShape& shape, const SsdInputs<E>& in, const SsdOutputs<E>& out, int threads);

// grad_final_state (b, h, p, n) may be null.
template <class E>
bool ssd_scan_backward(const SsdShape& shape, const SsdInputs<E>& in, TokenView<const E> grad_y,
                       const Arithmetic<E>* grad_final_state, const Arithmetic<E>* chunk_states,
                       const SsdGradients<E>& grads, int threads);

}  // namespace patchkit::kernels
