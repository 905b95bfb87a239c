using TorchSharp;

namespace PatchKit.Tests;

/// <summary>
/// The device that tests compute on: the environment variable PATCHKIT_TEST_DEVICE, such as "cuda"; the CPU where it is
/// absent.
/// </summary>
internal static class TestDevice
{
    internal static torch.Device Current { get; } =
        torch.device(Environment.GetEnvironmentVariable("PATCHKIT_TEST_DEVICE") ?? "cpu");
}
