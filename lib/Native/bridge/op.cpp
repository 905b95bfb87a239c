// One entry for every ATen and PatchKit operator: the dispatcher's boxed call.
//
// An operator is looked up once by name and overload. Its schema is read into a table of wanted kinds, so that a call
// checks and converts its arguments before the dispatcher sees them and can speak in the schema's own names.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <vector>

#include "bridge/guard.h"

namespace patchkit {
namespace {

enum class Want : uint8_t { Tensor, Int, Double, Number, Bool, Ints, Doubles, Bools, Tensors, OptionalTensors, Text, Device, Generator, Other };

struct Parameter {
  std::string name;
  std::string type;
  Want want;
  bool optional;
  int32_t fixed_length;  // 2 for int[2], which a single int fills; 0 for lists of any length
  bool has_default;
  c10::IValue default_value;
};

// The commonest signatures of small operators, add's and mul's, are called without boxing their arguments.
using Binary = c10::TypedOperatorHandle<at::Tensor(const at::Tensor&, const at::Tensor&)>;
using ScaledBinary = c10::TypedOperatorHandle<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Scalar&)>;

struct Op {
  c10::OperatorHandle handle;
  std::string name;
  std::vector<Parameter> parameters;
  std::unique_ptr<Binary> binary;
  std::unique_ptr<ScaledBinary> scaled_binary;
  at::Scalar scale;  // the default of the scaled form's last argument
};

Want list_want(const c10::TypePtr& element) {
  switch (element->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Want::Ints;
    case c10::TypeKind::FloatType: return Want::Doubles;
    case c10::TypeKind::BoolType: return Want::Bools;
    case c10::TypeKind::TensorType: return Want::Tensors;
    case c10::TypeKind::OptionalType: return Want::OptionalTensors;
    default: return Want::Other;
  }
}

Want want_of(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType: return Want::Tensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Want::Int;
    case c10::TypeKind::FloatType: return Want::Double;
    case c10::TypeKind::NumberType: return Want::Number;
    case c10::TypeKind::BoolType: return Want::Bool;
    case c10::TypeKind::StringType: return Want::Text;
    case c10::TypeKind::DeviceObjType: return Want::Device;
    case c10::TypeKind::GeneratorType: return Want::Generator;
    case c10::TypeKind::ListType: return list_want(type->cast<c10::ListType>()->getElementType());
    default: return Want::Other;
  }
}

Parameter parameter_of(const c10::Argument& argument) {
  auto type = argument.type();
  bool optional = type->kind() == c10::TypeKind::OptionalType;
  if (optional) type = type->cast<c10::OptionalType>()->getElementType();
  auto fixed = argument.N();
  auto default_value = argument.default_value();
  return Parameter{argument.name(), argument.type()->str(), want_of(type), optional, fixed ? static_cast<int32_t>(*fixed) : 0,
                   static_cast<bool>(default_value), default_value ? *default_value : c10::IValue()};
}

const char* kind_name(int32_t kind) {
  static const char* const names[] = {"null", "a tensor", "an integer", "a real number", "a boolean", "a list of integers",
                                      "a list of real numbers", "a list of tensors", "a text", "a device", "a generator"};
  return kind >= 0 && kind <= PK_GENERATOR ? names[kind] : "an unknown kind of value";
}

[[noreturn]] void refuse(const Op& op, const Parameter& parameter, int32_t kind) {
  std::ostringstream sentence;
  sentence << op.name << ": argument '" << parameter.name << "' must be " << parameter.type << ", but " << kind_name(kind)
           << " was given.";
  throw std::invalid_argument(sentence.str());
}

template <class T, class Source>
c10::IValue list_of(const Source* values, int32_t n) {
  c10::List<T> list;
  list.reserve(n);
  for (int32_t i = 0; i < n; i++) list.push_back(static_cast<T>(values[i]));
  return list;
}

c10::IValue ints(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind == PK_INTS) return list_of<int64_t>(arg.ints, arg.n);
  if (arg.kind != PK_INT) refuse(op, parameter, arg.kind);
  c10::List<int64_t> list;
  for (int32_t i = 0; i < std::max(1, parameter.fixed_length); i++) list.push_back(arg.i);
  return list;
}

c10::IValue doubles(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind == PK_DOUBLES) return list_of<double>(arg.doubles, arg.n);
  if (arg.kind == PK_INTS) return list_of<double>(arg.ints, arg.n);
  refuse(op, parameter, arg.kind);
}

c10::IValue tensors(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind != PK_TENSORS) refuse(op, parameter, arg.kind);
  c10::List<at::Tensor> list;
  list.reserve(arg.n);
  for (int32_t i = 0; i < arg.n; i++) {
    if (arg.tensors[i] == nullptr) refuse(op, parameter, PK_NONE);
    list.push_back(borrow(arg.tensors[i]));
  }
  return list;
}

