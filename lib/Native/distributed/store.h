#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace patchkit {

struct StoreHandle {
  c10::intrusive_ptr<c10d::Store> store;
};

}  // namespace patchkit
