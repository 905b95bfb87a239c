// libpatchkit_gloo.so: collectives between processes by Gloo alone, on raw pointers, for CPU memory. The ranks meet
// through a key-value store that the caller has. Each collective must be called by all ranks in the same order; one
// thread at a time calls them, and any other may abandon the group. A function that fails returns -1 (or null);
// pkg_error() is its sentence.
#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/types.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>

#define PKG_API extern "C" __attribute__((visibility("default")))

// What the caller's side checks; to be raised with every change of what is below.
constexpr int32_t version = 1;

// The caller's key-value store. `get` waits for a key; it writes as much of its value as there is room for, and gives
// its whole length. Negative: the store failed.
struct PkgStore {
  void* context;
  int32_t (*set)(void* context, const char* key, const char* value, int64_t length);
  int64_t (*get)(void* context, const char* key, char* value, int64_t room);
};

enum PkgNumber : int32_t { PKG_FLOAT32, PKG_FLOAT64, PKG_FLOAT16, PKG_INT32, PKG_INT64 };
enum PkgReduce : int32_t { PKG_SUM, PKG_MAX, PKG_MIN };

namespace {

thread_local std::string sentence;

// Gloo begins with the place in its sources, "[/build/gloo/.../pair.cc:598] Connection closed by peer".
std::string without_place(const std::string& text) {
  auto end = text.find("] ");
  return !text.empty() && text[0] == '[' && end != std::string::npos ? text.substr(end + 2) : text;
}

template <class Action>
int32_t guarded(Action action) noexcept {
  try {
    action();
    return 0;
  } catch (const std::exception& e) {
    sentence = without_place(e.what());
  } catch (...) {
    sentence = "an exception that says nothing";
  }
  return -1;
}

class Rendezvous final : public gloo::rendezvous::Store {
 public:
  explicit Rendezvous(const PkgStore& store) : store_(store) {}

  void set(const std::string& key, const std::vector<char>& value) override {
    if (store_.set(store_.context, key.c_str(), value.data(), static_cast<int64_t>(value.size())) < 0) fail();
  }

  std::vector<char> get(const std::string& key) override {
    std::vector<char> value(4096);
    while (true) {
      auto length = store_.get(store_.context, key.c_str(), value.data(), static_cast<int64_t>(value.size()));
      if (length < 0) fail();
      bool whole = static_cast<std::size_t>(length) <= value.size();
      value.resize(static_cast<std::size_t>(length));
      if (whole) return value;
    }
  }

  void wait(const std::vector<std::string>& keys) override {
    for (const auto& key : keys) get(key);
  }

  void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds&) override { wait(keys); }

 private:
  [[noreturn]] static void fail() { throw std::runtime_error("the store failed"); }

  const PkgStore& store_;
};

struct Group {
  std::shared_ptr<gloo::rendezvous::Context> context;
};

template <class Number>
void all_reduce(Group& group, void* numbers, int64_t count, int32_t reduce) {
  using Reduce = void (*)(void*, const void*, const void*, std::size_t);
  gloo::AllreduceOptions options(group.context);
  options.setOutput(static_cast<Number*>(numbers), static_cast<std::size_t>(count));
  options.setReduceFunction(reduce == PKG_MAX   ? static_cast<Reduce>(&gloo::max<Number>)
                            : reduce == PKG_MIN ? static_cast<Reduce>(&gloo::min<Number>)
                                                : static_cast<Reduce>(&gloo::sum<Number>));
  gloo::allreduce(options);
}

}  // namespace

PKG_API int32_t pkg_version() { return version; }

// The calling thread's last failure.
PKG_API const char* pkg_error() { return sentence.c_str(); }

// Meets the other ranks. `interface` is the network interface to use, where it is not empty; else `address` is this
// machine's, at which the others reach it. Meeting may take `meet_ms`, and each collective `collective_ms`.
PKG_API void* pkg_open(int32_t rank, int32_t ranks, const char* interface, const char* address, PkgStore store,
                       int64_t meet_ms, int64_t collective_ms) {
  Group* opened = nullptr;
  guarded([&] {
    gloo::transport::tcp::attr place;
    (*interface != '\0' ? place.iface : place.hostname) = *interface != '\0' ? interface : address;
    auto device = gloo::transport::tcp::CreateDevice(place);
    Rendezvous rendezvous(store);
    auto context = std::make_shared<gloo::rendezvous::Context>(rank, ranks);
    context->setTimeout(std::chrono::milliseconds(meet_ms));
    context->connectFullMesh(rendezvous, device);
    context->setTimeout(std::chrono::milliseconds(collective_ms));
    opened = new Group{std::move(context)};
  });
  return opened;
}

// No collective may be under way.
PKG_API void pkg_close(void* group) { delete static_cast<Group*>(group); }

// Closes the connections: the other ranks' collectives fail, and this one's later ones. One that another thread is in
// goes on waiting until its time has run out: Gloo lets nobody end it.
PKG_API void pkg_abandon(void* group) {
  guarded([&] { static_cast<Group*>(group)->context->closeConnections(); });
}

PKG_API int32_t pkg_all_reduce(void* handle, void* numbers, int64_t count, int32_t number, int32_t reduce) {
  return guarded([&] {
    auto& group = *static_cast<Group*>(handle);
    switch (number) {
      case PKG_FLOAT32: return all_reduce<float>(group, numbers, count, reduce);
      case PKG_FLOAT64: return all_reduce<double>(group, numbers, count, reduce);
      case PKG_FLOAT16: return all_reduce<gloo::float16>(group, numbers, count, reduce);
      case PKG_INT32: return all_reduce<int32_t>(group, numbers, count, reduce);
      case PKG_INT64: return all_reduce<int64_t>(group, numbers, count, reduce);
      default: throw std::invalid_argument("numbers of an unknown type");
    }
  });
}

PKG_API int32_t pkg_broadcast(void* group, void* bytes, int64_t count, int32_t root) {
  return guarded([&] {
    gloo::BroadcastOptions options(static_cast<Group*>(group)->context);
    options.setOutput(static_cast<char*>(bytes), static_cast<std::size_t>(count));
    options.setRoot(root);
    gloo::broadcast(options);
  });
}

// Writes `count` bytes of every rank, in the order of ranks, into `all`.
PKG_API int32_t pkg_all_gather(void* group, void* bytes, int64_t count, void* all) {
  return guarded([&] {
    const auto& context = static_cast<Group*>(group)->context;
    gloo::AllgatherOptions options(context);
    options.setInput(static_cast<char*>(bytes), static_cast<std::size_t>(count));
    options.setOutput(static_cast<char*>(all), static_cast<std::size_t>(count * context->size));
    gloo::allgather(options);
  });
}

PKG_API int32_t pkg_barrier(void* group) {
  return guarded([&] {
    gloo::BarrierOptions options(static_cast<Group*>(group)->context);
    gloo::barrier(options);
  });
}
