using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// Memory: bytes counted where the guard library counts them, the system's count elsewhere, and what says that there is
/// none left.
/// </summary>
public sealed class MemoryTests
{
    private const long Megabyte = 1 << 20;

    [Fact]
    public void WhatTensorsHoldIsCountedAndItsPeakKept()
    {
        Assert.SkipUnless(Engine.CountsTensors, "nobody counts tensors without the guard library");
        using var scope = NewDisposeScope();
        var before = Engine.Memory();
        Engine.ResetPeakMemory();
        var held = zeros([8 * Megabyte], uint8);
        zeros([16 * Megabyte], uint8).Dispose();
        var after = Engine.Memory();
        Assert.InRange(after.LiveBytes - before.LiveBytes, 8 * Megabyte, 8 * Megabyte + 65536);
        Assert.InRange(after.PeakBytes - before.LiveBytes, 24 * Megabyte, 24 * Megabyte + 131072);
        Assert.Equal(before.Blocks + 1, after.Blocks);
        held.Dispose();
        Engine.ResetPeakMemory();
        Assert.InRange(Engine.Memory().PeakBytes - before.LiveBytes, 0, 65536);
    }

    [Fact]
    public void TheSystemCountsTheProcess()
    {
        ResidentMemory.ResetPeak();
        long before = ResidentMemory.Read().Now;
        // Mapped by the system: a tensor may take what earlier ones left in the heap.
        using (var mapped = MemoryMappedFile.CreateNew(null, 64 * Megabyte))
        using (var view = mapped.CreateViewAccessor())
        {
            for (long at = 0; at < 64 * Megabyte; at += Environment.SystemPageSize)
                view.Write(at, (byte)1);
            Assert.InRange(ResidentMemory.Read().Now - before, 48 * Megabyte, 256 * Megabyte);
        }
        Assert.InRange(ResidentMemory.Read().Peak - before, 48 * Megabyte, 1024 * Megabyte);
    }

    [Fact]
    public void NoMemoryIsRecognised()
    {
        Assert.True(Engine.IsOutOfMemory(Assert.ThrowsAny<ExternalException>(() => empty([1L << 50], uint8))));
        Assert.True(
            Engine.IsOutOfMemory(
                new ExternalException(
                    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.80 GiB"
                )
            )
        );
        Assert.False(Engine.IsOutOfMemory(Assert.ThrowsAny<ExternalException>(() => ones([2]).mm(ones([2])))));
        Assert.False(Engine.IsOutOfMemory(new InvalidOperationException("CUDA out of memory")));
    }

    [Fact]
    public void ALimitIsKeptOrRefused()
    {
        Expect.Refused<ArgumentException>(() => Engine.LimitMemory(-1), "-1 bytes");
        if (!Engine.CountsTensors)
        {
            Expect.Refused<NotSupportedException>(() => Engine.LimitMemory(1), "guard");
            return;
        }
        Garbage.Collect();
        try
        {
            Engine.LimitMemory(Engine.Memory().LiveBytes + Megabyte);
            Assert.True(Engine.IsOutOfMemory(Assert.ThrowsAny<ExternalException>(() => empty([4 * Megabyte], uint8))));
            Assert.InRange(Engine.MemoryOf(CPU).FreeBytes, 0, Megabyte);
        }
        finally
        {
            Engine.LimitMemory(0);
        }
        using var fits = empty([4 * Megabyte], uint8);
    }
}
