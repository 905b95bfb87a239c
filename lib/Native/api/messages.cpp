// Why a call of libtorch's dispatcher failed. Its stable C entry gives a number alone, and writes the text to
// std::cerr: here the calling thread's text is caught; all other text goes where it went before.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <streambuf>
#include <string>

#include "api/abi.h"

namespace {

thread_local std::string* caught = nullptr;

class Catcher final : public std::streambuf {
  std::streambuf* const before_ = std::cerr.rdbuf(this);

  int_type overflow(int_type c) override {
    const char character = traits_type::to_char_type(c);
    return xsputn(&character, 1) == 1 ? c : traits_type::eof();
  }

  std::streamsize xsputn(const char* text, std::streamsize length) override {
    if (caught == nullptr) return before_->sputn(text, length);
    caught->append(text, static_cast<size_t>(length));
    return length;
  }

  int sync() override { return caught == nullptr ? before_->pubsync() : 0; }
};

using Dispatcher = int32_t(const char* name, const char* overload, uint64_t* stack, uint64_t version);

}  // namespace

// Calls libtorch's torch_call_dispatcher. Where that fails, its text is in message, at most room bytes with the 0 at
// the end.
PK_API int32_t pk_call_dispatcher(Dispatcher* call, const char* name, const char* overload, uint64_t* stack,
                                  uint64_t version, char* message, int64_t room) {
  [[maybe_unused]] static Catcher& catcher = *new Catcher;  // for good: std::cerr outlives everything
  std::string text;
  caught = &text;
  const int32_t failed = call(name, overload, stack, version);
  caught = nullptr;
  const size_t length = std::min(text.size(), static_cast<size_t>(room) - 1);
  std::memcpy(message, text.data(), length);
  message[length] = 0;
  return failed;
}
