using System.Diagnostics;
using PatchKit.Models;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// A model that trains on the same random images, a step at a time, so that a step can be timed: forward, backward,
/// AdamW; in bfloat16 autocast on a GPU.
/// </summary>
public sealed class TrainingSteps : IDisposable
{
    private readonly Device _device;
    private readonly optim.Optimizer? _optimizer;
    private readonly Tensor? _images,
        _labels;

    /// <summary>Makes the model and its images.</summary>
    /// <param name="config">the model.</param>
    /// <param name="batch">images in a step.</param>
    /// <param name="device">where steps are taken.</param>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">They do not fit into the device's
    /// memory.</exception>
    public TrainingSteps(BackboneConfig config, int batch, Device device)
    {
        _device = device;
        Engine.Seed(0);
        Model = config.Create();
        try
        {
            Model.to(device);
            _optimizer = new FusedAdamW(Model.parameters(), lr: 1e-4, weight_decay: .05);
            _images = randn([batch, 3, config.Height, config.Width], device: device).DetachFromDisposeScope();
            _labels = randint(0, config.Classes, [batch], device: device).DetachFromDisposeScope();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model, which every step changes.</summary>
    public Backbone Model { get; }

    /// <summary>Takes a first step, which also touches its memory for the first time, and measures that.</summary>
    /// <returns>Bytes held at the peak of forward and backward beyond parameters, gradients, optimizer and images; null
    /// where the device does not say.</returns>
    public long? First()
    {
        using var scope = NewDisposeScope();
        // Gradients are added to zeros that are there before, and so not counted.
        foreach (var parameter in Model.parameters())
            parameter.grad = zeros_like(parameter);
        long before = Engine.MemoryOf(_device).LiveBytes;
        Engine.ResetPeakMemory(_device);
        Backward();
        long grown = Engine.MemoryOf(_device).PeakBytes - before;
        Change();
        return grown > 0 ? grown : null;
    }

    /// <summary>Takes a step.</summary>
    /// <returns>Seconds.</returns>
    public double Next()
    {
        var watch = Stopwatch.StartNew();
        _optimizer!.zero_grad();
        Backward();
        Change();
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>The mean loss of some images, computed as a step does.</summary>
    /// <param name="images">(B, 3, H, W).</param>
    /// <param name="labels">(B).</param>
    public double Loss(Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        return Forward(images.to(_device), labels.to(_device)).ToDouble();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _images?.Dispose();
        _labels?.Dispose();
        _optimizer?.Dispose();
        Model.Dispose();
    }

    private Tensor Forward(Tensor images, Tensor labels)
    {
        using var precision = _device.type == DeviceType.CUDA ? Engine.Autocast(_device) : null;
        return nn.functional.cross_entropy(Model.call(images), labels);
    }

    private void Backward()
    {
        using var scope = NewDisposeScope();
        Forward(_images!, _labels!).backward();
    }

    private void Change()
    {
        _optimizer!.step();
        if (_device.type == DeviceType.CUDA)
            cuda.synchronize(_device);
    }
}
