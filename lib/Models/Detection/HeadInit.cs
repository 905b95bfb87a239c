using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>Initialisations of detection heads, as Detectron2 has them.</summary>
internal static class HeadInit
{
    /// <summary>N(0, deviation^2), biases 0.</summary>
    internal static Conv2d Small(Conv2d layer, double deviation)
    {
        nn.init.normal_(layer.weight, 0, deviation);
        nn.init.zeros_(layer.bias!);
        return layer;
    }

    /// <inheritdoc cref="Small(Conv2d, double)"/>
    internal static Linear Small(Linear layer, double deviation)
    {
        nn.init.normal_(layer.weight, 0, deviation);
        nn.init.zeros_(layer.bias!);
        return layer;
    }

    /// <summary>He's normal distribution by fan-out ("MSRA").</summary>
    internal static Conv2d He(Conv2d layer)
    {
        nn.init.kaiming_normal_(
            layer.weight,
            mode: nn.init.FanInOut.FanOut,
            nonlinearity: nn.init.NonlinearityType.ReLU
        );
        if (layer.bias is { } bias)
            nn.init.zeros_(bias);
        return layer;
    }

    /// <summary>Uniform with the variance 1 / fan-in ("Xavier" in Caffe2).</summary>
    internal static Linear Caffe2Xavier(Linear layer)
    {
        nn.init.kaiming_uniform_(layer.weight, a: 1);
        nn.init.zeros_(layer.bias!);
        return layer;
    }
}