// Tensor?[] holds None where C# holds null. A generic list is how every libtorch stores it, whatever its optional is.
c10::IValue optional_tensors(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind != PK_TENSORS) refuse(op, parameter, arg.kind);
  c10::impl::GenericList list(c10::OptionalType::create(c10::TensorType::get()));
  for (int32_t i = 0; i < arg.n; i++) {
    list.push_back(arg.tensors[i] == nullptr ? c10::IValue() : c10::IValue(borrow(arg.tensors[i])));
  }
  return list;
}

c10::IValue number(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind == PK_INT) return c10::IValue(arg.i);
  if (arg.kind == PK_DOUBLE) return c10::IValue(arg.d);
  if (arg.kind == PK_BOOL) return c10::IValue(arg.i != 0);
  refuse(op, parameter, arg.kind);
}

c10::IValue convert(const Op& op, const Parameter& parameter, const PkArg& arg) {
  if (arg.kind == PK_NONE) {
    if (!parameter.optional) refuse(op, parameter, PK_NONE);
    return c10::IValue();
  }
  switch (parameter.want) {
    case Want::Tensor:
      if (arg.kind != PK_TENSOR) refuse(op, parameter, arg.kind);
      return borrow(arg.handle);
    case Want::Int:
      if (arg.kind != PK_INT) refuse(op, parameter, arg.kind);
      return c10::IValue(arg.i);
    case Want::Double:
      if (arg.kind == PK_INT) return c10::IValue(static_cast<double>(arg.i));
      if (arg.kind != PK_DOUBLE) refuse(op, parameter, arg.kind);
      return c10::IValue(arg.d);
    case Want::Bool:
      if (arg.kind != PK_BOOL) refuse(op, parameter, arg.kind);
      return c10::IValue(arg.i != 0);
    case Want::Number: return number(op, parameter, arg);
    case Want::Ints: return ints(op, parameter, arg);
    case Want::Doubles: return doubles(op, parameter, arg);
    case Want::Bools:
      if (arg.kind != PK_INTS) refuse(op, parameter, arg.kind);
      return list_of<bool>(arg.ints, arg.n);
    case Want::Tensors: return tensors(op, parameter, arg);
    case Want::OptionalTensors: return optional_tensors(op, parameter, arg);
    case Want::Text:
      if (arg.kind != PK_TEXT) refuse(op, parameter, arg.kind);
      return c10::IValue(std::string(arg.text, arg.n));
    case Want::Device:
      if (arg.kind != PK_DEVICE) refuse(op, parameter, arg.kind);
      return c10::IValue(c10::Device(static_cast<c10::DeviceType>(arg.i), static_cast<c10::DeviceIndex>(arg.n)));
    case Want::Generator:
      if (arg.kind != PK_GENERATOR) refuse(op, parameter, arg.kind);
      return c10::IValue(*static_cast<at::Generator*>(arg.handle));
    case Want::Other: break;
  }
  refuse(op, parameter, arg.kind);
}

void push_arguments(const Op& op, const PkArg* args, int32_t n, torch::jit::Stack& stack) {
  const size_t wanted = op.parameters.size();
  if (static_cast<size_t>(n) > wanted) {
    std::ostringstream sentence;
    sentence << op.name << " takes " << wanted << " arguments, but " << n << " were given.";
    throw std::invalid_argument(sentence.str());
  }
  for (size_t i = 0; i < wanted; i++) {
    const Parameter& parameter = op.parameters[i];
    if (i < static_cast<size_t>(n)) {
      stack.push_back(convert(op, parameter, args[i]));
    } else if (parameter.has_default) {
      stack.push_back(parameter.default_value);
    } else {
      std::ostringstream sentence;
      sentence << op.name << ": argument '" << parameter.name << "' (" << parameter.type << ") is missing and has no default.";
      throw std::invalid_argument(sentence.str());
    }
  }
}

// Bytes that only this tensor holds: disposing it frees them. An operator such as contiguous() may have returned its input.
int64_t own_bytes(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.has_storage() && tensor.storage().use_count() == 1 ? static_cast<int64_t>(tensor.storage().nbytes()) : 0;
}

PkResult result_of(at::Tensor&& tensor) {
  PkResult result{};
  result.bytes = tensor.defined() ? own_bytes(tensor) : 0;
  result.kind = tensor.defined() ? PK_TENSOR : PK_NONE;
  result.handle = give(std::move(tensor));
  return result;
}

