#pragma once

#include "support.h"

namespace patchkit::ops {

// What patchkit::nms asks of its operands on every device.
void check_nms_operands(const Tensor& boxes, const Tensor& scores, const Optional<Tensor>& classes);

}  // namespace patchkit::ops
