// One flag that long native loops poll, so that a cancelled run ends within a tile's time.
#pragma once

namespace patchkit {

bool stop_requested() noexcept;
void request_stop(bool stop) noexcept;

}  // namespace patchkit
