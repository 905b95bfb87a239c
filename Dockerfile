# PatchKit in a container: Debian 12 with a C++ compiler and the .NET 10 SDK; NuGet brings TorchSharp and its libtorch.
#
#   docker build -t patchkit . && docker run --rm -it patchkit environment/run.sh
#
# The stage `tools` has the packages only; .devcontainer/ stops there, as the editor brings its own checkout.

# Microsoft ships no Debian image of .NET 10. Its SDK runs on any glibc Linux, so it is copied from the Ubuntu image.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS dotnet

FROM debian:bookworm-slim AS tools
COPY --from=dotnet /usr/share/dotnet /usr/share/dotnet
RUN ln -s /usr/share/dotnet/dotnet /usr/local/bin/dotnet \
    && apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git python3 libssl3 \
    && rm -rf /var/lib/apt/lists/*
ENV DOTNET_ROOT=/usr/share/dotnet \
    DOTNET_NOLOGO=1 \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 \
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
COPY environment/setup.sh environment/env.sh environment/packages.txt /tools/environment/
RUN bash /tools/environment/setup.sh --packages-only && rm -rf /tools /var/lib/apt/lists/*

FROM tools
WORKDIR /patchkit
COPY . .
# Kernels are compiled for the processor at hand; run setup.sh again after moving the image to another one.
RUN bash environment/setup.sh
CMD ["bash"]
