"""libpatchkit_cuda.so, or its emulation, by ctypes: built from lib/Native/cuda; operators on tensors of memory.py."""

import concurrent.futures
import ctypes
import glob
import os
import shutil
import subprocess
import sys

from memory import CODES, count

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NATIVE = os.path.join(HOME, "lib", "Native")
VERSION = 1

# -- building ----------------------------------------------------------------------------------------------------------


def find_nvcc():
    places = [os.environ.get("CUDACXX"), shutil.which("nvcc"), "/usr/local/cuda/bin/nvcc"]
    for folder in sys.path:
        places += glob.glob(os.path.join(folder, "nvidia", "*", "bin", "nvcc"))
    return next((place for place in places if place and os.path.exists(place)), None)


def commands(emulate, folder, architecture):
    """The commands that compile each source, and the one that links them."""
    sources = sorted(glob.glob(os.path.join(NATIVE, "cuda", "*.cu")))
    include = ["-I", NATIVE]
    if emulate:
        compiler = os.environ.get("CXX", "c++")
        flags = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-w", *include]
        flags += ["-I", os.path.join(NATIVE, "cuda", "emulator"), "-x", "c++"]
        sources.append(os.path.join(NATIVE, "cuda", "emulator", "emulator.cpp"))
    else:
        compiler = find_nvcc()
        if compiler is None:
            sys.exit(
                "kernels.py: nvcc was not found; put it on the path, or name it by CUDACXX. --emulate needs none."
            )
        flags = ["-std=c++17", "-O3", "-Xcompiler", "-fPIC,-fvisibility=hidden", "-Xptxas", "-v", *include]
        flags += ["-gencode", f"arch=compute_{architecture},code=sm_{architecture}"]
    objects = [os.path.join(folder, os.path.basename(source) + ".o") for source in sources]
    compiles = [[compiler, *flags, "-c", source, "-o", made] for source, made in zip(sources, objects)]
    return compiles, [compiler, "-shared", *objects, "-o"]


def build(emulate, folder, architecture=None):
    """The library's path, and what the compiler said of registers and shared memory."""
    os.makedirs(folder, exist_ok=True)
    compiles, link = commands(emulate, folder, architecture)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda command: subprocess.run(command, capture_output=True, text=True), compiles))
    said = ""
    for command, result in zip(compiles, results):
        if result.returncode != 0:
            sys.exit(f"kernels.py: this failed: {' '.join(command)}\n{result.stderr}")
        said += result.stderr
    path = os.path.join(folder, "libpatchkit_cuda_emulated.so" if emulate else "libpatchkit_cuda.so")
    subprocess.run([*link, path + ".new"], check=True)
    os.replace(path + ".new", path)
    return path, said


# -- what entries take: lib/Native/api/calls.h and cuda/launch.cuh -----------------------------------------------------

I64, I32, DOUBLE, POINTER = ctypes.c_int64, ctypes.c_int32, ctypes.c_double, ctypes.c_void_p


def structure(name, **fields):
    return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})


def many(kind, names):
    return {name: kind for name in names.split()}


View1 = structure("View1", data=POINTER, row=I64)
View2 = structure("View2", data=POINTER, batch=I64, row=I64)
View3 = structure("View3", data=POINTER, batch=I64, token=I64, head=I64)
Place = structure("Place", workspace=POINTER, stream=POINTER, device=I32, unused=I32)
CausalConvCall = structure(
    "CausalConvCall",
    **many(I64, "batch length channels width"),
    **many(I32, "silu type threads unused"),
    **many(View2, "x initial out"),
    **many(POINTER, "weight bias"),
    **many(View2, "grad_out grad_x grad_initial"),
    **many(POINTER, "grad_weight grad_bias"),
)
RmsNormCall = structure(
    "RmsNormCall",
    **many(I64, "rows channels group_size"),
    eps=DOUBLE,
    **many(I32, "norm_before_gate type threads unused"),
    **many(View1, "x z out"),
    **many(POINTER, "weight reciprocal_rms"),
    **many(View1, "grad_out grad_x grad_z"),
    grad_weight=POINTER,
)
RoiAlignCall = structure(
    "RoiAlignCall",
    **many(I64, "maps channels height width rois out_height out_width sampling_ratio"),
    scale=DOUBLE,
    **many(I32, "aligned type threads unused"),
    **many(POINTER, "features regions out"),
)
SsdScanCall = structure(
    "SsdScanCall",
    **many(I64, "batch length heads groups head_dim state_dim chunk"),
    **many(I32, "D_per_feature dt_softplus type threads"),
    **many(View3, "x dt B C z"),
    **many(POINTER, "A D dt_bias initial_state"),
    y=View3,
    **many(POINTER, "final_state chunk_states"),
    grad_y=View3,
    grad_final_state=POINTER,
    **many(View3, "grad_x grad_z"),
    **many(POINTER, "grad_dt grad_A grad_B grad_C grad_D grad_initial_state"),
)


