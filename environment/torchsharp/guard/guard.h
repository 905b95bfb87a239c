#pragma once

// An entry of the guard's own, in plain C: pkg_... for C#, or a symbol that libtorch looks up and finds here first.
#define GUARD_API extern "C" __attribute__((visibility("default")))