PkResult result_of(c10::IValue&& value, std::vector<void*>& list) {
  PkResult result{};
  if (value.isTensor()) {
    result = result_of(std::move(value).toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(give(at::Tensor(tensor)));
    result.kind = PK_TENSORS;
    result.n = static_cast<int32_t>(list.size());
    result.tensors = list.data();
  } else if (value.isBool()) {
    result.kind = PK_BOOL;
    result.i = value.toBool();
  } else if (value.isInt()) {
    result.kind = PK_INT;
    result.i = value.toInt();
  } else if (value.isDouble()) {
    result.kind = PK_DOUBLE;
    result.d = value.toDouble();
  } else if (!value.isNone()) {
    throw std::invalid_argument("the operator returns a " + value.tagKind() + ", which the bridge does not carry.");
  }
  return result;
}

void find_unboxed_form(Op& op) {
  const auto& schema = op.handle.schema();
  const auto& parameters = op.parameters;
  const auto is_tensor = [&](size_t i) { return parameters[i].want == Want::Tensor && !parameters[i].optional; };
  if (parameters.size() < 2 || !is_tensor(0) || !is_tensor(1) || schema.returns().size() != 1) return;
  if (schema.returns()[0].type()->kind() != c10::TypeKind::TensorType || schema.returns()[0].alias_info() != nullptr) return;
  if (parameters.size() == 2) {
    op.binary = std::make_unique<Binary>(op.handle.typed<at::Tensor(const at::Tensor&, const at::Tensor&)>());
  } else if (parameters.size() == 3 && parameters[2].want == Want::Number && !parameters[2].optional && parameters[2].has_default) {
    op.scale = parameters[2].default_value.toScalar();
    op.scaled_binary =
        std::make_unique<ScaledBinary>(op.handle.typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Scalar&)>());
  }
}

// Calls the unboxed form where there is one and the arguments are its two tensors; false where the boxed call must serve.
bool call_unboxed(const Op& op, const PkArg* args, int32_t n, PkResult* result) {
  if (n != 2 || (!op.binary && !op.scaled_binary) || args[0].kind != PK_TENSOR || args[1].kind != PK_TENSOR) return false;
  const at::Tensor left = borrow(args[0].handle), right = borrow(args[1].handle);
  *result = result_of(op.binary ? op.binary->call(left, right) : op.scaled_binary->call(left, right, op.scale));
  return true;
}

// What a thread's calls use again: the stack's memory, and the handles of the last list that was returned.
struct Spare {
  torch::jit::Stack stack;
  std::vector<void*> list;
};

// A plain pointer costs each call no guard and no call into the loader; a thread's own 48 bytes are never freed.
Spare& spare_of_thread() {
  static thread_local __attribute__((tls_model("initial-exec"))) Spare* spare = nullptr;
  if (spare == nullptr) spare = new Spare();
  return *spare;
}

}  // namespace
}  // namespace patchkit

using namespace patchkit;

// The operator's handle, kept for the life of the process; null where this libtorch has no such operator.
PK_API void* pk_find_op(const char* name, const char* overload) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    auto handle = c10::Dispatcher::singleton().findSchema(c10::OperatorName(name, overload));
    if (!handle) return nullptr;
    auto op = std::make_unique<Op>(Op{*handle, *overload ? std::string(name) + "." + overload : std::string(name), {}, {}, {}, {}});
    for (const auto& argument : op->handle.schema().arguments()) op->parameters.push_back(parameter_of(argument));
    find_unboxed_form(*op);
    return op.release();
  });
}

// Calls the operator; returns how many results were written, or -1. Trailing arguments may be left out.
PK_API int32_t pk_call(void* handle, const PkArg* args, int32_t n, PkResult* results, int32_t capacity) {
  return guarded(-1, [&] {
    const Op& op = *static_cast<Op*>(handle);
    if (capacity >= 1 && call_unboxed(op, args, n, results)) return 1;
    Spare& spare = spare_of_thread();
    // The stack's memory is kept between calls; an operator that calls back into pk_call finds the spare one empty.
    torch::jit::Stack stack = std::move(spare.stack);
    stack.clear();
    push_arguments(op, args, n, stack);
    op.handle.callBoxed(stack);
    const int32_t count = static_cast<int32_t>(stack.size());
    if (count > capacity) throw std::invalid_argument(op.name + " returns more results than the caller asked for.");
    spare.list.clear();
    for (int32_t i = 0; i < count; i++) results[i] = result_of(std::move(stack[i]), spare.list);
    stack.clear();
    spare.stack = std::move(stack);
    return count;
  });
}

// Whether the operator itself, not one it calls, has a kernel for the device: 1 or 0; -1 on failure.
PK_API int32_t pk_op_runs_on(void* handle, int32_t device_type) {
  return guarded(-1, [&] {
    const c10::Device device(static_cast<c10::DeviceType>(device_type));
    const auto key = c10::TensorOptions(device).computeDispatchKey();
    return static_cast<int32_t>(static_cast<Op*>(handle)->handle.hasKernelForDispatchKey(key));
  });
}

// The operator's schema as text, for messages and for `patchkit doctor`. Valid until the thread's next call.
PK_API const char* pk_op_schema(void* handle) {
  return guarded(static_cast<const char*>(nullptr), [&] {
    static thread_local std::string text;
    std::ostringstream out;
    out << static_cast<Op*>(handle)->handle.schema();
    text = out.str();
    return text.c_str();
  });
}