def view(kind, tensor):
    if tensor is None:
        return kind()
    strides = tensor.strides[:-1] if kind is not View3 or len(tensor.strides) == 4 else tensor.strides
    return kind(tensor.pointer, *strides)


def at(tensor):
    return None if tensor is None else tensor.pointer


class Library:
    """The operators. Inputs and results are dicts of tensors by the operator's names; what is absent is None."""

    def __init__(self, path, memory):
        self.path, self.memory, self.library = path, memory, ctypes.CDLL(path)
        found = self.library.pk_cuda_version()
        if found != VERSION:
            sys.exit(
                f"kernels.py: {path} is of version {found}, but {VERSION} is needed; remove it, and it is built anew."
            )

    def number(self, entry, call):
        function = getattr(self.library, f"pk_cuda_{entry}")
        function.restype = I64
        return function(ctypes.byref(call))

    def run(self, entry, call):
        workspace = None
        try:
            room = self.number(f"{entry}_workspace", call)
            workspace = self.memory.empty([(room + 3) // 4])
        except AttributeError:
            pass
        self.finish(getattr(self.library, f"pk_cuda_{entry}")(ctypes.byref(call), ctypes.byref(self.place(workspace))))

    def place(self, workspace):
        return Place(at(workspace), self.memory.stream, self.memory.device, 0)

    def finish(self, code):
        if code != 0:
            text = ctypes.create_string_buffer(512)
            self.library.pk_cuda_failure(text, I64(512))
            raise RuntimeError(text.value.decode() if code > 0 else "there is no kernel for this type")

    def like(self, tensor, dtype=None):
        return None if tensor is None else self.memory.empty(tensor.shape, dtype or tensor.dtype)

    # -- causal_conv1d: x (b, l, d), weight (d, width), bias (d), initial_states (b, width - 1, d)

    def conv_call(self, i, settings):
        x = i["x"]
        return CausalConvCall(
            batch=x.shape[0],
            length=x.shape[1],
            channels=x.shape[2],
            width=i["weight"].shape[1],
            silu=settings["silu"],
            type=CODES[x.dtype],
            x=view(View2, x),
            initial=view(View2, i.get("initial_states")),
            weight=at(i["weight"]),
            bias=at(i.get("bias")),
        )

    def conv_forward(self, i, settings):
        call, y = self.conv_call(i, settings), self.like(i["x"])
        call.out = view(View2, y)
        self.run("causal_conv_forward", call)
        return {"y": y}, None

    def conv_backward(self, i, settings, _, grads):
        call = self.conv_call(i, settings)
        made = {name: self.like(i.get(name)) for name in ("x", "weight", "bias", "initial_states")}
        call.grad_out, call.grad_x = view(View2, grads["y"]), view(View2, made["x"])
        call.grad_initial = view(View2, made["initial_states"])
        call.grad_weight, call.grad_bias = at(made["weight"]), at(made["bias"])
        self.run("causal_conv_backward", call)
        return made

    # -- rms_norm: x (rows, d), weight (d), z (rows, d)

    def norm_call(self, i, settings):
        x = i["x"]
        return RmsNormCall(
            rows=x.shape[0],
            channels=x.shape[1],
            group_size=settings.get("group_size") or x.shape[1],
            eps=settings["eps"],
            norm_before_gate=bool(settings.get("norm_before_gate")),
            type=CODES[x.dtype],
            x=view(View1, x),
            z=view(View1, i.get("z")),
            weight=at(i["weight"]),
        )

    def norm_forward(self, i, settings):
        call, y = self.norm_call(i, settings), self.like(i["x"])
        kept = self.memory.empty([call.rows * (call.channels // call.group_size)])
        call.out, call.reciprocal_rms = view(View1, y), at(kept)
        self.run("rms_norm_forward", call)
        return {"y": y}, kept

    def norm_backward(self, i, settings, kept, grads):
        call = self.norm_call(i, settings)
        made = {name: self.like(i.get(name)) for name in ("x", "weight", "z")}
        call.reciprocal_rms, call.grad_out = at(kept), view(View1, grads["y"])
        call.grad_x, call.grad_z, call.grad_weight = view(View1, made["x"]), view(View1, made["z"]), at(made["weight"])
        self.run("rms_norm_backward", call)
        return made

    # -- roi_align: x (n, c, h, w), rois (k, 5)

    def roi_call(self, i, settings):
        n, c, h, w = i["x"].shape
        return RoiAlignCall(
            maps=n,
            channels=c,
            height=h,
            width=w,
            rois=i["rois"].shape[0],
            out_height=settings["output"][0],
            out_width=settings["output"][1],
            sampling_ratio=settings["sampling_ratio"],
            scale=settings["spatial_scale"],
            aligned=settings["aligned"],
            type=CODES[i["x"].dtype],
            regions=at(i["rois"]),
        )

    def roi_forward(self, i, settings):
        call = self.roi_call(i, settings)
        y = self.memory.empty([call.rois, call.channels, call.out_height, call.out_width], i["x"].dtype)
        call.features, call.out = at(i["x"]), at(y)
        self.run("roi_align_forward", call)
        return {"y": y}, None

    def roi_backward(self, i, settings, _, grads):
        call, made = self.roi_call(i, settings), self.like(i["x"], "float32")
        call.features, call.out = at(made), at(grads["y"])
        self.run("roi_align_backward", call)
        return {"x": made}

    # -- nms: boxes (k, 4), order (k), classes (k)

    def nms(self, boxes, order, classes, iou):
        n = boxes.shape[0]
        kept, kept_count = self.memory.empty([n], "int64"), self.memory.empty([1], "int64")
        self.library.pk_cuda_nms_workspace.restype = I64
        room = self.library.pk_cuda_nms_workspace(I64(n))
        workspace = self.memory.empty([room // 8], "int64")
        self.finish(
            self.library.pk_cuda_nms(
                I64(n),
                POINTER(at(boxes)),
                POINTER(at(order)),
                POINTER(at(classes)),
                DOUBLE(iou),
                POINTER(at(kept)),
                POINTER(at(kept_count)),
                ctypes.byref(self.place(workspace)),
            )
        )
        self.memory.wait()
        return [int(v) for v in self.memory.values(kept)[: int(self.memory.values(kept_count)[0])]]

    # -- ssd_scan: x, z (b, l, h, p), dt (b, l, h), A, dt_bias (h), B, C (b, l, g, n), D (h) or (h, p),
    #    initial_state (b, h, p, n)

    def scan_call(self, i, settings):
        (b, l, h, p), (g, n) = i["x"].shape, i["B"].shape[2:]
        return SsdScanCall(
            batch=b,
            length=l,
            heads=h,
            groups=g,
            head_dim=p,
            state_dim=n,
            chunk=64,
            D_per_feature=i.get("D") is not None and len(i["D"].shape) == 2,
            dt_softplus=settings["dt_softplus"],
            type=CODES[i["x"].dtype],
            **{name: view(View3, i.get(name)) for name in ("x", "dt", "B", "C", "z")},
            **{name: at(i.get(name)) for name in ("A", "D", "dt_bias", "initial_state")},
        )

    def scan_forward(self, i, settings):
        call, y = self.scan_call(i, settings), self.like(i["x"])
        state = self.memory.empty([call.batch, call.heads, call.head_dim, call.state_dim])
        kept = self.memory.empty([self.number("ssd_scan_states_size", call)])
        call.y, call.final_state, call.chunk_states = view(View3, y), at(state), at(kept)
        self.run("ssd_scan_forward", call)
        return {"y": y, "final_state": state}, kept

    def scan_backward(self, i, settings, kept, grads):
        call = self.scan_call(i, settings)
        made = {
            name: self.like(i.get(name), None if name in ("x", "z") else "float32")
            for name in ("x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state")
            if i.get(name) is not None
        }
        features = self.memory.empty([call.heads, call.head_dim]) if i.get("D") is not None else None
        call.chunk_states, call.grad_y, call.grad_final_state = (
            at(kept),
            view(View3, grads["y"]),
            at(grads.get("final_state")),
        )
        call.grad_x, call.grad_z = view(View3, made["x"]), view(View3, made.get("z"))
        call.grad_dt, call.grad_A, call.grad_B, call.grad_C = (at(made[name]) for name in ("dt", "A", "B", "C"))
        call.grad_D, call.grad_initial_state = at(features), at(made.get("initial_state"))
        self.run("ssd_scan_backward", call)
        # D's gradient is (h, p), the caller's to sum over p; dt_bias' is the sum of dt's.
        if features is not None:
            sums = self.memory.values(features)
            width = count(features.shape) // count(i["D"].shape)
            made["D"] = self.memory.tensor(
                [sum(sums[at : at + width]) for at in range(0, len(sums), width)], i["D"].shape
            )
        if "dt_bias" in made:
            steps, heads = self.memory.values(made["dt"]), call.heads
            made["dt_bias"] = self.memory.tensor([sum(steps[head::heads]) for head in range(heads)], [heads])
        return made

    def emulate_backwards(self, backwards):
        """Whether the last thread of each emulated block goes first; on a GPU threads have no order to turn round."""
        if hasattr(self.library, "pk_cuda_emulate_backwards"):
            self.library.pk_cuda_emulate_backwards(int(backwards))
