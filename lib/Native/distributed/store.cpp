// The rendezvous: a key-value store that rank 0 serves over TCP and every rank talks to. A store handle is one connection, which one thread uses.
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "bridge/guard.h"
#include "distributed/abi.h"
#include "distributed/store.h"

using namespace patchkit;

// A connection; with serve it is rank 0's, which also opens the port. Waits until all ranks have come, where wait is not 0.
PK_API void* pkd_store(const char* host, int32_t port, int32_t ranks, int32_t serve, int32_t wait, int64_t timeout_ms) {
  return guarded(static_cast<void*>(nullptr), [&] {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serve != 0;
    options.numWorkers = static_cast<std::size_t>(ranks);
    options.waitWorkers = wait != 0;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    return static_cast<void*>(new StoreHandle{c10::make_intrusive<c10d::TCPStore>(std::string(host), options)});
  });
}

PK_API void pkd_store_free(void* store) { delete static_cast<StoreHandle*>(store); }

PK_API int32_t pkd_store_set(void* store, const char* key, const uint8_t* bytes, int64_t n) {
  return guarded(-1, [&] {
    static_cast<StoreHandle*>(store)->store->set(key, std::vector<uint8_t>(bytes, bytes + n));
    return 0;
  });
}

// Whether a key is there: 1 or 0.
PK_API int32_t pkd_store_check(void* store, const char* key) {
  return guarded(-1, [&] { return static_cast<StoreHandle*>(store)->store->check({std::string(key)}) ? 1 : 0; });
}

// A key's bytes, valid until the thread's next call; it waits where the key is not there yet.
PK_API const uint8_t* pkd_store_get(void* store, const char* key, int64_t* n) {
  return guarded(static_cast<const uint8_t*>(nullptr), [&] {
    static thread_local std::vector<uint8_t> bytes;
    bytes = static_cast<StoreHandle*>(store)->store->get(key);
    *n = static_cast<int64_t>(bytes.size());
    bytes.push_back(0);  // so that an empty value has an address, too
    return static_cast<const uint8_t*>(bytes.data());
  });
}

// Adds to a counter, which starts at 0, and gives its new value.
PK_API int32_t pkd_store_add(void* store, const char* key, int64_t amount, int64_t* value) {
  return guarded(-1, [&] {
    *value = static_cast<StoreHandle*>(store)->store->add(key, amount);
    return 0;
  });
}
